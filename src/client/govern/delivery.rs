//! Delivery rules: what becomes of a message before it is part of an inbox, and what was stored aside.
//!
//! Must never hold: what a rule decides (the server applies it).

use super::changed;
use crate::client::client::{Client, answered};
use crate::client::error::ClientError;
use crate::client::random;
use crate::client::request::Request;
use crate::model::{
    DeliveryChange, DeliveryRule, InboxAddress, InboxSequence, Message, WhenClosed,
};
use crate::protocol::{body, convert};

/// The delivery rules of an inbox and their version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// Their version; zero if there never were any.
    pub version: u64,
    /// What becomes of messages while the inbox is closed.
    pub when_closed: WhenClosed,
    /// Whether senders that ask learn that a message was taken or displayed.
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
        let inbox = self.inbox_address(inbox).to_string();
        let question = body::ListDelivery { inbox };
        let (head, rows) = self.headed::<_, body::DeliveryState, body::Delivery>(&question).await?;
        let when_closed = convert::when_closed(head.when_closed).map_err(ClientError::protocol)?;
        let unknown =
            || ClientError::protocol("DeliveryState does not say what is done when closed");
        let rules = rows.into_iter().map(|row| convert::delivery_rule(row.rule));
        let rules = rules.collect::<Result<_, _>>().map_err(ClientError::protocol)?;
        let when_closed = when_closed.ok_or_else(unknown)?;
        Ok(Delivery { version: head.version, when_closed, receipts: head.receipts, rules })
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
        let request = body::ChangeDelivery {
            request: 0,
            operation: random::operation().0,
            inbox: self.inbox_address(inbox).to_string(),
            if_version,
            put: change.put.iter().map(convert::delivery_rule_body).collect(),
            remove: change.remove.into_iter().map(String::from).collect(),
            when_closed: convert::when_closed_number(change.when_closed),
            receipts: change.receipts.map_or(0, |receipts| 1 + u8::from(receipts)),
        };
        self.changed(Request::ChangeDelivery(request)).await
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
        let inbox = self.inbox_address(inbox).to_string();
        let mut answers = Vec::with_capacity(sequences.len());
        for sequence in sequences {
            let (inbox, sequence) = (inbox.clone(), sequence.get());
            let request = body::Displayed { request: 0, inbox, sequence };
            answers.push(self.submit(Request::Displayed(request)).await?);
        }
        let mut said = Ok(());
        for answer in answers {
            let one = answered(answer).await.and_then(changed);
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
        let inbox = self.inbox_address(inbox).to_string();
        let question = body::ListQuarantine { inbox };
        let rows = self.rows::<_, body::Quarantined>(&question).await?;
        let messages = rows.into_iter().map(|row| convert::message(row.message));
        messages.collect::<Result<_, _>>().map_err(ClientError::protocol)
    }
}
