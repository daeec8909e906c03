//! The commands about who decides what, against a real server: rules, requests, watchers, delivery, grants, the past,
//! domains, anonymous ones.
//!
//! Must never hold: a rule of the service that has a test of its own below the command line.

use crate::processes::{Ended, Site};
use serde_json::{Value, json};

/// A server with an administrator, where alice and bob are enrolled and access waits for a decision.
fn site() -> Site {
    Site::with_alice_and_bob()
}

fn fetch(site: &Site, who: &str) -> Ended {
    site.run(who, &["fetch", "pres:alice@localhost"])
}

fn rules(site: &Site, arguments: &[&str]) -> Value {
    site.run("alice", &[&["rules"], arguments].concat()).line()
}

fn publish(site: &Site, who: &str) {
    let note = ["publish", "open", "--note", "here", "--contact", "im:alice@localhost"];
    site.run(who, &note).line();
}

/// Fetches of `who` as nobody in particular.
fn fetch_unnamed(site: &Site, presentity: &str) -> Ended {
    let server = site.address.as_str();
    site.run("nobody", &["fetch", presentity, "--anonymous", "--server", server])
}

#[test]
fn who_is_nobody_is_told_that_this_server_lets_nobody_in_without_a_name() {
    let site = site();
    for presentity in ["pres:alice@localhost", "pres:nobody@localhost"] {
        assert_eq!(fetch_unnamed(&site, presentity).error(1), "anonymous");
    }
    let watch = ["watch", "pres:alice@localhost", "--anonymous", "--server", &site.address];
    assert_eq!(site.run("nobody", &watch).error(1), "anonymous", "it does not try for ever");
}

#[test]
fn rules_are_set_listed_and_removed_by_name() {
    let site = site();
    site.run("alice", &["publish", "open", "--tuple", "desk"]).line();
    let changed = rules(&site, &["allow", "bob@localhost", "--view", "tuples=desk,no-notes"]);
    assert_eq!((&changed["type"], &changed["version"]), (&json!("changed"), &json!(1)));
    rules(&site, &["polite-block", "@localhost", "--fetch"]);
    let listed = site.run("alice", &["rules", "list"]).lines();
    let names: Vec<&Value> = listed.iter().map(|line| &line["name"]).collect();
    assert_eq!(names, ["@localhost/fetch", "bob@localhost"]);
    assert_eq!(
        (&listed[0]["fetch"], &listed[0]["subscribe"]),
        (&json!("polite-block"), &json!(null))
    );
    let view = json!({ "tuples": ["desk"], "notes": false, "contact": true, "markup": true });
    assert_eq!((&listed[1]["view"], &listed[1]["version"]), (&view, &json!(2)));

    let removed = rules(&site, &["remove", "bob@localhost", "@localhost/fetch"]);
    assert_eq!(removed["version"], 3);
    assert_eq!(site.run("alice", &["rules", "list"]).lines().len(), 0);
    let missing = site.run("alice", &["rules", "remove", "bob@localhost"]);
    assert_eq!(missing.error(1), "no-rule");
}

#[test]
fn a_wrong_part_of_a_rule_is_named() {
    let site = site();
    let set = |arguments: &[&str]| site.run("alice", &[&["rules"], arguments].concat());
    assert_eq!(set(&["allow", "bob@elsewhere.example"]).error(1), "foreign-domain");
    assert_eq!(
        set(&["allow", "bob@localhost", "--view", "tuples=nosuch"]).error(1),
        "unknown-tuple"
    );
    assert_eq!(set(&["allow", "bob@localhost", "--view", "nosuch"]).error(2), "usage");
    assert_eq!(set(&["allow", "bob@localhost", "--if-version", "9"]).error(1), "stale-version");
    assert_eq!(set(&["allow", "bob"]).error(2), "usage");
    assert_eq!(site.run("alice", &["rules", "list"]).lines().len(), 0, "nothing was set");
    let others = site.run("bob", &["rules", "list", "--of", "pres:alice@localhost"]);
    assert_eq!(others.error(1), "forbidden");
}

#[test]
fn a_watcher_is_shown_what_the_rule_about_it_grants() {
    let site = site();
    publish(&site, "alice");
    rules(&site, &["allow", "bob@localhost", "--view", "no-notes,no-contact"]);
    let seen = fetch(&site, "bob").line();
    assert_eq!(seen["tuples"][0]["status"], "open");
    assert!(seen["tuples"][0].get("note").is_none() && seen["tuples"][0].get("contact").is_none());
    rules(&site, &["block", "bob@localhost"]);
    assert_eq!(fetch(&site, "bob").error(1), "refused");
    rules(&site, &["polite-block", "bob@localhost"]);
    let polite = fetch(&site, "bob").line();
    assert_eq!(polite["state"], "active");
    assert_ne!(polite["tuples"], seen["tuples"]);
    assert_eq!(fetch(&site, "alice").line()["tuples"][0]["note"], "here", "the owner sees all");
}

#[test]
fn who_waits_is_listed_and_let_in_or_kept_out() {
    let site = site();
    site.enroll("carol");
    publish(&site, "alice");
    rules(&site, &["confirm", "@localhost"]);
    let mut watch = site.stay("bob", &["watch", "pres:alice@localhost"]);
    assert_eq!(watch.object()["state"], "pending");
    assert_eq!(fetch(&site, "carol").line()["state"], "pending");

    let waiting = site.run("alice", &["requests"]).lines();
    let who: Vec<&Value> = waiting.iter().map(|line| &line["watcher"]).collect();
    assert_eq!(who, ["bob@localhost", "carol@localhost"]);
    assert_eq!((&waiting[0]["type"], &waiting[0]["state"]), (&json!("watcher"), &json!("pending")));
    let slip = site.run("alice", &["requests", "approve", "bbo@localhost"]);
    assert_eq!(slip.error(1), "no-request");

    site.run("alice", &["requests", "approve", "bob@localhost"]).line();
    let granted = watch.object();
    assert_eq!(
        (&granted["state"], &granted["tuples"][0]["note"]),
        (&json!("active"), &json!("here"))
    );
    site.run("alice", &["requests", "deny", "carol@localhost"]).line();
    assert_eq!(fetch(&site, "carol").error(1), "refused");
    assert_eq!(site.run("alice", &["requests"]).lines().len(), 0);
}

#[test]
fn watchers_are_listed_followed_and_ended() {
    let site = site();
    publish(&site, "alice");
    rules(&site, &["allow", "@localhost"]);
    let mut watch = site.stay("bob", &["watch", "pres:alice@localhost"]);
    assert_eq!(watch.object()["state"], "active");
    let mut follow = site.stay("alice", &["watchers", "--follow"]);
    let first = follow.object();
    assert_eq!((&first["watcher"], &first["state"]), (&json!("bob@localhost"), &json!("active")));
    let listed = site.run("alice", &["watchers", "pres:alice@localhost"]).line();
    assert_eq!((&listed["handling"], &listed["subscriptions"]), (&json!("allow"), &json!(1)));

    site.run("alice", &["watchers", "end", "bob@localhost"]).line();
    let ended = watch.object();
    assert_eq!((&ended["state"], &ended["reason"]), (&json!("terminated"), &json!("rejected")));
    assert_eq!(follow.object()["state"], "terminated");
    let again = site.run("alice", &["watchers", "end", "bob@localhost"]);
    assert_eq!(again.error(1), "no-subscription");
}

#[test]
fn delivery_rules_refuse_quarantine_and_tell_why() {
    let site = site();
    let delivery = |arguments: &[&str]| site.run("bob", &[&["delivery"], arguments].concat());
    delivery(&["refuse", "everyone", "--type", "image/*", "--reason", "no pictures"]).line();
    delivery(&["quarantine", "alice@localhost", "--larger-than", "10"]).line();
    let listed = delivery(&["list"]).lines();
    assert_eq!((&listed[0]["type"], &listed[0]["version"]), (&json!("delivery"), &json!(2)));
    assert_eq!(listed[2]["action"], "refuse");

    let send = |text: &str, kind: &str| {
        site.run("alice", &["send", "im:bob@localhost", text, "--type", kind])
    };
    let refused = send("x", "image/png");
    assert!(refused.stderr.contains("no pictures"), "{}", refused.stderr);
    assert_eq!(refused.error(1), "delivery-refused");
    send("a long letter", "text/plain").line();
    send("short", "text/plain").line();
    assert_eq!(site.run("bob", &["inbox"]).line()["body"], "short");
    assert_eq!(site.run("bob", &["inbox", "--quarantine"]).line()["body"], "a long letter");
    delivery(&["remove", "everyone/image/*"]).line();
    assert_eq!(delivery(&["remove", "everyone/image/*"]).error(1), "no-rule");
    assert_eq!(delivery(&["discard", "alice@localhost"]).error(1), "bad-field");
}

#[test]
fn a_sender_is_told_what_it_asked_to_be_told() {
    let site = site();
    site.run("bob", &["delivery", "receipts", "on"]).line();
    let wanted = ["--receipt", "stored,delivered,displayed", "--id", "m1"];
    site.run("alice", &[&["send", "im:bob@localhost", "lunch?"], &wanted[..]].concat()).line();
    site.run("bob", &["inbox", "--displayed"]).line();
    let receipts = site.run("alice", &["inbox", "--follow", "--count", "3"]).lines();
    let mut kinds: Vec<&str> = receipts.iter().map(|line| line["kind"].as_str().unwrap()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["delivered", "displayed", "stored"]);
    for receipt in &receipts {
        assert_eq!((&receipt["type"], &receipt["id"]), (&json!("receipt"), &json!("m1")));
        assert_eq!(receipt["recipient"], "im:bob@localhost");
    }
}

#[test]
fn a_grant_lets_another_publish_and_read_and_is_taken_back() {
    let site = site();
    let publish = ["publish", "open", "--note", "by bob", "--for", "pres:alice@localhost"];
    assert_eq!(site.run("bob", &publish).error(1), "forbidden");
    site.run("alice", &["grant", "give", "bob@localhost", "publish,read"]).line();
    let grant = site.run("alice", &["grant", "list"]).line();
    assert_eq!(grant["grantee"], "bob@localhost");
    assert_eq!(grant["rights"], json!(["publish", "read"]));
    site.run("bob", &publish).line();
    assert_eq!(fetch(&site, "alice").line()["tuples"][0]["note"], "by bob");
    site.run("bob", &["send", "im:alice@localhost", "hello"]).line();
    let read = site.run("bob", &["inbox", "--of", "im:alice@localhost", "--keep"]).line();
    assert_eq!(read["body"], "hello");
    site.run("alice", &["grant", "take", "bob@localhost"]).line();
    assert_eq!(site.run("bob", &publish).error(1), "forbidden");
    assert_eq!(site.run("alice", &["grant", "give", "bob@localhost", "fly"]).error(2), "usage");
}

#[test]
fn a_member_sends_in_the_name_of_its_group() {
    let site = site();
    site.enroll("team");
    let from = ["send", "im:alice@localhost", "from us", "--from", "team@localhost"];
    assert_eq!(site.run("bob", &from).error(1), "not-your-sender");
    site.run("team", &["grant", "give", "bob@localhost", "member"]).line();
    site.run("bob", &from).line();
    assert_eq!(site.run("alice", &["inbox"]).line()["from"], "team@localhost");
}

#[test]
fn the_past_is_listed_fetched_and_explained() {
    let site = site();
    rules(&site, &["allow", "bob@localhost"]);
    site.run("alice", &["publish", "open", "--note", "one"]).line();
    let first = site.run("alice", &["history"]).line();
    assert_eq!((&first["type"], &first["what"]), (&json!("change"), &json!("published")));
    let then = first["at"].as_str().unwrap().to_owned();
    site.run("alice", &["publish", "open", "--note", "two"]).line();
    site.run("alice", &["publish", "--remove"]).line();
    rules(&site, &["block", "bob@localhost"]);

    let all = site.run("alice", &["history", "pres:alice@localhost"]).lines();
    let what: Vec<&str> = all.iter().map(|line| line["what"].as_str().unwrap()).collect();
    assert_eq!(what, ["removed", "published", "published"], "newest first");
    assert_eq!(all[0]["by"], "alice@localhost");
    assert_eq!(site.run("alice", &["history", "--limit", "1"]).lines().len(), 1);
    let past = site.run("alice", &["fetch", "pres:alice@localhost", "--at", &then]).line();
    assert_eq!(past["tuples"][0]["note"], "one");
    assert_eq!(site.run("bob", &["history", "pres:alice@localhost"]).error(1), "forbidden");

    let explain = |at: &[&str]| {
        let watcher = ["explain", "--watcher", "bob@localhost"];
        site.run("alice", &[&watcher[..], at].concat()).line()
    };
    let now = explain(&[]);
    assert_eq!((&now["version"], &now["fetch"]["handling"]), (&json!(2), &json!("block")));
    assert_eq!(now["fetch"]["rule"], "bob@localhost");
    let before = explain(&["--at", &then]);
    assert_eq!((&before["version"], &before["fetch"]["handling"]), (&json!(1), &json!("allow")));
}

#[test]
fn who_is_nobody_sees_what_rules_for_nobody_show_and_leaves_nothing_behind() {
    let site = Site::start(&["--open-enrollment", "--anonymous"]);
    site.enroll("alice");
    publish(&site, "alice");
    assert_eq!(fetch_unnamed(&site, "pres:alice@localhost").error(1), "refused");
    assert_eq!(fetch_unnamed(&site, "pres:nobody@localhost").error(1), "refused", "the same");
    rules(&site, &["allow", "anonymous"]);
    let seen = fetch_unnamed(&site, "pres:alice@localhost").line();
    assert_eq!(seen["tuples"][0]["note"], "here");
    let anonymous = ["--anonymous", "--server", &site.address];
    let mut watch =
        site.stay("nobody", &[&["watch", "pres:alice@localhost"], &anonymous[..]].concat());
    assert_eq!(watch.object()["state"], "active");
    let sent =
        site.run("nobody", &[&["send", "im:alice@localhost", "psst"], &anonymous[..]].concat());
    assert_eq!(sent.error(1), "delivery-refused");
    assert!(!site.home("nobody").exists(), "no file is kept");
    let both = site.run(
        "alice",
        &[&["--as", "alice@localhost", "fetch", "pres:alice@localhost"], &anonymous[..]].concat(),
    );
    assert_eq!(both.error(2), "usage");
}

#[test]
fn one_is_shown_as_a_watcher_to_those_one_says() {
    let site = site();
    site.run("bob", &["visibility", "show", "@localhost"]).line();
    site.run("bob", &["visibility", "hide", "alice@localhost"]).line();
    let listed = site.run("bob", &["visibility", "list"]).lines();
    let mut shown: Vec<(&Value, &Value)> =
        listed.iter().map(|line| (&line["who"], &line["shown"])).collect();
    shown.sort_by_key(|(who, _)| who.to_string());
    assert_eq!(
        shown,
        [(&json!("@localhost"), &json!(true)), (&json!("alice@localhost"), &json!(false))]
    );
    site.run("bob", &["visibility", "remove", "@localhost"]).line();
    assert_eq!(site.run("bob", &["visibility", "remove", "@localhost"]).error(1), "no-rule");
}

#[test]
fn an_administrator_manages_domains_and_everybody_sees_what_was_done() {
    let site = Site::administered();
    let domain = |arguments: &[&str]| site.run("admin", &[&["domain"], arguments].concat());

    domain(&["create", "team.example"]).line();
    assert_eq!(domain(&["create", "localhost"]).error(1), "domain-exists");
    assert_eq!(domain(&["remove", "localhost"]).error(1), "domain-configured");
    domain(&["switch", "team.example", "--messaging", "off"]).line();
    let listed = domain(&["list"]).lines();
    let expected = json!({
        "type": "domain", "domain": "team.example", "configured": false, "presence": true,
        "messaging": false, "principals": 0, "recovery_delay_s": 86_400, "recovery_earlier": false, "recipients_keep": false,
    });
    assert!(listed.contains(&expected), "{listed:?}");
    domain(&["remove", "team.example"]).line();
    assert_eq!(domain(&["list"]).lines().len(), 1);

    domain(&["services", "bob@localhost", "--presence", "off"]).line();
    domain(&["suspend", "bob@localhost"]).line();
    assert_eq!(site.run("bob", &["inbox"]).exit, 4, "a suspended principal can do nothing");
    domain(&["resume", "bob@localhost"]).line();
    let acts = site.run("bob", &["domain", "acts"]).lines();
    let words: Vec<&str> = acts.iter().map(|act| act["act"].as_str().unwrap()).collect();
    assert_eq!(words, ["switched-services", "suspended", "resumed"]);
    assert_eq!(acts[0]["by"], "admin@localhost");
    assert_eq!(site.run("bob", &["domain", "list"]).error(1), "forbidden");
}

#[test]
fn another_spelling_is_no_other_account_and_gets_round_no_rule() {
    let site = Site::with_alice_and_bob();
    for spelling in ["ａlice@localhost", "ALICE@Localhost", "𝐚lice@localhost", "alice@ｌocalhost"]
    {
        let enrolled = site.run("eve", &["enroll", spelling, "--server", &site.address]);
        assert_eq!(enrolled.error(4), "name-taken", "{spelling}");
    }
    site.run("bob", &["delivery", "refuse", "ａlice@localhost"]).line();
    let refused = site.run("alice", &["send", "im:bob@localhost", "hello"]);
    assert_eq!(refused.error(1), "delivery-refused");
    site.run("alice", &["publish", "open", "--note", "here"]).line();
    let fetched = site.run("bob", &["fetch", "pres:%EF%BD%81lice@localhost"]).line();
    assert_eq!(fetched["presentity"], "pres:alice@localhost");
    let enrolled =
        site.run("eve", &["enroll", "a\u{200b}lice@localhost", "--server", &site.address]);
    assert_eq!(enrolled.exit, 2);
    assert!(enrolled.stderr.contains("may not hold U+200B"), "{}", enrolled.stderr);
}
