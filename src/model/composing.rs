//! Composing indications (RFC 3994): that somebody writes a message just now. They are passed on and never kept.
//!
//! Must never hold: a reading of XML (see `format`).

use super::ContentType;

/// The media type.
pub const COMPOSING_TYPE: &str = "application/im-iscomposing+xml";

/// Whether a body is a composing indication, by itself or as the content of a `message/cpim`.
pub fn is_composing(content_type: &ContentType, body: &[u8]) -> bool {
    let essence = content_type.essence();
    essence.eq_ignore_ascii_case(COMPOSING_TYPE)
        || essence.eq_ignore_ascii_case("message/cpim") && is_content_composing(body)
}

/// Whether the content headers of a `message/cpim`, between its first two empty lines, name the type.
fn is_content_composing(message: &[u8]) -> bool {
    const EMPTY: &[u8] = b"\r\n\r\n";
    let after = |bytes: &[u8]| bytes.windows(EMPTY.len()).position(|four| four == EMPTY);
    let Some(begin) = after(message).map(|at| at + EMPTY.len()) else { return false };
    let content = &message[begin..];
    let head = String::from_utf8_lossy(&content[..after(content).unwrap_or(content.len())]);
    let head = head.replace("\r\n ", " ").replace("\r\n\t", " ");
    head.split("\r\n").any(|line| {
        let (name, value) = line.split_once(':').unwrap_or_default();
        let essence = value.split(';').next().unwrap_or_default().trim();
        name.eq_ignore_ascii_case("content-type") && essence.eq_ignore_ascii_case(COMPOSING_TYPE)
    })
}

/// An indication that one writes, or has stopped to, as RFC 3994 has it. `refresh_s` is how long it holds unless repeated,
/// at least 60; without it 120.
pub fn composing_document(is_active: bool, refresh_s: Option<u32>) -> String {
    let state = if is_active { "active" } else { "idle" };
    let refresh = refresh_s.map(|seconds| format!("<refresh>{}</refresh>", seconds.max(60)));
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<isComposing xmlns=\"urn:ietf:params:xml:ns:im-iscomposing\">\
         <state>{state}</state>{}</isComposing>",
        refresh.unwrap_or_default()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is(kind: &str, body: &str) -> bool {
        is_composing(&ContentType::new(kind).unwrap(), body.as_bytes())
    }

    #[test]
    fn an_indication_is_known_by_its_type_and_inside_of_a_message_cpim() {
        let of = |content: &str| {
            format!("From: <im:a@b>\r\nTo: <im:c@d>\r\n\r\n{content}\r\n\r\n<isComposing/>")
        };
        assert!(is("Application/im-isComposing+xml; charset=utf-8", "<isComposing/>"));
        for content in [
            "Content-Type: application/im-iscomposing+xml",
            "Content-ID: <1@b>\r\ncontent-type:Application/IM-isComposing+XML;charset=utf-8",
            "Content-Type:\r\n application/im-iscomposing+xml",
        ] {
            assert!(is("Message/CPIM", &of(content)), "{content}");
        }
        for content in
            ["Content-Type: text/plain", "X: Content-Type: application/im-iscomposing+xml", ""]
        {
            assert!(!is("message/cpim", &of(content)), "{content}");
        }
        let told = "From: <im:a@b>\r\n\r\nContent-Type: text/plain\r\n\r\nContent-Type: application/im-iscomposing+xml";
        assert!(!is("message/cpim", told) && !is("text/plain", told) && !is("message/cpim", ""));
    }

    #[test]
    fn an_indication_says_what_it_is_made_of() {
        let text = composing_document(true, Some(5));
        assert!(text.contains("<state>active</state><refresh>60</refresh>"), "{text}");
        assert!(composing_document(false, None).ends_with("<state>idle</state></isComposing>"));
    }
}
