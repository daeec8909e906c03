//! Redis: a stream for each inbox. RESP, its protocol, as far as it is needed.
//!
//! Must never hold: a fan-out. Its channels keep nothing, and its streams tell nobody.

use std::path::Path;
use std::time::Instant;

use super::body::body;
use super::daemon::Daemon;
use super::figures::Figures;
use super::kind::Sizes;
use super::talk::{Speech, Taken, Talk, run_all};
use crate::cli::command::bench::link::wrong;
use crate::cli::command::bench::pump::Work;
use crate::cli::run::failure::Failure;

/// Messages read at once by whoever takes an inbox.
const READ_AT_ONCE: usize = 256;
const GROUP: &str = "owner";

/// Something that Redis says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Text(Vec<u8>),
    Number(i64),
    Nothing,
    List(Vec<Said>),
    Refusal(String),
}

/// Messages to one stream after the other.
pub(super) struct Sends {
    inboxes: usize,
    offset: usize,
}

impl Speech for Sends {
    type Said = Said;

    fn take(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
        parse(bytes)
    }

    fn ask(&mut self, number: u64, out: &mut Vec<u8>) {
        let place = usize::try_from(number).unwrap_or_default() + self.offset;
        let stream = inbox(place % self.inboxes);
        command(out, &[b"XADD", stream.as_bytes(), b"*", b"body", &body()]);
    }

    fn is_answer(said: &Said) -> Result<bool, Failure> {
        match said {
            Said::Refusal(reason) => Err(wrong(reason)),
            _ => Ok(true),
        }
    }
}

fn inbox(number: usize) -> String {
    format!("inbox:{number}")
}

fn command(out: &mut Vec<u8>, words: &[&[u8]]) {
    out.extend(format!("*{}\r\n", words.len()).into_bytes());
    for word in words {
        out.extend(format!("${}\r\n", word.len()).into_bytes());
        out.extend_from_slice(word);
        out.extend_from_slice(b"\r\n");
    }
}

/// The first whole value of `bytes`.
fn parse(bytes: &[u8]) -> Result<Option<Taken<Said>>, Failure> {
    let Some(end) = bytes.windows(2).position(|two| two == b"\r\n") else { return Ok(None) };
    let (line, rest) = (&bytes[..end], end + 2);
    let Some((kind, line)) = line.split_first() else { return Err(wrong("Redis: an empty line")) };
    let text = String::from_utf8_lossy(line).into_owned();
    let number = || text.parse::<i64>().map_err(|_| wrong(format!("Redis: no number: {text}")));
    let said = match kind {
        b'+' => Said::Text(line.to_vec()),
        b'-' => Said::Refusal(format!("Redis: {text}")),
        b':' => Said::Number(number()?),
        b'$' => return Ok(bulk(bytes, rest, number()?)),
        b'*' => return list(bytes, rest, number()?),
        _ => return Err(wrong(format!("Redis: an unknown kind: {text}"))),
    };
    Ok(Some(Taken { bytes: rest, said }))
}

fn bulk(bytes: &[u8], begin: usize, length: i64) -> Option<Taken<Said>> {
    // Without one there is no line behind it.
    let Ok(length) = usize::try_from(length) else {
        return Some(Taken { bytes: begin, said: Said::Nothing });
    };
    let text = bytes.get(begin..begin + length).filter(|_| bytes.len() >= begin + length + 2)?;
    Some(Taken { bytes: begin + length + 2, said: Said::Text(text.to_vec()) })
}

fn list(bytes: &[u8], begin: usize, count: i64) -> Result<Option<Taken<Said>>, Failure> {
    let Ok(count) = usize::try_from(count) else {
        return Ok(Some(Taken { bytes: begin, said: Said::Nothing }));
    };
    let (mut at, mut all) = (begin, Vec::new());
    for _ in 0..count {
        let Some(taken) = parse(&bytes[at..])? else { return Ok(None) };
        at += taken.bytes;
        all.push(taken.said);
    }
    Ok(Some(Taken { bytes: at, said: Said::List(all) }))
}

/// Starts one that syncs its log as `fsync` says.
pub(super) async fn start(program: &Path, beside: &Path, fsync: &str) -> Result<Daemon, Failure> {
    Daemon::start(program, beside, |port, folder| {
        let folder = folder.display();
        let line = format!("--port {port} --bind 127.0.0.1 --appendonly yes --appendfsync {fsync}");
        let words = line.split(' ').map(str::to_owned);
        let rest =
            ["--save", "", "--dir"].map(str::to_owned).into_iter().chain([folder.to_string()]);
        Ok(words.chain(rest).collect())
    })
    .await
}

/// As `store` and `ack`.
pub(super) async fn send(
    daemon: &Daemon,
    sizes: &Sizes,
    work: Work,
    connections: usize,
) -> Result<Figures, Failure> {
    let step = (sizes.inboxes / connections).max(1);
    let mut talks = Vec::with_capacity(connections);
    for index in 0..connections {
        let sends = Sends { inboxes: sizes.inboxes, offset: index * step };
        talks.push(Talk::connect(daemon.address, sends).await?);
    }
    let (talks, ..) = run_all(talks, work.warm_up(), "warming up").await?;
    let (_, time, samples) = run_all(talks, work, "measuring").await?;
    Ok(Figures::answered(work.count, time, samples))
}

/// As `drain`: a full stream is read by its group and acknowledged.
pub(super) async fn drain(daemon: &Daemon, sizes: &Sizes) -> Result<Figures, Failure> {
    let one = || Sends { inboxes: 1, offset: 0 };
    let filling = vec![Talk::connect(daemon.address, one()).await?];
    let work = Work { count: sizes.drain, window: 64 };
    run_all(filling, work, "filling the inbox").await?;
    let (stream, began) = (inbox(0), Instant::now());
    let mut talk = Talk::connect(daemon.address, one()).await?;
    ask(&mut talk, &["XGROUP", "CREATE", &stream, GROUP, "0"]).await?;
    let (mut taken, at_once) = (0, READ_AT_ONCE.to_string());
    while taken < sizes.drain {
        let read =
            ["XREADGROUP", "GROUP", GROUP, "device", "COUNT", &at_once, "STREAMS", &stream, ">"];
        let ids = ids_of(ask(&mut talk, &read).await?);
        if ids.is_empty() {
            return Err(wrong(format!("Redis: {taken} of {} are there", sizes.drain)));
        }
        taken += ids.len();
        let ids = ids.iter().map(String::as_str);
        let acknowledge: Vec<&str> = ["XACK", &stream, GROUP].into_iter().chain(ids).collect();
        ask(&mut talk, &acknowledge).await?;
    }
    Ok(Figures::drained(sizes.drain, began.elapsed()))
}

async fn ask(talk: &mut Talk<Sends>, words: &[&str]) -> Result<Said, Failure> {
    let words: Vec<&[u8]> = words.iter().map(|word| word.as_bytes()).collect();
    let mut out = Vec::new();
    command(&mut out, &words);
    talk.write(&out).await?;
    match talk.said().await? {
        Said::Refusal(reason) => Err(wrong(reason)),
        said => Ok(said),
    }
}

/// The ids of the messages in the answer to `XREADGROUP`: a list of streams, each its name and a list of its messages.
fn ids_of(said: Said) -> Vec<String> {
    let inside = |said: Said| if let Said::List(inside) = said { inside } else { Vec::new() };
    let streams = inside(said).into_iter().filter_map(|stream| inside(stream).pop());
    let messages =
        streams.flat_map(inside).filter_map(|message| inside(message).into_iter().next());
    messages
        .filter_map(|id| if let Said::Text(id) = id { String::from_utf8(id).ok() } else { None })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_whole_or_not_at_all() {
        let bytes = b"*2\r\n$3\r\nabc\r\n*-1\r\n:7\r\n";
        let whole = parse(bytes).unwrap().unwrap();
        assert_eq!(whole.said, Said::List(vec![Said::Text(b"abc".to_vec()), Said::Nothing]));
        assert_eq!(whole.bytes, bytes.len() - 4);
        for length in 0..whole.bytes {
            assert_eq!(parse(&bytes[..length]).unwrap(), None, "{length}");
        }
        let refusal = parse(b"-ERR no\r\n").unwrap().unwrap().said;
        assert!(Sends::is_answer(&refusal).is_err());
        assert!(parse(b"?\r\n").is_err());
    }

    #[test]
    fn a_request_has_its_words_with_their_lengths() {
        let mut out = Vec::new();
        Sends { inboxes: 10, offset: 9 }.ask(2, &mut out);
        let text = String::from_utf8(out).unwrap();
        assert!(text.starts_with("*5\r\n$4\r\nXADD\r\n$7\r\ninbox:1\r\n$1\r\n*\r\n"), "{text}");
    }
}
