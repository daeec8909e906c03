//! A whole session, byte for byte, and the bytes of both proofs: examples that are not a single frame.
//!
//! Must never hold: a value that changes from run to run.

use std::fmt::Write as _;

use adsum::protocol::body::{Body, Fetch, Presence, PresenceBody};
use adsum::wire::{CHALLENGE_CONTEXT, EXPORTER_CONTEXT, StreamType, encode};

use super::annotate::Line;
use super::document::{hex, layout};
use super::samples::{
    EXPORTER, NONCE, SEED, SERVER_KEY_HASH, ack, acked, caught_up, cursor, hello, message_event,
    open_inbox, open_presence, presence_event, public_key, ready, send, sent, signature,
    signed_bytes, subscribe, subscribed, welcome,
};

/// Name and content of every block that is not a frame.
pub(crate) fn blocks() -> Vec<(&'static str, String)> {
    vec![
        ("proof over the exporter", proof(true)),
        ("proof over a challenge", proof(false)),
        ("session", session()),
    ]
}

fn proof(over_exporter: bool) -> String {
    let context = if over_exporter { EXPORTER_CONTEXT } else { CHALLENGE_CONTEXT };
    let (fresh, name) =
        if over_exporter { (EXPORTER, "exporter") } else { (NONCE, "challenge nonce") };
    let word = String::from_utf8_lossy(context).trim_end_matches('\0').to_owned();
    let part = |bytes: &[u8], text: String| Line { bytes: bytes.to_vec(), text };
    let lines = [
        part(context, format!("{word:?} and a zero byte")),
        part(&SERVER_KEY_HASH, "SHA-256 of the server's SubjectPublicKeyInfo".into()),
        part(&fresh, name.into()),
        part(&public_key(), "public key".into()),
        part(hello().principal.as_bytes(), "principal".into()),
    ];
    let whole: Vec<u8> = lines.iter().flat_map(|line| line.bytes.clone()).collect();
    assert_eq!(whole, signed_bytes(over_exporter), "the example shows what is signed");
    let seed = layout(&[part(&SEED, "private key (RFC 8032 seed)".into())]);
    let signature = layout(&[part(&signature(over_exporter), "Ed25519 signature".into())]);
    format!("```text\n{seed}\nsigned:\n{}\n{signature}```\n", layout(&lines))
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

fn first_flight(log: &mut Transcript) {
    log.opened("CONTROL", StreamType::Control);
    log.frame(From::Client, "CONTROL", &hello());
    log.frame(From::Client, "CONTROL", &subscribe());
    log.frame(From::Client, "CONTROL", &send());
    log.opened("FEED 1", StreamType::Feed);
    log.frame(From::Client, "FEED 1", &open_presence());
    log.opened("FEED 2", StreamType::Feed);
    log.frame(From::Client, "FEED 2", &open_inbox());
}

fn answers(log: &mut Transcript) {
    log.frame(From::Server, "CONTROL", &welcome());
    log.frame(From::Server, "CONTROL", &subscribed());
    log.frame(From::Server, "CONTROL", &sent());
    log.frame(From::Server, "FEED 1", &ready(0, cursor(0x14), cursor(0x14), 0));
    log.frame(From::Server, "FEED 1", &caught_up(cursor(0x14)));
    log.frame(From::Server, "FEED 2", &ready(1, cursor(0x31), cursor(0x52), 1));
    log.frame(From::Server, "FEED 2", &message_event(cursor(0x52)));
    log.frame(From::Server, "FEED 2", &caught_up(cursor(0x52)));
}

fn live(log: &mut Transcript) {
    log.frame(From::Server, "FEED 1", &presence_event(1, cursor(0x21)));
    log.frame(From::Client, "FEED 1", &ack(cursor(0x21)));
    log.frame(From::Client, "FEED 2", &ack(cursor(0x52)));
    log.frame(From::Server, "FEED 2", &acked(cursor(0x52)));
}

fn fetch(log: &mut Transcript) {
    let presence: PresenceBody = presence_event(1, cursor(0x21)).presence;
    let question = Fetch { presentity: presence.presentity.clone() };
    log.opened("QUERY", StreamType::Query);
    log.frame(From::Client, "QUERY", &question);
    log.ended(From::Client, "QUERY");
    log.frame(From::Server, "QUERY", &Presence { presence });
    log.ended(From::Server, "QUERY");
    log.said(From::Client, "", "closes the connection with code 0x00", &[]);
}
