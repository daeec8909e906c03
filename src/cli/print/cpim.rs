//! A `message/cpim`: for people what it is about and what it says, for programs its bytes.
//!
//! Must never hold: a text that could steer a terminal, or content that its sender wants understood first and is not.

use crate::cli::print::{content, text::visible_line};
use crate::format::cpim::{self, CONTENT_TYPE, Cpim, IMDN, MESSAGE_ID, Party};
use crate::format::mime;
use crate::model::Message;

/// Headers beyond those of RFC 3862 that are understood here.
const UNDERSTOOD: &[(&str, &str)] = &[(IMDN, MESSAGE_ID)];

/// What people see of a message, and its text alone.
pub(in crate::cli) struct Shown {
    /// Each behind two blanks.
    pub(in crate::cli) lines: String,
    pub(in crate::cli) text: Option<String>,
}

/// What is shown of `message`; `None` if it is not in this format.
pub(in crate::cli) fn shown(message: &Message) -> Option<Shown> {
    if !cpim::is_cpim(&message.content_type) {
        return None;
    }
    let cpim = cpim::parse(message.body.bytes()?).ok()?;
    let mut lines = vec![format!("  ({})", about(message, &cpim))];
    if let Err(fault) = cpim.require_at_most(UNDERSTOOD) {
        lines
            .push(format!("  (not shown: {}; --cpim prints it)", visible_line(&fault.to_string())));
        return Some(Shown { lines: lines.join("\n"), text: None });
    }
    let subjects = cpim.subjects().iter();
    lines.extend(subjects.map(|subject| format!("  Subject: {}", visible_line(&subject.text))));
    let pieces = mime::pieces_of(&cpim);
    lines.extend(content::lines(&pieces, "--cpim prints them as they came"));
    Some(Shown { lines: lines.join("\n"), text: mime::joined(&pieces) })
}

/// The format, and whom it says to be from if that is not who sent it.
fn about(message: &Message, cpim: &Cpim) -> String {
    if cpim.from().is_of(&message.sender) || cpim.from().party() == Party::Anonymous {
        return CONTENT_TYPE.to_owned();
    }
    let claimed = visible_line(&cpim.from().uri);
    format!("{CONTENT_TYPE} that says it is from {claimed}, which nobody has checked")
}

/// The message in this format behind a MIME header that tells its length; `None` if its body was erased.
///
/// The format has no end of its own, so several in a row are told apart by their lengths.
pub(in crate::cli) fn framed(message: &Message) -> Option<Vec<u8>> {
    let stored = cpim::stored(message)?;
    let header =
        format!("Content-Type: {CONTENT_TYPE}\r\nContent-Length: {}\r\n\r\n", stored.len());
    Some([header.as_bytes(), &stored].concat())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ContentType, InboxSequence, MessageId, Payload, Timestamp};

    fn shown_as(kind: &str, headers: &str, content: &str) -> Option<String> {
        let text = format!("{headers}To: <im:bob@localhost>\r\n\r\n{content}");
        shown(&Message {
            inbox: "im:bob@localhost".parse().unwrap(),
            sequence: InboxSequence::new(1),
            sender: "alice@localhost".parse().unwrap(),
            id: MessageId::new("m1").unwrap(),
            content_type: ContentType::new(kind).unwrap(),
            body: Payload::text(&text),
            accepted_at: Timestamp::from_ms(0),
            lifetime: None,
        })
        .map(|shown| shown.lines)
    }

    fn shown_of(headers: &str, content: &str) -> String {
        shown_as("Message/CPIM", &format!("From: <im:alice@localhost>\r\n{headers}"), content)
            .unwrap()
    }

    const HELLO: &str = "Content-Type: text/plain\r\n\r\nhello\nthere";

    #[test]
    fn people_see_the_subject_and_the_text() {
        let text = shown_of("Subject: lunch\r\n", HELLO);
        assert_eq!(text, "  (message/cpim)\n  Subject: lunch\n  hello\n  there");
    }

    #[test]
    fn somebody_elses_name_on_it_is_not_believed() {
        let text = shown_as("message/cpim", "From: <im:carol@localhost>\r\n", HELLO).unwrap();
        assert!(text.contains("says it is from im:carol@localhost, which nobody has checked"));
    }

    #[test]
    fn what_must_be_understood_and_is_not_hides_the_text() {
        let imdn = "NS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: 1\r\n";
        let known = format!("{imdn}Require: imdn.Message-ID\r\n");
        assert!(shown_of(&known, HELLO).contains("hello"));
        let text = shown_of("Require: Colour\r\nColour: red\r\n", HELLO);
        assert!(text.contains("Colour") && !text.contains("hello"), "{text}");
    }

    #[test]
    fn content_that_is_no_plain_text_is_told_by_its_size() {
        for content in [
            "Content-Type: image/png\r\n\r\nhello",
            "Content-Type: text/plain\r\nContent-Transfer-Encoding: x-uuencode\r\n\r\nhello",
            "Content-Type: text/plain; charset=cp437\r\n\r\nhello",
        ] {
            let text = shown_of("", content);
            assert!(text.contains("5 bytes") && !text.contains("hello"), "{text}");
        }
    }

    #[test]
    fn nothing_in_it_can_steer_a_terminal() {
        let hostile = "Content-Type: text/plain\r\n\r\n\u{1b}[2J\n#2 from eve";
        let text = shown_of("Subject: \\u001b[2J\\n#2 from eve\r\n", hostile);
        assert!(!text.contains('\u{1b}'));
        assert!(text.lines().all(|line| line.starts_with("  ")), "{text}");
    }

    /// The messages of what was printed in a row, by the lengths that it tells.
    fn taken_apart(mut printed: &[u8]) -> Vec<Cpim> {
        let mut messages = Vec::new();
        while !printed.is_empty() {
            let text = String::from_utf8_lossy(printed);
            let length = text.split("Content-Length: ").nth(1).unwrap().split('\r').next().unwrap();
            let begin = text.find("\r\n\r\n").unwrap() + 4;
            let (message, rest) = printed[begin..].split_at(length.parse().unwrap());
            messages.push(cpim::parse(message).unwrap());
            printed = rest;
        }
        messages
    }

    proptest::proptest! {
        #[test]
        fn messages_in_a_row_are_told_apart_whatever_they_hold(
            given in proptest::collection::vec((
                "(text/plain|message/cpim|image/x;)[;= \r\n\t\u{b}\u{85}\u{2028}a-cé\"]{0,6}",
                "[\r\na: -]{1,20}|Content-Length: [0-9]\r\n\r\n|\r\n\r\nFrom: <im:a@b>\r\n",
            ), 0..4),
        ) {
            let messages = given.iter().filter_map(|(kind, body)| Some(Message {
                inbox: "im:bob@localhost".parse().unwrap(),
                sequence: InboxSequence::new(1),
                sender: "alice@localhost".parse().unwrap(),
                id: MessageId::new("m1").unwrap(),
                content_type: ContentType::new(kind).ok()?,
                body: Payload::text(body),
                accepted_at: Timestamp::from_ms(0),
                lifetime: None,
            }));
            let messages: Vec<Message> = messages.collect();
            let printed: Vec<u8> = messages.iter().flat_map(|message| framed(message).unwrap()).collect();
            let read = taken_apart(&printed);
            assert_eq!(read.len(), messages.len());
            for (read, message) in read.iter().zip(&messages) {
                assert_eq!(read.content_type().as_str(), message.content_type.as_str().trim_end());
                assert_eq!(Some(read.body()), message.body.bytes());
            }
        }
    }

    #[test]
    fn what_is_out_of_form_or_of_another_type_is_shown_as_bytes() {
        assert_eq!(shown_as("message/cpim", "", HELLO), None);
        assert_eq!(shown_as("message/rfc822", "From: <im:alice@localhost>\r\n", HELLO), None);
    }
}
