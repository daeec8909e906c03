//! Mends what deployed programs get wrong in the headers of a message, and says what it mended.
//!
//! For whoever sends a message, before it is sent: on its way nobody may change a byte. What was mended is read by the
//! strict reader again, which judges it.
//! Must never hold: a change of a body, of a message that is in form, or of anything without a word.

use super::IMDN;
use super::namespace::{CORE_HEADERS, is_name};
use super::parse::parse;
use crate::format::time;

/// A message in the form that the strict reader takes, as far as it could be mended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mended {
    /// The message.
    pub bytes: Vec<u8>,
    /// What was mended; empty if `bytes` are what came.
    pub mends: Vec<Mend>,
}

/// Something that was wrong and is not any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mend {
    /// The line it began in, from 1.
    pub line: u32,
    /// What was done.
    pub what: &'static str,
}

impl core::fmt::Display for Mend {
    fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(formatter, "line {}: {}", self.line, self.what)
    }
}

/// Mends line ends, missing and doubled empty lines, spaces, folded lines, names in another case, NS headers that are late,
/// missing or without space or brackets, addresses without brackets or scheme, and moments without a zone.
pub fn mend(bytes: &[u8]) -> Mended {
    let mut mending = Mending { rest: bytes, line: 0, ends_mended: false, mends: Vec::new() };
    mending.skip_whole();
    let headers = mending.headers();
    let headers = mending.declared_first(headers);
    let mut mended = Vec::with_capacity(bytes.len() + 64);
    for header in &headers {
        mended.extend_from_slice(header.text.as_bytes());
        mended.extend_from_slice(b"\r\n");
    }
    mending.content(&mut mended);
    mended.extend_from_slice(mending.rest);
    // A header that nobody knows has any value; by another's name it may be wrong.
    let is_spoilt = parse(bytes).is_ok() && parse(&mended).is_err();
    if mending.mends.is_empty() || is_spoilt {
        return Mended { bytes: bytes.to_vec(), mends: Vec::new() };
    }
    Mended { bytes: mended, mends: mending.mends }
}

/// A header line and where it began.
struct Line {
    number: u32,
    text: String,
}

struct Mending<'a> {
    rest: &'a [u8],
    /// The number of the line read last.
    line: u32,
    /// Line ends are told of once.
    ends_mended: bool,
    mends: Vec<Mend>,
}

impl<'a> Mending<'a> {
    fn mended(&mut self, line: u32, what: &'static str) {
        self.mends.push(Mend { line, what });
    }

    /// The next line if it is text, without taking it, and how many bytes it has with its end.
    fn peek(&self) -> Option<(&'a str, usize)> {
        let length = self.rest.iter().position(|&byte| byte == b'\n').map(|at| at + 1);
        let length = length.unwrap_or(self.rest.len());
        let line = self.rest[..length].strip_suffix(b"\n").unwrap_or(&self.rest[..length]);
        let line = core::str::from_utf8(line.strip_suffix(b"\r").unwrap_or(line)).ok()?;
        (length > 0).then_some((line, length))
    }

    fn take(&mut self, length: usize) {
        let (line, rest) = self.rest.split_at(length);
        self.rest = rest;
        self.line += 1;
        if !line.ends_with(b"\r\n") && !core::mem::replace(&mut self.ends_mended, true) {
            self.mended(self.line, "lines end with CR LF now");
        }
    }

    /// Passes over the MIME header of the whole, which is no part of the message, if something in it would be wrong.
    fn skip_whole(&mut self) {
        let Some((first, _)) = self.peek() else { return };
        let is_whole = is_of_content(first) && first.to_ascii_lowercase().contains("message/cpim");
        while is_whole && let Some((line, length)) = self.peek() {
            if line.is_empty() {
                return self.take(length);
            }
            if !is_of_content(line) && !line.starts_with([' ', '\t']) {
                return self
                    .mended(self.line + 1, "the header of the whole ends with an empty line now");
            }
            self.take(length);
        }
    }

    /// The message's own headers, each mended; the empty line behind them is taken or was missing.
    fn headers(&mut self) -> Vec<Line> {
        let mut headers: Vec<Line> = Vec::new();
        while let Some((line, length)) = self.peek() {
            if line.is_empty() {
                self.take(length);
                return headers;
            }
            if is_of_content(line) {
                self.mended(
                    self.line + 1,
                    "an empty line stands in front of the content's headers now",
                );
                return headers;
            }
            self.take(length);
            let number = self.line;
            match headers.last_mut().filter(|_| line.starts_with([' ', '\t'])) {
                Some(last) => {
                    last.text.extend([" ", line.trim_matches([' ', '\t'])]);
                    self.mended(number, "a folded header is one line now");
                }
                None => headers.push(Line { number, text: self.header(line) }),
            }
        }
        headers
    }

    fn header(&mut self, line: &str) -> String {
        let number = self.line;
        let Some((given, rest)) = line.split_once(':') else { return line.to_owned() };
        let name = core_name(given.trim_matches([' ', '\t']));
        if name != given {
            self.mended(number, "the header's name is written as RFC 3862 has it now");
        }
        // Behind parameters only the reader knows where the value begins.
        if rest.starts_with(';') {
            return format!("{name}:{rest}");
        }
        let value = rest.trim_matches([' ', '\t']);
        if rest.strip_prefix(' ') != Some(value) {
            self.mended(
                number,
                "one space stands between colon and value now, and none at the end",
            );
        }
        let (mended, what) = match name {
            "NS" => (mend_namespace(value), "the NS header has a space and brackets now"),
            "From" | "To" | "cc" => {
                (mend_address(value), "the address is an absolute URI in brackets now")
            }
            "DateTime" => {
                (mend_moment(value), "the moment has a form with a zone now, UTC if none was told")
            }
            _ => (None, ""),
        };
        if mended.is_some() {
            self.mended(number, what);
        }
        format!("{name}: {}", mended.as_deref().unwrap_or(value))
    }

    /// Puts each NS header in front of the first header that uses its prefix, and declares `imdn` if nobody did.
    fn declared_first(&mut self, mut headers: Vec<Line>) -> Vec<Line> {
        let mut at = 0;
        while at < headers.len() {
            let prefix = prefix_of(&headers[at].text).map(str::to_owned);
            if let Some(prefix) = prefix
                && !headers[..at].iter().any(|line| declares(&line.text, &prefix))
            {
                let late = headers[at..].iter().position(|line| declares(&line.text, &prefix));
                if let Some(late) = late {
                    let line = headers.remove(at + late);
                    self.mended(line.number, "the NS header stands in front of what uses it now");
                    headers.insert(at, line);
                } else if prefix.eq_ignore_ascii_case("imdn") {
                    let number = headers[at].number;
                    self.mended(number, "the prefix imdn is declared now");
                    headers.insert(at, Line { number, text: format!("NS: {prefix} <{IMDN}>") });
                }
            }
            at += 1;
        }
        headers
    }

    /// Writes the content's headers and the empty lines around them.
    fn content(&mut self, mended: &mut Vec<u8>) {
        mended.extend_from_slice(b"\r\n");
        while let Some((line, length)) = self.peek()
            && line.is_empty()
            && self.is_content_behind(length)
        {
            self.take(length);
            self.mended(self.line, "an empty line too many is gone now");
        }
        let mut is_first = true;
        while let Some((line, length)) = self.peek() {
            if line.is_empty() {
                self.take(length);
                mended.extend_from_slice(b"\r\n");
                return;
            }
            let is_folded = !is_first && line.starts_with([' ', '\t']);
            if !is_folded && !is_mime_header(line) {
                break;
            }
            is_first = false;
            self.take(length);
            mended.extend_from_slice(line.as_bytes());
            mended.extend_from_slice(b"\r\n");
        }
        if !is_first {
            self.mended(self.line + 1, "an empty line stands in front of the body now");
            mended.extend_from_slice(b"\r\n");
        }
    }

    /// Whether behind `skip` bytes, and more empty lines, a header of the content stands.
    fn is_content_behind(&self, skip: usize) -> bool {
        let rest = self.rest[skip..].trim_ascii_start();
        ["content-", "mime-version"].iter().any(|name| {
            rest.get(..name.len()).is_some_and(|start| start.eq_ignore_ascii_case(name.as_bytes()))
        })
    }
}

fn is_of_content(line: &str) -> bool {
    let name = line.split(':').next().unwrap_or_default().to_ascii_lowercase();
    name.starts_with("content-") || name.trim_end() == "mime-version"
}

fn is_mime_header(line: &str) -> bool {
    let name = line.split_once(':').map(|(name, _)| name);
    name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic()))
}

/// The name as RFC 3862 writes it, if it is one of its headers in another case.
fn core_name(name: &str) -> &str {
    CORE_HEADERS.iter().find(|known| known.eq_ignore_ascii_case(name)).copied().unwrap_or(name)
}

/// The prefix of a header's name.
fn prefix_of(line: &str) -> Option<&str> {
    let name = line.split(':').next().unwrap_or_default();
    name.split_once('.').map(|(prefix, _)| prefix).filter(|prefix| is_name(prefix))
}

fn declares(line: &str, prefix: &str) -> bool {
    let value = line.strip_prefix("NS: ").and_then(|value| value.split_once(' '));
    value.is_some_and(|(declared, _)| declared == prefix)
}

fn mend_namespace(value: &str) -> Option<String> {
    let (prefix, uri) = match value.find('<') {
        Some(at) => (value[..at].trim(), value[at..].trim_matches(['<', '>', ' '])),
        None => value.rsplit_once(' ').map_or(("", value), |(prefix, uri)| (prefix.trim(), uri)),
    };
    let written = if prefix.is_empty() { format!("<{uri}>") } else { format!("{prefix} <{uri}>") };
    (written != value).then_some(written)
}

fn mend_address(value: &str) -> Option<String> {
    let (name, uri) = match value.rfind('<') {
        Some(at) => (&value[..at], value[at + 1..].trim_end().trim_end_matches('>').trim()),
        None => ("", value),
    };
    if uri.contains([' ', '"']) {
        return None;
    }
    let digits = uri.trim_start_matches('+');
    let is_number = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    let uri = match uri.contains(':') {
        false if is_number => format!("tel:{uri}"),
        false if uri.contains('@') => format!("im:{uri}"),
        _ => uri.to_owned(),
    };
    let written = format!("{name}<{uri}>");
    (written != value).then_some(written)
}

fn mend_moment(value: &str) -> Option<String> {
    // What follows counts bytes from the end, and no moment has other characters.
    if !value.is_ascii() || time::read(value).is_ok() {
        return None;
    }
    let mut text = value.to_ascii_uppercase().replacen(' ', "T", 1).replace(' ', "");
    let clock = text.find('T').map_or("", |at| &text[at..]);
    match clock.rfind(['+', '-']).map(|at| clock.len() - at) {
        _ if clock.ends_with('Z') => {}
        None => text.push('Z'),
        Some(3) => text.push_str(":00"),
        Some(5) if !clock.ends_with(':') => text.insert(text.len() - 2, ':'),
        Some(_) => {}
    }
    time::read(&text).ok().map(|_| text)
}
