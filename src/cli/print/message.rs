//! How a message is printed.
//!
//! Must never hold: a body on a terminal that is not text, or text that could steer it.

use std::fmt;

use data_encoding::BASE64;
use serde::Serialize;

use crate::cli::print::{
    content, cpim,
    line::line,
    text::{indented, visible_line},
    time::rfc3339,
};
use crate::format::mime::{self, Piece};
use crate::model::{Lifetime, Message, Payload};

line! {
    /// `{"type":"message", …}`: a message as it lies in an inbox.
    #[serde(tag = "type", rename = "message")]
    pub(in crate::cli) struct MessageLine from message: &Message {
        inbox: String = message.inbox.to_string(),
        sequence: u64 = message.sequence.get(),
        from: String = message.sender.to_string(),
        id: String = message.id.as_str().to_owned(),
        content_type: String = message.content_type.as_str().to_owned(),
        #[serde(flatten)]
        body: Body = Body::of(message),
        accepted_at: String = rfc3339(message.accepted_at),
        #[serde(skip_serializing_if = "Option::is_none")]
        ttl_s: Option<u64> = message.lifetime.map(Lifetime::as_secs),
    }
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
enum Body {
    Text {
        body: String,
    },
    Bytes {
        body_base64: String,
        /// The text that people see of it.
        #[serde(skip_serializing_if = "Option::is_none")]
        text: Option<String>,
        #[serde(skip)]
        shown: String,
    },
    Erased {
        erased: bool,
    },
    Withheld {
        withheld: bool,
    },
}

impl Body {
    fn of(message: &Message) -> Self {
        let bytes = match &message.body {
            Payload::Present(bytes) => bytes,
            Payload::Erased | Payload::Sealed(_) => return Self::Erased { erased: true },
            Payload::Withheld => return Self::Withheld { withheld: true },
        };
        let pieces = mime::pieces(&message.content_type, bytes);
        if let [Piece::Text { text, .. }] = &pieces[..]
            && message.content_type.is_text()
        {
            return Self::Text { body: text.clone() };
        }
        let of_cpim = cpim::shown(message);
        let text =
            of_cpim.as_ref().map_or_else(|| mime::joined(&pieces), |shown| shown.text.clone());
        let plain = || content::lines(&pieces, "--json prints them in base64").join("\n");
        let shown = of_cpim.map_or_else(plain, |shown| shown.lines);
        Self::Bytes { body_base64: BASE64.encode(bytes), text, shown }
    }
}

impl fmt::Display for MessageLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "#{} from {} at {}", self.sequence, self.from, self.accepted_at)?;
        let kind = visible_line(&self.content_type);
        match &self.body {
            Body::Text { body } => {
                // Plain text needs no word about it; other text is shown as its source.
                if !kind.to_ascii_lowercase().starts_with("text/plain") {
                    writeln!(to, "  ({kind})")?;
                }
                to.write_str(&indented(body))
            }
            Body::Bytes { shown, .. } => to.write_str(shown),
            Body::Erased { .. } => to.write_str("  (erased)"),
            Body::Withheld { .. } => {
                to.write_str("  (from before the recovery; not shown to this device)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;

    use super::*;
    use crate::model::{ContentType, InboxSequence, MessageId, Payload, Timestamp};

    fn message(kind: &str, body: &'static [u8]) -> Message {
        Message {
            inbox: "im:bob@localhost".parse().unwrap(),
            sequence: InboxSequence::new(7),
            sender: "alice@localhost".parse().unwrap(),
            id: MessageId::new("m1").unwrap(),
            content_type: ContentType::new(kind).unwrap(),
            body: Payload::Present(Bytes::from_static(body)),
            accepted_at: Timestamp::from_ms(1_000),
            lifetime: None,
        }
    }

    fn json(message: &Message) -> String {
        serde_json::to_string(&MessageLine::from(message)).unwrap()
    }

    #[test]
    fn a_message_line_has_the_promised_fields() {
        let mut message = message("text/plain", b"lunch?");
        assert_eq!(
            json(&message),
            r#"{"type":"message","inbox":"im:bob@localhost","sequence":7,"from":"alice@localhost","id":"m1","content_type":"text/plain","body":"lunch?","accepted_at":"1970-01-01T00:00:01.000Z"}"#
        );
        message.lifetime = Some(Lifetime::from_ms(86_400_000));
        assert!(json(&message).ends_with(r#","ttl_s":86400}"#));
        assert_eq!(
            MessageLine::from(&message).to_string(),
            "#7 from alice@localhost at 1970-01-01T00:00:01.000Z\n  lunch?"
        );
    }

    #[test]
    fn what_is_no_text_is_base64_for_programs_and_a_size_for_people() {
        for message in [message("application/json", b"{}"), message("text/plain", b"\xff\xfe")] {
            assert!(json(&message).contains(r#""body_base64":""#), "{}", json(&message));
            assert!(!json(&message).contains(r#""body":"#));
            let text = MessageLine::from(&message).to_string();
            assert!(text.contains("2 bytes"), "{text}");
        }
    }

    #[test]
    fn text_is_decoded_by_its_label_and_nothing_is_guessed_against_it() {
        for (kind, body, expected) in [
            ("text/plain; charset=iso-2022-jp", &b"\x1b$B$3\x1b(B"[..], "こ"),
            ("text/plain; charset=\"Latin1\"", b"d\xe9j\xe0", "déjà"),
            ("text/plain;charset=UTF-8", b"d\xc3\xa9", "dé"),
        ] {
            let message = message(kind, body);
            assert!(
                json(&message).contains(&format!(r#""body":"{expected}""#)),
                "{}",
                json(&message)
            );
            assert!(MessageLine::from(&message).to_string().ends_with(&format!("\n  {expected}")));
        }
        for (kind, reason) in [
            ("text/plain; charset=us-ascii", "which are not us-ascii"),
            ("text/plain; charset=cp437", "in the character set cp437, which is not known"),
            ("text/plain; charset=euc-jp", "which are not euc-jp"),
        ] {
            let message = message(kind, b"d\xe9\x80");
            assert!(
                json(&message).contains(r#""body_base64":"#)
                    && !json(&message).contains(r#""body":"#)
            );
            let text = MessageLine::from(&message).to_string();
            assert!(text.contains(&format!("({kind}, 3 bytes {reason}; --json")), "{text}");
        }
    }

    #[test]
    fn a_content_of_parts_is_bytes_for_programs_with_the_text_beside_them() {
        let body =
            b"--b\r\nContent-Type: text/html\r\n\r\n<b>x</b>\r\n--b\r\n\r\nplain\r\n--b--\r\n";
        let message = message("multipart/alternative; boundary=b", body);
        assert!(json(&message).contains(r#""text":"plain""#), "{}", json(&message));
        assert!(MessageLine::from(&message).to_string().ends_with("\n  plain"));
    }

    #[test]
    fn an_erased_body_is_told_as_such() {
        let mut message = message("text/plain", b"");
        message.body = Payload::Erased;
        assert!(json(&message).contains(r#""erased":true"#));
        assert!(MessageLine::from(&message).to_string().contains("(erased)"));
    }

    #[test]
    fn a_body_from_before_a_recovery_is_told_as_such() {
        let message = message("text/plain", b"secret").withheld();
        assert!(json(&message).contains(r#""withheld":true"#));
        let text = MessageLine::from(&message).to_string();
        assert!(text.ends_with("  (from before the recovery; not shown to this device)"), "{text}");
    }

    #[test]
    fn a_body_cannot_steer_the_terminal_or_forge_a_message() {
        let message = message("text/plain", b"a\x1b[2J\n#8 from eve@localhost");
        let text = MessageLine::from(&message).to_string();
        assert!(!text.contains('\u{1b}'));
        assert!(text.lines().skip(1).all(|line| line.starts_with("  ")), "{text}");
    }

    #[test]
    fn text_of_another_kind_is_shown_with_its_kind() {
        let text = MessageLine::from(&message("text/html", b"<b>x</b>")).to_string();
        assert!(text.contains("(text/html)"), "{text}");
    }
}
