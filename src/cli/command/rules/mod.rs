//! `adsum rules`: who may fetch and watch a presentity, and what they are shown.
//!
//! Must never hold: what rules decide together (the service does, and `adsum explain` tells).

mod view;

use clap::Subcommand;

use crate::cli::print::{changed, output, rule::RuleLine, table, time::moment};
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Operation, session};
use crate::client::{RulesChange, RulesOwner};
use crate::model::{AccessRule, Handling, RuleName, Shown, Timestamp, Who};

/// What a command prints that changed the rules.
const CHANGED: &str = "the access rules are changed";

/// Arguments of `adsum rules`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the rules
    List {
        #[command(flatten)]
        of: Of,
    },
    /// Show somebody the presence
    Allow(Rule),
    /// Refuse somebody, and tell it so
    Block(Rule),
    /// Show somebody a presentity that publishes nothing, as if that were so
    PoliteBlock(Rule),
    /// Let somebody wait until one has decided; see `adsum requests`
    Confirm(Rule),
    /// Remove rules
    Remove {
        /// The names of the rules, as `adsum rules list` shows them
        #[arg(required = true, value_name = "NAME", value_parser = RuleName::new)]
        names: Vec<RuleName>,
        #[command(flatten)]
        of: Of,
    },
}

#[derive(Debug, clap::Args)]
struct Of {
    /// Whose rules: a presentity such as pres:alice@localhost, or a domain such as @localhost [default: one's own]
    #[arg(long, value_name = "PRESENTITY|@DOMAIN")]
    of: Option<RulesOwner>,
}

#[derive(Debug, clap::Args)]
struct Rule {
    /// Whom it is about: everyone, anonymous, authenticated, @example.com or bob@example.com
    who: Who,
    /// Only for a fetch [default: for fetching and watching]
    #[arg(long, conflicts_with = "subscribe")]
    fetch: bool,
    /// Only for watching [default: for fetching and watching]
    #[arg(long)]
    subscribe: bool,
    /// What is shown: tuples=ID,ID for only these, no-notes, no-contact, no-markup, joined by commas [default: all]
    #[arg(long, value_name = "VIEW", value_parser = view::parse)]
    view: Option<Shown>,
    /// It holds from then on: RFC 3339, or a span such as 2h for two hours ago or +2h for in two hours [default: always did]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    from: Option<Timestamp>,
    /// It holds until just before then, in the same forms [default: for ever]
    #[arg(long, value_name = "TIME", value_parser = moment)]
    until: Option<Timestamp>,
    /// What to call it; a rule of the same name is replaced [default: whom it is about, with /fetch or /subscribe]
    #[arg(long, value_name = "NAME", value_parser = RuleName::new)]
    name: Option<RuleName>,
    /// Change nothing unless the rules have this version [default: whatever they have]
    #[arg(long, value_name = "VERSION")]
    if_version: Option<u64>,
    #[command(flatten)]
    of: Of,
}

impl Rule {
    fn rule(&self, handling: Handling) -> Result<AccessRule, Failure> {
        let plain = AccessRule::plain(self.who.clone(), handling);
        let suffix = match (self.fetch, self.subscribe) {
            (true, _) => "/fetch",
            (_, true) => "/subscribe",
            _ => "",
        };
        let name = match &self.name {
            Some(name) => name.clone(),
            None => RuleName::new(&format!("{}{suffix}", self.who))?,
        };
        let rule = AccessRule {
            name,
            fetch: plain.fetch.filter(|_| !self.subscribe),
            subscribe: plain.subscribe.filter(|_| !self.fetch),
            shown: self.view.clone().unwrap_or(Shown::ALL),
            from: self.from,
            until: self.until,
            ..plain
        };
        rule.check()?;
        Ok(rule)
    }
}

/// Runs `adsum rules`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    match &args.action {
        Action::List { of } => list(of.of.as_ref(), invocation),
        Action::Allow(rule) => set(rule, Handling::Allow, invocation),
        Action::Block(rule) => set(rule, Handling::Block, invocation),
        Action::PoliteBlock(rule) => set(rule, Handling::PoliteBlock, invocation),
        Action::Confirm(rule) => set(rule, Handling::Confirm, invocation),
        Action::Remove { names, of } => {
            let change = RulesChange { remove: names.clone(), ..RulesChange::default() };
            apply(of.of.as_ref(), change, invocation)
        }
    }
}

fn list(of: Option<&RulesOwner>, invocation: &mut Invocation) -> Result<(), Failure> {
    let rules = session::once(invocation, async |client| client.rules(of).await)?;
    let lines = rules.rules.iter().map(|rule| RuleLine::from((rule, rules.version)));
    table::print(lines, "no rules: the server's default holds", &mut invocation.output)
}

fn set(rule: &Rule, handling: Handling, invocation: &mut Invocation) -> Result<(), Failure> {
    let (fresh, of) = (rule.rule(handling)?, rule.of.of.as_ref());
    let is_named = rule.name.is_some();
    let version = session::once(invocation, async |client| {
        let mut change = RulesChange { if_version: rule.if_version, ..RulesChange::default() };
        if !is_named {
            client.rules(of).await?.rules.iter().for_each(|old| give_way(old, &fresh, &mut change));
        }
        change.put.push(fresh.clone());
        client.change_rules(of, change).await
    })?;
    if matches!(handling, Handling::Block | Handling::PoliteBlock) && !invocation.is_json() {
        let message = format!("messages are decided apart: `adsum delivery refuse {}`", rule.who);
        output::note(false, "messages-apart", &message);
    }
    changed::print(CHANGED, version, invocation)
}

/// Takes out of `old` what `fresh` says anew, if both are about the same one and nobody gave `old` a name of its own.
///
/// Of two rules about the same one the stricter decides, so that an old one left in place would outvote the new one.
fn give_way(old: &AccessRule, fresh: &AccessRule, change: &mut RulesChange) {
    let unnamed = ["", "/fetch", "/subscribe"].map(|suffix| format!("{}{suffix}", old.who));
    let is_rival = old.who == fresh.who && old.name != fresh.name;
    if !is_rival || !unnamed.iter().any(|name| name == old.name.as_str()) {
        return;
    }
    let mut left = old.clone();
    left.fetch = left.fetch.filter(|_| fresh.fetch.is_none());
    left.subscribe = left.subscribe.filter(|_| fresh.subscribe.is_none());
    if left.fetch.is_none() && left.subscribe.is_none() {
        change.remove.push(left.name);
    } else if left != *old {
        change.put.push(left);
    }
}

fn apply(
    of: Option<&RulesOwner>,
    change: RulesChange,
    invocation: &mut Invocation,
) -> Result<(), Failure> {
    let version = session::once(invocation, async |client| client.change_rules(of, change).await)?;
    changed::print(CHANGED, version, invocation)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::parsed;

    fn rule(arguments: &[&str]) -> Result<AccessRule, Failure> {
        parsed::<Rule>(arguments).unwrap().rule(Handling::Allow)
    }

    #[test]
    fn the_last_word_about_somebody_holds() {
        let after = |old: &[&str], fresh: &[&str]| {
            let (old, fresh) = (rule(old).unwrap(), rule(fresh).unwrap());
            let mut change = RulesChange::default();
            give_way(&old, &fresh, &mut change);
            let put: Vec<_> = change.put.iter().map(|rule| (rule.fetch, rule.subscribe)).collect();
            (put, change.remove.len())
        };
        let allow = Some(Handling::Allow);
        assert_eq!(after(&["bob@d.example", "--fetch"], &["bob@d.example"]), (vec![], 1));
        assert_eq!(
            after(&["bob@d.example"], &["bob@d.example", "--fetch"]),
            (vec![(None, allow)], 0)
        );
        let disjoint = (&["bob@d.example", "--fetch"], &["bob@d.example", "--subscribe"]);
        assert_eq!(after(disjoint.0, disjoint.1), (vec![], 0));
        assert_eq!(after(&["bob@d.example", "--name", "x"], &["bob@d.example"]), (vec![], 0));
        assert_eq!(after(&["carol@d.example", "--fetch"], &["bob@d.example"]), (vec![], 0));
    }

    #[test]
    fn a_rule_is_named_by_whom_and_what_it_is_about() {
        for (arguments, name) in [
            (&["bob@d.example"][..], "bob@d.example"),
            (&["@d.example", "--fetch"], "@d.example/fetch"),
            (&["everyone", "--subscribe"], "everyone/subscribe"),
            (&["everyone", "--name", "night"], "night"),
        ] {
            assert_eq!(rule(arguments).unwrap().name.as_str(), name);
        }
    }

    #[test]
    fn a_rule_for_a_fetch_says_nothing_about_watching() {
        let rule = rule(&["anonymous", "--fetch"]).unwrap();
        assert_eq!((rule.fetch, rule.subscribe), (Some(Handling::Allow), None));
    }

    #[test]
    fn a_rule_that_ends_before_it_begins_is_wrong_usage() {
        let failure = rule(&["everyone", "--from", "1h", "--until", "2h"]).unwrap_err();
        assert_eq!(failure.exit(), 2);
        assert!(failure.message().contains("validity"), "{failure:?}");
    }

    #[test]
    fn whoever_is_nobody_is_refused_with_the_right_forms() {
        let refused = parsed::<Rule>(&["bob"]).unwrap_err().to_string();
        assert!(refused.contains("name@domain"), "{refused}");
    }
}
