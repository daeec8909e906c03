//! Events about rules that hold what changed of them.
//!
//! Must never hold: anything random or taken from a clock; golden files are made of these.

use std::collections::BTreeMap;

use adsum::event::{
    AccessRulesAmended, DeliveryRulesAmended, DomainRulesAmended, Event, VisibilityRulesAmended,
};
use adsum::model::{
    AccessRule, AccessRules, Delivery, DeliveryChange, DeliveryRule, DeliveryRules, Handling,
    OperationId, RuleChanges, RuleName, Sequence, VisibilityRules, WhenClosed, Who,
};

use super::{alice, bob, device, presentity};

type Samples = Vec<(&'static str, Event)>;

/// One or more of every kind.
pub(super) fn samples() -> Samples {
    let access = |version, rules, previous| {
        Event::AccessRulesAmended(AccessRulesAmended {
            presentity: presentity(),
            version,
            rules,
            by: bob(),
            device: device(),
            operation: OperationId([21; 16]),
            previous: Sequence::new(previous),
        })
    };
    let domain = DomainRulesAmended {
        domain: "example.com".parse().unwrap(),
        version: 2,
        rules: every_way(),
        by: alice(),
        operation: OperationId([22; 16]),
    };
    let mut samples = vec![
        ("every-way", access(2, every_way(), 70_000)),
        ("nothing", access(1, RuleChanges::default(), 0)),
        ("every-way", Event::DomainRulesAmended(domain)),
    ];
    samples.extend(deliveries());
    samples.push(("every-way", visibility()));
    samples
}

/// A rule that is new, one that takes another's place, and one that goes.
fn every_way() -> RuleChanges<AccessRule> {
    let rule = |who: &str, handling| AccessRule::plain(who.parse().unwrap(), handling);
    let first = vec![rule("everyone", Handling::Block), rule("@example.com", Handling::Allow)];
    let before = AccessRules::default().changed(first, &[]).unwrap();
    let put = vec![rule("everyone", Handling::Confirm), rule("bob@example.com", Handling::Allow)];
    before.change(put, &[RuleName::new("@example.com").unwrap()]).unwrap()
}

fn deliveries() -> Samples {
    let rule = |action| DeliveryRule {
        name: RuleName::new("strangers").unwrap(),
        who: Who::Anonymous,
        content_type: None,
        larger_than: None,
        action,
    };
    let put = vec![rule(Delivery::Discard)];
    let (when_closed, receipts) = (Some(WhenClosed::Store), Some(false));
    let change = DeliveryChange { put, remove: vec![], when_closed, receipts };
    let none = DeliveryRules::default();
    let first = none.change(change.clone()).unwrap();
    let gone = DeliveryChange { remove: vec![rule(Delivery::Accept).name], ..Default::default() };
    let gone = none.changed(change).unwrap().change(gone).unwrap();
    let amended = |version, rules| {
        let (inbox, by, operation) = (alice().inbox(), alice(), OperationId([23; 16]));
        Event::DeliveryRulesAmended(DeliveryRulesAmended { inbox, version, rules, by, operation })
    };
    vec![("first", amended(1, first)), ("gone", amended(2, gone))]
}

fn visibility() -> Event {
    let before = VisibilityRules([(Who::Everyone, true)].into());
    let put = BTreeMap::from([(Who::Principal(bob()), false)]);
    let rules = before.change(put, vec![Who::Everyone]).unwrap();
    let (watcher, operation) = (alice(), OperationId([24; 16]));
    Event::VisibilityRulesAmended(VisibilityRulesAmended { watcher, version: 2, rules, operation })
}
