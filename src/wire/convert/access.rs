//! Access and visibility rules between bodies and the model.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::super::body;
use crate::model::{AccessRule, Handling, Refusal, RuleName, Shown, Timestamp, TupleId, Who};

/// Reads an access rule. What its parts cannot check alone, whoever sets it checks.
///
/// # Errors
/// The refusal of the first part that is not valid.
pub fn access_rule(wire: body::AccessRule) -> Result<AccessRule, Refusal> {
    Ok(AccessRule {
        name: RuleName::new(&wire.name)?,
        who: wire.who.parse()?,
        fetch: handling(wire.fetch)?,
        subscribe: handling(wire.subscribe)?,
        shown: shown(wire.shown)?,
        from: wire.from_ms.map(Timestamp::from_ms),
        until: wire.until_ms.map(Timestamp::from_ms),
    })
}

/// Writes an access rule.
pub fn access_rule_body(rule: &AccessRule) -> body::AccessRule {
    body::AccessRule {
        name: rule.name.as_str().to_owned(),
        who: rule.who.to_string(),
        fetch: handling_number(rule.fetch),
        subscribe: handling_number(rule.subscribe),
        shown: shown_body(&rule.shown),
        from_ms: rule.from.map(Timestamp::as_ms),
        until_ms: rule.until.map(Timestamp::as_ms),
    }
}

/// Reads what of a document is shown.
///
/// # Errors
/// The refusal of the first tuple id that is not valid.
pub fn shown(wire: body::Shown) -> Result<Shown, Refusal> {
    let tuples = wire.tuples.map(|ids| ids.iter().map(|id| TupleId::new(id)).collect());
    Ok(Shown {
        tuples: tuples.transpose()?,
        notes: wire.notes,
        contact: wire.contact,
        markup: wire.markup,
    })
}

/// Writes what of a document is shown.
pub fn shown_body(shown: &Shown) -> body::Shown {
    let text = |id: &TupleId| id.as_str().to_owned();
    body::Shown {
        tuples: shown.tuples.as_ref().map(|ids| ids.iter().map(text).collect()),
        notes: shown.notes,
        contact: shown.contact,
        markup: shown.markup,
    }
}

/// Reads what a rule grants; `None` where it says nothing.
///
/// # Errors
/// [`Refusal::BadField`] for a number this version does not know.
pub fn handling(number: u8) -> Result<Option<Handling>, Refusal> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(Handling::Block)),
        2 => Ok(Some(Handling::Confirm)),
        3 => Ok(Some(Handling::PoliteBlock)),
        4 => Ok(Some(Handling::Allow)),
        _ => Err(Refusal::bad_field(
            "handling",
            "is none of 0 (none), 1 (block), 2 (confirm), 3 (polite-block), 4 (allow)",
        )),
    }
}

/// Number of what a rule grants; 0 where it says nothing.
pub const fn handling_number(handling: Option<Handling>) -> u8 {
    match handling {
        None => 0,
        Some(Handling::Block) => 1,
        Some(Handling::Confirm) => 2,
        Some(Handling::PoliteBlock) => 3,
        Some(Handling::Allow) => 4,
    }
}

/// Reads a visibility rule: whom it is about, and whether the watcher is shown to them.
///
/// # Errors
/// [`Refusal::BadField`] or [`Refusal::BadAddress`] if it is about nobody.
#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
pub fn visibility_rule(wire: body::VisibilityRule) -> Result<(Who, bool), Refusal> {
    Ok((wire.who.parse()?, wire.is_shown))
}

/// Writes a visibility rule.
pub fn visibility_rule_body(who: &Who, is_shown: bool) -> body::VisibilityRule {
    body::VisibilityRule { who: who.to_string(), is_shown }
}

#[cfg(test)]
pub(super) mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whoever a rule may be about.
    pub(in super::super) fn any_who() -> impl Strategy<Value = Who> {
        let text = prop_oneof![
            Just("everyone".to_owned()),
            Just("anonymous".to_owned()),
            Just("authenticated".to_owned()),
            "@[a-z]{1,9}\\.example",
            "[a-z]{1,9}@[a-z]{1,9}\\.example",
        ];
        text.prop_map(|text| text.parse().unwrap())
    }

    /// A name a rule may have.
    pub(in super::super) fn any_name() -> impl Strategy<Value = RuleName> {
        "[!-~é]{1,40}".prop_map(|text| RuleName::new(&text).unwrap())
    }

    fn any_handling() -> impl Strategy<Value = Option<Handling>> {
        prop::option::of(prop::sample::select(Handling::ALL.to_vec()))
    }

    fn any_shown() -> impl Strategy<Value = Shown> {
        let ids = prop::collection::vec("[a-z0-9-]{1,20}", 0..5);
        let ids = ids.prop_map(|ids| ids.iter().map(|id| TupleId::new(id).unwrap()).collect());
        (prop::option::of(ids), any::<[bool; 3]>())
            .prop_map(|(tuples, [notes, contact, markup])| Shown { tuples, notes, contact, markup })
    }

    fn any_moment() -> impl Strategy<Value = Option<Timestamp>> {
        prop::option::of(any::<u64>().prop_map(Timestamp::from_ms))
    }

    fn any_rule() -> impl Strategy<Value = AccessRule> {
        let grants = (any_handling(), any_handling(), any_shown());
        (any_name(), any_who(), grants, any_moment(), any_moment()).prop_map(
            |(name, who, (fetch, subscribe, shown), from, until)| AccessRule {
                name,
                who,
                fetch,
                subscribe,
                shown,
                from,
                until,
            },
        )
    }

    proptest! {
        #[test]
        fn an_access_rule_reads_back(given in any_rule()) {
            prop_assert_eq!(access_rule(access_rule_body(&given)), Ok(given));
        }

        #[test]
        fn a_visibility_rule_reads_back(who in any_who(), is_shown in any::<bool>()) {
            let wire = visibility_rule_body(&who, is_shown);
            prop_assert_eq!(visibility_rule(wire), Ok((who, is_shown)));
        }

        #[test]
        fn a_handling_is_read_as_written_or_refused(number in any::<u8>()) {
            prop_assert!(handling(number).map_or(number > 4, |it| handling_number(it) == number));
        }
    }

    #[test]
    fn a_higher_number_grants_more() {
        let granted: Vec<_> = (1..=4).map(|number| handling(number).unwrap()).collect();
        assert_eq!(granted, Handling::ALL.map(Some));
    }

    #[test]
    fn a_rule_about_nobody_is_refused() {
        let rule = AccessRule::plain(Who::Everyone, Handling::Allow);
        let wire = body::AccessRule { who: "nobody".to_owned(), ..access_rule_body(&rule) };
        assert!(matches!(access_rule(wire), Err(Refusal::BadField { .. })));
    }
}
