//! Events for tests: one or more of every kind, and messages of any size.
//!
//! Must never hold: anything random or taken from a clock; golden files are made of these.

#![allow(dead_code, reason = "each test binary uses its own part")]

mod amended;
mod cut;
mod governance;
mod recovery;
mod reviews;
mod sealed;

use std::collections::BTreeMap;

use adsum::event::{
    Acknowledged, Event, InviteCause, InviteCreated, InviteEnded, KeyEnrolled, KeyRevoked,
    MessageAccepted, MessageCause, MessageDigest, MessageEnded, PublicationCause, PublicationEnded,
    PublicationKey, PublicationRefreshed, Published, SubscriptionCreated, SubscriptionEnded,
    SubscriptionRefreshed,
};
use adsum::model::{
    Basic, Contact, ContentType, DeviceId, DeviceLabel, Document, EndReason, InboxAddress,
    InboxSequence, InviteId, Lifetime, MessageId, Mode, Moment, Note, OperationId, Payload,
    Presentity, Principal, Priority, PublicKey, PublicationName, Role, Sequence, Tag, Timestamp,
    Tuple, TupleId,
};

fn alice() -> Principal {
    "alice@example.com".parse().unwrap()
}

fn bob() -> Principal {
    "bob@example.com".parse().unwrap()
}

fn device() -> DeviceId {
    DeviceId([1, 2, 3, 4, 5, 6, 7, 8])
}

fn at(ms: u64) -> Timestamp {
    Timestamp::from_ms(1_767_225_600_000 + ms)
}

/// A message of `body_bytes` bytes, its `number` in its id and body.
pub(crate) fn message(number: u64, body_bytes: usize) -> Event {
    let body: Vec<u8> = (0..body_bytes as u64).map(|place| (number + place) as u8).collect();
    Event::MessageAccepted(MessageAccepted {
        inbox: bob().inbox(),
        sequence: InboxSequence::new(number),
        sender: alice(),
        device: device(),
        id: MessageId::new(&format!("message-{number}")).unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::Present(body.into()),
        lifetime: None,
        digest: MessageDigest([number as u8; 16]),
    })
}

/// `count` small messages numbered from `first` on.
pub(crate) fn messages(first: u64, count: u64) -> Vec<Event> {
    (first..first + count).map(|number| message(number, 100)).collect()
}

/// `events` with their moments: the first at `time`, each a microsecond after the one before.
pub(crate) fn timed(time: Timestamp, events: Vec<Event>) -> Vec<(Moment, Event)> {
    let moments = (Moment::of(time).as_us()..).map(Moment::from_us);
    moments.zip(events).collect()
}

/// Every variant at least once, with every cause, each with a name for its golden file.
pub(crate) fn samples() -> Vec<(&'static str, Event)> {
    let mut samples = first_samples();
    samples.extend(governance::samples());
    samples.extend(amended::samples());
    samples.extend(recovery::samples());
    samples.extend(reviews::samples());
    samples.extend(sealed::samples());
    samples.extend(cut::samples());
    samples
}

/// `events` as one history: what comes into an inbox takes the next place there.
pub(crate) fn history(mut events: Vec<Event>) -> Vec<Event> {
    let mut heads: BTreeMap<InboxAddress, InboxSequence> = BTreeMap::new();
    for event in &mut events {
        let Some(inbox) = event.place().map(|(inbox, _)| inbox.clone()) else { continue };
        let head = heads.entry(inbox).or_default();
        *head = head.next();
        match event {
            Event::MessageAccepted(event) => event.sequence = *head,
            Event::MessageQuarantined(event) => event.message.sequence = *head,
            Event::ReceiptIssued(event) => event.sequence = *head,
            Event::RecoveryAnnounced(event) => event.sequence = *head,
            _ => unreachable!("it takes no place"),
        }
    }
    events
}

/// As they lie in the log, what people wrote being sealed.
pub(crate) fn stored_samples() -> Vec<(&'static str, Event)> {
    sealed::stored()
}

/// Those of the first thirteen kinds, as they were when the golden logs were written: later ones do not come here.
pub(crate) fn first_samples() -> Vec<(&'static str, Event)> {
    let mut samples = invites();
    samples.extend(keys());
    samples.extend(publications());
    samples.extend(subscriptions());
    samples.extend(inboxes());
    samples
}

fn invites() -> Vec<(&'static str, Event)> {
    let invite = InviteId([0xab; 32]);
    let created = InviteCreated {
        invite,
        principal: None,
        domain: "example.com".into(),
        role: Role::Administrator,
        by: None,
        expires_at: at(1),
    };
    let full = InviteCreated {
        principal: Some(bob()),
        role: Role::User,
        by: Some(alice()),
        ..created.clone()
    };
    vec![
        ("first", Event::InviteCreated(created)),
        ("named", Event::InviteCreated(full)),
        ("spent", Event::InviteEnded(InviteEnded { invite, cause: InviteCause::Spent })),
        ("expired", Event::InviteEnded(InviteEnded { invite, cause: InviteCause::Expired })),
    ]
}

fn keys() -> Vec<(&'static str, Event)> {
    let enrolled = KeyEnrolled {
        principal: alice(),
        key: PublicKey([7; 32]),
        label: DeviceLabel::new("phone").unwrap(),
        role: Role::User,
        invite: Some(InviteId([0xab; 32])),
    };
    let open = KeyEnrolled {
        label: DeviceLabel::new("").unwrap(),
        role: Role::Administrator,
        invite: None,
        ..enrolled.clone()
    };
    let revoked = KeyRevoked { principal: alice(), device: device(), by: bob() };
    vec![
        ("invited", Event::KeyEnrolled(enrolled)),
        ("open", Event::KeyEnrolled(open)),
        ("revoked", Event::KeyRevoked(revoked)),
    ]
}

fn publication() -> PublicationKey {
    PublicationKey { device: device(), name: PublicationName::new("desk").unwrap() }
}

fn presentity() -> Presentity {
    alice().presentity()
}

fn rich_document() -> Document {
    let note = |language: &str, text| Note { language: language.into(), text: Payload::text(text) };
    let contact = Contact {
        uri: Payload::text("im:alice@example.com"),
        priority: Some(Priority::from_thousandths(800).unwrap()),
    };
    let tuple = Tuple {
        id: TupleId::new("desk").unwrap(),
        basic: Some(Basic::Open),
        status_markup: vec![Payload::text("<x/>")],
        contact: Some(contact),
        notes: vec![
            note("fr", "au bureau"),
            Note { language: String::new(), text: Payload::Erased },
        ],
        timestamp: Some(at(2)),
        markup: vec![Payload::text("<y/>")],
    };
    let closed = Tuple::plain(TupleId::new("phone").unwrap(), Basic::Closed);
    Document::new(vec![tuple, closed], vec![note("", "hello")], vec![Payload::text("<z/>")])
        .unwrap()
}

fn publications() -> Vec<(&'static str, Event)> {
    let published = Published {
        presentity: presentity(),
        publication: publication(),
        by: alice(),
        operation: OperationId([9; 16]),
        tag: Tag([3; 16]),
        document: rich_document(),
        deadline: at(3_600_000),
        previous: Sequence::new(300),
        others: vec![Sequence::new(1), Sequence::new(70_000)],
    };
    let plain = Published {
        document: Document::default(),
        previous: Sequence::ZERO,
        others: vec![],
        ..published.clone()
    };
    let refreshed = PublicationRefreshed {
        presentity: presentity(),
        publication: publication(),
        operation: OperationId([10; 16]),
        tag: Tag([4; 16]),
        deadline: at(7_200_000),
    };
    let removed = PublicationCause::Removed { operation: OperationId([11; 16]), tag: Tag([5; 16]) };
    let ended = |cause, others| {
        Event::PublicationEnded(PublicationEnded {
            presentity: presentity(),
            publication: publication(),
            cause,
            previous: Sequence::new(4),
            others,
        })
    };
    vec![
        ("rich", Event::Published(published)),
        ("empty", Event::Published(plain)),
        ("refreshed", Event::PublicationRefreshed(refreshed)),
        ("removed", ended(removed, vec![])),
        ("expired", ended(PublicationCause::Expired, vec![Sequence::new(2)])),
    ]
}

fn subscriptions() -> Vec<(&'static str, Event)> {
    let created = SubscriptionCreated {
        watcher: bob(),
        presentity: presentity(),
        mode: Mode::Latest,
        expires_at: at(1),
    };
    let refreshed = SubscriptionRefreshed {
        watcher: bob(),
        presentity: presentity(),
        mode: Mode::Every,
        expires_at: at(2),
    };
    let ended = |reason| {
        Event::SubscriptionEnded(SubscriptionEnded {
            watcher: bob(),
            presentity: presentity(),
            reason,
        })
    };
    vec![
        ("latest", Event::SubscriptionCreated(created)),
        ("every", Event::SubscriptionRefreshed(refreshed)),
        ("timeout", ended(EndReason::Timeout)),
        ("deactivated", ended(EndReason::Deactivated)),
    ]
}

fn inboxes() -> Vec<(&'static str, Event)> {
    let Event::MessageAccepted(plain) = message(1, 20) else { unreachable!() };
    let erased = MessageAccepted {
        body: Payload::Erased,
        lifetime: Some(Lifetime::from_ms(86_400_000)),
        ..plain.clone()
    };
    let ended = |cause| {
        let sequence = InboxSequence::new(1);
        Event::MessageEnded(MessageEnded { inbox: bob().inbox(), sequence, cause })
    };
    let acknowledged = Acknowledged {
        inbox: bob().inbox(),
        device: device(),
        through: InboxSequence::new(u64::MAX),
    };
    vec![
        ("plain", Event::MessageAccepted(plain)),
        ("erased", Event::MessageAccepted(erased)),
        ("deleted", ended(MessageCause::Deleted { by: device() })),
        ("expired", ended(MessageCause::Expired)),
        ("retention", ended(MessageCause::Retention)),
        ("acknowledged", Event::Acknowledged(acknowledged)),
    ]
}
