//! Mosquitto: what is told at least once, and a session that persists for each inbox. MQTT 3.1.1, as far as it is needed.
//!
//! Must never hold: a setting that is not the default, but those without which it would drop what waits.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use super::body::{body, number_of, numbered};
use super::daemon::Daemon;
use super::fanout::Fan;
use super::figures::Figures;
use super::kind::Sizes;
use super::talk::{Speech, Taken, Talk, run_all};
use crate::cli::command::bench::link::wrong;
use crate::cli::command::bench::pump::Work;
use crate::cli::run::failure::Failure;

/// Kinds of packets with their flags, as the first byte has them.
const CONNECT: u8 = 0x10;
const CONNECTED: u8 = 0x20;
const PUBLISH_QOS_1: u8 = 0x32;
const PUBLISHED: u8 = 0x40;
const SUBSCRIBE: u8 = 0x82;
const SUBSCRIBED: u8 = 0x90;
const PING: u8 = 0xc0;
const PONG: u8 = 0xd0;
const DISCONNECT: u8 = 0xe0;
/// `CONNECT` of a session that begins anew, and of one that persists.
const CLEAN: u8 = 2;
const PERSISTENT: u8 = 0;
/// What watchers hear.
const CHANGES: &str = "changes";

/// Something that the server says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Connected,
    Subscribed,
    Published,
    Pong,
    /// A message, with the number by which it is acknowledged.
    Message {
        id: [u8; 2],
        payload: Vec<u8>,
    },
}

/// Messages to one topic after the other.
pub(super) struct Sends {
    inboxes: usize,
    offset: usize,
}

/// Changes of one topic.
pub(super) struct Changes;

impl Speech for Sends {
    type Said = Said;

    fn take(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
        parse(bytes)
    }

    fn ask(&mut self, number: u64, out: &mut Vec<u8>) {
        let place = usize::try_from(number).unwrap_or_default() + self.offset;
        publish(out, &inbox(place % self.inboxes), number, &body());
    }

    fn is_answer(said: &Said) -> Result<bool, Failure> {
        Ok(*said == Said::Published)
    }
}

impl Speech for Changes {
    type Said = Said;

    fn take(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
        parse(bytes)
    }

    fn ask(&mut self, number: u64, out: &mut Vec<u8>) {
        publish(out, CHANGES, number, &numbered(number));
    }

    fn is_answer(said: &Said) -> Result<bool, Failure> {
        Ok(*said == Said::Published)
    }
}

impl Fan for Changes {
    const IS_ANSWERED: bool = true;

    async fn publisher(address: SocketAddr) -> Result<Talk<Self>, Failure> {
        enter(address, Self, "publisher", CLEAN).await
    }

    async fn watcher(address: SocketAddr, number: usize) -> Result<Talk<Self>, Failure> {
        let mut talk = enter(address, Self, &format!("watcher-{number}"), CLEAN).await?;
        subscribe(&mut talk, CHANGES).await?;
        Ok(talk)
    }

    fn delivered(said: &Said) -> Option<u64> {
        if let Said::Message { payload, .. } = said { number_of(payload) } else { None }
    }

    fn thank(said: &Said, out: &mut Vec<u8>) {
        if let Said::Message { id, .. } = said {
            acknowledge(*id, out);
        }
    }
}

fn inbox(number: usize) -> String {
    format!("inbox/{number}")
}

fn text(words: &str, out: &mut Vec<u8>) {
    let length = u16::try_from(words.len()).expect("topics and names are short");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(words.as_bytes());
}

/// Appends a packet: its kind, the length of the rest in groups of seven bits, and the rest.
fn packet(kind: u8, rest: &[u8], out: &mut Vec<u8>) {
    out.push(kind);
    let mut length = rest.len();
    loop {
        let low = u8::try_from(length % 128).expect("it is below 128");
        length /= 128;
        out.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    out.extend_from_slice(rest);
}

fn publish(out: &mut Vec<u8>, topic: &str, number: u64, payload: &[u8]) {
    let mut rest = Vec::with_capacity(topic.len() + payload.len() + 4);
    text(topic, &mut rest);
    // Far more numbers than may be unanswered, none of them zero.
    let id = u16::try_from(number % 0xffff).expect("it is below 65,535") + 1;
    rest.extend_from_slice(&id.to_be_bytes());
    rest.extend_from_slice(payload);
    packet(PUBLISH_QOS_1, &rest, out);
}

fn acknowledge(id: [u8; 2], out: &mut Vec<u8>) {
    packet(PUBLISHED, &id, out);
}

fn parse(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
    let Some((&kind, behind)) = bytes.split_first() else { return Ok(None) };
    let (mut length, mut at) = (0, 1);
    loop {
        let Some(byte) = behind.get(at - 1) else { return Ok(None) };
        length |= usize::from(byte & 0x7f) << (7 * (at - 1));
        at += 1;
        if byte & 0x80 == 0 {
            break;
        }
        if at > 4 {
            return Err(wrong("Mosquitto: a length without an end"));
        }
    }
    let Some(rest) = bytes.get(at..at + length) else { return Ok(None) };
    let said = match kind & 0xf0 {
        CONNECTED if rest.get(1) == Some(&0) => Said::Connected,
        SUBSCRIBED if rest.get(2) == Some(&1) => Said::Subscribed,
        PUBLISHED => Said::Published,
        PONG => Said::Pong,
        0x30 => message(rest)?,
        _ => return Err(wrong(format!("Mosquitto: packet {kind:#04x} with {rest:?}"))),
    };
    Ok(Some(Taken { bytes: at + length, said }))
}

fn message(rest: &[u8]) -> Result<Said, Failure> {
    let short = || wrong("Mosquitto: a message without topic or number");
    let (length, rest) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    let rest = rest.get(usize::from(u16::from_be_bytes(*length))..).ok_or_else(short)?;
    let (id, payload) = rest.split_first_chunk::<2>().ok_or_else(short)?;
    Ok(Said::Message { id: *id, payload: payload.to_vec() })
}

/// Starts one that keeps sessions, and all that waits in them.
pub(super) async fn start(program: &Path, beside: &Path) -> Result<Daemon, Failure> {
    Daemon::start(program, beside, |port, folder| {
        let settings = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n\
             persistence_location {}/\nmax_queued_messages 0\n",
            folder.display()
        );
        // Started as root it would become somebody who may not write here.
        let settings = if is_root() { settings + "user root\n" } else { settings };
        let path = folder.join("mosquitto.conf");
        std::fs::write(&path, settings).map_err(|error| Failure::io("write", &path, &error))?;
        Ok(vec!["-c".to_owned(), path.display().to_string()])
    })
    .await
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Connects as `name`.
async fn enter<S: Speech<Said = Said>>(
    address: SocketAddr,
    speech: S,
    name: &str,
    flags: u8,
) -> Result<Talk<S>, Failure> {
    let mut talk = Talk::connect(address, speech).await?;
    let (mut rest, mut out) = (Vec::new(), Vec::new());
    text("MQTT", &mut rest);
    // Version 3.1.1, and no keep-alive.
    rest.extend_from_slice(&[4, flags, 0, 0]);
    text(name, &mut rest);
    packet(CONNECT, &rest, &mut out);
    talk.write(&out).await?;
    match talk.said().await? {
        Said::Connected => Ok(talk),
        said => Err(wrong(format!("Mosquitto: {said:?}"))),
    }
}

async fn subscribe<S: Speech<Said = Said>>(talk: &mut Talk<S>, topic: &str) -> Result<(), Failure> {
    let (mut rest, mut out) = (vec![0, 1], Vec::new());
    text(topic, &mut rest);
    rest.push(1);
    packet(SUBSCRIBE, &rest, &mut out);
    talk.write(&out).await?;
    match talk.said().await? {
        Said::Subscribed => Ok(()),
        said => Err(wrong(format!("Mosquitto: {said:?}"))),
    }
}

fn sends(inboxes: usize, offset: usize) -> Sends {
    Sends { inboxes, offset }
}

/// Gives each of `count` inboxes an owner, who goes away.
async fn make_owners(daemon: &Daemon, count: usize) -> Result<(), Failure> {
    for number in 0..count {
        let name = format!("owner-{number}");
        let mut talk = enter(daemon.address, sends(1, 0), &name, PERSISTENT).await?;
        subscribe(&mut talk, &inbox(number)).await?;
        talk.write(&[DISCONNECT, 0]).await?;
    }
    Ok(())
}

/// As `store` and `ack`.
pub(super) async fn send(
    daemon: &Daemon,
    sizes: &Sizes,
    work: Work,
    connections: usize,
) -> Result<Figures, Failure> {
    make_owners(daemon, sizes.inboxes).await?;
    let step = (sizes.inboxes / connections).max(1);
    let mut talks = Vec::with_capacity(connections);
    for index in 0..connections {
        let sends = sends(sizes.inboxes, index * step);
        talks.push(enter(daemon.address, sends, &format!("sender-{index}"), CLEAN).await?);
    }
    let (talks, ..) = run_all(talks, work.warm_up(), "warming up").await?;
    let (_, time, samples) = run_all(talks, work, "measuring").await?;
    Ok(Figures::answered(work.count, time, samples))
}

/// As `drain`: the owner of a full inbox comes back, takes all and acknowledges each; that the server has heard the last is shown by
/// its answer to a ping.
pub(super) async fn drain(daemon: &Daemon, sizes: &Sizes) -> Result<Figures, Failure> {
    make_owners(daemon, 1).await?;
    let filling = vec![enter(daemon.address, sends(1, 0), "sender", CLEAN).await?];
    run_all(filling, Work { count: sizes.drain, window: 64 }, "filling the inbox").await?;
    let (began, mut taken) = (Instant::now(), 0);
    let mut talk = enter(daemon.address, sends(1, 0), "owner-0", PERSISTENT).await?;
    while taken < sizes.drain {
        let (mut said, mut out) = (Some(talk.said().await?), Vec::new());
        while let Some(one) = said {
            if let Said::Message { id, .. } = one {
                acknowledge(id, &mut out);
                taken += 1;
            }
            said = talk.said_already()?;
        }
        talk.write(&out).await?;
    }
    talk.write(&[PING, 0]).await?;
    while talk.said().await? != Said::Pong {}
    Ok(Figures::drained(sizes.drain, began.elapsed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_taken_whole_and_acknowledged_by_its_number() {
        let mut bytes = Vec::new();
        publish(&mut bytes, "inbox/1", 0xfffe, &numbered(77));
        // A length of two bytes.
        assert_eq!(bytes[..3], [PUBLISH_QOS_1, 0xd3, 0x01]);
        for length in 0..bytes.len() {
            assert_eq!(parse(&bytes[..length]).unwrap(), None, "{length}");
        }
        let whole = parse(&bytes).unwrap().unwrap();
        assert_eq!((whole.bytes, Changes::delivered(&whole.said)), (bytes.len(), Some(77)));
        let mut thanks = Vec::new();
        Changes::thank(&whole.said, &mut thanks);
        assert_eq!(thanks, [PUBLISHED, 2, 0xff, 0xff]);
    }

    #[test]
    fn whoever_is_not_let_in_hears_no_yes() {
        assert_eq!(parse(&[CONNECTED, 2, 0, 0]).unwrap().unwrap().said, Said::Connected);
        assert!(parse(&[CONNECTED, 2, 0, 5]).is_err());
        assert!(parse(&[SUBSCRIBED, 3, 0, 1, 0x80]).is_err());
        assert!(parse(&[PUBLISHED, 0xff, 0xff, 0xff, 0xff, 1]).is_err());
    }
}
