//! The commands against a real server: what they print, how they end, and what they leave behind.
//!
//! Must never hold: a rule of the service that has a test of its own below the command line.

use std::io::Read;
use std::process::Stdio;

use crate::processes::{Site, run};
use serde_json::{Value, json};

/// The names in an object, in order.
pub(crate) fn names(line: &Value) -> Vec<&str> {
    let mut names: Vec<&str> = line.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    names
}

fn note(line: &Value) -> &str {
    line["tuples"][0]["note"].as_str().unwrap_or("")
}

#[test]
fn publishing_and_fetching_have_the_promised_fields() {
    let site = Site::with_alice_and_bob();
    let published = site.run(
        "alice",
        &[
            "publish",
            "open",
            "--note",
            "at my desk",
            "--contact",
            "im:alice@localhost",
            "--priority",
            "0.8",
            "--tuple",
            "desk",
            "--lifetime",
            "2h",
        ],
    );
    let published = published.line();
    assert_eq!(names(&published), ["durability", "expires_s", "presentity", "tag", "type"]);
    assert_eq!(published["presentity"], "pres:alice@localhost");
    assert_eq!(
        (&published["expires_s"], &published["durability"]),
        (&json!(7_200), &json!("synced"))
    );

    let fetched = site.run("bob", &["fetch", "pres:alice@localhost"]).line();
    assert_eq!(names(&fetched), ["cursor", "presentity", "state", "tuples", "type"]);
    assert_eq!((&fetched["type"], &fetched["state"]), (&json!("presence"), &json!("active")));
    let tuple = &fetched["tuples"][0];
    assert_eq!(names(tuple), ["contact", "id", "note", "priority", "status", "timestamp"]);
    assert_eq!((&tuple["status"], &tuple["note"]), (&json!("open"), &json!("at my desk")));
    assert_eq!(
        (&tuple["contact"], &tuple["priority"]),
        (&json!("im:alice@localhost"), &json!(0.8))
    );
}

#[test]
fn a_publication_is_changed_refreshed_and_removed_by_separate_commands() {
    let site = Site::with_alice_and_bob();
    site.run("alice", &["publish", "open", "--note", "one"]).line();
    site.run("alice", &["publish", "closed", "--note", "two"]).line();
    let fetched = site.run("bob", &["fetch", "pres:alice@localhost"]).line();
    assert_eq!(fetched["tuples"].as_array().unwrap().len(), 1, "a change replaces");
    assert_eq!((&fetched["tuples"][0]["status"], note(&fetched)), (&json!("closed"), "two"));

    let refreshed = site.run("alice", &["publish", "--refresh", "--lifetime", "3h"]).line();
    assert_eq!(refreshed["expires_s"], 10_800);
    let removed = site.run("alice", &["publish", "--remove"]).line();
    assert_eq!(removed["expires_s"], 0);
    let fetched = site.run("bob", &["fetch", "pres:alice@localhost"]).line();
    assert_eq!((&fetched["tuples"][0]["status"], note(&fetched)), (&json!("closed"), ""));
    assert_eq!(site.run("alice", &["publish", "--remove"]).error(1), "nothing-published");
}

#[test]
fn publications_of_different_names_stand_side_by_side() {
    let site = Site::with_alice_and_bob();
    site.run("alice", &["publish", "open", "--note", "one"]).line();
    site.run("alice", &["publish", "open", "--note", "two", "--name", "phone"]).line();
    let fetched = site.run("bob", &["fetch", "pres:alice@localhost"]).line();
    assert_eq!(fetched["tuples"].as_array().unwrap().len(), 2);
}

#[test]
fn a_watch_begins_with_the_state_and_goes_on_where_it_stopped() {
    let site = Site::with_alice_and_bob();
    let watch = ["watch", "pres:alice@localhost", "--every", "--until-caught-up"];
    site.run("alice", &["publish", "open", "--note", "one"]).line();
    let first = site.run("bob", &watch).line();
    assert_eq!(note(&first), "one");
    assert!(first["cursor"].as_str().is_some_and(|cursor| !cursor.is_empty()));
    assert_eq!(site.run("bob", &watch).lines().len(), 0, "nothing is told twice");

    site.run("alice", &["publish", "open", "--note", "two"]).line();
    site.run("alice", &["publish", "open", "--note", "three"]).line();
    let missed = site.run("bob", &watch).lines();
    assert_eq!(missed.iter().map(note).collect::<Vec<_>>(), ["two", "three"]);

    let again = site.run("bob", &[&watch[..], &["--anew"]].concat()).lines();
    assert_eq!(again.iter().map(note).collect::<Vec<_>>(), ["one", "two", "three"]);
    let latest = ["watch", "pres:alice@localhost", "--anew", "--until-caught-up"];
    assert_eq!(note(&site.run("bob", &latest).line()), "three");
}

#[test]
fn a_watch_tells_changes_as_they_happen_and_stops_at_its_count_and_on_a_signal() {
    let site = Site::with_alice_and_bob();
    let mut watch = site.stay("bob", &["watch", "pres:alice@localhost", "--every"]);
    assert_eq!(watch.object()["tuples"][0]["status"], "closed");
    site.run("alice", &["publish", "open", "--note", "one"]).line();
    assert_eq!(note(&watch.object()), "one");
    assert_eq!(watch.stop("TERM"), Some(0));

    site.run("alice", &["publish", "open", "--note", "two"]).line();
    site.run("alice", &["publish", "open", "--note", "three"]).line();
    let counted = ["watch", "pres:alice@localhost", "--every", "--count", "1"];
    assert_eq!(note(&site.run("bob", &counted).line()), "two");
    assert_eq!(note(&site.run("bob", &counted).line()), "three");
    let mut watch = site.stay("bob", &["watch", "pres:alice@localhost", "--anew"]);
    assert_eq!(note(&watch.object()), "three");
    assert_eq!(watch.stop("INT"), Some(0));
}

#[test]
fn a_watch_outlives_its_server() {
    let mut site = Site::with_alice_and_bob();
    let arguments = ["watch", "pres:alice@localhost", "--every", "--keep-alive", "500ms"];
    let mut watch = site.stay("bob", &arguments);
    watch.object();
    site.run("alice", &["publish", "open", "--note", "before"]).line();
    assert_eq!(note(&watch.object()), "before");
    let serving = site.kill_and_restart(&[]);
    assert!(serving.get("invite").is_none(), "the store still knows who is enrolled");
    site.run("alice", &["publish", "open", "--note", "after"]).line();
    assert_eq!(note(&watch.object()), "after");
}

#[test]
fn a_second_watch_of_the_same_is_refused() {
    let site = Site::with_alice_and_bob();
    let mut watch = site.stay("bob", &["watch", "pres:alice@localhost"]);
    watch.object();
    assert_eq!(site.run("bob", &["watch", "pres:alice@localhost"]).error(1), "locked");
}

#[test]
fn a_watch_whose_reader_went_away_ends_quietly() {
    let site = Site::with_alice_and_bob();
    let mut command = site.plain_command("bob", &["watch", "pres:alice@localhost", "--every"]);
    let mut watch = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 1];
    let mut stdout = watch.stdout.take().unwrap();
    stdout.read_exact(&mut first).unwrap();
    drop(stdout);
    site.run("alice", &["publish", "open", "--note", "one"]).line();
    let ended = watch.wait_with_output().unwrap();
    assert_eq!(ended.status.code(), Some(0));
    assert_eq!(String::from_utf8(ended.stderr).unwrap(), "");
    let missed = ["watch", "pres:alice@localhost", "--every", "--until-caught-up"];
    let missed = site.run("bob", &missed).lines();
    assert_eq!(note(missed.last().unwrap()), "one", "what nobody read is told again");
}

#[test]
fn a_subscription_ends_when_it_is_asked_to() {
    let site = Site::with_alice_and_bob();
    site.run("bob", &["watch", "pres:alice@localhost", "--until-caught-up"]).line();
    let unwatched = site.run("bob", &["unwatch", "pres:alice@localhost"]).line();
    assert_eq!(unwatched, json!({"type": "unwatched", "presentity": "pres:alice@localhost"}));
    let never = site.run("alice", &["unwatch", "pres:bob@localhost"]);
    assert_eq!(never.error(1), "no-subscription");
}

#[test]
fn a_message_waits_is_read_once_and_has_the_promised_fields() {
    let site = Site::with_alice_and_bob();
    let arguments = ["send", "im:bob@localhost", "lunch?", "--id", "m1", "--ttl", "1d"];
    let sent = site.run("alice", &arguments).line();
    assert_eq!(
        sent,
        json!({"type": "sent", "id": "m1", "inbox": "im:bob@localhost", "result": "stored", "durability": "synced", "duplicate": false})
    );
    assert_eq!(site.run("alice", &arguments).line()["duplicate"], true);

    let message = site.run("bob", &["inbox"]).line();
    assert_eq!(
        names(&message),
        ["accepted_at", "body", "content_type", "from", "id", "inbox", "sequence", "ttl_s", "type"]
    );
    assert_eq!(
        (&message["body"], &message["content_type"]),
        (&json!("lunch?"), &json!("text/plain"))
    );
    assert_eq!((&message["from"], &message["sequence"]), (&json!("alice@localhost"), &json!(1)));
    assert_eq!(
        (&message["inbox"], &message["ttl_s"]),
        (&json!("im:bob@localhost"), &json!(86_400))
    );
    assert_eq!(site.run("bob", &["inbox"]).lines().len(), 0);
}

#[test]
fn a_kept_message_is_printed_again_and_a_deleted_one_is_gone() {
    let site = Site::with_alice_and_bob();
    for text in ["one", "two"] {
        site.run("alice", &["send", "im:bob@localhost", text]).line();
    }
    assert_eq!(site.run("bob", &["inbox", "--keep"]).lines().len(), 2);
    let first = site.run("bob", &["inbox", "--count", "1"]).line();
    assert_eq!(first["body"], "one");
    assert_eq!(site.run("bob", &["inbox", "--from-start", "--keep"]).lines().len(), 2);
    let deleted = site.run("bob", &["inbox", "--delete"]).lines();
    assert_eq!(deleted.last().unwrap()["type"], "deleted");
    assert_eq!(deleted.last().unwrap()["count"], 1);
    let left = site.run("bob", &["inbox", "--from-start", "--keep"]).line();
    assert_eq!(left["body"], "one");
}

#[test]
fn all_of_one_sender_is_dropped_unseen() {
    let site = Site::with_alice_and_bob();
    for text in ["one", "two"] {
        site.run("alice", &["send", "im:bob@localhost", text]).line();
    }
    site.run("bob", &["send", "im:bob@localhost", "to myself"]).line();
    let deleted = site.run("bob", &["inbox", "--drop-from", "alice@localhost"]).line();
    assert_eq!(deleted, json!({"type": "deleted", "inbox": "im:bob@localhost", "count": 2}));
    assert_eq!(site.run("bob", &["inbox"]).line()["body"], "to myself");
    let both = site.run("bob", &["inbox", "--drop-from", "alice@localhost", "--follow"]);
    assert_eq!(both.exit, 2);
}

#[test]
fn an_inbox_that_is_followed_prints_messages_as_they_come() {
    let site = Site::with_alice_and_bob();
    let mut inbox = site.stay("bob", &["inbox", "--follow"]);
    site.run("alice", &["send", "im:bob@localhost", "one"]).line();
    assert_eq!(inbox.object()["body"], "one");
    assert_eq!(inbox.stop("TERM"), Some(0));
    assert_eq!(site.run("bob", &["inbox"]).lines().len(), 0);
}

#[test]
fn bodies_come_from_files_and_standard_input_unchanged() {
    let site = Site::with_alice_and_bob();
    let path = site.file("body");
    std::fs::write(&path, [0, 159, 146, 150]).unwrap();
    site.run("alice", &["send", "im:bob@localhost", "--file", path.to_str().unwrap()]).line();
    site.run_with("alice", &["send", "im:bob@localhost", "-", "--type", "text/markdown"], b"# a\n")
        .line();
    let messages = site.run("bob", &["inbox"]).lines();
    assert_eq!(messages[0]["body_base64"], "AJ+Slg==");
    assert_eq!(messages[0]["content_type"], "application/octet-stream");
    assert_eq!(messages[1]["body"], "# a\n");
    assert_eq!(messages[1]["content_type"], "text/markdown");
    let too_long = site.run_with("alice", &["send", "im:bob@localhost", "-"], &vec![b'x'; 65_537]);
    assert_eq!(too_long.error(2), "usage");
}

#[test]
fn what_others_wrote_cannot_steer_a_terminal() {
    let site = Site::with_alice_and_bob();
    site.run("alice", &["send", "im:bob@localhost", "x\u{1b}]0;title\u{7}"]).line();
    site.run("alice", &["publish", "open", "--note", "\u{1b}[2J\u{9b}"]).line();
    for arguments in [vec!["inbox"], vec!["fetch", "pres:alice@localhost"]] {
        let text = site.plain("bob", &arguments).stdout;
        assert!(!text.is_empty() && !text.contains(['\u{1b}', '\u{7}', '\u{9b}']), "{text:?}");
    }
}

#[test]
fn an_invite_is_made_used_once_and_its_device_revoked() {
    let site = Site::start(&[]);
    let token = site.serving["invite"].as_str().unwrap();
    let enroll = |who: &str, principal: &str, token: &str| {
        site.run(who, &["enroll", principal, "--server", &site.address, "--invite", token])
    };
    let enrolled = enroll("admin", "root@localhost", token).line();
    assert_eq!(enrolled["role"], "administrator");
    assert_eq!(enrolled["server_key"], site.serving["server_key"]);

    let refused = site.run("eve", &["enroll", "eve@localhost", "--server", &site.address]);
    assert_eq!(refused.error(4), "invite-needed");
    let invited = site.run("admin", &["invite", "bob@localhost", "--expires", "1h"]).line();
    let token = invited["token"].as_str().unwrap();
    assert!(invited["command"].as_str().unwrap().contains(token));
    assert_eq!(enroll("eve", "eve@localhost", token).error(4), "bad-invite");
    let device =
        enroll("bob", "bob@localhost", token).line()["device"].as_str().unwrap().to_owned();
    assert_eq!(enroll("bob2", "bob@localhost", token).error(4), "bad-invite");

    let keys = site.run("bob", &["keys", "list"]).line();
    assert_eq!((&keys["device"], &keys["this_device"]), (&json!(device), &json!(true)));
    site.run("admin", &["keys", "revoke", &device, "--of", "bob@localhost"]).line();
    assert_eq!(site.run("bob", &["inbox"]).exit, 4);
    let keys = site.run("admin", &["keys", "list", "bob@localhost"]).line();
    assert!(keys["revoked_at"].is_string());
}

#[test]
fn a_second_device_reads_the_same_inbox_by_itself() {
    let site = Site::with_alice_and_bob();
    let invited = site.run("bob", &["invite", "bob@localhost"]).line();
    let token = invited["token"].as_str().unwrap();
    let arguments = ["enroll", "bob@localhost", "--server", &site.address, "--invite", token];
    site.run("phone", &[&arguments[..], &["--label", "phone"]].concat()).line();
    site.run("alice", &["send", "im:bob@localhost", "one"]).line();
    assert_eq!(site.run("bob", &["inbox"]).line()["body"], "one");
    assert_eq!(site.run("phone", &["inbox"]).line()["body"], "one");
    let keys = site.run("phone", &["keys", "list"]).lines();
    assert!(keys.iter().any(|key| key["label"] == "phone" && key["this_device"] == true));
}

#[test]
fn one_of_several_identities_must_be_named() {
    let site = Site::open();
    for principal in ["alice@localhost", "carol@localhost"] {
        site.run("shared", &["enroll", principal, "--server", &site.address]).line();
    }
    assert_eq!(site.run("shared", &["inbox"]).error(2), "several-identities");
    site.run("shared", &["--as", "carol@localhost", "inbox"]).lines();
    assert_eq!(site.run("shared", &["inbox", "--as", "dave@localhost"]).error(4), "no-identity");
    let home = site.home("shared");
    let home = home.to_str().unwrap();
    run(&["--home", home, "--as", "alice@localhost", "inbox", "--json"]).lines();
}

#[test]
fn wrong_usage_ends_with_2_and_names_the_right_form() {
    for (arguments, hint) in [
        (vec!["watch", "--evry", "pres:a@b"], "--every"),
        (vec!["pubish"], "publish"),
        (vec!["watch", "alice@localhost"], "pres:"),
        (vec!["publish", "open", "--lifetime", "60"], "60s, 60m, 60h or 60d"),
        (vec!["serve", "--listen", "2778"], "--listen"),
        (vec!["log", "cat"], "--data"),
        (vec![], "Usage"),
    ] {
        let ended = run(&arguments);
        assert_eq!(ended.exit, 2, "{arguments:?}: {}", ended.stderr);
        assert!(ended.stderr.contains(hint), "{arguments:?}: {}", ended.stderr);
        assert_eq!(ended.stdout, "");
    }
    assert_eq!(run(&["watch", "--evry", "--json"]).error(2), "usage");
    assert_eq!(run(&["--help"]).exit, 0);
}

#[test]
fn a_server_that_is_not_there_ends_with_3() {
    let mut site = Site::with_alice_and_bob();
    site.kill();
    // Nobody else's server is to come up there.
    let _held = std::net::UdpSocket::bind(&site.address).unwrap();
    for arguments in [vec!["fetch", "pres:alice@localhost"], vec!["watch", "pres:alice@localhost"]]
    {
        assert_eq!(site.run("bob", &arguments).error(3), "unreachable", "{arguments:?}");
    }
    let plain = site.plain("bob", &["fetch", "pres:alice@localhost"]);
    assert!(plain.stderr.starts_with("adsum: cannot reach the server"), "{}", plain.stderr);
}

#[test]
fn who_is_not_enrolled_ends_with_4() {
    let site = Site::open();
    assert_eq!(site.run("nobody", &["inbox"]).error(4), "no-identity");
    site.enroll("alice");
    let taken = site.run("thief", &["enroll", "alice@localhost", "--server", &site.address]);
    assert_eq!(taken.error(4), "name-taken");
}

#[test]
fn a_refusal_ends_with_1_and_its_code() {
    let site = Site::with_alice_and_bob();
    for (arguments, code) in [
        (vec!["fetch", "pres:nobody@localhost"], "refused"),
        (vec!["send", "im:nobody@localhost", "x"], "unknown-inbox"),
        (vec!["fetch", "pres:alice@elsewhere.example"], "foreign-domain"),
        (vec!["publish", "--remove"], "nothing-published"),
        (vec!["invite", "carol@localhost"], "forbidden"),
        (vec!["keys", "revoke", "0011223344556677"], "no-device"),
    ] {
        assert_eq!(site.run("bob", &arguments).error(1), code, "{arguments:?}");
    }
    site.run("alice", &["send", "im:bob@localhost", "one", "--id", "m1"]).line();
    let other = site.run("alice", &["send", "im:bob@localhost", "two", "--id", "m1"]);
    assert_eq!(other.error(1), "duplicate-id");
}

#[test]
fn a_server_with_another_key_is_not_talked_to() {
    let site = Site::with_alice_and_bob();
    let other = Site::open();
    let path = site.home("bob").join("bob@localhost/identity.toml");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace(&site.address, &other.address)).unwrap();
    assert_eq!(site.run("bob", &["inbox"]).error(4), "server-key-changed");
    let wrong = "0".repeat(64);
    let arguments = ["enroll", "eve@localhost", "--server", &other.address, "--server-key", &wrong];
    assert_eq!(site.run("eve", &arguments).error(4), "server-key-changed");
}
