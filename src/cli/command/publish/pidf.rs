//! A presence document in the format of RFC 3863 out of a file.
//!
//! Must never hold: a rule of the format (that is `format::pidf`), or a document about somebody else that is published.

use std::path::Path;

use crate::cli::run::{failure::Failure, input};
use crate::format::pidf;
use crate::model::limits::DOCUMENT_BYTES_MAX;
use crate::model::{Document, Presentity};

/// The document in the file at `path`, which must be about `presentity`.
pub(super) fn read(path: &Path, presentity: &Presentity) -> Result<Document, Failure> {
    document(&input::read(path, DOCUMENT_BYTES_MAX)?, presentity)
        .map_err(|failure| failure.about(&input::name(path)))
}

fn document(text: &[u8], presentity: &Presentity) -> Result<Document, Failure> {
    let pidf = pidf::parse(text).map_err(|fault| Failure::wrong("bad-pidf", fault.to_string()))?;
    if pidf.entity != *presentity {
        return Err(Failure::wrong(
            "entity-mismatch",
            format!(
                "its entity is {}, but what is published is {presentity}; change the entity, or act as {} with --as",
                pidf.entity,
                pidf.entity.principal(),
            ),
        ));
    }
    Ok(pidf.document)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_of(entity: &str, inside: &str) -> Result<Document, Failure> {
        let text = format!(
            "<?xml version=\"1.0\"?><presence xmlns=\"urn:ietf:params:xml:ns:pidf\" entity=\"{entity}\">{inside}</presence>"
        );
        document(text.as_bytes(), &"pres:alice@localhost".parse().unwrap())
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
    fn a_document_out_of_form_is_refused_with_its_place() {
        let (code, message) = told(read_of("pres:alice@localhost", "<tuple/>").unwrap_err());
        assert_eq!(code, "bad-pidf");
        assert!(message.starts_with("line 1, column "), "{message}");
    }
}
