//! `adsum requests`: who waits to be let watch, and letting or refusing it.
//!
//! Must never hold: a decision that is not an access rule.

use clap::Subcommand;

use crate::cli::print::{changed, watcher};
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Operation, session};
use crate::client::{Client, RulesChange, RulesOwner};
use crate::model::{
    AccessRule, Handling, Presentity, Principal, SubscriptionState, WatcherRow, Who,
};

/// Arguments of `adsum requests`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    /// To watch whom, such as pres:alice@localhost [default: oneself]
    #[arg(long, global = true, value_name = "PRESENTITY")]
    of: Option<Presentity>,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Let them fetch and watch: sets a rule for each
    Approve {
        /// Who asked, such as bob@localhost
        #[arg(required = true)]
        who: Vec<Principal>,
    },
    /// Refuse them: sets a rule for each
    Deny {
        /// Who asked, such as bob@localhost
        #[arg(required = true)]
        who: Vec<Principal>,
        /// Do not tell them: they are shown a presentity that publishes nothing [default: they are refused]
        #[arg(long)]
        polite: bool,
    },
}

/// Runs `adsum requests`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    let presentity = invocation.presentity(args.of)?;
    let (who, handling) = match args.action {
        None => return list(&presentity, invocation),
        Some(Action::Approve { who }) => (who, Handling::Allow),
        Some(Action::Deny { who, polite: true }) => (who, Handling::PoliteBlock),
        Some(Action::Deny { who, polite: false }) => (who, Handling::Block),
    };
    let is_repeat = args.repeat.operation.is_some();
    let version = session::once(invocation, async |client| {
        // Whoever was let in the first time does not wait any more.
        if !is_repeat {
            check(&who, &asked(client, &presentity).await?, &presentity)?;
        }
        decide(client, &presentity, &who, handling).await
    })?;
    changed::print("the access rules are changed", version, invocation)
}

fn list(presentity: &Presentity, invocation: &mut Invocation) -> Result<(), Failure> {
    let rows = session::once(invocation, async |client| asked(client, presentity).await)?;
    watcher::print(&rows, "nobody waits for a decision", &mut invocation.output)
}

async fn asked(client: &Client, presentity: &Presentity) -> Result<Vec<WatcherRow>, Failure> {
    let mut rows = client.watchers(presentity).await?;
    rows.retain(is_undecided);
    Ok(rows)
}

/// Whether the owner is to decide: about a watcher that asked to subscribe, or that fetched and was told to wait.
fn is_undecided(row: &WatcherRow) -> bool {
    match row.state {
        Some(SubscriptionState::Pending | SubscriptionState::Waiting) => true,
        None => row.handling == Handling::Confirm,
        Some(_) => false,
    }
}

/// Refuses a name that has not asked: it is most likely mistyped, and the rule for it would never be noticed.
fn check(who: &[Principal], asked: &[WatcherRow], presentity: &Presentity) -> Result<(), Failure> {
    let unknown = who.iter().find(|one| !asked.iter().any(|row| row.watcher == **one));
    unknown.map_or(Ok(()), |one| {
        Err(Failure::failed(
            "no-request",
            format!(
                "{one} does not wait to watch {presentity}; see `adsum requests`, or set a rule with `adsum rules`"
            ),
        ))
    })
}

async fn decide(
    client: &Client,
    presentity: &Presentity,
    who: &[Principal],
    handling: Handling,
) -> Result<u64, Failure> {
    let rule = |one: &Principal| AccessRule::plain(Who::Principal(one.clone()), handling);
    let change = RulesChange { put: who.iter().map(rule).collect(), ..RulesChange::default() };
    let owner = RulesOwner::Presentity(presentity.clone());
    Ok(client.change_rules(Some(&owner), change).await?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{EndReason, Timestamp};

    fn row(state: Option<SubscriptionState>, handling: Handling) -> WatcherRow {
        WatcherRow {
            presentity: "pres:a@b".parse().unwrap(),
            watcher: "bob@b".parse().unwrap(),
            state,
            handling,
            first_at: Timestamp::from_ms(0),
            last_at: Timestamp::from_ms(0),
            fetches: 0,
            subscriptions: 0,
        }
    }

    #[test]
    fn only_those_who_wait_are_listed() {
        use SubscriptionState::{Active, Pending, Terminated, Waiting};
        for (state, handling, waits) in [
            (Some(Pending), Handling::Confirm, true),
            (Some(Waiting), Handling::Confirm, true),
            (None, Handling::Confirm, true),
            (None, Handling::Allow, false),
            (Some(Active), Handling::Allow, false),
            (Some(Terminated(EndReason::Rejected)), Handling::Block, false),
        ] {
            assert_eq!(is_undecided(&row(state, handling)), waits, "{state:?}");
        }
    }

    #[test]
    fn whoever_did_not_ask_is_named() {
        let asked = [row(None, Handling::Confirm)];
        let presentity = "pres:a@b".parse().unwrap();
        let who: Vec<Principal> = ["bob@b", "bbo@b"].map(|one| one.parse().unwrap()).into();
        assert_eq!(check(&who[..1], &asked, &presentity), Ok(()));
        let failure = check(&who, &asked, &presentity).unwrap_err();
        assert_eq!(failure.exit(), 1);
        assert!(failure.message().contains("bbo@b does not wait"), "{failure:?}");
    }
}
