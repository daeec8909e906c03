//! Reads a message: its headers by the strict grammar of RFC 3862 §3, its content by MIME.
//!
//! Must never hold: a repair. A message that is out of form is refused, since nobody may change it.

use bytes::Bytes;

use super::address::uri_in_brackets;
use super::content::{self, ContentHeader};
use super::header::take_apart;
use super::namespace::{Namespaces, is_name};
use super::{Address, CONTENT_TYPE, Cpim, Header, Name, Subject};
use crate::format::{FormatFault, Position, time};
use crate::model::limits::{BODY_BYTES_MAX, CPIM_HEADER_BYTES_MAX, CPIM_HEADERS_MAX};
use crate::model::{ContentType, Timestamp};

/// Reads one message of at most [`BODY_BYTES_MAX`] bytes.
///
/// A file may begin with the MIME header of the whole, `Content-Type: message/cpim`, and an empty line; these are no
/// part of the message and left out of [`Cpim::bytes`]. If they tell a `Content-Length`, it must be that of the rest.
///
/// # Errors
/// The first [`FormatFault`]. Headers that are not understood are no fault, see [`Cpim::require_at_most`].
pub fn parse(bytes: &[u8]) -> Result<Cpim, FormatFault> {
    if bytes.len() > BODY_BYTES_MAX {
        let found = bytes.len();
        return Err(FormatFault::TooLarge { thing: "message", found, max: BODY_BYTES_MAX });
    }
    let whole = Whole::before(bytes);
    whole.check_length(bytes)?;
    let begin = whole.bytes;
    let mut reading = Reading { bytes, at: begin };
    let headers = reading.headers()?;
    let content_at = reading.at;
    let content_headers = reading.content_headers()?;
    let content_type = content_type(&content_headers, Position::of(bytes, content_at))?;
    let message = Bytes::copy_from_slice(&bytes[begin..]);
    let body = message.slice(reading.at - begin..);
    let missing = |thing, cure| {
        let at = Position::of(bytes, begin);
        FormatFault::Missing { at, thing, cure }
    };
    let from = headers
        .from
        .ok_or_else(|| missing("From header", "say who sends it: From: <im:alice@example.com>"))?;
    if headers.to.is_empty() {
        return Err(missing("To header", "say whom it is for: To: <im:bob@example.com>"));
    }
    Ok(Cpim {
        bytes: message,
        headers: headers.all,
        from,
        to: headers.to,
        cc: headers.cc,
        date_time: headers.date_time,
        subjects: headers.subjects,
        required: headers.required,
        content_headers,
        content_type,
        body,
    })
}

/// The MIME header of the whole, with its empty line; nothing if the message begins at once.
#[derive(Default)]
struct Whole {
    bytes: usize,
    /// The length that it tells of what follows.
    length: Option<String>,
}

impl Whole {
    fn before(bytes: &[u8]) -> Self {
        Self::find(bytes).unwrap_or_default()
    }

    fn find(bytes: &[u8]) -> Option<Self> {
        let end = bytes.windows(4).position(|four| four == b"\r\n\r\n")?;
        let lines = core::str::from_utf8(&bytes[..end]).ok()?;
        let headers = content::headers(&lines.split("\r\n").collect::<Vec<_>>()).ok()?;
        let of_mime = |header: &ContentHeader| {
            let name = header.name.to_ascii_lowercase();
            name.starts_with("content-") || name == "mime-version"
        };
        let is_whole = |header: &ContentHeader| {
            let essence = header.value.split(';').next().unwrap_or_default();
            header.name.eq_ignore_ascii_case("content-type")
                && essence.trim().eq_ignore_ascii_case(CONTENT_TYPE)
        };
        // A message itself has a From among these lines, so the two cannot be taken for one another.
        let wraps = headers.iter().all(of_mime) && headers.iter().any(is_whole);
        let is_length = |header: &ContentHeader| header.name.eq_ignore_ascii_case("content-length");
        let length = headers.into_iter().find(is_length).map(|header| header.value);
        wraps.then_some(Self { bytes: end + 4, length })
    }

    /// Refuses what is shorter than told, and several messages in a row: the second would become text of the first.
    fn check_length(&self, bytes: &[u8]) -> Result<(), FormatFault> {
        let found = bytes.len() - self.bytes;
        match &self.length {
            Some(given) if given.parse() != Ok(found) => {
                let cure = format!("{found} bytes follow; give one whole message and its length");
                let at = Position { line: 1, column: 1 };
                Err(FormatFault::value(at, "Content-Length", given, cure))
            }
            _ => Ok(()),
        }
    }
}

/// What the headers say.
#[derive(Default)]
struct Headers {
    all: Vec<Header>,
    from: Option<Address>,
    to: Vec<Address>,
    cc: Vec<Address>,
    date_time: Option<Timestamp>,
    subjects: Vec<Subject>,
    required: Vec<Name>,
}

struct Reading<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reading<'a> {
    fn position(&self, byte: usize) -> Position {
        Position::of(self.bytes, byte)
    }

    fn fault(&self, byte: usize, cause: &str, cure: &'static str) -> FormatFault {
        FormatFault::Syntax { at: self.position(byte), cause: cause.to_owned(), cure }
    }

    /// The next line without its end, and where it begins.
    fn line(&mut self) -> Result<(&'a str, usize), FormatFault> {
        let begin = self.at;
        let rest = &self.bytes[begin..];
        let end = rest.iter().position(|&byte| byte == b'\n').ok_or_else(|| {
            self.fault(
                self.bytes.len(),
                "the message ends in its headers",
                "end them with an empty line, then the content",
            )
        })?;
        let line = rest[..end].strip_suffix(b"\r").ok_or_else(|| {
            self.fault(begin + end, "a line ends with LF alone", "end every header line with CR LF")
        })?;
        if line.len() > CPIM_HEADER_BYTES_MAX {
            let (found, max) = (line.len(), CPIM_HEADER_BYTES_MAX);
            return Err(FormatFault::TooLarge { thing: "header", found, max });
        }
        let text = core::str::from_utf8(line).map_err(|error| FormatFault::NotUtf8 {
            at: self.position(begin + error.valid_up_to()),
        })?;
        self.at = begin + end + 1;
        Ok((text, begin))
    }

    /// Reads the message's own headers and the empty line behind them.
    fn headers(&mut self) -> Result<Headers, FormatFault> {
        let (mut headers, mut namespaces) = (Headers::default(), Namespaces::new());
        loop {
            let (line, begin) = self.line()?;
            if line.is_empty() {
                return Ok(headers);
            }
            if headers.all.len() == CPIM_HEADERS_MAX {
                let (at, max) = (self.position(begin), CPIM_HEADERS_MAX);
                return Err(FormatFault::TooMany { at, thing: "headers", max });
            }
            let header = self.header(line, begin, &namespaces)?;
            self.understand(&header, begin, &mut headers, &mut namespaces)?;
            headers.all.push(header);
        }
    }

    fn header(
        &self,
        line: &str,
        begin: usize,
        namespaces: &Namespaces,
    ) -> Result<Header, FormatFault> {
        let parts = take_apart(line)
            .map_err(|(at, cure)| self.fault(begin + at, "this is no header", cure))?;
        let name = namespaces.resolve(parts.name).map_err(|cure| {
            FormatFault::value(self.position(begin), "header name", parts.name, cure)
        })?;
        Ok(Header { name, parameters: parts.parameters, value: parts.value.to_owned() })
    }

    /// Takes in what a header of the core namespace says; others are only kept.
    fn understand(
        &self,
        header: &Header,
        begin: usize,
        headers: &mut Headers,
        namespaces: &mut Namespaces,
    ) -> Result<(), FormatFault> {
        let at = self.position(begin);
        let value = header.value.as_str();
        let address =
            |thing| Address::read(value).map_err(|cure| FormatFault::value(at, thing, value, cure));
        match header.name.core_header() {
            Some("From") => once(&mut headers.from, address("From header")?, "From header", at)?,
            Some("To") => headers.to.push(address("To header")?),
            Some("cc") => headers.cc.push(address("cc header")?),
            Some("DateTime") => {
                let read = time::read(value);
                let moment =
                    read.map_err(|cure| FormatFault::value(at, "DateTime header", value, cure))?;
                once(&mut headers.date_time, moment, "DateTime header", at)?;
            }
            Some("Subject") => headers
                .subjects
                .push(Subject { language: header.language().to_owned(), text: header.text() }),
            Some("NS") => {
                let (prefix, uri) = namespace(value)
                    .map_err(|cure| FormatFault::value(at, "NS header", value, cure))?;
                namespaces.declare(prefix, uri);
            }
            Some("Require") => {
                let names = value.split(',').map(|name| namespaces.resolve(name.trim_matches(' ')));
                let names: Result<Vec<Name>, _> = names.collect();
                let names =
                    names.map_err(|cure| FormatFault::value(at, "Require header", value, cure))?;
                headers.required.extend(names);
            }
            _ => {}
        }
        Ok(())
    }

    /// Reads the content's headers and the empty line behind them.
    fn content_headers(&mut self) -> Result<Vec<ContentHeader>, FormatFault> {
        let (mut lines, mut begins) = (Vec::new(), Vec::new());
        loop {
            let (line, begin) = self.line()?;
            if line.is_empty() {
                break;
            }
            if lines.len() == CPIM_HEADERS_MAX {
                let (at, max) = (self.position(begin), CPIM_HEADERS_MAX);
                return Err(FormatFault::TooMany { at, thing: "content header lines", max });
            }
            lines.push(line);
            begins.push(begin);
        }
        content::headers(&lines)
            .map_err(|(line, cure)| self.fault(begins[line], "this is no content header", cure))
    }
}

fn once<T>(
    slot: &mut Option<T>,
    value: T,
    thing: &'static str,
    at: Position,
) -> Result<(), FormatFault> {
    if slot.is_some() {
        return Err(FormatFault::Repeated { at, thing, cure: "keep one" });
    }
    *slot = Some(value);
    Ok(())
}

/// The prefix (`""` for the default namespace) and URI of an NS header: `[prefix SP] "<" URI ">"`.
fn namespace(value: &str) -> Result<(&str, &str), &'static str> {
    const SHAPE: &str = "write it like NS: imdn <urn:ietf:params:imdn>, its URI absolute";
    let at =
        value.find('<').ok_or("put the URI in < and >, as in NS: imdn <urn:ietf:params:imdn>")?;
    let (before, rest) = value.split_at(at);
    let prefix = match before.strip_suffix(' ') {
        None if before.is_empty() => "",
        None => return Err("put one space before <, as in NS: imdn <urn:ietf:params:imdn>"),
        Some(prefix) if is_name(prefix) => prefix,
        Some(_) => return Err(SHAPE),
    };
    Ok((prefix, uri_in_brackets(rest).map_err(|_| SHAPE)?))
}

fn content_type(headers: &[ContentHeader], at: Position) -> Result<ContentType, FormatFault> {
    let mut found = headers.iter().filter(|one| one.name.eq_ignore_ascii_case("content-type"));
    let cure = "say what the content is: Content-Type: text/plain; charset=utf-8";
    let missing = FormatFault::Missing { at, thing: "Content-Type of the content", cure };
    let header = found.next().ok_or(missing)?;
    if found.next().is_some() {
        return Err(FormatFault::Repeated { at, thing: "Content-Type", cure: "keep one" });
    }
    ContentType::new(&header.value).map_err(|refusal| FormatFault::Model { at, refusal })
}
