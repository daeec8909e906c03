//! Bodies of every kind: what decodes, encodes to the same; what converts, converts back.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::model::limits::FRAME_BYTES_MAX;
use adsum::protocol;
use adsum::protocol::body::{
    self, Body, Delivery, KindVisitor, MessageEvent, Presence, PresenceEvent, Publish,
    ReceiptEvent, Rule, Watcher, visit_kind,
};
use adsum::wire::{Frame, decode, encode, request_number};
use bytes::Bytes;

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
    if let Ok(event) = decode::<MessageEvent>(&frame) {
        same_message(event.message);
    }
    same_parts(&frame);
}

/// Rules, watchers and receipts: what converts, converts back to the same.
fn same_parts(frame: &Frame) {
    let rule =
        decode::<Rule>(frame).ok().and_then(|row| protocol::rules::access_rule(row.rule).ok());
    if let Some(rule) = rule {
        assert_eq!(
            protocol::rules::access_rule(protocol::rules::access_rule_body(&rule)),
            Ok(rule)
        );
    }
    let rule = decode::<Delivery>(frame)
        .ok()
        .and_then(|row| protocol::delivery::delivery_rule(row.rule).ok());
    if let Some(rule) = rule {
        assert_eq!(
            protocol::delivery::delivery_rule(protocol::delivery::delivery_rule_body(&rule)),
            Ok(rule)
        );
    }
    let row = decode::<Watcher>(frame)
        .ok()
        .and_then(|row| protocol::watchers::watcher(&row.watcher).ok());
    if let Some(row) = row {
        assert_eq!(protocol::watchers::watcher(&protocol::watchers::watcher_body(&row)), Ok(row));
    }
    let event = decode::<ReceiptEvent>(frame).ok();
    if let Some(receipt) = event.and_then(|event| protocol::inbox::receipt(event.receipt).ok()) {
        assert_eq!(protocol::inbox::receipt(protocol::inbox::receipt_body(&receipt)), Ok(receipt));
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
    if let Ok(document) = protocol::document::document(wire.clone()) {
        assert_eq!(protocol::document::document_body(&document), *wire);
    }
}

fn same_message(wire: body::MessageBody) {
    if let Ok(message) = protocol::send::message(wire) {
        let again = protocol::send::message(protocol::send::message_body(&message));
        assert_eq!(again, Ok(message));
    }
}
