//! A message in the format of RFC 3862 out of a file, and where it goes.
//!
//! Must never hold: a rule of the format (that is `format::cpim`), or a message that is changed on its way.

use std::path::Path;

use bytes::Bytes;

use crate::cli::run::{failure::Failure, input};
use crate::format::cpim::{self, Address, Cpim, Mend, Mended, Party};
use crate::model::limits::BODY_BYTES_MAX;
use crate::model::{InboxAddress, MessageId, Principal, ReceiptKind, Receipts};

/// A message out of a file, and where it goes.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Letter {
    /// The inbox that was named, or that the message itself names.
    pub(super) inbox: InboxAddress,
    /// The name that the message itself has.
    pub(super) id: Option<MessageId>,
    /// The message, byte for byte.
    pub(super) body: Bytes,
    /// Which receipts the message asks for.
    pub(super) receipts: Receipts,
    /// What its sender may want to know: a word for programs and a sentence for people.
    pub(super) notes: Vec<(&'static str, String)>,
}

/// Whom a message is from, where it goes, and what it is called.
pub(super) struct Envelope<'a> {
    /// Whoever sends it.
    pub(super) sender: &'a Principal,
    /// Whether what deployed programs get wrong is mended.
    pub(super) is_lenient: bool,
    /// Where to; what the message says if `None`.
    pub(super) inbox: Option<InboxAddress>,
    /// Its name; what the message says if `None`.
    pub(super) id: Option<MessageId>,
}

/// The message in the file at `path`, which must be from the envelope's sender.
pub(super) fn read(path: &Path, envelope: Envelope<'_>) -> Result<Letter, Failure> {
    let name = input::name(path);
    letter(&input::read(path, BODY_BYTES_MAX)?, envelope).map_err(|failure| failure.about(&name))
}

fn letter(bytes: &[u8], envelope: Envelope<'_>) -> Result<Letter, Failure> {
    let mut notes = Vec::new();
    let cpim = if envelope.is_lenient {
        let Mended { bytes, mends } = cpim::mend(bytes);
        notes.extend(mended(&mends));
        cpim::parse(&bytes).map_err(|fault| bad(&fault.to_string()))?
    } else {
        cpim::parse(bytes).map_err(|fault| strictly_bad(bytes, &fault.to_string()))?
    };
    check_sender(&cpim, envelope.sender)?;
    let (receipts, unknown) = receipts_asked(&cpim);
    notes.extend(receipts_not_sent(&unknown));
    let inbox = if let Some(inbox) = envelope.inbox {
        inbox
    } else {
        notes.extend(copies_not_sent(&cpim));
        only_recipient(&cpim)?
    };
    let id = match envelope.id {
        Some(id) => Some(id),
        None => cpim.message_id().map_err(|refusal| {
            bad(&format!("its Message-ID header: {refusal}; give another name with --id"))
        })?,
    };
    Ok(Letter { inbox, id, body: cpim.bytes().clone(), receipts, notes })
}

fn bad(message: &str) -> Failure {
    Failure::wrong("bad-cpim", message)
}

/// As [`bad`], with the way to have it mended if there is one.
fn strictly_bad(bytes: &[u8], message: &str) -> Failure {
    match cpim::parse(&cpim::mend(bytes).bytes) {
        Ok(_) => bad(&format!("{message}; --lenient mends it")),
        Err(_) => bad(message),
    }
}

fn mended(mends: &[Mend]) -> Option<(&'static str, String)> {
    let texts: Vec<String> = mends.iter().map(Mend::to_string).collect();
    let text = format!("mended before it was sent: {}", texts.join("; "));
    (!texts.is_empty()).then_some(("mended", text))
}

/// Who sends a message is told beside it, so a From that names nobody is no lie.
fn check_sender(cpim: &Cpim, sender: &Principal) -> Result<(), Failure> {
    if cpim.from().is_of(sender) || cpim.from().party() == Party::Anonymous {
        return Ok(());
    }
    let from = inbox_of(cpim.from(), "From")?;
    Err(Failure::wrong(
        "from-mismatch",
        format!(
            "it is from {}, but sent by {}; change its From header, or act as {} with --as",
            cpim.from().uri,
            sender.inbox(),
            from.principal()
        ),
    ))
}

/// The one inbox that the message is for.
fn only_recipient(cpim: &Cpim) -> Result<InboxAddress, Failure> {
    match cpim.to() {
        [only] => inbox_of(only, "To"),
        several => Err(Failure::wrong(
            "several-recipients",
            format!(
                "it is for {}; name the inbox, and run the command once for each",
                uris(several)
            ),
        )),
    }
}

fn inbox_of(address: &Address, header: &str) -> Result<InboxAddress, Failure> {
    let scheme = address.uri.split(':').next().unwrap_or_default().to_ascii_lowercase();
    let uri = &address.uri;
    match (address.party(), &*scheme) {
        (Party::Inbox(inbox), _) => Ok(inbox),
        (Party::Anonymous, _) => Err(Failure::wrong(
            "no-recipient",
            format!(
                "its {header} header names nobody ({uri}); name the inbox, as in adsum send INBOX --cpim FILE"
            ),
        )),
        (_, "im") => {
            address.inbox().map_err(|refusal| bad(&format!("its {header} header: {refusal}")))
        }
        (_, "sip" | "sips") => Err(bad(&format!(
            "its {header} header: {uri} names no user of a domain; write user@domain"
        ))),
        _ => Err(Failure::wrong(
            "unsupported-scheme",
            format!(
                "its {header} header: unsupported scheme {scheme}: in {uri}; write an im:, sip: or sips: address"
            ),
        )),
    }
}

fn copies_not_sent(cpim: &Cpim) -> Option<(&'static str, String)> {
    let copies = uris(cpim.cc());
    let text = format!("the copies for {copies} are not sent; send to their inboxes, one by one");
    (!cpim.cc().is_empty()).then_some(("copies-not-sent", text))
}

/// The receipts that the message asks for, and the words for those that nobody sends. RFC 5438 §6.3.
fn receipts_asked(cpim: &Cpim) -> (Receipts, Vec<String>) {
    let (mut receipts, mut unknown) = (Receipts::NONE, Vec::new());
    for word in cpim.receipts_wanted() {
        receipts = match word.to_ascii_lowercase().as_str() {
            "positive-delivery" => receipts.with(ReceiptKind::Delivered),
            "negative-delivery" => receipts.with(ReceiptKind::Failed).with(ReceiptKind::Expired),
            "display" => receipts.with(ReceiptKind::Displayed),
            _ => {
                unknown.push(word);
                receipts
            }
        };
    }
    (receipts, unknown)
}

fn receipts_not_sent(unknown: &[String]) -> Option<(&'static str, String)> {
    let words = unknown.join(", ");
    let text = format!("the message asks for receipts that nobody sends: {words}");
    (!unknown.is_empty()).then_some(("receipts-not-sent", text))
}

fn uris(addresses: &[Address]) -> String {
    let uris: Vec<&str> = addresses.iter().map(|address| address.uri.as_str()).collect();
    uris.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const CONTENT: &str = "\r\nContent-Type: text/plain\r\n\r\nhello";

    fn told(failure: Failure) -> (String, String) {
        let Failure::Error { exit, code, message } = failure else { panic!("nothing is told") };
        assert_eq!(exit, 2);
        (code, message)
    }

    fn read_as(headers: &str, inbox: Option<&str>, id: Option<&str>) -> Result<Letter, Failure> {
        read_leniently(&format!("{headers}{CONTENT}"), (inbox, id), false)
    }

    fn read_leniently(
        text: &str,
        (inbox, id): (Option<&str>, Option<&str>),
        is_lenient: bool,
    ) -> Result<Letter, Failure> {
        let sender = "alice@localhost".parse().unwrap();
        let inbox = inbox.map(|inbox| inbox.parse().unwrap());
        let id = id.map(|id| MessageId::new(id).unwrap());
        letter(text.as_bytes(), Envelope { sender: &sender, is_lenient, inbox, id })
    }

    const HEADERS: &str = "From: Alice <im:Alice@localhost>\r\nTo: <im:bob@localhost>\r\n";

    fn with(headers: &str) -> String {
        format!("{HEADERS}NS: imdn <urn:ietf:params:imdn>\r\n{headers}")
    }

    #[test]
    fn a_message_goes_where_it_says_under_the_name_it_has() {
        let letter = read_as(&with("imdn.Message-ID: m1\r\n"), None, None).unwrap();
        assert_eq!(letter.inbox.to_string(), "im:bob@localhost");
        assert_eq!(letter.id.unwrap().as_str(), "m1");
        assert!(letter.body.ends_with(b"hello") && letter.body.starts_with(b"From: Alice"));
        assert!(letter.notes.is_empty());
    }

    #[test]
    fn the_command_line_has_the_last_word_on_inbox_and_name() {
        let headers = with("imdn.Message-ID: two words\r\n");
        let letter = read_as(&headers, Some("im:carol@localhost"), Some("m2")).unwrap();
        assert_eq!(letter.inbox.to_string(), "im:carol@localhost");
        assert_eq!(letter.id.unwrap().as_str(), "m2");
        let (code, message) = told(read_as(&headers, None, None).unwrap_err());
        assert_eq!(code, "bad-cpim");
        assert!(message.contains("Message-ID") && message.contains("--id"), "{message}");
    }

    #[test]
    fn a_message_from_somebody_else_is_refused_and_both_are_named() {
        let headers = HEADERS.replace("Alice", "mallory");
        let (code, message) = told(read_as(&headers, None, None).unwrap_err());
        assert_eq!(code, "from-mismatch");
        assert!(message.contains("im:mallory@localhost") && message.contains("im:alice@localhost"));
    }

    #[test]
    fn what_has_no_inbox_is_refused_by_its_scheme() {
        for (headers, header) in [
            ("From: <mailto:alice@localhost>\r\nTo: <im:bob@localhost>\r\n", "From"),
            ("From: <im:alice@localhost>\r\nTo: <tel:+1-201-555-0123>\r\n", "To"),
        ] {
            let (code, message) = told(read_as(headers, None, None).unwrap_err());
            assert_eq!(code, "unsupported-scheme");
            assert!(
                message.contains("unsupported scheme") && message.contains(header),
                "{message}"
            );
        }
    }

    #[test]
    fn addresses_of_systems_for_calls_stand_for_the_same_people() {
        for from in [
            "sip:alice@localhost",
            "sips:Alice@localhost:5061;transport=tls",
            "sip:anonymous@anonymous.invalid",
        ] {
            let headers = format!("From: <{from}>\r\nTo: <sip:bob@localhost;user=phone>\r\n");
            let letter = read_as(&headers, None, None).unwrap();
            assert_eq!(letter.inbox.to_string(), "im:bob@localhost", "{from}");
            assert!(letter.body.starts_with(headers.as_bytes()) && letter.notes.is_empty());
        }
        for from in ["sip:mallory@localhost", "sips:alice@elsewhere.example"] {
            let headers = format!("From: <{from}>\r\nTo: <im:bob@localhost>\r\n");
            let (code, message) = told(read_as(&headers, None, None).unwrap_err());
            assert!(code == "from-mismatch" && message.contains(from), "{code}: {message}");
        }
    }

    #[test]
    fn a_message_that_names_nobody_needs_an_inbox() {
        let anonymous = "<sip:anonymous@anonymous.invalid>";
        let headers = format!("From: {anonymous}\r\nTo: {anonymous}\r\n");
        let (code, message) = told(read_as(&headers, None, None).unwrap_err());
        assert!(code == "no-recipient" && message.contains("name the inbox"), "{message}");
        assert!(read_as(&headers, Some("im:bob@localhost"), None).is_ok());
    }

    #[test]
    fn what_can_be_mended_is_told_and_mended_when_asked() {
        let wrong = "From:<sip:alice@localhost>\nTo: <im:bob@localhost>\nimdn.Message-ID: m1\n\
            NS: imdn<urn:ietf:params:imdn>\nContent-Type: text/plain\n\nhello\n";
        let (code, message) = told(read_leniently(wrong, (None, None), false).unwrap_err());
        assert!(code == "bad-cpim" && message.contains("LF alone"), "{message}");
        assert!(message.ends_with("; --lenient mends it"), "{message}");
        let letter = read_leniently(wrong, (None, None), true).unwrap();
        assert_eq!(letter.id.unwrap().as_str(), "m1");
        assert!(letter.body.starts_with(b"From: <sip:alice@localhost>\r\n"));
        assert!(letter.body.ends_with(b"\r\n\r\nhello\n"));
        let [("mended", note)] = &letter.notes[..] else { panic!("{:?}", letter.notes) };
        assert!(note.contains("CR LF") && note.contains("line 4"), "{note}");
        let hopeless = told(read_leniently("hello", (None, None), false).unwrap_err()).1;
        assert!(!hopeless.contains("--lenient"), "{hopeless}");
    }

    #[test]
    fn several_recipients_are_named_and_one_of_them_can_be_chosen() {
        let headers = format!("{HEADERS}To: <im:carol@localhost>\r\n");
        let (code, message) = told(read_as(&headers, None, None).unwrap_err());
        assert_eq!(code, "several-recipients");
        assert!(message.contains("im:bob@localhost, im:carol@localhost"), "{message}");
        assert!(read_as(&headers, Some("im:carol@localhost"), None).is_ok());
    }

    #[test]
    fn copies_and_receipts_that_nobody_sends_are_told() {
        let headers =
            with("imdn.Disposition-Notification: processing\r\ncc: <im:carol@localhost>\r\n");
        let letter = read_as(&headers, None, None).unwrap();
        let words: Vec<&str> = letter.notes.iter().map(|(word, _)| *word).collect();
        assert_eq!(words, ["receipts-not-sent", "copies-not-sent"]);
    }

    #[test]
    fn the_receipts_that_a_message_asks_for_are_asked_for() {
        let headers = with(
            "imdn.Disposition-Notification: positive-delivery, Display, negative-delivery\r\n",
        );
        let letter = read_as(&headers, None, None).unwrap();
        assert_eq!(letter.receipts.to_string(), "delivered,displayed,failed,expired");
        assert!(letter.notes.is_empty());
    }
}
