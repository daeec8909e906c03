//! What `docs/vectors.json` says a server does about wrong bytes, tried at one.
//!
//! Must never hold: a vector.

use adsum::protocol::body::{FeedReady, Refused};
use adsum::wire::StreamType;
use serde_json::Value;

use crate::support::peer::{Device, Manner, Peer, Session, presence_feed, subscribe};
use crate::support::server::Running;
use crate::support::stream::{End, Stream, frame};
use bytes::Bytes;

fn vectors() -> Vec<Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/vectors.json");
    let whole: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let all = whole["wrong"].as_array().unwrap().clone();
    all.into_iter().filter(|vector| vector["to"] == "server").collect()
}

/// A connection of bob's, and the stream on which the wrong bytes went.
struct Tried {
    session: Option<Session>,
    peer: Option<Peer>,
    stream: Option<Stream>,
}

impl Tried {
    async fn at(running: &Running, state: &str, bytes: &[u8]) -> Self {
        if state == "hello" {
            let peer = Peer::connect(running.address()).await;
            let mut control = peer.open(StreamType::Control).await;
            control.bytes(bytes).await;
            let _ = control.send.finish();
            return Self { session: None, peer: Some(peer), stream: Some(control) };
        }
        let bob = Device::of_principal("bob@example.com");
        let mut session = Session::enter_as(running.address(), &bob, Manner::default()).await;
        let stream = match state {
            "control" => {
                session.control.bytes(bytes).await;
                None
            }
            "fed" => {
                let mut feed = session.feed(&presence_feed(Bytes::new())).await;
                feed.read::<FeedReady>().await;
                feed.bytes(bytes).await;
                Some(feed)
            }
            "stream" | "query" | "feed" => {
                let mut stream = Stream::blank(&session.peer.connection).await.unwrap();
                let kind: &[u8] = match state {
                    "query" => &[1],
                    "feed" => &[2],
                    _ => &[],
                };
                stream.bytes(&[kind, bytes].concat()).await;
                if state != "feed" {
                    let _ = stream.send.finish();
                }
                Some(stream)
            }
            other => panic!("there is no state {other}"),
        };
        Self { session: Some(session), peer: None, stream }
    }

    async fn came_of_it(mut self, expect: &Value, name: &str) {
        if let Some(code) = expect["close"].as_u64() {
            let session = self.session.as_ref();
            let peer = self.peer.as_ref().unwrap_or_else(|| &session.unwrap().peer);
            assert_eq!(peer.end().await, End::Closed(code), "{name}");
        } else if let Some(code) = expect["reset"].as_u64() {
            assert_eq!(self.stream.unwrap().end().await, End::Reset(code), "{name}");
        } else if let Some(code) = expect["refused"].as_u64() {
            let session = self.session.as_mut().unwrap();
            let number = if self.stream.is_some() { 0 } else { 77 };
            let refused: Refused =
                self.stream.as_mut().unwrap_or(&mut session.control).read().await;
            assert_eq!((refused.request, u64::from(refused.code)), (number, code), "{name}");
        } else {
            assert_eq!(expect["skipped"], true, "{name}");
            self.goes_on(name).await;
        }
    }

    /// The stream goes on as if nothing had come.
    async fn goes_on(self, name: &str) {
        let mut session = self.session.unwrap();
        if let Some(mut feed) = self.stream {
            feed.finish();
            assert_eq!(feed.end().await, End::Finished, "{name}");
            return;
        }
        let next = subscribe(78, "nobody", 0);
        session.control.bytes(&frame(&next)).await;
        assert_eq!(session.control.read::<Refused>().await.request, 78, "{name}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_does_about_wrong_bytes_what_the_vectors_say() {
    let domain = "example.com".parse().unwrap();
    let running = Running::start_with(|config| config.domains = vec![domain]).await;
    let vectors = vectors();
    assert!(vectors.len() > 50);
    for vector in vectors {
        let hex = vector["bytes"].as_str().unwrap();
        let bytes = data_encoding::HEXLOWER.decode(hex.as_bytes()).unwrap();
        let state = vector["state"].as_str().unwrap();
        let name = format!("{state}: {}", vector["name"]);
        Tried::at(&running, state, &bytes).await.came_of_it(&vector["expect"], &name).await;
    }
    running.stop().await;
}
