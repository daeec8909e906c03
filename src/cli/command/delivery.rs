//! `adsum delivery`: what becomes of messages before they are part of an inbox.
//!
//! Must never hold: what rules decide together (the service does).

use clap::{Subcommand, ValueEnum};

use crate::cli::print::{
    changed,
    delivery::{DeliveryLine, DeliveryRuleLine},
    table,
};
use crate::cli::run::{
    failure::Failure, invocation::Invocation, repeat::Operation, session, switch::Switch,
};
use crate::model::{
    Delivery, DeliveryChange, DeliveryRule, InboxAddress, MediaRange, Principal, RuleName,
    WhenClosed, Who,
};

/// Arguments of `adsum delivery`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
    /// Which inbox, such as im:alice@localhost [default: one's own]
    #[arg(long, global = true, value_name = "INBOX")]
    of: Option<InboxAddress>,
    /// Change nothing unless the rules have this version [default: whatever they have]
    #[arg(long, global = true, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the rules, and what becomes of messages while the inbox is closed
    List,
    /// Let messages into the inbox
    Accept(Rule),
    /// Tell the sender that a message is not taken
    Refuse {
        #[command(flatten)]
        rule: Rule,
        /// What to tell the sender, at most 200 bytes [default: nothing beside the refusal]
        #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
        reason: String,
    },
    /// Store messages aside; `adsum inbox --quarantine` shows them
    Quarantine(Rule),
    /// Drop messages while the sender is told that they were taken; for anonymous senders only
    Discard(Rule),
    /// Remove rules
    Remove {
        /// The names of the rules, as `adsum delivery list` shows them
        #[arg(required = true, value_name = "NAME", value_parser = RuleName::new)]
        names: Vec<RuleName>,
    },
    /// Say what becomes of messages while the inbox is shown as closed
    WhenClosed {
        /// Refuse them, or store them all the same
        #[arg(value_enum, value_name = "refuse|store")]
        action: Closed,
    },
    /// Say whether senders that ask learn what became of a message; if not, they get no receipt of any kind
    Receipts {
        /// Whether they do
        #[arg(value_enum, value_name = "on|off")]
        state: Switch,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Closed {
    /// The sender is told that the inbox is closed
    Refuse,
    /// They are stored all the same
    Store,
}

#[derive(Debug, clap::Args)]
struct Rule {
    /// Which senders it is about: everyone, anonymous, authenticated, @example.com or bob@example.com
    who: Who,
    /// Only messages of this type, such as image/png or image/* [default: any]
    #[arg(long = "type", value_name = "TYPE", value_parser = MediaRange::new)]
    content_type: Option<MediaRange>,
    /// Only messages with more bytes than this [default: any]
    #[arg(long, value_name = "BYTES")]
    larger_than: Option<u32>,
    /// What to call it; a rule of the same name is replaced [default: whom it is about, with the type and size]
    #[arg(long, value_name = "NAME", value_parser = RuleName::new)]
    name: Option<RuleName>,
}

impl Rule {
    fn rule(&self, action: Delivery) -> Result<DeliveryRule, Failure> {
        let name = match &self.name {
            Some(name) => name.clone(),
            None => RuleName::new(&self.usual_name())?,
        };
        Ok(DeliveryRule {
            name,
            who: self.who.clone(),
            content_type: self.content_type.clone(),
            larger_than: self.larger_than,
            action,
        })
    }

    /// Rules that are about different messages have different names, so that one does not replace the other unmeant.
    fn usual_name(&self) -> String {
        let kind = self.content_type.as_ref().map(|kind| format!("/{kind}")).unwrap_or_default();
        let size = self.larger_than.map(|size| format!("/>{size}")).unwrap_or_default();
        format!("{}{kind}{size}", self.who)
    }
}

/// Runs `adsum delivery`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    let of = args.of.as_ref();
    match change(args.action)? {
        None => list(of, invocation),
        Some(change) => apply(of, args.if_version, change, invocation),
    }
}

/// The change an action makes; `None` for a listing.
fn change(action: Action) -> Result<Option<DeliveryChange>, Failure> {
    let nothing = DeliveryChange::default();
    let put = |rule: &Rule, action| Ok::<_, Failure>(vec![rule.rule(action)?]);
    Ok(Some(match action {
        Action::List => return Ok(None),
        Action::Accept(rule) => DeliveryChange { put: put(&rule, Delivery::Accept)?, ..nothing },
        Action::Refuse { rule, reason } => {
            DeliveryChange { put: put(&rule, Delivery::Refuse { reason })?, ..nothing }
        }
        Action::Quarantine(rule) => {
            DeliveryChange { put: put(&rule, Delivery::Quarantine)?, ..nothing }
        }
        Action::Discard(rule) => DeliveryChange { put: put(&rule, Delivery::Discard)?, ..nothing },
        Action::Remove { names } => DeliveryChange { remove: names, ..nothing },
        Action::WhenClosed { action } => {
            let when = match action {
                Closed::Refuse => WhenClosed::Refuse,
                Closed::Store => WhenClosed::Store,
            };
            DeliveryChange { when_closed: Some(when), ..nothing }
        }
        Action::Receipts { state } => DeliveryChange { receipts: Some(state.is_on()), ..nothing },
    }))
}

fn list(of: Option<&InboxAddress>, invocation: &mut Invocation) -> Result<(), Failure> {
    let delivery = session::once(invocation, async |client| client.delivery(of).await)?;
    let inbox = invocation.or_own(of.cloned(), Principal::inbox)?;
    invocation.output.line(&DeliveryLine::from((&inbox, &delivery)))?;
    let lines = delivery.rules.iter().map(|rule| DeliveryRuleLine::from((rule, delivery.version)));
    table::print(lines, "no rules: whoever has a name may send", &mut invocation.output)
}

fn apply(
    of: Option<&InboxAddress>,
    if_version: Option<u64>,
    change: DeliveryChange,
    invocation: &mut Invocation,
) -> Result<(), Failure> {
    let version = session::once(invocation, async |client| {
        client.change_delivery(of, if_version, change).await
    })?;
    changed::print("the delivery rules are changed", version, invocation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::parsed;

    fn made(arguments: &[&str]) -> DeliveryChange {
        change(parsed::<Args>(arguments).unwrap().action).unwrap().unwrap()
    }

    #[test]
    fn rules_about_different_messages_do_not_replace_each_other() {
        for (arguments, name) in [
            (&["accept", "everyone"][..], "everyone"),
            (&["quarantine", "@d.example", "--type", "Image/*"], "@d.example/image/*"),
            (&["refuse", "everyone", "--larger-than", "100", "--reason", "no"], "everyone/>100"),
        ] {
            assert_eq!(made(arguments).put[0].name.as_str(), name);
        }
    }

    #[test]
    fn a_reason_belongs_to_a_refusal() {
        let made = made(&["refuse", "everyone", "--reason", "write less"]);
        assert_eq!(made.put[0].action, Delivery::Refuse { reason: "write less".into() });
        let wrong = ["accept", "everyone", "--reason", "x"];
        assert!(parsed::<Args>(&wrong).unwrap_err().to_string().contains("--reason"));
    }

    #[test]
    fn what_is_not_said_stays() {
        let made = made(&["when-closed", "store"]);
        assert_eq!((made.when_closed, made.receipts), (Some(WhenClosed::Store), None));
        assert!(made.put.is_empty() && made.remove.is_empty());
    }

    #[test]
    fn a_type_that_is_none_says_which_form_is_right() {
        let wrong = ["accept", "everyone", "--type", "image"];
        assert!(parsed::<Args>(&wrong).unwrap_err().to_string().contains("type/*"));
    }
}
