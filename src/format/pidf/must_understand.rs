//! The attribute `mustUnderstand` of RFC 3863: what a reader has to leave alone when it does not know an extension.
//!
//! Must never hold: a change of a document. Markup is stored and sent on whether or not it is understood.

use super::NAMESPACE;
use crate::format::xml;
use crate::model::Tuple;

/// Whether a reader that understands no extension must ignore `tuple` because one in it says so.
///
/// That is an extension directly in the tuple or its status whose own start tag carries `mustUnderstand` with the
/// value `true` or `1`, with or without PIDF's namespace. Deeper down the attribute speaks of the extension around
/// it, which such a reader ignores anyway. For whoever shows or acts on presence; a server passes all on.
pub fn must_ignore(tuple: &Tuple) -> bool {
    let markup = tuple.status_markup.iter().chain(&tuple.markup);
    markup.filter_map(|element| element.as_text()).any(demands)
}

fn demands(element: &str) -> bool {
    let said = |namespace| xml::root_value(element, namespace, "mustUnderstand");
    let yes = |value: String| matches!(value.as_str(), "true" | "1");
    said(NAMESPACE).is_some_and(yes) || said("").is_some_and(yes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Basic, Payload, TupleId};

    fn with(element: &str) -> Tuple {
        let tuple = Tuple::plain(TupleId::new("a").unwrap(), Basic::Open);
        Tuple { markup: vec![Payload::text(element)], ..tuple }
    }

    #[test]
    fn an_extension_that_must_be_understood_makes_its_tuple_one_to_ignore() {
        let pidf = format!("<x:a xmlns:x='urn:x' xmlns:p='{NAMESPACE}' p:mustUnderstand='1'/>");
        assert!(must_ignore(&with(&pidf)));
        assert!(must_ignore(&with("<x:a xmlns:x='urn:x' mustUnderstand='true'/>")));
        let tuple = with("<x:a xmlns:x='urn:x'/>");
        let status = Tuple { status_markup: with(&pidf).markup, ..tuple.clone() };
        assert!(must_ignore(&status) && !must_ignore(&tuple));
    }

    #[test]
    fn inside_an_extension_and_in_another_vocabulary_the_attribute_has_no_effect_on_the_tuple() {
        for element in [
            "<x:a xmlns:x='urn:x'><x:b mustUnderstand='1'/></x:a>",
            "<x:a xmlns:x='urn:x' x:mustUnderstand='1'/>",
            "<x:a xmlns:x='urn:x' mustUnderstand='0'/>",
            "<not xml mustUnderstand='1'",
        ] {
            assert!(!must_ignore(&with(element)), "{element}");
        }
    }
}
