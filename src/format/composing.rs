//! Composing indications (RFC 3994) as their senders write them.
//!
//! Must never hold: how long somebody is shown to be composing.

use super::cpim;
use super::xml::{self, Node};
use crate::model::{ContentType, Timestamp};

const NAMESPACE: &str = "urn:ietf:params:xml:ns:im-iscomposing";
/// Larger than any indication is.
const BYTES_MAX: usize = 16 * 1_024;

/// What an indication says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Composing {
    /// Whether its sender is composing; any state but `active` means not, as RFC 3994 has it.
    pub is_active: bool,
    /// For how many seconds that holds unless it is repeated; 120 if it does not say.
    pub refresh_s: u32,
    /// The type of what is composed, such as `text/plain`.
    pub content_type: Option<String>,
    /// When the sender was active last.
    pub last_active: Option<Timestamp>,
}

/// What RFC 3994 §3.4 lets a receiver assume.
const REFRESH_S_DEFAULT: u32 = 120;

/// Reads an indication, also as the content of a `message/cpim`; `None` if it is none.
pub fn read(content_type: &ContentType, body: &[u8]) -> Option<Composing> {
    if cpim::is_cpim(content_type) {
        return of_document(cpim::parse(body).ok()?.body());
    }
    of_document(body)
}

fn of_document(body: &[u8]) -> Option<Composing> {
    let text = xml::document_text(body, BYTES_MAX).ok()?;
    let root = xml::document_tree(&text)?;
    if root.namespace != NAMESPACE || root.local != "isComposing" {
        return None;
    }
    let child = |local: &str| {
        let is = |child: &&Node| child.local == local && child.namespace == NAMESPACE;
        root.children.iter().find(is).map(|child| child.text.clone())
    };
    Some(Composing {
        is_active: child("state")? == "active",
        refresh_s: child("refresh").and_then(|text| text.parse().ok()).unwrap_or(REFRESH_S_DEFAULT),
        content_type: child("contenttype").filter(|text| !text.is_empty()),
        last_active: child("lastactive").and_then(|text| super::time::read(&text).ok()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::composing_document;

    fn of(text: &str) -> Option<Composing> {
        read(&ContentType::new("application/im-iscomposing+xml").unwrap(), text.as_bytes())
    }

    #[test]
    fn an_indication_is_read_with_or_without_declaration_and_prefix() {
        let active = of(&composing_document(true, Some(90))).unwrap();
        assert_eq!((active.is_active, active.refresh_s), (true, 90));
        let idle = of(
            "<c:isComposing xmlns:c='urn:ietf:params:xml:ns:im-iscomposing'><c:state> idle </c:state>\
             <c:lastactive>2026-11-25T08:00:00Z</c:lastactive><c:contenttype>text/plain</c:contenttype></c:isComposing>",
        )
        .unwrap();
        assert_eq!((idle.is_active, idle.refresh_s), (false, 120));
        assert_eq!(idle.content_type.as_deref(), Some("text/plain"));
        assert!(idle.last_active.is_some());
        let cpim = format!(
            "From: <im:a@b>\r\nTo: <im:c@d>\r\n\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n{}",
            composing_document(true, None)
        );
        assert!(
            read(&ContentType::new("message/cpim").unwrap(), cpim.as_bytes()).unwrap().is_active
        );
    }

    #[test]
    fn what_is_no_indication_is_none() {
        for text in [
            "",
            "x",
            "<isComposing/>",
            "<isComposing xmlns='urn:ietf:params:xml:ns:im-iscomposing'/>",
            "<a",
            "<!DOCTYPE a><a/>",
        ] {
            assert_eq!(of(text), None, "{text}");
        }
    }
}
