//! Events about who decides what: rules, grants, requests to watch, watchers seen, receipts, domains, administrators.
//!
//! Must never hold: anything random or taken from a clock; golden files are made of these.

use adsum::event::{
    AccessRulesChanged, AdministratorActed, ClockCause, ClockMoved, DeliveryRulesChanged,
    DomainCreated, DomainQuotaSet, DomainRemoved, DomainRulesChanged, DomainSwitched, EpochBegan,
    ErasurePolicyChanged, Event, GrantChanged, GrantGiven, InviteCause, InviteEnded, InviteIssued,
    MessageCause, MessageDisplayed, MessageEnded, MessageQuarantined, OperationDone, OperationKey,
    Operator, Outcome, PrincipalSuspended, PublicationCause, PublicationEnded, QuotaSet,
    ReceiptIssued, ReceiptsAsked, RestoreNoticed, RulesReviewed, ServicesSwitched, Subscribed,
    SubscriptionEnded, SubscriptionMoved, VisibilityRulesChanged, WatchObserved, WatchRequested,
    WatcherForgotten,
};
use adsum::model::{
    AccessRule, AccessRules, AdministratorAct, Ahead, Delivery, DeliveryChange, DeliveryRule,
    DeliveryRules, Domain, EndReason, EpochId, Handling, InboxSequence, InviteId, Lifetime,
    MediaRange, MessageId, Mode, Moment, OperationId, PastPlace, Quota, ReceiptKind, Receipts,
    Rights, Role, RuleName, Sequence, Shown, SubscriptionState, Tag, Timestamp, TupleId,
    VisibilityRules, WhenClosed, Who,
};

use super::{alice, at, bob, device, message, presentity, publication};

type Samples = Vec<(&'static str, Event)>;

/// One or more of every kind.
pub(super) fn samples() -> Samples {
    let mut samples = vec![("withdrawn", withdrawn()), ("withdrawn", message_withdrawn())];
    samples.extend(subscriptions());
    samples.extend(requests());
    samples.extend(rules());
    samples.extend(grants());
    samples.extend(messages());
    samples.extend(domains());
    samples.extend(acts());
    samples.extend(quotas());
    samples.push(("began", Event::EpochBegan(EpochBegan { epoch: EpochId([0xe1; 8]) })));
    samples.extend(clocks());
    samples.extend(restores());
    samples.extend(operations());
    samples.extend(made_with_a_device());
    samples.extend(erasures());
    samples.push(("forgotten", Event::WatcherForgotten(WatcherForgotten { watcher: bob() })));
    samples
}

fn restores() -> Samples {
    let noticed = |by| {
        let (principal, device) = (bob(), device());
        Event::RestoreNoticed(RestoreNoticed { principal, device, by })
    };
    let (had, stands) = (Moment::of(at(250)), Moment::of(at(100)));
    let presence = PastPlace::Presence { had, stands };
    let (had, stands) = (InboxSequence::new(300), InboxSequence::new(2));
    let inbox = PastPlace::Inbox { inbox: bob().inbox(), had, stands };
    vec![("presence", noticed(presence)), ("inbox", noticed(inbox))]
}

/// Of the later kinds.
fn made_with_a_device() -> Samples {
    let invite = InviteId([0xab; 32]);
    let first = InviteIssued {
        invite,
        principal: None,
        domain: "example.com".into(),
        role: Role::Administrator,
        by: None,
        device: None,
        is_first: true,
        expires_at: at(1),
    };
    let named = InviteIssued {
        principal: Some(bob()),
        role: Role::User,
        by: Some(alice()),
        device: Some(device()),
        is_first: false,
        ..first.clone()
    };
    let ended = |cause| Event::InviteEnded(InviteEnded { invite, cause });
    let granted = GrantGiven {
        owner: alice(),
        grantee: bob(),
        rights: Rights::MEMBER,
        by: alice(),
        device: device(),
        operation: OperationId([16; 16]),
    };
    vec![
        ("member", Event::GrantGiven(granted)),
        ("first", Event::InviteIssued(first)),
        ("named", Event::InviteIssued(named)),
        ("withdrawn", ended(InviteCause::Withdrawn { by: alice() })),
        ("revoked", ended(InviteCause::Revoked)),
        ("superseded", ended(InviteCause::Superseded)),
        ("homeless", ended(InviteCause::Homeless)),
    ]
}

fn operations() -> Samples {
    let state = SubscriptionState::Terminated(EndReason::Rejected);
    let (tag, granted) = (Tag([0x7a; 16]), Lifetime::from_ms(60_000));
    let outcomes = [
        ("published", Outcome::Published { tag, granted }),
        ("subscribed", Outcome::Subscribed { state, granted }),
        ("unsubscribed", Outcome::Unsubscribed),
        ("deleted", Outcome::Deleted { count: 3 }),
        ("invited", Outcome::Invited { expires_at: Timestamp::from_ms(1_767_225_600_000) }),
        ("key-revoked", Outcome::KeyRevoked),
        ("changed", Outcome::Changed { version: 4 }),
    ];
    let done = |(name, outcome)| {
        let by = match outcome {
            Outcome::Changed { .. } => Operator::Principal(bob()),
            _ => Operator::Device(device()),
        };
        let operation = OperationKey([0x3c; 16]);
        (name, Event::OperationDone(OperationDone { by, operation, outcome }))
    };
    outcomes.map(done).into()
}

fn domain() -> Domain {
    "example.com".parse().unwrap()
}

fn rule_name(text: &str) -> RuleName {
    RuleName::new(text).unwrap()
}

fn withdrawn() -> Event {
    Event::PublicationEnded(PublicationEnded {
        presentity: presentity(),
        publication: publication(),
        cause: PublicationCause::Withdrawn,
        previous: Sequence::new(5),
        others: vec![],
    })
}

fn message_withdrawn() -> Event {
    let (inbox, sequence) = (bob().inbox(), InboxSequence::new(3));
    Event::MessageEnded(MessageEnded { inbox, sequence, cause: MessageCause::Withdrawn })
}

fn subscriptions() -> Samples {
    let subscribed = |mode, state| {
        Event::Subscribed(Subscribed {
            watcher: bob(),
            presentity: presentity(),
            mode,
            expires_at: at(1),
            state,
            operation: OperationId([12; 16]),
        })
    };
    let moved = |state, is_visible| {
        Event::SubscriptionMoved(SubscriptionMoved {
            watcher: bob(),
            presentity: presentity(),
            state,
            expires_at: at(2),
            is_visible,
            shown_at: Moment::from_us(1_767_225_600_000_500),
        })
    };
    let ended = |reason| {
        Event::SubscriptionEnded(SubscriptionEnded {
            watcher: bob(),
            presentity: presentity(),
            reason,
        })
    };
    vec![
        ("active", subscribed(Mode::Latest, SubscriptionState::Active)),
        ("pending", subscribed(Mode::Every, SubscriptionState::Pending)),
        ("approved", moved(SubscriptionState::Active, true)),
        ("waiting", moved(SubscriptionState::Waiting, false)),
        ("rejected", ended(EndReason::Rejected)),
        ("giveup", ended(EndReason::GiveUp)),
        ("noresource", ended(EndReason::NoResource)),
    ]
}

fn requests() -> Samples {
    let requested = WatchRequested { watcher: bob(), presentity: presentity(), expires_at: at(3) };
    let observed = WatchObserved {
        presentity: presentity(),
        watcher: bob(),
        fetches: 300,
        subscriptions: 1,
        first_at: at(1),
        last_at: at(4),
    };
    vec![
        ("requested", Event::WatchRequested(requested)),
        ("observed", Event::WatchObserved(observed)),
    ]
}

/// A rule for each kind of whom, each handling, and a view.
fn access_rules() -> AccessRules {
    let narrow = AccessRule {
        name: rule_name("narrow"),
        subscribe: None,
        shown: Shown {
            tuples: Some(vec![TupleId::new("desk").unwrap()]),
            notes: false,
            contact: true,
            markup: false,
        },
        from: Some(at(5)),
        until: Some(at(6)),
        ..AccessRule::plain(Who::Principal(bob()), Handling::Allow)
    };
    let put = vec![
        narrow,
        AccessRule::plain(Who::Domain(domain()), Handling::PoliteBlock),
        AccessRule::plain(Who::Authenticated, Handling::Confirm),
        AccessRule::plain(Who::Anonymous, Handling::Block),
        AccessRule::plain(Who::Everyone, Handling::Block),
    ];
    AccessRules::default().changed(put, &[]).unwrap()
}

fn delivery_rules() -> DeliveryRules {
    let rule = |name, who, action| DeliveryRule {
        name: rule_name(name),
        who,
        content_type: None,
        larger_than: None,
        action,
    };
    let pictures = DeliveryRule {
        content_type: Some(MediaRange::new("image/*").unwrap()),
        larger_than: Some(70_000),
        ..rule("pictures", Who::Everyone, Delivery::Refuse { reason: "too large".into() })
    };
    let change = DeliveryChange {
        put: vec![
            pictures,
            rule("strangers", Who::Anonymous, Delivery::Discard),
            rule("aside", Who::Domain(domain()), Delivery::Quarantine),
            rule("friend", Who::Principal(bob()), Delivery::Accept),
        ],
        when_closed: Some(WhenClosed::Store),
        receipts: Some(true),
        ..DeliveryChange::default()
    };
    DeliveryRules::default().changed(change).unwrap()
}

fn rules() -> Samples {
    let access = |version, rules, previous| {
        Event::AccessRulesChanged(AccessRulesChanged {
            presentity: presentity(),
            version,
            rules,
            by: bob(),
            device: device(),
            operation: OperationId([13; 16]),
            previous: Sequence::new(previous),
        })
    };
    let delivery = |version, rules| {
        Event::DeliveryRulesChanged(DeliveryRulesChanged {
            inbox: alice().inbox(),
            version,
            rules,
            by: alice(),
            operation: OperationId([14; 16]),
        })
    };
    let shown = [(Who::Everyone, false), (Who::Principal(bob()), true)];
    let visibility = VisibilityRulesChanged {
        watcher: alice(),
        version: 2,
        rules: VisibilityRules(shown.into()),
        operation: OperationId([15; 16]),
    };
    let reviewed = RulesReviewed { presentity: presentity(), through: at(5) };
    vec![
        ("full", access(1, access_rules(), 0)),
        ("none", access(300, AccessRules::default(), 70_000)),
        ("reviewed", Event::RulesReviewed(reviewed)),
        ("full", delivery(1, delivery_rules())),
        ("none", delivery(2, DeliveryRules::default())),
        ("shown", Event::VisibilityRulesChanged(visibility)),
    ]
}

fn grants() -> Samples {
    let grant = |rights| {
        Event::GrantChanged(GrantChanged {
            owner: alice(),
            grantee: bob(),
            rights,
            by: alice(),
            operation: OperationId([16; 16]),
        })
    };
    vec![("member", grant(Rights::MEMBER)), ("none", grant(Rights::NONE))]
}

fn messages() -> Samples {
    let Event::MessageAccepted(aside) = message(2, 20) else { unreachable!() };
    let id = MessageId::new("message-2").unwrap();
    let asked = ReceiptsAsked {
        inbox: bob().inbox(),
        sequence: InboxSequence::new(2),
        sender: alice(),
        id: id.clone(),
        receipts: Receipts::NONE.with(ReceiptKind::Stored).with(ReceiptKind::Expired),
    };
    let issued = |kind, reason: &str| {
        Event::ReceiptIssued(ReceiptIssued {
            inbox: alice().inbox(),
            sequence: InboxSequence::new(300),
            kind,
            id: id.clone(),
            recipient: bob().inbox(),
            reason: reason.into(),
        })
    };
    let displayed =
        MessageDisplayed { inbox: bob().inbox(), sequence: InboxSequence::new(2), by: device() };
    let quarantined = MessageQuarantined { message: aside, rule: rule_name("aside") };
    vec![
        ("quarantined", Event::MessageQuarantined(quarantined)),
        ("asked", Event::ReceiptsAsked(asked)),
        ("stored", issued(ReceiptKind::Stored, "")),
        ("delivered", issued(ReceiptKind::Delivered, "")),
        ("displayed", issued(ReceiptKind::Displayed, "")),
        ("failed", issued(ReceiptKind::Failed, "deleted")),
        ("expired", issued(ReceiptKind::Expired, "")),
        ("displayed", Event::MessageDisplayed(displayed)),
    ]
}

fn domains() -> Samples {
    let created = DomainCreated { domain: domain(), by: alice(), operation: OperationId([17; 16]) };
    let rules = DomainRulesChanged {
        domain: domain(),
        version: 1,
        rules: access_rules(),
        by: alice(),
        operation: OperationId([18; 16]),
    };
    let (presence, messaging) = (true, false);
    let switched = DomainSwitched { domain: domain(), presence, messaging, by: alice() };
    vec![
        ("created", Event::DomainCreated(created)),
        ("removed", Event::DomainRemoved(DomainRemoved { domain: domain(), by: alice() })),
        ("switched", Event::DomainSwitched(switched)),
        ("rules", Event::DomainRulesChanged(rules)),
    ]
}

fn acts() -> Samples {
    let (presence, messaging) = (false, true);
    let switched = ServicesSwitched { principal: bob(), presence, messaging, by: alice() };
    let suspended = PrincipalSuspended { principal: bob(), is_suspended: true, by: alice() };
    let mut samples = vec![
        ("switched", Event::ServicesSwitched(switched)),
        ("suspended", Event::PrincipalSuspended(suspended)),
    ];
    samples.extend(AdministratorAct::ALL.iter().map(|&act| {
        let about = String::from("pres:bob@example.com");
        let acted = AdministratorActed { principal: bob(), by: alice(), act, about };
        (act.as_str(), Event::AdministratorActed(acted))
    }));
    samples
}

fn quotas() -> Samples {
    let set = |max| {
        let (principal, quota, by) = (bob(), Quota::Events, alice());
        Event::QuotaSet(QuotaSet { principal, quota, max, by })
    };
    let of_domain = |(quota, max)| {
        let (domain, by) = (domain(), alice());
        Event::DomainQuotaSet(DomainQuotaSet { domain, quota, max, by })
    };
    let of_each = Quota::ALL.iter().map(|&quota| (quota.as_str(), of_domain((quota, Some(300)))));
    let mut samples = vec![("set", set(Some(50))), ("reset", set(None))];
    samples.extend(of_each);
    samples.push(("reset", of_domain((Quota::Stored, None))));
    samples
}

fn erasures() -> Samples {
    let changed = |recipients_keep| {
        let (domain, by) = (domain(), alice());
        Event::ErasurePolicyChanged(ErasurePolicyChanged { domain, recipients_keep, by })
    };
    vec![("kept", changed(true)), ("lost", changed(false))]
}

fn clocks() -> Samples {
    let moved = |before, after, cause| {
        let (before, after) = (Ahead::from_ms(before), Ahead::from_ms(after));
        Event::ClockMoved(ClockMoved { before, after, cause })
    };
    vec![
        ("set", moved(0, 86_400_000, ClockCause::Set)),
        ("set-while-down", moved(86_400_000, -120_000, ClockCause::SetWhileDown)),
        ("drifted", moved(0, -2_001, ClockCause::Drifted)),
    ]
}
