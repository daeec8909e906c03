//! What of the past an input may be answered by, so that whoever keeps it elsewhere can put it back before.
//!
//! Must never hold: a way to get it.

use super::core::Service;
use super::{Actor, Input, Query};
use crate::model::limits::{DELETE_COUNT_MAX, INBOX_PAGE_MAX};
use crate::model::{InboxAddress, InboxSequence, Rights};
use crate::protocol::Command;
use crate::view::{InboxView, MessageKey, SenderKey};

impl Input {
    /// The message that `self` asks to send, by which it is known whether it was sent before.
    pub fn message_key(&self) -> Option<MessageKey> {
        let Self::Command { actor, command: Command::Send(send), .. } = self else { return None };
        let sender = send.sender.as_ref().unwrap_or(&actor.principal);
        (!send.is_composing()).then(|| MessageKey::of(sender, &send.id))
    }
}

impl Service {
    /// A chunk of rows of an inbox that lies elsewhere and must be put back before `input` is handled. Ask again when it is: there may be another
    /// one. Nobody has rows put back of an inbox that is none of its business.
    pub fn wanted_rows(&self, input: &Input) -> Option<(InboxAddress, u64)> {
        match input {
            Input::Query { actor, query: Query::Page { inbox, after }, .. } => {
                let page = |view: &InboxView| view.wanted_after(*after, INBOX_PAGE_MAX);
                self.wanted(actor, (inbox, Rights::READ), page)
            }
            Input::OpenInbox { actor, inbox, after, .. } => {
                self.wanted(actor, (inbox, Rights::READ), |view| {
                    let acknowledged = view.acknowledged(actor.device);
                    let places = [after.unwrap_or_default(), acknowledged, view.head()];
                    places.into_iter().find_map(|place| view.wanted_for(place))
                })
            }
            Input::Command { actor, command, .. } => self.wanted_by(actor, command),
            _ => None,
        }
    }

    fn wanted_by(&self, actor: &Actor, command: &Command) -> Option<(InboxAddress, u64)> {
        match command {
            Command::Displayed(said) => {
                let row = |view: &InboxView| view.wanted_for(said.sequence);
                self.wanted(actor, (&said.inbox, Rights::MEMBER), row)
            }
            Command::Delete(delete) => {
                let sender = SenderKey::of(delete.sender.as_ref()?);
                let all = |view: &InboxView| view.wanted_of(sender, DELETE_COUNT_MAX);
                self.wanted(actor, (&delete.inbox, Rights::DELETE), all)
            }
            // Whether the oldest message is shown to whoever lets others read.
            Command::Grant(grant) => {
                let owner = grant.owner.as_ref().unwrap_or(&actor.principal);
                let oldest = |view: &InboxView| view.wanted_after(InboxSequence::ZERO, 1);
                self.wanted(actor, (&owner.inbox(), Rights::READ), oldest)
            }
            _ => None,
        }
    }

    fn wanted(
        &self,
        actor: &Actor,
        (inbox, right): (&InboxAddress, Rights),
        wanted: impl FnOnce(&InboxView) -> Option<u64>,
    ) -> Option<(InboxAddress, u64)> {
        let chunk = self.views.inbox(inbox).and_then(wanted)?;
        let is_allowed = self.check_actor(actor).is_ok()
            && self.case(self.views.time()).check_inbox_right(actor, inbox, right).is_ok();
        is_allowed.then(|| (inbox.clone(), chunk))
    }
}
