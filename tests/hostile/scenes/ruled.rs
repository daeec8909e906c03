//! Scenes in which rules are changed: of access, delivery and what is shown of subscriptions.
//!
//! Must never hold: a bound, or a claim about what it costs.

use super::*;

pub(super) fn large_rule(number: usize) -> AccessRule {
    AccessRule {
        name: RuleName::new(&format!("{number:r>RULE_NAME_BYTES_MAX$}")).unwrap(),
        shown: Shown { tuples: Some((0..32).map(tuple_id).collect()), ..Shown::ALL },
        ..AccessRule::plain(Who::Principal(p(&format!("x{number}"))), Handling::Allow)
    }
}

pub(super) fn rules(put: Vec<AccessRule>, remove: Vec<RuleName>) -> ChangeRules {
    let owner = RulesOwner::Presentity(pres("alice"));
    ChangeRules { owner, operation: op(6), if_version: None, put, remove }
}

pub(super) fn everyone(handling: Handling) -> AccessRule {
    AccessRule::plain(Who::Everyone, handling)
}

/// One rule changes beside as many as there may be, and moves all who watch.
pub(super) fn rule_put() -> Scene {
    let mut stage = Stage::with(&["alice"]);
    stage.full_rules();
    let room = ChangeRules { operation: op(60), ..rules(vec![], vec![large_rule(0).name]) };
    stage.ask("alice", room);
    stage.watched("alice");
    let put = ChangeRules { operation: op(7), ..rules(vec![everyone(Handling::Block)], vec![]) };
    stage.command("alice", put, MANY)
}

pub(super) fn rule_removed() -> Scene {
    let mut stage = Stage::with(&["alice"]);
    stage.full_rules();
    let request = ChangeRules { operation: op(7), ..rules(vec![], vec![large_rule(0).name]) };
    stage.command("alice", request, 0)
}

/// As many rules as one frame holds.
pub(super) fn rules_put() -> Scene {
    let mut stage = Stage::with(&["alice"]);
    stage.ask("alice", publish("ids", many_tuples()));
    stage.command("alice", rules((0..22).map(large_rule).collect(), vec![]), 0)
}

pub(super) fn domain_rule_put() -> Scene {
    let (mut stage, actor) = administered();
    stage.watched("bob");
    let owner = RulesOwner::Domain(p("alice").home());
    let request = ChangeRules { owner, ..rules(vec![everyone(Handling::Block)], vec![]) };
    as_administrator(stage, actor, request, MANY)
}

pub(super) fn delivery(change: DeliveryChange) -> ChangeDelivery {
    ChangeDelivery { inbox: im("alice"), operation: op(8), if_version: None, change }
}

pub(super) fn large_delivery(number: usize) -> DeliveryRule {
    DeliveryRule {
        name: large_rule(number).name,
        who: large_rule(number).who,
        content_type: None,
        larger_than: Some(1),
        action: Delivery::Refuse { reason: "w".repeat(DELIVERY_REASON_BYTES_MAX) },
    }
}

pub(super) fn put_delivery(count: usize) -> ChangeDelivery {
    let put = (0..count).map(large_delivery).collect();
    delivery(DeliveryChange { put, ..DeliveryChange::default() })
}

pub(super) fn delivery_removed() -> Scene {
    let mut stage = Stage::with(&["alice"]);
    stage.ask("alice", put_delivery(RULES_MAX));
    let remove = vec![large_delivery(0).name];
    let change = delivery(DeliveryChange { remove, ..DeliveryChange::default() });
    stage.command("alice", ChangeDelivery { operation: op(9), ..change }, 0)
}

pub(super) fn delivery_put() -> Scene {
    Stage::with(&["alice"]).command("alice", put_delivery(75), 0)
}

pub(super) fn visible(count: usize) -> ChangeVisibility {
    let row = |number| VisibilityRow { who: large_rule(number).who, is_shown: true };
    ChangeVisibility { operation: op(1), put: (0..count).map(row).collect(), remove: vec![] }
}

pub(super) fn visibility_removed() -> Scene {
    let mut stage = Stage::with(&["alice"]);
    stage.ask("alice", visible(RULES_MAX));
    let remove = vec![large_rule(0).who];
    stage.command("alice", ChangeVisibility { operation: op(2), put: vec![], remove }, 0)
}

pub(super) fn visibility_put() -> Scene {
    Stage::with(&["alice"]).command("alice", visible(RULES_MAX), 0)
}
