//! `adsum quota`: how much of what all share a principal may take, for everybody; and setting that, for administrators.
//!
//! Must never hold: who is an administrator (the service knows), or which quotas there are (the model knows).

use clap::Subcommand;

use crate::cli::print::{changed, quota::QuotaLine, table};
use crate::cli::run::{
    failure::Failure,
    invocation::Invocation,
    repeat::{Again, Operation},
    session,
};
use crate::client::Administration;
use crate::model::{Quota, QuotaOwner};

/// Arguments of `adsum quota`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    repeat: Operation,
    #[command(flatten)]
    again: Again,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List how much somebody may take, how much is taken, and who says so
    List {
        /// Whose: bob@localhost, or @localhost for those of a domain that have none of their own; others than oneself are for
        /// administrators [default: oneself]
        owner: Option<QuotaOwner>,
    },
    /// Set one; that of a principal wins over that of its domain, and that over the operator's
    Set {
        /// Whose: bob@localhost, or @localhost for those of a domain that have none of their own
        owner: QuotaOwner,
        /// Which, as `adsum quota` lists them
        quota: Quota,
        /// How much; of what stays in memory no more than the operator allows
        max: u64,
    },
    /// Take back one that was set
    Reset {
        /// Whose: bob@localhost, or @localhost
        owner: QuotaOwner,
        /// Which
        quota: Quota,
    },
}

/// Runs `adsum quota`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    (invocation.operation, invocation.again) = (args.repeat.operation, args.again.repeat);
    let (owner, quota, max) = match args.action {
        None => return list(None, invocation),
        Some(Action::List { owner }) => return list(owner.as_ref(), invocation),
        Some(Action::Set { owner, quota, max }) => (owner, quota, Some(max)),
        Some(Action::Reset { owner, quota }) => (owner, quota, None),
    };
    let done = match max {
        Some(max) => format!("the quota {} of {owner} is {max}", quota.as_str()),
        None => format!("the quota {} of {owner} is set no more", quota.as_str()),
    };
    let act = Administration::SetQuota { owner, quota, max };
    session::once(invocation, async |client| client.administer(&act).await)?;
    changed::print(&done, 0, invocation)
}

fn list(owner: Option<&QuotaOwner>, invocation: &mut Invocation) -> Result<(), Failure> {
    let quotas = session::once(invocation, async |client| client.quotas(owner).await)?;
    table::print(quotas.iter().map(QuotaLine::from), "no quotas", &mut invocation.output)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::parsed;

    #[test]
    fn a_quota_that_is_none_is_refused_with_those_that_there_are() {
        let line = ["set", "@d.example", "events", "5"];
        let refused = parsed::<Args>(&line).unwrap_err().to_string();
        assert!(refused.contains("events-a-second"), "{refused}");
        let line = ["set", "@d.example", "events-a-second", "5"];
        let Some(Action::Set { owner, quota, max }) = parsed::<Args>(&line).unwrap().action else {
            panic!("it sets nothing");
        };
        assert_eq!((owner.to_string().as_str(), quota, max), ("@d.example", Quota::Events, 5));
    }
}
