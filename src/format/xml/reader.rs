//! The strict reader: the next start, end or piece of text, or the first thing that is wrong.
//!
//! Must never hold: more than the open elements and what they declare. The text itself is borrowed.

use std::borrow::Cow;

use quick_xml::events::Event;

use super::chars::{is_char, is_name, is_space, line_ends, reference, split_name};
use super::scope::{Found, Scope, XML};
use super::tag::{Start, TagFault, cut};
use crate::format::{FormatFault, Position};
use crate::model::limits::{XML_ATTRIBUTES_MAX, XML_DEPTH_MAX};

/// What comes next.
#[derive(Clone, Debug)]
pub(in crate::format) enum Token<'a> {
    /// An element begins.
    Start(Start<'a>),
    /// The innermost open element ends.
    End,
    /// Character data, in pieces as they come; references and sections are resolved.
    Text(Cow<'a, str>),
    /// The text is over, and whole.
    Done,
}

/// Checks that `bytes` are at most `max` of UTF-8 without what XML cannot hold, and takes a byte order mark off.
///
/// # Errors
/// [`FormatFault::TooLarge`], [`FormatFault::NotUtf8`] or [`FormatFault::Syntax`].
pub(super) fn decode<'a>(
    thing: &'static str,
    bytes: &'a [u8],
    max: usize,
) -> Result<&'a str, FormatFault> {
    if bytes.len() > max {
        return Err(FormatFault::TooLarge { thing, found: bytes.len(), max });
    }
    let text = core::str::from_utf8(bytes)
        .map_err(|error| FormatFault::NotUtf8 { at: Position::of(bytes, error.valid_up_to()) })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(byte) = text.find(|character| !is_char(character)) {
        let at = Position::of(text.as_bytes(), byte);
        let cause = "a character that XML cannot hold".to_owned();
        return Err(FormatFault::Syntax { at, cause, cure: "leave control characters out" });
    }
    Ok(text)
}

/// Reads one document, or one element that stands alone.
pub(in crate::format) struct Reader<'a> {
    text: &'a str,
    tokens: quick_xml::Reader<&'a [u8]>,
    /// Where the token last read begins.
    at: usize,
    scope: Scope<'a>,
    /// `xml:lang` of each open element, its own or inherited.
    languages: Vec<String>,
    /// An empty-element tag was read and its end not yet told.
    end_due: bool,
    root_seen: bool,
    depth_max: usize,
}

impl<'a> Reader<'a> {
    /// Begins a document, which must begin with its XML declaration.
    ///
    /// # Errors
    /// [`FormatFault::Missing`] or [`FormatFault::Syntax`] about the declaration.
    pub(in crate::format) fn document(text: &'a str) -> Result<Self, FormatFault> {
        let mut reader = Self::element(text, XML_DEPTH_MAX);
        reader.declaration()?;
        Ok(reader)
    }

    /// Begins an element that stands alone; at most `depth_max` elements may lie inside one another.
    pub(super) fn element(text: &'a str, depth_max: usize) -> Self {
        let mut tokens = quick_xml::Reader::from_str(text);
        tokens.config_mut().expand_empty_elements = false;
        Self {
            text,
            tokens,
            at: 0,
            scope: Scope::default(),
            languages: Vec::new(),
            end_due: false,
            root_seen: false,
            depth_max,
        }
    }

    /// The position of `byte`, for a fault.
    pub(in crate::format) fn position(&self, byte: usize) -> Position {
        Position::of(self.text.as_bytes(), byte)
    }

    /// The position of the token last read.
    pub(in crate::format) fn here(&self) -> Position {
        self.position(self.at)
    }

    /// The byte behind the token last read.
    pub(super) fn end(&self) -> usize {
        usize::try_from(self.tokens.buffer_position()).expect("a text in memory has fewer bytes")
    }

    pub(super) fn text(&self) -> &'a str {
        self.text
    }

    pub(super) fn depth(&self) -> usize {
        self.languages.len()
    }

    /// The language that the innermost open element declares or inherits; `""` if none.
    pub(in crate::format) fn language(&self) -> &str {
        self.languages.last().map_or("", |language| language)
    }

    /// The language around the innermost open element.
    pub(super) fn language_outside(&self) -> &str {
        self.languages.iter().nth_back(1).map_or("", |language| language)
    }

    pub(super) fn bindings(&self) -> usize {
        self.scope.len()
    }

    pub(super) fn binding(&self, prefix: &str) -> Option<Found<'_, 'a>> {
        self.scope.find(prefix)
    }

    /// Reads on. Comments and processing instructions are checked and passed over.
    ///
    /// # Errors
    /// The first thing that is wrong with the text; reading ends there.
    pub(in crate::format) fn next(&mut self) -> Result<Token<'a>, FormatFault> {
        if self.end_due {
            self.end_due = false;
            self.leave();
            return Ok(Token::End);
        }
        loop {
            let (event, raw) = self.event()?;
            match event {
                Event::Start(_) => return self.start(raw, raw.len() - 1).map(Token::Start),
                Event::Empty(_) => {
                    let start = self.start(raw, raw.len() - 2)?;
                    self.end_due = true;
                    return Ok(Token::Start(start));
                }
                Event::End(_) => {
                    self.leave();
                    return Ok(Token::End);
                }
                Event::Text(_) => {
                    if let Some(text) = self.characters(raw)? {
                        return Ok(Token::Text(text));
                    }
                }
                Event::CData(_) => return self.section(raw).map(Token::Text),
                Event::GeneralRef(_) => return self.reference(raw).map(Token::Text),
                Event::Comment(_) => self.comment(raw)?,
                Event::PI(_) | Event::Decl(_) => self.instruction(raw)?,
                Event::DocType(_) => return Err(self.doctype()),
                Event::Eof => return self.done(),
            }
        }
    }

    /// The next token and the piece of text it is.
    fn event(&mut self) -> Result<(Event<'a>, &'a str), FormatFault> {
        self.at = self.end();
        // The tokenizer passes over such a mark and counts from behind it: its places would not be those of the text.
        if self.at == 0 && self.text.starts_with('\u{feff}') {
            return Err(self.fault("a byte order mark within the text", "leave it out"));
        }
        let event = self.tokens.read_event().map_err(|error| {
            let byte = usize::try_from(self.tokens.error_position()).unwrap_or(self.at);
            let at = Position::of(self.text.as_bytes(), byte);
            let cure = "close what is open, in order, and write & as &amp;";
            FormatFault::Syntax { at, cause: error.to_string(), cure }
        })?;
        Ok((event, &self.text[self.at..self.end()]))
    }

    fn fault(&self, cause: impl Into<String>, cure: &'static str) -> FormatFault {
        FormatFault::Syntax { at: self.here(), cause: cause.into(), cure }
    }

    fn declaration(&mut self) -> Result<(), FormatFault> {
        let cure = "begin with <?xml version=\"1.0\" encoding=\"UTF-8\"?>";
        let (event, raw) = self.event()?;
        let missing = FormatFault::Missing { at: self.here(), thing: "XML declaration", cure };
        let Event::Decl(_) = event else { return Err(missing) };
        let inside =
            raw.strip_prefix("<?").and_then(|raw| raw.strip_suffix("?>")).ok_or(missing)?;
        let (name, attributes) = cut(inside).map_err(|fault| self.fault(fault.cause, cure))?;
        let mut given =
            attributes.iter().map(|one| ((one.prefix, one.local), &*one.value)).peekable();
        if name != "xml" || given.next_if_eq(&(("", "version"), "1.0")).is_none() {
            return Err(self.fault("this is not XML 1.0", cure));
        }
        // The text was decoded by it already.
        given.next_if(|(name, _)| *name == ("", "encoding"));
        given.next_if(|one| matches!(one, (("", "standalone"), "yes" | "no")));
        match given.next() {
            None => Ok(()),
            Some(_) => Err(self.fault("the XML declaration is not in its order", cure)),
        }
    }

    fn start(&mut self, raw: &'a str, close: usize) -> Result<Start<'a>, FormatFault> {
        if self.depth() == 0 && self.root_seen {
            return Err(
                self.fault("a second element at the top", "put everything into one root element")
            );
        }
        if self.depth() >= self.depth_max {
            let (at, max) = (self.here(), self.depth_max);
            return Err(FormatFault::TooMany { at, thing: "elements inside one another", max });
        }
        let (name, mut attributes) = cut(&raw[1..close]).map_err(|fault| self.in_tag(fault))?;
        let (prefix, local) = split_name(name).ok_or_else(|| {
            self.fault(
                "this is no element name",
                "begin a name with a letter or _, one colon at most",
            )
        })?;
        if attributes.len() > XML_ATTRIBUTES_MAX {
            let (at, max) = (self.here(), XML_ATTRIBUTES_MAX);
            return Err(FormatFault::TooMany { at, thing: "attributes of one element", max });
        }
        let bad = "declare each prefix once, with xmlns:prefix=\"namespace\"";
        self.scope.enter(&attributes).map_err(|cause| self.fault(cause, bad))?;
        for attribute in &mut attributes {
            let namespace = self.scope.of_attribute(attribute);
            attribute.namespace = namespace.ok_or_else(|| self.undeclared(attribute.prefix))?;
        }
        let namespace = self.scope.of_element(prefix).ok_or_else(|| self.undeclared(prefix))?;
        let start = Start { at: self.at, name, prefix, local, namespace, attributes };
        self.distinct(&start)?;
        let language = start.value_in(XML, "lang").unwrap_or(self.language()).to_owned();
        self.languages.push(language);
        self.root_seen = true;
        Ok(start)
    }

    fn in_tag(&self, fault: TagFault) -> FormatFault {
        let at = self.position(self.at + 1 + fault.at);
        FormatFault::Syntax { at, cause: fault.cause, cure: fault.cure }
    }

    fn undeclared(&self, prefix: &str) -> FormatFault {
        let prefix: String = prefix.chars().take(40).collect();
        self.fault(
            format!("the prefix {prefix} is not declared"),
            "declare it with xmlns:prefix=\"namespace\"",
        )
    }

    fn distinct(&self, start: &Start<'a>) -> Result<(), FormatFault> {
        let mut names: Vec<(&str, &str)> =
            start.attributes.iter().map(|one| (&*one.namespace, one.local)).collect();
        names.sort_unstable();
        if names.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(self.fault("an element has one attribute twice", "leave one out"));
        }
        Ok(())
    }

    fn leave(&mut self) {
        self.scope.leave();
        self.languages.pop();
    }

    fn characters(&self, raw: &'a str) -> Result<Option<Cow<'a, str>>, FormatFault> {
        if self.depth() == 0 {
            let only_space = raw.chars().all(is_space);
            return if only_space { Ok(None) } else { Err(self.outside()) };
        }
        if raw.contains("]]>") {
            return Err(self.fault("`]]>` stands in text", "write it as ]]&gt;"));
        }
        Ok(Some(line_ends(raw)))
    }

    fn section(&self, raw: &'a str) -> Result<Cow<'a, str>, FormatFault> {
        if self.depth() == 0 {
            return Err(self.outside());
        }
        let inside = raw.strip_prefix("<![CDATA[").and_then(|rest| rest.strip_suffix("]]>"));
        inside
            .map(line_ends)
            .ok_or_else(|| self.fault("a section does not end", "close it with ]]>"))
    }

    fn reference(&self, raw: &'a str) -> Result<Cow<'a, str>, FormatFault> {
        if self.depth() == 0 {
            return Err(self.outside());
        }
        let inside = raw.strip_prefix('&').and_then(|rest| rest.strip_suffix(';'));
        let character = inside.and_then(reference);
        character.map(|character| character.to_string().into()).ok_or_else(|| {
            self.fault(
                "a reference that stands for nothing",
                "use &amp; &lt; &gt; &quot; &apos; or the number of a character; no other entity is taken",
            )
        })
    }

    fn comment(&self, raw: &str) -> Result<(), FormatFault> {
        let inside = raw.strip_prefix("<!--").and_then(|rest| rest.strip_suffix("-->"));
        match inside {
            Some(inside) if !inside.contains("--") && !inside.ends_with('-') => Ok(()),
            _ => Err(self.fault("a comment holds `--`", "write a single - or leave it out")),
        }
    }

    fn instruction(&self, raw: &str) -> Result<(), FormatFault> {
        let inside = raw.strip_prefix("<?").and_then(|rest| rest.strip_suffix("?>"));
        let target = inside.and_then(|inside| inside.split(is_space).next()).unwrap_or_default();
        if is_name(target) && !target.eq_ignore_ascii_case("xml") {
            return Ok(());
        }
        Err(self.fault(
            "a processing instruction without a name of its own",
            "leave it out; an XML declaration stands at the very beginning",
        ))
    }

    fn doctype(&self) -> FormatFault {
        let cure =
            "leave <!DOCTYPE …> out; declarations and entities of a text's own are not taken";
        FormatFault::Misplaced { at: self.here(), thing: "a document type".into(), cure }
    }

    fn outside(&self) -> FormatFault {
        self.fault("text outside of the root element", "leave it out")
    }

    fn done(&mut self) -> Result<Token<'a>, FormatFault> {
        self.at = self.text.len();
        if self.depth() > 0 {
            return Err(self.fault("the text ends inside an element", "close every element"));
        }
        if !self.root_seen {
            return Err(self.fault("there is no element", "write a document"));
        }
        Ok(Token::Done)
    }
}
