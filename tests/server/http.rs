//! The HTTP side: is the server alive, is it ready, and what does it count.
//!
//! Must never hold: a check of what a client is served.

use crate::support;
use crate::support::http::{count, head, measure, page};
use crate::support::peer::{Session, inbox_feed, message, presence_feed};
use crate::support::server::Running;
use crate::support::{DOMAIN, presentity, until};
use adsum::protocol::body::{Fetch, Presence};
use adsum::server::ServerConfig;
use bytes::Bytes;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_serves_is_alive_and_ready() {
    let running = Running::start().await;
    assert!(page(running.http(), "/livez").await.starts_with("HTTP/1.1 200 "));
    assert!(page(running.http(), "/readyz").await.starts_with("HTTP/1.1 200 "));
    assert!(page(running.http(), "/nothing").await.starts_with("HTTP/1.1 404 "));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_console_is_served_and_may_load_nothing_but_itself() {
    let running = Running::start().await;
    for (path, kind, holds) in [
        ("/", "text/html; charset=utf-8", "<script type=\"module\" src=\"app.js\">"),
        ("/app.js", "text/javascript; charset=utf-8", "WebTransport"),
        ("/app.css", "text/css; charset=utf-8", "prefers-color-scheme"),
    ] {
        let answer = page(running.http(), path).await;
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 200 ") && body.contains(holds), "{path}: {head}");
        assert!(head.contains(&format!("content-type: {kind}\r\n")), "{head}");
        assert_eq!(head.matches("content-type:").count(), 1, "{head}");
        assert!(head.contains("content-security-policy: default-src 'none'; script-src 'self';"));
        assert!(head.contains("x-content-type-options: nosniff"), "{head}");
    }
    running.stop().await;
}

#[tokio::test]
async fn a_new_server_has_two_events_the_first_epoch_and_the_first_invite() {
    let running = Running::start().await;
    assert!(page(running.http(), "/readyz").await.contains("200 OK"));
    let metrics = page(running.http(), "/metrics").await;
    assert!(metrics.contains("adsum_log_head_sequence 2"), "{metrics}");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_starts_counts_what_it_found_though_nothing_happens() {
    let running = Running::start().await;
    let mut alice = Session::enter(running.address(), "alice").await;
    alice.publish("here").await;
    let restarted = running.restart().await;
    for view in ["principals", "publications"] {
        let name = format!("adsum_view_entries{{view=\"{view}\"}}");
        assert_eq!(count(restarted.http(), &name).await, 1, "{view}");
    }
    restarted.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_lost_its_folder_is_alive_and_not_ready() {
    let running = Running::start().await;
    let (folder, away) = (running.data.path(), running.data.path().with_extension("away"));
    std::fs::rename(folder, &away).unwrap();
    assert!(page(running.http(), "/livez").await.starts_with("HTTP/1.1 200 "));
    let answer = page(running.http(), "/readyz").await;
    assert!(
        answer.starts_with("HTTP/1.1 503 ") && answer.contains("cannot be written"),
        "{answer}"
    );
    std::fs::rename(&away, folder).unwrap();
    assert!(page(running.http(), "/readyz").await.starts_with("HTTP/1.1 200 "));
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_stopped_answers_no_more() {
    let running = Running::start().await;
    let address = running.http();
    running.stop().await;
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
}

#[test]
fn health_is_off_or_on_loopback_unless_told_otherwise() {
    let any = support::server::any_port();
    assert_eq!(ServerConfig::new("data", any, vec![DOMAIN.parse().unwrap()]).http, None);
    let help = std::process::Command::new(env!("CARGO_BIN_EXE_adsum"))
        .args(["serve", "--help"])
        .output()
        .unwrap();
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("[default: 127.0.0.1:2780]"), "{text}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn metrics_count_what_was_done() {
    let running = Running::start().await;
    let at = running.http();
    let mut alice = Session::enter(running.address(), "alice").await;
    let mut bob = Session::enter(running.address(), "bob").await;
    let before = head(at).await;
    for number in 0..10 {
        alice.publish(&format!("note {number}")).await;
        alice.send("bob", &format!("m{number}"), b"lunch?").await;
    }
    bob.subscribe("alice", 0).await;
    assert_eq!(head(at).await, before + 22, "an event for each, and one for bob being seen");
    let number = alice.number();
    alice.control.write(&message(number, "nobody", "m", b"lunch?")).await;
    alice.control.refused().await;
    let question = Fetch { presentity: presentity("alice") };
    alice.ask(&question).await.read::<Presence>().await;
    // Held to the end: a feed that its peer has given up is told nothing more.
    let mut feeds = Vec::new();
    for open in
        [presence_feed(Bytes::new()), inbox_feed("bob"), presence_feed(b"forged"[..].into())]
    {
        let mut feed = bob.feed(&open).await;
        feed.next().await.unwrap();
        feeds.push(feed);
    }
    for (name, value) in [
        ("adsum_connections", 2),
        ("adsum_answers_total{kind=\"publish\",code=\"ok\"}", 10),
        ("adsum_answers_total{kind=\"send\",code=\"ok\"}", 10),
        ("adsum_answers_total{kind=\"send\",code=\"unknown-inbox\"}", 1),
        ("adsum_answers_total{kind=\"hello\",code=\"ok\"}", 2),
        ("adsum_answers_total{kind=\"fetch\",code=\"ok\"}", 1),
        ("adsum_refusals_total{code=\"unknown-inbox\"}", 1),
        ("adsum_handshakes_total{outcome=\"completed\"}", 2),
        ("adsum_feed_opens_total{kind=\"presence\",outcome=\"fresh\"}", 1),
        ("adsum_feed_opens_total{kind=\"presence\",outcome=\"anew\"}", 1),
        ("adsum_feed_opens_total{kind=\"inbox\",outcome=\"fresh\"}", 1),
        ("adsum_view_entries{view=\"messages\"}", 10),
        ("adsum_view_entries{view=\"principals\"}", 2),
        ("adsum_view_entries{view=\"subscriptions\"}", 1),
    ] {
        let reached = async || (count(at, name).await == value).then_some(());
        until(&format!("{name} is {value}"), reached).await;
    }
    // The state twice and ten messages.
    until("they are told", async || {
        (count(at, "adsum_notifications_sent_total").await == 12).then_some(())
    })
    .await;
    assert!(count(at, "adsum_disk_bytes").await > 1_000);
    let (syncs, seconds) =
        (count(at, "adsum_sync_seconds_count").await, measure(at, "adsum_sync_seconds_sum").await);
    assert!(syncs >= 21 && seconds > 0.0, "{syncs} syncs in {seconds} s");
    // Each stage is measured as often as there was something of it.
    let stage = async |stage: &str| {
        count(at, &format!("adsum_stage_seconds_count{{stage=\"{stage}\"}}")).await
    };
    for commit in ["seal", "append", "sync"] {
        until(&format!("{commit} is of each commit"), async || {
            (stage(commit).await == count(at, "adsum_sync_seconds_count").await).then_some(())
        })
        .await;
    }
    for way in ["queue", "decide", "route", "write"] {
        assert!(stage(way).await >= 21, "{way}");
    }
    let text = page(at, "/metrics").await;
    are_named_with_their_units(&text);
    bob.close();
    until("the connection is gone", async || {
        (count(at, "adsum_connections").await == 1).then_some(())
    })
    .await;
    running.stop().await;
}

fn are_named_with_their_units(text: &str) {
    let families: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for family in [
        "adsum_connections",
        "adsum_answers",
        "adsum_refusals",
        "adsum_handshakes",
        "adsum_feed_opens",
        "adsum_notifications_sent",
        "adsum_notifications_conflated",
        "adsum_sync_seconds",
        "adsum_stage_seconds",
        "adsum_events_per_commit",
        "adsum_inputs_per_round",
        "adsum_log_head_sequence",
        "adsum_view_entries",
        "adsum_disk_bytes",
    ] {
        assert!(families.contains(&family), "{family} is not in {families:?}");
    }
    assert!(text.trim_end().ends_with("# EOF"), "the text is whole");
}
