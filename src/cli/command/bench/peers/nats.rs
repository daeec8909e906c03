//! NATS: its streams on files for what is stored, core NATS for a fan-out. Its protocol of lines, as far as it is needed.
//!
//! Must never hold: a setting that is not the default, but the folder.

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

/// Messages asked for at once by whoever takes an inbox.
const READ_AT_ONCE: usize = 256;
/// Where a connection hears answers.
const ANSWERS: &str = "_A";
const HELLO: &str = "CONNECT {\"verbose\":false,\"pedantic\":false}\r\n";
/// What watchers hear.
const CHANGES: &str = "changes";

/// Something that NATS says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Nothing about a message.
    Aside,
    Message {
        subject: String,
        reply: String,
        payload: Vec<u8>,
    },
    Refusal(String),
}

/// Messages to one subject after the other, each answered when the stream has it.
pub(super) struct Sends {
    inboxes: usize,
    offset: usize,
    answers: String,
}

/// Changes that core NATS tells whoever listens, and answers nobody.
pub(super) struct Changes;

impl Speech for Sends {
    type Said = Said;

    fn take(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
        parse(bytes)
    }

    fn ask(&mut self, number: u64, out: &mut Vec<u8>) {
        let place = usize::try_from(number).unwrap_or_default() + self.offset;
        publish(out, &format!("inbox.{} {}", place % self.inboxes, self.answers), &body());
    }

    fn is_answer(said: &Said) -> Result<bool, Failure> {
        match said {
            Said::Refusal(reason) => Err(wrong(reason)),
            Said::Aside => Ok(false),
            Said::Message { payload, .. } => {
                let text = String::from_utf8_lossy(payload);
                if text.contains("\"error\"") { Err(wrong(text)) } else { Ok(true) }
            }
        }
    }
}

impl Speech for Changes {
    type Said = Said;

    fn take(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
        parse(bytes)
    }

    fn ask(&mut self, number: u64, out: &mut Vec<u8>) {
        publish(out, CHANGES, &numbered(number));
    }

    fn is_answer(_: &Said) -> Result<bool, Failure> {
        Ok(false)
    }
}

impl Fan for Changes {
    const IS_ANSWERED: bool = false;

    async fn publisher(address: SocketAddr) -> Result<Talk<Self>, Failure> {
        let mut talk = Talk::connect(address, Self).await?;
        talk.write(HELLO.as_bytes()).await?;
        Ok(talk)
    }

    async fn watcher(address: SocketAddr, _: usize) -> Result<Talk<Self>, Failure> {
        let mut talk = Self::publisher(address).await?;
        talk.write(format!("SUB {CHANGES} 1\r\nPING\r\n").as_bytes()).await?;
        // It says who it is, and then that it has heard.
        for _ in 0..2 {
            talk.said().await?;
        }
        Ok(talk)
    }

    fn delivered(said: &Said) -> Option<u64> {
        if let Said::Message { payload, .. } = said { number_of(payload) } else { None }
    }
}

/// `PUB` with `whereto` and `payload`.
fn publish(out: &mut Vec<u8>, whereto: &str, payload: &[u8]) {
    out.extend(format!("PUB {whereto} {}\r\n", payload.len()).into_bytes());
    out.extend_from_slice(payload);
    out.extend_from_slice(b"\r\n");
}

fn parse(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
    let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    let line = String::from_utf8_lossy(&bytes[..end]);
    let words: Vec<&str> = line.split(' ').collect();
    let at = end + 2;
    let aside = |said| Ok(Some(Taken { bytes: at, said }));
    match words[0] {
        "MSG" | "HMSG" => {}
        "-ERR" => return aside(Said::Refusal(format!("NATS: {line}"))),
        _ => return aside(Said::Aside),
    }
    let length = words.last().and_then(|word| word.parse::<usize>().ok());
    let length = length.ok_or_else(|| wrong(format!("NATS: no length: {line}")))?;
    if bytes.len() < at + length + 2 {
        return Ok(None);
    }
    // A reply stands between the subscription and the length, or the lengths where there are headers.
    let plain = if words[0] == "MSG" { 4 } else { 5 };
    let reply = if words.len() > plain { words[3] } else { "" };
    let subject = words.get(1).copied().unwrap_or_default();
    let said = Said::Message {
        subject: subject.to_owned(),
        reply: reply.to_owned(),
        payload: bytes[at..at + length].to_vec(),
    };
    Ok(Some(Taken { bytes: at + length + 2, said }))
}

/// Starts one with streams, which by default are kept on files.
pub(super) async fn start(program: &Path, beside: &Path) -> Result<Daemon, Failure> {
    Daemon::start(program, beside, |port, folder| {
        let line = format!("-a 127.0.0.1 -p {port} -js -sd {}", folder.display());
        Ok(line.split(' ').map(str::to_owned).collect())
    })
    .await
}

async fn connect(
    daemon: &Daemon,
    inboxes: usize,
    number: usize,
    offset: usize,
) -> Result<Talk<Sends>, Failure> {
    let answers = format!("{ANSWERS}.{number}");
    let hello = format!("{HELLO}SUB {answers} 1\r\n");
    let mut talk = Talk::connect(daemon.address, Sends { inboxes, offset, answers }).await?;
    talk.write(hello.as_bytes()).await?;
    Ok(talk)
}

/// Makes the stream that holds all inboxes.
async fn make_stream(daemon: &Daemon) -> Result<(), Failure> {
    let mut talk = connect(daemon, 1, usize::MAX, 0).await?;
    let stream = "{\"name\":\"INBOXES\",\"subjects\":[\"inbox.*\"],\"storage\":\"file\"}";
    ask(&mut talk, "$JS.API.STREAM.CREATE.INBOXES", stream).await
}

/// Asks something and waits until it is answered with yes.
async fn ask(talk: &mut Talk<Sends>, subject: &str, payload: &str) -> Result<(), Failure> {
    let mut out = Vec::new();
    publish(&mut out, &format!("{subject} {}", talk.speech.answers), payload.as_bytes());
    talk.write(&out).await?;
    while !Sends::is_answer(&talk.said().await?)? {}
    Ok(())
}

/// As `store` and `ack`.
pub(super) async fn send(
    daemon: &Daemon,
    sizes: &Sizes,
    work: Work,
    connections: usize,
) -> Result<Figures, Failure> {
    make_stream(daemon).await?;
    let step = (sizes.inboxes / connections).max(1);
    let mut talks = Vec::with_capacity(connections);
    for index in 0..connections {
        talks.push(connect(daemon, sizes.inboxes, index, index * step).await?);
    }
    let (talks, ..) = run_all(talks, work.warm_up(), "warming up").await?;
    let (_, time, samples) = run_all(talks, work, "measuring").await?;
    Ok(Figures::answered(work.count, time, samples))
}

/// As `drain`: a consumer takes what waits and acknowledges each; the last acknowledgement is answered.
pub(super) async fn drain(daemon: &Daemon, sizes: &Sizes) -> Result<Figures, Failure> {
    make_stream(daemon).await?;
    let filling = vec![connect(daemon, 1, 0, 0).await?];
    run_all(filling, Work { count: sizes.drain, window: 64 }, "filling the inbox").await?;
    let began = Instant::now();
    let mut talk = connect(daemon, 1, 1, 0).await?;
    let consumer = "{\"stream_name\":\"INBOXES\",\"config\":{\"durable_name\":\"OWNER\",\"ack_policy\":\"explicit\"}}";
    ask(&mut talk, "$JS.API.CONSUMER.DURABLE.CREATE.INBOXES.OWNER", consumer).await?;
    let mut taken = 0;
    while taken < sizes.drain {
        let wanted = READ_AT_ONCE.min(sizes.drain - taken);
        let mut out = Vec::new();
        let next = format!("$JS.API.CONSUMER.MSG.NEXT.INBOXES.OWNER {}", talk.speech.answers);
        publish(&mut out, &next, format!("{{\"batch\":{wanted}}}").as_bytes());
        talk.write(&out).await?;
        let replies = take(&mut talk, wanted).await?;
        taken += replies.len();
        let mut out = Vec::new();
        for reply in &replies {
            publish(&mut out, reply, b"+ACK");
        }
        talk.write(&out).await?;
        if taken == sizes.drain {
            let last = replies.last().map(String::as_str).unwrap_or_default();
            ask(&mut talk, last, "+ACK").await?;
        }
    }
    Ok(Figures::drained(sizes.drain, began.elapsed()))
}

/// Where each of `wanted` messages is acknowledged.
async fn take(talk: &mut Talk<Sends>, wanted: usize) -> Result<Vec<String>, Failure> {
    let mut replies = Vec::with_capacity(wanted);
    while replies.len() < wanted {
        match talk.said().await? {
            Said::Message { reply, .. } if !reply.is_empty() => replies.push(reply),
            Said::Message { payload, .. } => {
                return Err(wrong(format!("NATS: {}", String::from_utf8_lossy(&payload))));
            }
            Said::Refusal(reason) => return Err(wrong(reason)),
            Said::Aside => {}
        }
    }
    Ok(replies)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_are_taken_whole_with_where_they_are_answered() {
        let bytes = b"MSG inbox.1 1 $JS.ACK.x 5\r\nhello\r\nPING\r\n";
        let whole = parse(bytes).unwrap().unwrap();
        let Said::Message { subject, reply, payload } = whole.said else { panic!() };
        assert_eq!((&*subject, &*reply, &*payload), ("inbox.1", "$JS.ACK.x", &b"hello"[..]));
        assert_eq!(whole.bytes, bytes.len() - 6);
        for length in 0..whole.bytes {
            assert_eq!(parse(&bytes[..length]).unwrap(), None, "{length}");
        }
        assert_eq!(parse(b"PING\r\n").unwrap().unwrap().said, Said::Aside);
        let Said::Message { reply, .. } = parse(b"MSG a 1 0\r\n\r\n").unwrap().unwrap().said else {
            panic!()
        };
        assert_eq!(reply, "");
    }

    #[test]
    fn an_answer_that_tells_an_error_is_none() {
        let said = |payload: &[u8]| Said::Message {
            subject: String::new(),
            reply: String::new(),
            payload: payload.to_vec(),
        };
        assert!(Sends::is_answer(&said(b"{\"stream\":\"S\",\"seq\":1}")).unwrap());
        assert!(Sends::is_answer(&said(b"{\"error\":{}}")).is_err());
        assert!(!Sends::is_answer(&Said::Aside).unwrap());
    }
}
