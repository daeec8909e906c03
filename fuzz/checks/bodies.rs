//! Bodies of every kind: what decodes, encodes to the same; what converts, converts back.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::model::limits::FRAME_BYTES_MAX;
use adsum::model::{AccessRule, DeliveryRule, Document, Message, Receipt, WatcherRow};
use adsum::protocol::Field;
use adsum::protocol::body::{
    self, Body, Delivery, KindVisitor, MessageEvent, Presence, PresenceEvent, Publish,
    ReceiptEvent, Rule, Watcher, visit_kind,
};
use adsum::wire::{Frame, decode, encode, request_number};
use bytes::Bytes;
use std::fmt::Debug;
use std::sync::LazyLock;

use super::by_hand::{Schema, document};

/// The tables of the protocol's document, by which a second reader must come to the end of every body.
static SCHEMA: LazyLock<Schema> = LazyLock::new(|| Schema::of(&document()));

/// The first two bytes are a kind, the rest its body.
pub(crate) fn check(data: &[u8]) {
    let Some((kind, rest)) = data.split_first_chunk::<2>() else { return };
    if data.len() > FRAME_BYTES_MAX {
        return;
    }
    let kind = u16::from_be_bytes(*kind);
    let frame = Frame { kind, body: Bytes::copy_from_slice(rest) };
    let _ = request_number(&frame);
    let _ = visit_kind(kind, SameAgain(&frame));
    documents(&frame).iter().for_each(same_document);
    same_parts(&frame);
}

/// Rules, watchers and receipts: what converts, converts back to the same.
fn same_parts(frame: &Frame) {
    same::<AccessRule, _>(decode::<Rule>(frame).ok().map(|row| row.rule));
    same::<DeliveryRule, _>(decode::<Delivery>(frame).ok().map(|row| row.rule));
    same::<WatcherRow, _>(decode::<Watcher>(frame).ok().map(|row| row.watcher));
    same::<Receipt, _>(decode::<ReceiptEvent>(frame).ok().map(|event| event.receipt));
    same::<Message, _>(decode::<MessageEvent>(frame).ok().map(|event| event.message));
}

fn same<T: Field<Wire> + PartialEq + Debug, Wire>(wire: Option<Wire>) {
    if let Some(Ok(value)) = wire.map(T::from_wire) {
        assert_eq!(T::from_wire(value.to_wire()), Ok(value));
    }
}

struct SameAgain<'a>(&'a Frame);

impl KindVisitor for SameAgain<'_> {
    type Output = ();

    fn visit<B: Body>(self) {
        let Ok(body) = decode::<B>(self.0) else { return };
        let mut bytes = Vec::new();
        encode(&body, &mut bytes);
        assert!(bytes.len() - 6 <= self.0.body.len(), "the shortest form is not longer");
        let again = Frame { kind: B::KIND, body: bytes.split_off(6).into() };
        SCHEMA.read(B::KIND, &again.body);
        assert_eq!(decode::<B>(&again), Ok(body));
    }
}

fn documents(frame: &Frame) -> Vec<body::Document> {
    let published = decode::<Publish>(frame).ok().and_then(|body| body.document);
    let fetched = decode::<Presence>(frame).ok().map(|body| body.presence);
    let told = decode::<PresenceEvent>(frame).ok().map(|body| body.presence);
    let shown = fetched.into_iter().chain(told).map(|presence| presence.document);
    published.into_iter().chain(shown).collect()
}

fn same_document(wire: &body::Document) {
    if let Ok(document) = Document::from_wire(wire.clone()) {
        assert_eq!(document.to_wire(), *wire);
    }
}
