//! Delivery rules: what becomes of a message before it is part of an inbox. RFC 2778 §3.
//!
//! The most specific rule that matches wins, among equally specific ones the most restrictive; without one the message
//! of an authenticated sender is accepted and that of an anonymous one refused.
//! Must never hold: a body, or a decision about whether the inbox is open.

use core::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::DELIVERY_REASON_BYTES_MAX;
use super::text::text;
use super::{ContentType, Named, Principal, Refusal, RuleChanges, RuleName, RuleSet, Who};

/// What a delivery rule does, the most restrictive first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Delivery {
    /// The sender is told that the message was not taken, and why.
    Refuse {
        /// In the owner's words; may be empty.
        reason: String,
    },
    /// The message is dropped while the sender is told that it was taken. For anonymous senders only.
    Discard,
    /// The message is stored aside, where no feed shows it; it counts as delivered.
    Quarantine,
    /// The message becomes part of the inbox.
    Accept,
}

impl Delivery {
    /// The word for listings.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Refuse { .. } => "refuse",
            Self::Discard => "discard",
            Self::Quarantine => "quarantine",
            Self::Accept => "accept",
        }
    }
}

text! {
    /// A media type or all of a kind: `text/plain`, `image/*`. Compared without regard to case and parameters.
    #[derive(Debug)]
    MediaRange(String)
}

impl MediaRange {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`Refusal::BadField`] unless it is `type/subtype` or `type/*`.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        let plain = text.strip_suffix("/*").map(|kind| format!("{kind}/x"));
        let checked = ContentType::new(plain.as_deref().unwrap_or(text));
        let is_wild = plain.as_deref().unwrap_or(text).contains('*');
        if checked.is_err() || is_wild || text.contains(';') {
            return Err(Refusal::bad_field(
                "content type",
                "is neither type/subtype nor type/*; write it like text/plain or text/*",
            ));
        }
        Ok(Self(text.to_ascii_lowercase()))
    }

    /// Whether `given` is in it.
    pub fn contains(&self, given: &ContentType) -> bool {
        let essence = given.as_str().split(';').next().unwrap_or_default().trim_end();
        let essence = essence.to_ascii_lowercase();
        match self.0.strip_suffix('*') {
            Some(kind) => essence.starts_with(kind),
            None => essence == self.0,
        }
    }
}

impl fmt::Display for MediaRange {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

/// One delivery rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeliveryRule {
    /// Its name; setting a rule of the same name replaces it.
    pub name: RuleName,
    /// Which senders it is about.
    pub who: Who,
    /// Only messages of this type; any if `None`.
    pub content_type: Option<MediaRange>,
    /// Only messages with more bytes than this; any if `None`.
    pub larger_than: Option<u32>,
    /// What becomes of them.
    pub action: Delivery,
}

impl Named for DeliveryRule {
    fn name(&self) -> &RuleName {
        &self.name
    }
}

impl DeliveryRule {
    fn check(&self) -> Result<(), Refusal> {
        match &self.action {
            Delivery::Discard if self.who != Who::Anonymous => Err(Refusal::bad_field(
                "action",
                "discard is for anonymous senders only; refuse or quarantine the others",
            )),
            Delivery::Refuse { reason } if reason.len() > DELIVERY_REASON_BYTES_MAX => {
                Err(Refusal::bad_field("reason", "is longer than 200 bytes; shorten it"))
            }
            Delivery::Refuse { reason } if reason.chars().any(char::is_control) => {
                Err(Refusal::bad_field("reason", "holds a control character; leave it out"))
            }
            _ => Ok(()),
        }
    }

    fn matches(&self, senders: &[&Principal], content_type: &ContentType, bytes: usize) -> bool {
        let fits = self.content_type.as_ref().is_none_or(|range| range.contains(content_type));
        let large = self.larger_than.is_none_or(|limit| bytes as u64 > u64::from(limit));
        fits && large && senders.iter().any(|sender| self.who.matches(sender))
    }
}

/// What becomes of a message while the owner shows the inbox as closed.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub enum WhenClosed {
    /// The sender is told that the inbox is closed.
    #[default]
    Refuse,
    /// It is stored all the same.
    Store,
}

/// The delivery rules of an inbox.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct DeliveryRules {
    rules: RuleSet<DeliveryRule>,
    /// What becomes of messages while the inbox is closed.
    pub when_closed: WhenClosed,
    /// Whether senders that ask get receipts.
    pub receipts: bool,
}

/// A change of delivery rules: what is `None` stays.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeliveryChange {
    /// Rules to set.
    pub put: Vec<DeliveryRule>,
    /// Rules to remove.
    pub remove: Vec<RuleName>,
    /// What becomes of messages while the inbox is closed.
    pub when_closed: Option<WhenClosed>,
    /// Whether senders that ask get receipts.
    pub receipts: Option<bool>,
}

/// What became of delivery rules by a change: what is `None` stayed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeliveryChanged {
    /// The rules that changed.
    pub rules: RuleChanges<DeliveryRule>,
    /// What becomes of messages while the inbox is closed, from now on.
    pub when_closed: Option<WhenClosed>,
    /// Whether senders that ask get receipts, from now on.
    pub receipts: Option<bool>,
}

impl DeliveryRules {
    /// What `change` changes.
    ///
    /// # Errors
    /// As [`AccessRules::change`](super::AccessRules::change).
    pub fn change(&self, change: DeliveryChange) -> Result<DeliveryChanged, Refusal> {
        let DeliveryChange { put, remove, when_closed, receipts } = change;
        put.iter().try_for_each(DeliveryRule::check)?;
        Ok(DeliveryChanged { rules: self.rules.change(put, &remove)?, when_closed, receipts })
    }

    /// Makes the change in these rules.
    pub fn apply(&mut self, changed: &DeliveryChanged) {
        self.rules.apply(&changed.rules);
        self.when_closed = changed.when_closed.unwrap_or(self.when_closed);
        self.receipts = changed.receipts.unwrap_or(self.receipts);
    }

    /// The rules after `change`.
    ///
    /// # Errors
    /// As [`DeliveryRules::change`].
    pub fn changed(&self, change: DeliveryChange) -> Result<Self, Refusal> {
        let mut changed = self.clone();
        changed.apply(&self.change(change)?);
        Ok(changed)
    }

    /// The rules, in order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<DeliveryRule>> {
        self.rules.iter()
    }

    /// What becomes of a message, and by which rule. `senders` are whom it is from and, where that is a group, the member who
    /// sends it: the rules about either decide.
    pub fn decide(
        &self,
        senders: &[&Principal],
        content_type: &ContentType,
        bytes: usize,
    ) -> (Delivery, Option<&RuleName>) {
        let matching = self.rules.iter().filter(|rule| rule.matches(senders, content_type, bytes));
        let best =
            matching.min_by_key(|rule| (core::cmp::Reverse(rule.who.specificity()), &rule.action));
        match best {
            Some(rule) => (rule.action.clone(), Some(&rule.name)),
            None if senders.iter().any(|sender| sender.is_anonymous()) => {
                (Delivery::Refuse { reason: String::new() }, None)
            }
            None => (Delivery::Accept, None),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(who: &str, action: Delivery) -> DeliveryRule {
        let name = RuleName::new(who).unwrap();
        let who = who.parse().unwrap();
        DeliveryRule { name, who, content_type: None, larger_than: None, action }
    }

    fn rules(put: Vec<DeliveryRule>) -> Result<DeliveryRules, Refusal> {
        DeliveryRules::default().changed(DeliveryChange { put, ..DeliveryChange::default() })
    }

    fn decided(rules: &DeliveryRules, sender: &str, content_type: &str, bytes: usize) -> Delivery {
        let content_type = ContentType::new(content_type).unwrap();
        rules.decide(&[&sender.parse().unwrap()], &content_type, bytes).0
    }

    #[test]
    fn without_rules_only_anonymous_senders_are_refused() {
        let none = DeliveryRules::default();
        assert_eq!(decided(&none, "bob@d.example", "text/plain", 1), Delivery::Accept);
        let refused = decided(&none, "anonymous-1@anonymous.invalid", "text/plain", 1);
        assert_eq!(refused.as_str(), "refuse");
    }

    #[test]
    fn the_most_specific_rule_that_fits_decides() {
        let images = DeliveryRule {
            content_type: Some(MediaRange::new("Image/*").unwrap()),
            larger_than: Some(100),
            ..rule("@d.example", Delivery::Quarantine)
        };
        let refuse = Delivery::Refuse { reason: "no".into() };
        let rules = rules(vec![images, rule("mallory@d.example", refuse.clone())]).unwrap();
        assert_eq!(decided(&rules, "bob@d.example", "image/PNG; q=1", 101), Delivery::Quarantine);
        assert_eq!(decided(&rules, "bob@d.example", "image/png", 100), Delivery::Accept);
        assert_eq!(decided(&rules, "bob@d.example", "text/plain", 101), Delivery::Accept);
        assert_eq!(decided(&rules, "mallory@d.example", "image/png", 101), refuse);
    }

    #[test]
    fn only_anonymous_messages_may_be_discarded() {
        assert!(rules(vec![rule("anonymous", Delivery::Discard)]).is_ok());
        let refusal = rules(vec![rule("bob@d.example", Delivery::Discard)]).unwrap_err();
        assert!(refusal.to_string().contains("anonymous senders only"));
        for wrong in ["text", "*/*", "text/plain; x=y", ""] {
            assert!(MediaRange::new(wrong).is_err(), "{wrong}");
        }
    }
}
