//! What a message says about receipts for it (RFC 5438): its name, and which receipts its sender would like.
//!
//! Must never hold: a receipt, or the decision to send one.

use super::Cpim;
use crate::model::{MessageId, Refusal};

/// The namespace of the headers about receipts.
pub const IMDN: &str = "urn:ietf:params:imdn";

/// The header that names a message.
pub const MESSAGE_ID: &str = "Message-ID";

/// The header that asks for receipts.
const DISPOSITION_NOTIFICATION: &str = "Disposition-Notification";

impl Cpim {
    /// The name its sender gave the message; `None` if it has none.
    ///
    /// # Errors
    /// [`Refusal::BadField`] if it is no message id: longer than 64 characters, or not visible ASCII throughout.
    pub fn message_id(&self) -> Result<Option<MessageId>, Refusal> {
        let Some(header) = self.header(IMDN, MESSAGE_ID) else { return Ok(None) };
        MessageId::new(&header.text()).map(Some)
    }

    /// The receipts asked for, such as `display`, in order; empty if none are. Words that are not known are told too.
    pub fn receipts_wanted(&self) -> Vec<String> {
        let wanted = self.header(IMDN, DISPOSITION_NOTIFICATION);
        let text = wanted.map(super::Header::text).unwrap_or_default();
        let words = text.split(',').map(|word| word.trim_matches(' '));
        words.filter(|word| !word.is_empty()).map(str::to_owned).collect()
    }
}

#[cfg(test)]
mod tests {
    use crate::format::cpim;

    fn message(headers: &str) -> cpim::Cpim {
        let text = format!(
            "From: <im:a@b>\r\nTo: <im:c@d>\r\nNS: x <urn:ietf:params:imdn>\r\n{headers}\r\nContent-Type: text/plain\r\n\r\n"
        );
        cpim::parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn the_name_and_the_receipts_are_found_under_any_prefix() {
        let named =
            message("x.Message-ID: m1\r\nx.Disposition-Notification: display, ,processing\r\n");
        assert_eq!(named.message_id().unwrap().unwrap().as_str(), "m1");
        assert_eq!(named.receipts_wanted(), ["display", "processing"]);
    }

    #[test]
    fn a_message_that_says_nothing_has_no_name_and_wants_no_receipt() {
        let plain = message("Message-ID: of another namespace\r\n");
        assert_eq!(plain.message_id(), Ok(None));
        assert!(plain.receipts_wanted().is_empty());
    }

    #[test]
    fn a_name_that_is_no_message_id_is_refused() {
        for wrong in ["two words".to_owned(), "x".repeat(65), "é".to_owned()] {
            assert!(
                message(&format!("x.Message-ID: {wrong}\r\n")).message_id().is_err(),
                "{wrong}"
            );
        }
    }
}
