//! What tuples are called, inside a publication and composed.
//!
//! Must never hold: how a composed id is made (see `event::PublicationKey`).

use super::Refusal;
use super::limits::TUPLE_ID_BYTES_MAX;
use super::text::text;

text! {
    /// Name of a tuple inside its publication: 1 to 64 printable characters. The same id is the same tuple changed.
    #[derive(Debug)]
    TupleId(String)
}

impl TupleId {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`Refusal::BadField`] if it is empty, too long, or holds white space or control characters.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        if !(1..=TUPLE_ID_BYTES_MAX).contains(&text.len()) {
            return Err(Refusal::bad_field(
                "tuple id",
                "must have 1 to 64 bytes; choose one of that length",
            ));
        }
        if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
            return Err(Refusal::bad_field(
                "tuple id",
                "may not hold white space or control characters; leave them out",
            ));
        }
        Ok(Self(text.to_owned()))
    }

    /// The publisher's own part of a composed id `own.12345678`; the whole of any other.
    pub fn own(&self) -> &str {
        match self.0.rsplit_once('.') {
            Some((own, hash)) if is_hash(hash) && !own.is_empty() => own,
            _ => &self.0,
        }
    }
}

/// Whether `text` is what composition puts behind an id: eight hexadecimal digits.
fn is_hash(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_composed_id_leads_back_to_the_publishers_own() {
        for (id, own) in [
            ("desk.1a2b3c4d", "desk"),
            ("desk", "desk"),
            ("a.b", "a.b"),
            ("a.b.00000000", "a.b"),
            (".1a2b3c4d", ".1a2b3c4d"),
            ("desk.1A2B3C4D", "desk.1A2B3C4D"),
        ] {
            assert_eq!(TupleId::new(id).unwrap().own(), own);
        }
    }
}
