//! Receipts that a verdict leaves in senders' inboxes.
//!
//! Must never hold: which of the recipient's devices did what they are about.

use std::collections::BTreeMap;

use crate::event::{Event, MessageCause, MessageEnded, ReceiptIssued};
use crate::model::limits::MESSAGES_WAITING_MAX;
use crate::model::{InboxAddress, InboxSequence, MessageId, Principal, ReceiptKind};
use crate::service::case::Case;
use crate::view::{InboxView, ReceiptRequest};

/// Writes receipts, and numbers them behind what the same verdict has added to their inboxes.
pub(super) struct Receipts<'a> {
    case: Case<'a>,
    /// What the verdict added to each inbox so far.
    added: BTreeMap<InboxAddress, u64>,
    /// The receipts.
    pub(super) events: Vec<Event>,
}

impl<'a> Receipts<'a> {
    pub(super) fn new(case: Case<'a>) -> Self {
        Self { case, added: BTreeMap::new(), events: Vec::new() }
    }

    /// The verdict adds a message to `inbox`, beside the receipts.
    pub(super) fn added(&mut self, inbox: &InboxAddress) {
        *self.added.entry(inbox.clone()).or_default() += 1;
    }

    /// Whether the owner of `recipient` lets senders learn what becomes of their messages. Nothing else may tell it: a failure
    /// too says that somebody was there.
    pub(super) fn are_allowed(&self, recipient: &InboxAddress) -> bool {
        let rules = self.case.views.rules(&recipient.principal());
        rules.is_some_and(|rules| rules.delivery.receipts)
    }

    /// Tells the sender of a message at `recipient`, if it asked to be told of that and the recipient allows it. A sender
    /// without an inbox, or with one full of what it did not read, is told nothing.
    pub(super) fn tell(
        &mut self,
        request: &ReceiptRequest,
        recipient: &InboxAddress,
        kind: ReceiptKind,
        reason: &str,
    ) {
        if request.receipts.has(kind) && self.are_allowed(recipient) {
            self.issue(&request.sender, &request.id, recipient, kind, reason);
        }
    }

    fn issue(
        &mut self,
        sender: &Principal,
        id: &MessageId,
        recipient: &InboxAddress,
        kind: ReceiptKind,
        reason: &str,
    ) {
        let inbox = sender.inbox();
        if self.case.check_inbox(&inbox).is_err() {
            return;
        }
        let view = self.case.views.inbox(&inbox);
        let added = self.added.get(&inbox).copied().unwrap_or_default();
        if !self.has_room(&inbox, view, added) {
            return;
        }
        let head = view.map_or(InboxSequence::ZERO, InboxView::head).get();
        self.events.push(Event::ReceiptIssued(ReceiptIssued {
            sequence: InboxSequence::new(head + added + 1),
            kind,
            id: id.clone(),
            recipient: recipient.clone(),
            reason: reason.to_owned(),
            inbox: inbox.clone(),
        }));
        self.added(&inbox);
    }

    /// Whether the inbox takes one more; its oldest message makes room if it was read.
    fn has_room(&mut self, inbox: &InboxAddress, view: Option<&InboxView>, added: u64) -> bool {
        let Some(view) = view else { return true };
        if view.filling() + added < MESSAGES_WAITING_MAX as u64 {
            return true;
        }
        // The oldest message can make room only once in a verdict: it is still in the view when the next receipt comes.
        let Some(sequence) = view.oldest_read().filter(|_| added == 0) else { return false };
        let cause = MessageCause::Retention;
        self.events.push(Event::MessageEnded(MessageEnded {
            inbox: inbox.clone(),
            sequence,
            cause,
        }));
        true
    }
}
