//! From frames that change rules, grants and domains to commands that are valid.
//!
//! Must never hold: a judgement that needs the state of the store.

use crate::model::{
    DeliveryChange, InboxSequence, OperationId, Principal, Refusal, Rights, RuleName, Who,
};
use crate::protocol::VisibilityRow;
use crate::protocol::body::{
    Administer, ChangeDelivery, ChangeRules, ChangeVisibility, Displayed, EndSubscription, Grant,
};
use crate::protocol::convert;
use crate::service::{self, Actor, Command, RulesOwner};

#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
pub(super) fn displayed(body: Displayed) -> Result<Command, Refusal> {
    let sequence = InboxSequence::new(body.sequence);
    Ok(Command::Displayed { inbox: body.inbox.parse()?, sequence })
}

pub(super) fn change_rules(body: ChangeRules) -> Result<Command, Refusal> {
    let put = body.put.into_iter().map(convert::access_rule);
    Ok(Command::ChangeRules(service::ChangeRules {
        owner: rules_owner(&body.owner)?,
        operation: OperationId(body.operation),
        if_version: body.if_version,
        put: put.collect::<Result<_, _>>()?,
        remove: rule_names(&body.remove)?,
    }))
}

/// A presentity's address, or `@` and a domain.
pub(super) fn rules_owner(given: &str) -> Result<RulesOwner, Refusal> {
    match given.strip_prefix('@') {
        Some(domain) => domain.parse().map(RulesOwner::Domain),
        None => given.parse().map(RulesOwner::Presentity),
    }
}

fn rule_names(given: &[String]) -> Result<Vec<RuleName>, Refusal> {
    given.iter().map(|name| RuleName::new(name)).collect()
}

pub(super) fn change_delivery(body: ChangeDelivery) -> Result<Command, Refusal> {
    let put = body.put.into_iter().map(convert::delivery_rule);
    Ok(Command::ChangeDelivery {
        inbox: body.inbox.parse()?,
        operation: OperationId(body.operation),
        if_version: body.if_version,
        change: DeliveryChange {
            put: put.collect::<Result<_, _>>()?,
            remove: rule_names(&body.remove)?,
            when_closed: convert::when_closed(body.when_closed)?,
            receipts: switch("receipts", body.receipts)?,
        },
    })
}

pub(super) fn change_visibility(body: ChangeVisibility) -> Result<Command, Refusal> {
    let put =
        body.put.iter().map(|rule| VisibilityRow::read(rule).map(|row| (row.who, row.is_shown)));
    let remove = body.remove.into_iter().map(|who| who.parse::<Who>());
    Ok(Command::ChangeVisibility {
        operation: OperationId(body.operation),
        put: put.collect::<Result<_, _>>()?,
        remove: remove.collect::<Result<_, _>>()?,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
pub(super) fn grant(body: Grant, actor: &Actor) -> Result<Command, Refusal> {
    Ok(Command::Grant {
        owner: own_or(&body.owner, actor)?,
        grantee: body.grantee.parse()?,
        rights: Rights::from_bits(body.rights)?,
        operation: OperationId(body.operation),
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
pub(super) fn end_subscription(body: EndSubscription) -> Result<Command, Refusal> {
    Ok(Command::EndSubscription {
        watcher: body.watcher.parse()?,
        presentity: body.presentity.parse()?,
    })
}

#[expect(clippy::needless_pass_by_value, reason = "as the other readers of bodies")]
pub(super) fn administer(body: Administer) -> Result<Command, Refusal> {
    let operation = OperationId(body.operation);
    let presence = || switch("presence", body.presence);
    let messaging = || switch("messaging", body.messaging);
    let subject = body.subject.as_str();
    Ok(match body.act {
        1 => Command::CreateDomain { domain: subject.parse()?, operation },
        2 => Command::RemoveDomain { domain: subject.parse()? },
        3 => Command::SwitchDomain {
            domain: subject.parse()?,
            presence: presence()?,
            messaging: messaging()?,
        },
        4 => Command::SwitchServices {
            principal: subject.parse()?,
            presence: presence()?,
            messaging: messaging()?,
        },
        5 => Command::Suspend { principal: subject.parse()?, is_suspended: true },
        6 => Command::Suspend { principal: subject.parse()?, is_suspended: false },
        _ => return Err(Refusal::bad_field("act", "is none of 1 to 6")),
    })
}

/// A switch that may be left as it is.
fn switch(name: &str, number: u8) -> Result<Option<bool>, Refusal> {
    match number {
        0 => Ok(None),
        1 => Ok(Some(false)),
        2 => Ok(Some(true)),
        _ => Err(Refusal::bad_field(name, "is none of 0 (as it is), 1 (off), 2 (on)")),
    }
}

/// The principal named; the actor's own if none is.
pub(super) fn own_or(given: &str, actor: &Actor) -> Result<Principal, Refusal> {
    if given.is_empty() { Ok(actor.principal.clone()) } else { given.parse() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{AccessRule, DeviceId, Handling, WhenClosed};

    fn actor() -> Actor {
        Actor { principal: "alice@d.example".parse().unwrap(), device: DeviceId([1; 8]) }
    }

    fn act(act: u8, subject: &str, presence: u8) -> Result<Command, Refusal> {
        administer(Administer {
            request: 1,
            operation: [9; 16],
            act,
            subject: subject.to_owned(),
            presence,
            messaging: 0,
        })
    }

    #[test]
    fn each_act_becomes_its_command() {
        let domain = || "d.example".parse().unwrap();
        let principal = || "bob@d.example".parse().unwrap();
        let (presence, messaging) = (Some(false), None);
        let expected = [
            Command::CreateDomain { domain: domain(), operation: OperationId([9; 16]) },
            Command::RemoveDomain { domain: domain() },
            Command::SwitchDomain { domain: domain(), presence, messaging },
            Command::SwitchServices { principal: principal(), presence, messaging },
            Command::Suspend { principal: principal(), is_suspended: true },
            Command::Suspend { principal: principal(), is_suspended: false },
        ];
        for (number, command) in (1..).zip(expected) {
            let subject = if number < 4 { "d.example" } else { "bob@d.example" };
            assert_eq!(act(number, subject, 1), Ok(command));
        }
        for wrong in [act(0, "d.example", 0), act(7, "d.example", 0), act(3, "d.example", 3)] {
            assert!(matches!(wrong, Err(Refusal::BadField { .. })));
        }
    }

    #[test]
    fn rules_are_a_presentitys_or_a_domains() {
        let change = |owner: &str| {
            let rule = AccessRule::plain(Who::Everyone, Handling::Allow);
            change_rules(ChangeRules {
                request: 1,
                operation: [9; 16],
                owner: owner.to_owned(),
                if_version: Some(3),
                put: vec![convert::access_rule_body(&rule)],
                remove: vec!["old".to_owned()],
            })
        };
        let owner = |given| match change(given) {
            Ok(Command::ChangeRules(change)) => change.owner,
            other => panic!("{other:?}"),
        };
        let presentity = "pres:alice@d.example".parse().unwrap();
        assert_eq!(owner("pres:alice@d.example"), RulesOwner::Presentity(presentity));
        assert_eq!(owner("@d.example"), RulesOwner::Domain("d.example".parse().unwrap()));
        assert!(matches!(change("im:alice@d.example"), Err(Refusal::BadAddress { .. })));
    }

    #[test]
    fn what_a_change_of_delivery_does_not_name_stays() {
        let body = ChangeDelivery {
            request: 1,
            operation: [9; 16],
            inbox: "im:alice@d.example".to_owned(),
            if_version: None,
            put: Vec::new(),
            remove: Vec::new(),
            when_closed: 2,
            receipts: 0,
        };
        let Ok(Command::ChangeDelivery { change, .. }) = change_delivery(body) else { panic!() };
        assert_eq!(change.when_closed, Some(WhenClosed::Store));
        assert_eq!(change.receipts, None);
    }

    #[test]
    fn a_grant_without_an_owner_is_ones_own_and_unknown_rights_are_refused() {
        let give = |rights| Grant {
            request: 1,
            operation: [9; 16],
            owner: String::new(),
            grantee: "bob@d.example".to_owned(),
            rights,
        };
        let Ok(Command::Grant { owner, rights, .. }) = grant(give(3), &actor()) else { panic!() };
        assert_eq!((owner, rights.to_string().as_str()), (actor().principal, "publish,read"));
        assert!(matches!(grant(give(32), &actor()), Err(Refusal::BadField { .. })));
    }
}
