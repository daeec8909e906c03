//! Events about changes of rules that come to subscriptions in parts.
//!
//! Must never hold: anything random or taken from a clock; golden files are made of these.

use std::sync::Arc;

use adsum::event::{Event, ReviewBegan, ReviewEnded, RulesBefore, RulesSubject};
use adsum::model::{AccessRule, AccessRules, Handling, Timestamp};

use super::presentity;

/// One or more of every kind.
pub(super) fn samples() -> Vec<(&'static str, Event)> {
    let rule = AccessRule::plain("authenticated".parse().unwrap(), Handling::Allow);
    let rules = AccessRules::NONE.changed(vec![rule], &[]).unwrap();
    let own = RulesBefore {
        own: Arc::new(rules.clone()),
        domain: Arc::default(),
        now: Timestamp::from_ms(1_700_000_000_000),
    };
    let domains = RulesBefore { own: Arc::default(), domain: Arc::new(rules), ..own.clone() };
    let of_domain = || RulesSubject::Domain("example.com".parse().unwrap());
    let of_presentity = RulesSubject::Presentity(presentity());
    vec![
        ("review-began", Event::ReviewBegan(ReviewBegan { of: of_presentity, before: own })),
        (
            "review-began-of-domain",
            Event::ReviewBegan(ReviewBegan { of: of_domain(), before: domains }),
        ),
        ("review-ended", Event::ReviewEnded(ReviewEnded { of: of_domain() })),
    ]
}
