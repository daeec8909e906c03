//! A presence document in the format of RFC 3863 out of a file.
//!
//! Must never hold: a rule of the format (that is `format::pidf`), or a document about somebody else that is published.

use std::path::Path;

use crate::cli::run::{failure::Failure, input};
use crate::format::pidf::{self, Entity};
use crate::model::limits::DOCUMENT_BYTES_MAX;
use crate::model::{Document, Presentity};

/// A document out of a file, and what its publisher may want to know: a word for programs and a sentence for people.
pub(super) type Read = (Document, Option<(&'static str, String)>);

/// The document in the file at `path`, which must be about `presentity`; in terms of the format only if `is_as_is`.
pub(super) fn read(path: &Path, presentity: &Presentity, is_as_is: bool) -> Result<Read, Failure> {
    document(&input::read(path, DOCUMENT_BYTES_MAX)?, presentity, is_as_is)
        .map_err(|failure| failure.about(&input::name(path)))
}

fn document(text: &[u8], presentity: &Presentity, is_as_is: bool) -> Result<Read, Failure> {
    let (entity, document) = if is_as_is {
        pidf::parse(text).map(|pidf| (Entity::Presentity(pidf.entity), pidf.document))
    } else {
        pidf::parse_any(text)
    }
    .map_err(|fault| Failure::wrong("bad-pidf", fault.to_string()))?;
    if !entity.may_be(presentity) {
        return Err(mismatch(&entity, presentity));
    }
    let note = match entity {
        Entity::Presentity(_) => None,
        Entity::Other(uri) => Some((
            "entity-mapped",
            format!(
                "its entity is {uri}; it is published as {presentity} (--entity-as-is would refuse it)"
            ),
        )),
    };
    Ok((document, note))
}

fn mismatch(entity: &Entity, presentity: &Presentity) -> Failure {
    let (given, cure) = match entity {
        Entity::Presentity(named) => (
            named.to_string(),
            format!("change the entity, or act as {} with --as", named.principal()),
        ),
        Entity::Other(uri) => (
            uri.clone(),
            format!("change the entity to {presentity}, or act as whom it names with --as"),
        ),
    };
    let text = format!("its entity is {given}, but what is published is {presentity}; {cure}");
    Failure::wrong("entity-mismatch", text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(entity: &str, inside: &str) -> Result<Document, Failure> {
        read_as(entity, inside, false).map(|(document, _)| document)
    }

    fn read_as(entity: &str, inside: &str, is_as_is: bool) -> Result<Read, Failure> {
        let text = format!(
            "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{entity}\">{inside}</presence>"
        );
        document(text.as_bytes(), &"pres:alice@localhost".parse().unwrap(), is_as_is)
    }

    fn told(failure: Failure) -> (String, String) {
        let Failure::Error { exit, code, message } = failure else { panic!("nothing is told") };
        assert_eq!(exit, 2);
        (code, message)
    }

    #[test]
    fn a_document_about_oneself_is_taken_however_its_address_is_spelled() {
        assert!(read_of("PRES:Alice@localhost", "").unwrap().tuples().is_empty());
    }

    #[test]
    fn a_document_about_somebody_else_names_both_and_the_cure() {
        let (code, message) = told(read_of("pres:bob@localhost", "").unwrap_err());
        assert_eq!(code, "entity-mismatch");
        for part in ["pres:bob@localhost", "pres:alice@localhost", "--as"] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[test]
    fn an_entity_of_another_system_is_mapped_with_a_word_or_refused_as_it_is() {
        for entity in [
            "sip:alice@localhost",
            "sips:Alice@localhost:5061;transport=tls",
            "sip:1001@192.0.2.7",
            "tel:+15550100",
            "mailto:alice@localhost",
            "im:alice@localhost",
            "alice@localhost",
            "alice",
        ] {
            let (word, note) = read_as(entity, "", false).unwrap().1.unwrap();
            assert_eq!(word, "entity-mapped");
            assert!(note.contains(entity) && note.contains("pres:alice@localhost"), "{note}");
            assert_eq!(told(read_as(entity, "", true).unwrap_err()).0, "bad-pidf", "{entity}");
        }
        assert_eq!(read_as("pres:alice@localhost", "", true).unwrap().1, None);
    }

    #[test]
    fn somebody_else_of_the_same_domain_is_never_mapped() {
        for entity in ["sip:bob@localhost", "mailto:bob@localhost", "bob@localhost"] {
            assert_eq!(told(read_of(entity, "").unwrap_err()).0, "entity-mismatch", "{entity}");
        }
        for entity in ["http://localhost/alice", "", "urn:uuid:1"] {
            let (code, message) = told(read_of(entity, "").unwrap_err());
            assert!(code == "bad-pidf" && message.contains("sip:"), "{entity}: {message}");
        }
    }

    #[test]
    fn a_document_out_of_form_is_refused_with_its_place() {
        let (code, message) = told(read_of("pres:alice@localhost", "<tuple/>").unwrap_err());
        assert_eq!(code, "bad-pidf");
        assert!(message.starts_with("line 1, column "), "{message}");
    }
}
