//! Delivery rules: what becomes of a message before it is part of an inbox, and what was stored aside.
//!
//! Must never hold: what a rule decides (the server applies it).

use std::sync::Arc;

use super::client::{Client, changed};
use super::error::ClientError;
use crate::model::{
    DeliveryChange, DeliveryRule, InboxAddress, InboxSequence, Message, WhenClosed,
};
use crate::protocol::{ChangeDelivery, DeliveryState, Displayed, ListDelivery, ListQuarantine};

/// The delivery rules of an inbox and their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Their version; zero if there never were any.
    pub version: u64,
    /// What becomes of messages while the inbox is closed.
    pub when_closed: WhenClosed,
    /// Whether senders that ask learn what became of a message.
    pub receipts: bool,
    /// The rules, in order of name.
    pub rules: Vec<DeliveryRule>,
}

impl Client {
    /// The delivery rules of `inbox`, one's own if `None`.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back.
    pub async fn delivery(&self, inbox: Option<&InboxAddress>) -> Result<Delivery, ClientError> {
        let question = ListDelivery { inbox: self.inbox_address(inbox) };
        let (state, rules): (DeliveryState, _) = self.ask(&question).await?;
        let DeliveryState { version, when_closed, receipts } = state;
        let rules = rules.into_iter().map(Arc::unwrap_or_clone).collect();
        Ok(Delivery { version, when_closed, receipts, rules })
    }

    /// Changes the delivery rules of `inbox`, one's own if `None`, if they have the version `if_version`, and returns
    /// the version they have then.
    ///
    /// # Errors
    /// As [`Client::delivery`].
    pub async fn change_delivery(
        &self,
        inbox: Option<&InboxAddress>,
        if_version: Option<u64>,
        change: DeliveryChange,
    ) -> Result<u64, ClientError> {
        let (inbox, operation) = (self.inbox_address(inbox), self.operation());
        self.changed(ChangeDelivery { inbox, operation, if_version, change }).await
    }

    /// Says that the messages at `sequences` of `inbox`, one's own if `None`, were displayed to their reader.
    ///
    /// # Errors
    /// As [`Client::delivery`]: the first one, after all were said.
    pub async fn displayed(
        &self,
        inbox: Option<&InboxAddress>,
        sequences: &[InboxSequence],
    ) -> Result<(), ClientError> {
        let inbox = self.inbox_address(inbox);
        let mut answers = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let (operation, inbox, sequence) = (self.operation(), inbox.clone(), *sequence);
            answers.push(self.submit(Displayed { operation, inbox, sequence }).await?);
        }
        let mut said = Ok(());
        for answer in answers {
            let one = answer.answered().await.and_then(changed);
            said = said.and(one.map(drop));
        }
        said
    }

    /// The messages of `inbox`, one's own if `None`, that a rule stored aside.
    ///
    /// # Errors
    /// As [`Client::delivery`].
    pub async fn quarantine(
        &self,
        inbox: Option<&InboxAddress>,
    ) -> Result<Vec<Message>, ClientError> {
        self.ask(&ListQuarantine { inbox: self.inbox_address(inbox) }).await
    }
}
