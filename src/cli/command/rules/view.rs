//! How `--view` is written.
//!
//! Must never hold: which tuples there are (the server knows).

use crate::model::{Shown, TupleId};

const TUPLES: &str = "tuples=";

/// Reads `tuples=desk,phone,no-notes,no-contact,no-markup`: words joined by commas. A word behind `tuples=ID` that is
/// not one of the three `no-` words is a further tuple id.
///
/// # Errors
/// A sentence that names the wrong word and the right ones.
pub(super) fn parse(text: &str) -> Result<Shown, String> {
    let mut shown = Shown::ALL;
    for word in text.split(',') {
        match word {
            "no-notes" => shown.notes = false,
            "no-contact" => shown.contact = false,
            "no-markup" => shown.markup = false,
            _ => list(&mut shown, word)?,
        }
    }
    Ok(shown)
}

fn list(shown: &mut Shown, word: &str) -> Result<(), String> {
    let id = match (word.strip_prefix(TUPLES), &shown.tuples) {
        (Some(first), None) => first,
        (None, Some(_)) => word,
        (Some(_), Some(_)) => return Err("tuples= is there twice; list all ids behind one".into()),
        (None, None) => {
            return Err(format!(
                "{word:?} is not known; write tuples=ID, no-notes, no-contact or no-markup"
            ));
        }
    };
    let id = TupleId::new(id).map_err(|refusal| refusal.to_string())?;
    shown.tuples.get_or_insert_default().push(id);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(shown: &Shown) -> Vec<&str> {
        shown.tuples.iter().flatten().map(TupleId::as_str).collect()
    }

    #[test]
    fn flags_and_tuples_may_be_mixed() {
        let shown = parse("no-notes,tuples=desk,phone,no-markup").unwrap();
        assert_eq!(ids(&shown), ["desk", "phone"]);
        assert_eq!((shown.notes, shown.contact, shown.markup), (false, true, false));
        let shown = parse("no-contact").unwrap();
        assert_eq!((shown.tuples, shown.contact), (None, false));
    }

    #[test]
    fn a_wrong_word_is_named() {
        for (text, part) in [
            ("notes", "\"notes\" is not known"),
            ("", "is not known"),
            ("desk,tuples=phone", "\"desk\""),
            ("tuples=a,tuples=b", "twice"),
            ("tuples=", "tuple id"),
        ] {
            let message = parse(text).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }
}
