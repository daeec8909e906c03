//! Stolen devices, leaked invites and administrators that were removed: what each is still good for.

use serde_json::Value;

use crate::processes::Site;

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

/// Enrolls a device of `home` for `principal` with an invite.
fn enroll(site: &Site, home: &str, principal: &str, token: &str) -> crate::processes::Ended {
    let server = &site.address;
    site.run(home, &["enroll", principal, "--server", server, "--invite", token])
}

/// The token of an invite that `home` makes for `principal`.
fn invited(site: &Site, home: &str, principal: &str) -> String {
    let line = site.run(home, &["invite", principal]).line();
    text(&line["token"]).to_owned()
}

/// A server whose administrator is root, and alice, who has a laptop and a phone.
fn site() -> Site {
    let site = Site::start(&[]);
    let first = text(&site.serving["invite"]).to_owned();
    enroll(&site, "root", "root@localhost", &first).line();
    let token = invited(&site, "root", "alice@localhost");
    enroll(&site, "laptop", "alice@localhost", &token).line();
    let token = invited(&site, "laptop", "alice@localhost");
    enroll(&site, "phone", "alice@localhost", &token).line();
    site
}

/// The device of `home`.
fn device(site: &Site, home: &str) -> String {
    let keys = site.run(home, &["keys", "list"]).lines();
    let own = keys.iter().find(|key| key["this_device"] == true).unwrap();
    text(&own["device"]).to_owned()
}

fn open_invites(site: &Site, home: &str) -> Vec<Value> {
    site.run(home, &["invites"]).lines()
}

#[test]
fn each_start_tells_the_same_invite_and_nobody_uses_it_after_the_first_enrolment() {
    let mut site = Site::start(&["--open-enrollment"]);
    let first = text(&site.serving["invite"]).to_owned();
    let again = site.kill_and_restart(&["--open-enrollment"]);
    assert_eq!(again["invite"], *first);
    site.enroll("alice");
    assert_eq!(enroll(&site, "mallory", "root@localhost", &first).error(4), "bad-invite");
    let later = site.kill_and_restart(&["--open-enrollment"]);
    assert_eq!(later.get("invite"), None);
    assert_eq!(enroll(&site, "mallory", "root@localhost", &first).error(4), "bad-invite");
}

#[test]
fn an_invite_that_leaked_is_withdrawn_by_its_maker_or_an_administrator() {
    let mut site = site();
    let (mine, bobs) =
        (invited(&site, "phone", "alice@localhost"), invited(&site, "root", "bob@localhost"));
    assert_eq!(open_invites(&site, "root").len(), 2);
    let own = open_invites(&site, "laptop");
    assert_eq!((own.len(), text(&own[0]["device"])), (1, device(&site, "phone").as_str()));
    let others = open_invites(&site, "root");
    let bobs_id = others.iter().find(|it| it["principal"] == "bob@localhost").unwrap();
    let id = &text(&bobs_id["invite"])[..16];
    assert_eq!(site.run("laptop", &["invites", "withdraw", id]).error(1), "no-invite");
    site.run("laptop", &["invites", "withdraw", &text(&own[0]["invite"])[..16]]).line();
    site.run("root", &["invites", "withdraw", id]).line();
    site.kill_and_restart(&[]);
    assert_eq!(enroll(&site, "mallory", "alice@localhost", &mine).error(4), "bad-invite");
    assert_eq!(enroll(&site, "mallory", "bob@localhost", &bobs).error(4), "bad-invite");
    assert!(open_invites(&site, "root").is_empty());
}

#[test]
fn what_a_stolen_device_made_to_come_back_with_ends_when_it_is_revoked() {
    let mut site = site();
    let kept = invited(&site, "laptop", "alice@localhost");
    let back_door = invited(&site, "phone", "alice@localhost");
    site.run("laptop", &["keys", "revoke", &device(&site, "phone")]).line();
    site.kill_and_restart(&[]);
    assert_eq!(enroll(&site, "mallory", "alice@localhost", &back_door).error(4), "bad-invite");
    enroll(&site, "tablet", "alice@localhost", &kept).line();
}

#[test]
fn what_an_administrator_made_ends_when_it_is_suspended() {
    let site = site();
    let token = {
        let line = site.run("root", &["invite", "boss@localhost", "--admin"]).line();
        text(&line["token"]).to_owned()
    };
    enroll(&site, "boss", "boss@localhost", &token).line();
    let sleeper = invited(&site, "boss", "sleeper@localhost");
    site.run("root", &["domain", "suspend", "boss@localhost"]).line();
    assert_eq!(enroll(&site, "mallory", "sleeper@localhost", &sleeper).error(4), "bad-invite");
    site.run("root", &["domain", "resume", "boss@localhost"]).line();
    assert_eq!(enroll(&site, "mallory", "sleeper@localhost", &sleeper).error(4), "bad-invite");
}

#[test]
fn what_a_stolen_device_published_and_granted_ends_when_it_is_revoked() {
    let mut site = site();
    let token = invited(&site, "root", "eve@localhost");
    enroll(&site, "eve", "eve@localhost", &token).line();
    for (home, note) in [("phone", "gone for good"), ("laptop", "at my desk")] {
        site.run(home, &["publish", "open", "--note", note]).line();
    }
    site.run("phone", &["grant", "give", "eve@localhost", "read"]).line();
    let mut feed = site.stay("eve", &["inbox", "--of", "im:alice@localhost", "--follow"]);
    site.run("root", &["send", "im:alice@localhost", "hello"]).line();
    assert_eq!(feed.object()["body"], "hello");
    site.run("laptop", &["keys", "revoke", &device(&site, "phone")]).line();
    assert_eq!(feed.ended(), Some(1), "the feed that the phone let eve open ends at once");
    let shown = |site: &Site| site.run("root", &["fetch", "pres:alice@localhost"]).stdout;
    assert!(!shown(&site).contains("gone for good") && shown(&site).contains("at my desk"));
    site.kill_and_restart(&[]);
    assert!(!shown(&site).contains("gone for good") && shown(&site).contains("at my desk"));
    assert!(site.run("laptop", &["grant", "list"]).lines().is_empty());
}

#[test]
fn another_device_removes_a_single_publication() {
    let site = site();
    for (home, note) in [("phone", "gone for good"), ("laptop", "at my desk")] {
        site.run(home, &["publish", "open", "--note", note]).line();
    }
    let phone = device(&site, "phone");
    assert_eq!(site.run("laptop", &["publications"]).lines().len(), 2);
    let of = ["publications", "remove", &phone, "--of", "pres:alice@localhost"];
    assert_eq!(
        site.run("root", &of).error(1),
        "forbidden",
        "an administrator publishes for nobody"
    );
    site.run("laptop", &["publications", "remove", &phone]).line();
    assert_eq!(site.run("laptop", &["publications", "remove", &phone]).error(1), "no-publication");
    let left = site.run("phone", &["publications"]).lines();
    assert_eq!((left.len(), left[0]["this_device"].as_bool()), (1, Some(false)));
}

#[test]
fn a_domain_in_which_anybody_lives_is_not_removed() {
    let mut site = site();
    site.run("root", &["domain", "create", "x.example"]).line();
    let line = site.run("root", &["invite", "boss@x.example", "--admin"]).line();
    enroll(&site, "boss", "boss@x.example", text(&line["token"])).line();
    let remove = ["domain", "remove", "x.example"];
    assert_eq!(site.run("root", &remove).error(1), "domain-inhabited");
    site.run("boss", &["keys", "revoke", &device(&site, "boss")]);
    site.kill_and_restart(&[]);
    site.run("root", &remove).line();
}

/// What stands in the server's place: another one, with a key and a store of its own, that takes whoever comes.
fn impostor() -> Site {
    Site::open()
}

#[test]
fn an_invite_is_shown_to_nobody_but_its_server() {
    let (site, between) = (site(), impostor());
    let token = invited(&site, "root", "bob@localhost");
    let there = ["enroll", "bob@localhost", "--server", &between.address, "--invite", &token];
    assert_eq!(site.run("bob", &there).error(4), "server-key-changed");
    let trusting = [&there[..], &["--trust-on-first-use"]].concat();
    assert_eq!(
        site.run("bob", &trusting).error(4),
        "server-key-changed",
        "the invite knows better"
    );
    let key = text(&between.serving["server_key"]);
    let told_wrong = [&there[..], &["--server-key", key]].concat();
    assert_eq!(site.run("bob", &told_wrong).error(2), "bad-field");
    enroll(&site, "bob", "bob@localhost", &token).line();
}

#[test]
fn a_key_that_nobody_vouched_for_is_shown_and_not_trusted() {
    let mut site = Site::start(&["--open-enrollment"]);
    // An address of this machine that is none of its loopback ones, if it has any.
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").unwrap();
    let outside = socket.connect("192.0.2.1:9").and_then(|()| socket.local_addr());
    let Some(ip) = outside.ok().map(|it| it.ip()).filter(|ip| !ip.is_loopback()) else { return };
    drop(socket);
    site.stop();
    let port = site.address.rsplit_once(':').unwrap().1.to_owned();
    site.address = format!("{ip}:{port}");
    site.start_again(&["--open-enrollment"]);
    let line = ["enroll", "alice@localhost", "--server", &site.address.clone()];
    let refused = site.run("alice", &line);
    assert!(refused.stderr.contains(text(&site.serving["server_key"])), "{}", refused.stderr);
    assert_eq!(refused.error(2), "server-key-unknown");
    let trusting = [&line[..], &["--trust-on-first-use"]].concat();
    site.run("alice", &trusting).line();
    let key = text(&site.serving["server_key"]).to_owned();
    let bob = ["enroll", "bob@localhost", "--server", &site.address, "--server-key", &key];
    site.run("bob", &bob).line();
}
