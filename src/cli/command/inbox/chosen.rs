//! Which of an inbox's messages to print: by time, by sender, the last ones.
//!
//! Must never hold: what is acknowledged. Whoever chooses only looks.

use crate::cli::print::time::moment;
use crate::client::InboxItem;
use crate::model::{Message, Principal, Timestamp};

/// Flags that choose among all that the inbox still holds; nothing is then acknowledged.
#[derive(Clone, Debug, clap::Args)]
pub(super) struct Chosen {
    /// Only what was accepted from then on: RFC 3339, or a span back from now such as 2h; acknowledges nothing [default: all]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    since: Option<Timestamp>,
    /// Only what was accepted before then, in the same forms; acknowledges nothing [default: all]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// Only messages from this sender, such as bob@localhost; acknowledges nothing [default: all]
    #[arg(long, value_name = "PRINCIPAL")]
    from: Option<Principal>,
    /// Only the last ones, so many of those that are chosen otherwise; acknowledges nothing [default: all]
    #[arg(long, value_name = "MESSAGES", conflicts_with_all = ["follow", "count"], value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) last: Option<u32>,
}

impl Chosen {
    /// Whether anything is chosen, so that the inbox is only looked at.
    pub(super) fn is_some(&self) -> bool {
        self.since.is_some() || self.until.is_some() || self.from.is_some() || self.last.is_some()
    }

    /// Whether `item` is to be printed, if it is one of the last.
    pub(super) fn item(&self, item: &InboxItem) -> bool {
        match item {
            InboxItem::Message(message) => self.message(message),
            InboxItem::Receipt(receipt) => self.from.is_none() && self.at(receipt.at),
        }
    }

    /// Whether `message` is to be printed, if it is one of the last.
    pub(super) fn message(&self, message: &Message) -> bool {
        let from = self.from.as_ref().is_none_or(|from| *from == message.sender);
        from && self.at(message.accepted_at)
    }

    fn at(&self, at: Timestamp) -> bool {
        self.since.is_none_or(|since| since <= at) && self.until.is_none_or(|until| at < until)
    }

    /// The last ones of `all` that `is_chosen`.
    pub(super) fn of<T>(&self, mut all: Vec<T>, is_chosen: impl Fn(&T) -> bool) -> Vec<T> {
        all.retain(is_chosen);
        let most = self.last.map_or(usize::MAX, |last| last as usize);
        all.split_off(all.len().saturating_sub(most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_of_those_that_are_chosen() {
        let chosen = |last| Chosen { since: None, until: None, from: None, last };
        assert_eq!(chosen(Some(2)).of(vec![1, 2, 3, 4, 5], |one| *one != 4), [3, 5]);
        assert_eq!(chosen(None).of(vec![1, 2], |_| true), [1, 2]);
        assert!(!chosen(None).is_some() && chosen(Some(1)).is_some());
    }

    #[test]
    fn a_time_is_chosen_from_its_beginning_to_before_its_end() {
        let at = |ms| Some(Timestamp::from_ms(ms));
        let chosen = Chosen { since: at(2), until: at(4), from: None, last: None };
        let found = [1, 2, 3, 4].map(|ms| chosen.at(Timestamp::from_ms(ms)));
        assert_eq!(found, [false, true, true, false]);
    }
}
