//! A whole session, byte for byte, made of the samples: with the proofs, the examples that are not a single frame.
//!
//! Must never hold: a value that changes from run to run.

use std::fmt::Write as _;

use adsum::protocol::body::{
    Body, CaughtUp, FeedAck, FeedAcked, FeedOpen, FeedReady, Fetch, Hello, MessageEvent, Presence,
    PresenceEvent, Send, Sent, Subscribe, Subscribed, Welcome,
};
use adsum::wire::{StreamType, encode};
use bytes::Bytes;

use super::document::hex;
use super::proof;
use super::samples::body;

/// Name and content of every block that is not a frame.
pub(crate) fn blocks() -> Vec<(&'static str, String)> {
    vec![
        ("proof over the exporter", proof::block(true)),
        ("proof over a challenge", proof::block(false)),
        ("session", session()),
    ]
}

#[derive(Clone, Copy)]
enum From {
    Client,
    Server,
}

struct Transcript(String);

impl Transcript {
    fn said(&mut self, from: From, stream: &str, what: &str, bytes: &[u8]) {
        let arrow = match from {
            From::Client => "client >",
            From::Server => "server <",
        };
        writeln!(self.0, "{arrow} {stream:8} {what}").expect("a string takes all");
        for piece in bytes.chunks(24) {
            writeln!(self.0, "    {}", hex(piece)).expect("a string takes all");
        }
    }

    fn opened(&mut self, stream: &str, kind: StreamType) {
        self.said(From::Client, stream, "opens the stream", &[kind.byte()]);
    }

    fn frame<B: Body>(&mut self, from: From, stream: &str, body: &B) {
        let mut bytes = Vec::new();
        encode(body, &mut bytes);
        self.said(from, stream, B::NAME, &bytes);
    }

    fn ended(&mut self, from: From, stream: &str) {
        self.said(from, stream, "ends its half (FIN)", &[]);
    }
}

fn session() -> String {
    let mut log = Transcript("```text\n".to_owned());
    first_flight(&mut log);
    answers(&mut log);
    live(&mut log);
    fetch(&mut log);
    log.0.push_str("```\n");
    log.0
}

/// A cursor as a client sees it: bytes that mean nothing.
fn cursor(first: u8) -> Bytes {
    (0..12).map(|step| first.wrapping_add(step * 7)).collect::<Vec<u8>>().into()
}

fn first_flight(log: &mut Transcript) {
    let send = Send { lifetime_ms: None, ..body("Send") };
    let presence = FeedOpen { presentities: vec![], ..body("FeedOpen for presence") };
    log.opened("CONTROL", StreamType::Control);
    log.frame(From::Client, "CONTROL", &body::<Hello>("Hello"));
    log.frame(From::Client, "CONTROL", &body::<Subscribe>("Subscribe"));
    log.frame(From::Client, "CONTROL", &send);
    log.opened("FEED 1", StreamType::Feed);
    log.frame(From::Client, "FEED 1", &presence);
    log.opened("FEED 2", StreamType::Feed);
    log.frame(From::Client, "FEED 2", &body::<FeedOpen>("FeedOpen for an inbox"));
}

fn answers(log: &mut Transcript) {
    let (outcome, from, to) = (0, cursor(0x14), cursor(0x14));
    let fresh = FeedReady { outcome, from, to, pending: 0, complete: true, restored: None };
    let resumed = FeedReady { pending: 1, ..body("FeedReady") };
    log.frame(From::Server, "CONTROL", &body::<Welcome>("Welcome"));
    log.frame(From::Server, "CONTROL", &body::<Subscribed>("Subscribed"));
    log.frame(From::Server, "CONTROL", &body::<Sent>("Sent"));
    log.frame(From::Server, "FEED 1", &fresh);
    log.frame(From::Server, "FEED 1", &CaughtUp { cursor: cursor(0x14) });
    log.frame(From::Server, "FEED 2", &resumed);
    log.frame(From::Server, "FEED 2", &body::<MessageEvent>("MessageEvent"));
    log.frame(From::Server, "FEED 2", &body::<CaughtUp>("CaughtUp"));
}

fn live(log: &mut Transcript) {
    log.frame(From::Server, "FEED 1", &body::<PresenceEvent>("PresenceEvent"));
    log.frame(From::Client, "FEED 1", &FeedAck { cursor: cursor(0x21) });
    log.frame(From::Client, "FEED 2", &body::<FeedAck>("FeedAck"));
    log.frame(From::Server, "FEED 2", &body::<FeedAcked>("FeedAcked"));
}

fn fetch(log: &mut Transcript) {
    let presence = body::<PresenceEvent>("PresenceEvent").presence;
    log.opened("QUERY", StreamType::Query);
    log.frame(From::Client, "QUERY", &body::<Fetch>("Fetch"));
    log.ended(From::Client, "QUERY");
    log.frame(From::Server, "QUERY", &Presence { presence, left_out: None });
    log.ended(From::Server, "QUERY");
    log.said(From::Client, "", "closes the connection with code 0x00", &[]);
}
