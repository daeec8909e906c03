//! Log lines tell the operator what happens and never what people wrote or who they are.
//!
//! One test alone in its program, because it hears every line of the process.
//! Must never hold: a second test.
#![allow(clippy::unwrap_used, reason = "a test may end at the first surprise")]

mod by_hand;
mod support;

use std::io::Write;
use std::sync::{Arc, Mutex};

use adsum::protocol::body::{Contact, Fetch, Note, Presence, Publish, Send};
use adsum::wire::StreamType;
use by_hand::raw_frame;
use bytes::Bytes;
use support::peer::{Device, Peer, Session, document, inbox_feed, message, presence_feed, publish};
use support::server::Running;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::FmtSpan;

/// Stands in everything a person wrote.
const MARK: &str = "XQZWmarkQ";

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

fn listen() -> Lines {
    let (lines, out) = (Lines::default(), Lines::default());
    let writer = Lines(Arc::clone(&lines.0));
    drop(out);
    tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new("adsum=trace"))
        .with_span_events(FmtSpan::FULL)
        .with_ansi(false)
        .with_writer(move || writer.clone())
        .init();
    lines
}

fn marked(what: &str) -> String {
    format!("{MARK}{what}")
}

/// A publish in which everything a person can write bears the mark.
fn marked_publish(request: u64) -> Publish {
    let text = |what: &str| Some(Bytes::from(marked(what)));
    let mut written = document(&marked("note"));
    let tuple = &mut written.tuples[0];
    tuple.id = marked("tuple");
    tuple.contact = Some(Contact { uri: text("contact:x"), priority: None });
    tuple.markup = vec![text("markup")];
    tuple.status_markup = vec![text("status")];
    written.notes = vec![Note { language: String::new(), text: text("about") }];
    written.markup = vec![text("outer")];
    Publish { name: marked("name"), document: Some(written), ..publish("alice", request, "") }
}

/// Everything that is refused repeats something of what was asked.
async fn refusals(alice: &mut Session) {
    let address = |scheme: &str| format!("{scheme}:{MARK}@elsewhere.example");
    let good = || message(1, "bob", "id", b"x");
    let wrong = [
        Send { inbox: address("im"), ..good() },
        Send { inbox: marked("no address"), ..good() },
        Send { sender: format!("{MARK}@d.example"), ..good() },
        Send { id: format!("{MARK} with a blank"), ..good() },
        Send { content_type: marked("type"), ..good() },
        message(1, "bob", &marked("id"), marked("another body").as_bytes()),
    ];
    for body in wrong {
        alice.control.write(&body).await;
        alice.control.refused().await;
    }
    let bytes = raw_frame(0x0013, &[&[1][..], MARK.as_bytes()].concat());
    alice.control.bytes(&bytes).await;
    alice.control.refused().await;
    let question = Fetch { presentity: address("pres") };
    alice.ask(&question).await.refused().await;
    let mut feed = alice.feed(&presence_feed(Bytes::from(marked("cursor")))).await;
    feed.next().await.unwrap();
    feed.bytes(&raw_frame(0x0031, MARK.as_bytes())).await;
    feed.end().await;
}

/// Peers that are turned away say things too.
async fn turned_away(running: &Running) {
    let peer = Peer::connect(running.address()).await;
    let mut hello = peer.hello(&Device::of(&MARK.to_lowercase()));
    hello.signature = Bytes::new();
    peer.say_hello(&hello).await.end().await;
    let peer = Peer::connect(running.address()).await;
    let mut control = peer.open(StreamType::Control).await;
    control.bytes(&raw_frame(0x0001, MARK.as_bytes())).await;
    control.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_people_wrote_stands_in_a_log_line() {
    let lines = listen();
    let running = Running::start().await;
    let mut alice = Session::enter(running.address(), "alice").await;
    let mut bob = Session::enter(running.address(), "bob").await;
    bob.subscribe("alice", 1).await;
    let mut presence = bob.feed(&presence_feed(Bytes::new())).await;
    let mut messages = bob.feed(&inbox_feed("bob")).await;
    alice.control.write(&marked_publish(1)).await;
    alice.answer::<adsum::protocol::body::Published>().await.unwrap();
    alice.send("bob", &marked("id"), marked("body").as_bytes()).await;
    for feed in [&mut presence, &mut messages] {
        while !feed
            .next()
            .await
            .unwrap()
            .body
            .windows(MARK.len())
            .any(|part| part == MARK.as_bytes())
        {}
    }
    let question = Fetch { presentity: support::presentity("alice") };
    bob.ask(&question).await.read::<Presence>().await;
    refusals(&mut alice).await;
    turned_away(&running).await;
    running.stop().await;

    let heard = String::from_utf8(lines.0.lock().unwrap().clone()).unwrap();
    assert!(heard.contains("the server serves") && heard.contains("answered"), "it listened");
    let telling = |word: &str| {
        let word = word.to_lowercase();
        heard.lines().filter(move |line| line.to_lowercase().contains(&word)).collect::<Vec<_>>()
    };
    assert_eq!(telling(MARK), Vec::<&str>::new());
    for name in ["alice", "bob@"] {
        assert_eq!(telling(name), Vec::<&str>::new(), "principals go by their pseudonyms");
    }
}
