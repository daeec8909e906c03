//! Values that are wrong before anything is sent.
//!
//! Must never hold: a document or a message of a format.

use adsum::client::{InviteToken, KeyHash, ServerAddress};
use adsum::model::{
    AccessRule, AccessRules, Contact, ContentType, Delivery, DeliveryChange, DeliveryRule,
    DeliveryRules, DeviceId, DeviceLabel, Document, Domain, Handling, MediaRange, MessageId, Note,
    OperationId, Payload, Presentity, Principal, Priority, PublicationName, Receipts, Rights,
    RuleName, Timestamp, Tuple, TupleId, Who,
};

use super::Told;

/// Tells of each.
pub(crate) fn tell(told: &mut Told) {
    addresses(told);
    names(told);
    rules(told);
    documents(told);
    told.of("server address", "a b:1".parse::<ServerAddress>());
    told.of("server key", "xyz".parse::<KeyHash>());
    for token in ["abc", &"1".repeat(56), &"a".repeat(56)] {
        told.of("invite token", token.parse::<InviteToken>());
    }
}

fn addresses(told: &mut Told) {
    for text in [
        "alice@example.com",
        "pres:",
        "pres:alice",
        "pres:a@b@c",
        "pres:@example.com",
        "pres:a b@example.com",
        "pres:a%zz@example.com",
        "pres:a@b c",
        "pres:a@example.com.",
    ] {
        told.of(text, text.parse::<Presentity>());
    }
    told.of("pres:", "pres:\u{5d0}a@example.com".parse::<Presentity>());
    let long = [&["a"; 63].concat()[..]; 4].join(".");
    told.of("domain", long.parse::<Domain>());
    told.of("ab", Principal::recorded("ab"));
}

fn names(told: &mut Told) {
    told.of("message id", MessageId::new(""));
    told.of("message id", MessageId::new("a b"));
    for text in ["text", "a b/c", "text/plain;\u{1}"] {
        told.of("content type", ContentType::new(text));
    }
    told.of("content type", ContentType::new(&format!("text/{}", "x".repeat(300))));
    told.of("content type", MediaRange::new("text"));
    told.of("device", "xyz".parse::<DeviceId>());
    told.of("label", DeviceLabel::new(&"x".repeat(65)));
    told.of("label", DeviceLabel::new("\u{1}"));
    told.of("tuple id", TupleId::new(""));
    told.of("tuple id", TupleId::new("a b"));
    told.of("publication name", PublicationName::new("a b"));
    told.of("rule name", RuleName::new(""));
    told.of("rule name", RuleName::new("a b"));
    told.of("priority", "2".parse::<Priority>());
    told.of("priority", Priority::from_thousandths(1_001));
    told.of("receipt", "read".parse::<Receipts>());
    told.of("who", "everybody".parse::<Who>());
    told.of("handling", "deny".parse::<Handling>());
    told.of("rights", "all".parse::<Rights>());
    told.of("rights", Rights::from_bits(0x80));
    told.that(
        "operation",
        &format!("the operation is wrong; {}", "x".parse::<OperationId>().unwrap_err()),
    );
}

fn rules(told: &mut Told) {
    let rule = || AccessRule::plain(Who::Everyone, Handling::Allow);
    told.of("rule", AccessRule { fetch: None, subscribe: None, ..rule() }.check());
    let mut many = rule();
    many.shown.tuples = Some((0..33).map(|n| TupleId::new(&format!("t{n}")).unwrap()).collect());
    told.of("view", many.check());
    let at = Some(Timestamp::from_ms(5));
    told.of("validity", AccessRule { from: at, until: at, ..rule() }.check());
    told.of("\"x\"", AccessRules::default().changed(Vec::new(), &[RuleName::new("x").unwrap()]));
    let named = |n| AccessRule { name: RuleName::new(&format!("r{n}")).unwrap(), ..rule() };
    told.of("rules", AccessRules::default().changed((0..2_000).map(named).collect(), &[]));
    let delivery = |action| {
        let name = RuleName::new("r").unwrap();
        let put = vec![DeliveryRule {
            name,
            who: Who::Everyone,
            content_type: None,
            larger_than: None,
            action,
        }];
        DeliveryRules::default().changed(DeliveryChange { put, ..DeliveryChange::default() })
    };
    told.of("action", delivery(Delivery::Discard));
    told.of("reason", delivery(Delivery::Refuse { reason: "x".repeat(201) }));
    told.of("reason", delivery(Delivery::Refuse { reason: "\u{1}".into() }));
}

fn documents(told: &mut Told) {
    let id = || TupleId::new("a").unwrap();
    let open = || Tuple::plain(id(), adsum::model::Basic::Open);
    let text = |text: &str| Payload::Present(text.to_owned().into_bytes().into());
    let mut refused =
        |thing, tuple: Tuple| told.of(thing, Document::new(vec![tuple], Vec::new(), Vec::new()));
    refused("status", Tuple { basic: None, ..open() });
    refused("tuple", Tuple { markup: vec![text("<a/>"); 33], ..open() });
    refused(
        "contact",
        Tuple { contact: Some(Contact { uri: text("alice"), priority: None }), ..open() },
    );
    let bytes = Payload::Present(vec![0xff].into());
    refused(
        "contact",
        Tuple { contact: Some(Contact { uri: bytes.clone(), priority: None }), ..open() },
    );
    refused("note or markup", Tuple { markup: vec![bytes], ..open() });
    let note = |language: &str| Note { language: language.to_owned(), text: text("n") };
    refused("note language", Tuple { notes: vec![note("?")], ..open() });
    refused("document", Tuple { notes: vec![note(""); 17], ..open() });
    told.of("document", Document::new(Vec::new(), Vec::new(), vec![text("<a/>"); 33]));
    told.of("\"a\"", Document::new(vec![open(), open()], Vec::new(), Vec::new()));
    told.of("tuples", Document::new(vec![open(); 101], Vec::new(), Vec::new()));
}
