//! `adsum domain`: domains, services and suspensions, for administrators; and what administrators did, for everybody.
//!
//! Must never hold: who is an administrator (the service knows).

use clap::Subcommand;

use crate::cli::print::{
    changed,
    domain::{ActLine, DomainLine},
    table,
    time::lifetime,
};
use crate::cli::run::{
    failure::Failure,
    invocation::Invocation,
    repeat::{Again, Operation},
    session,
    switch::Switch,
};
use crate::client::Administration;
use crate::model::{Domain, Lifetime, Principal};

/// Arguments of `adsum domain`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    repeat: Operation,
    #[command(flatten)]
    again: Again,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the domains served
    List,
    /// Create a domain
    Create {
        /// Its name, such as example.com
        domain: Domain,
    },
    /// Remove a domain that was created, with nobody enrolled in it
    Remove {
        /// Its name
        domain: Domain,
    },
    /// Switch presence or messaging in a domain
    Switch {
        /// Its name
        domain: Domain,
        #[command(flatten)]
        services: Services,
    },
    /// Give or take a principal's presentity or inbox
    Services {
        /// Whose, such as bob@localhost
        principal: Principal,
        #[command(flatten)]
        services: Services,
    },
    /// Suspend a principal: it can do nothing, and what it has is kept
    Suspend {
        /// Whom, such as bob@localhost
        principal: Principal,
    },
    /// Lift a suspension
    Resume {
        /// Whose, such as bob@localhost
        principal: Principal,
    },
    /// Say on what terms lost names of a domain are recovered; what held before holds on beside it for its own delay
    Recovery {
        /// The domain
        domain: Domain,
        #[command(flatten)]
        terms: Terms,
    },
    /// Say what becomes of the messages that the erased of a domain sent, for those that are sent from then on
    Erasure {
        /// The domain
        domain: Domain,
        /// Whether recipients keep them; off at first
        #[arg(long, value_enum, value_name = "on|off", required = true)]
        recipients_keep: Switch,
    },
    /// List what administrators did that concerns a principal
    Acts {
        /// Whom; others than oneself are for administrators [default: oneself]
        principal: Option<Principal>,
    },
}

#[derive(Clone, Copy, Debug, clap::Args)]
#[group(id = "switches", required = true, multiple = true)]
struct Services {
    /// Whether presence is to work [default: as it is]
    #[arg(long, value_enum, value_name = "on|off")]
    presence: Option<Switch>,
    /// Whether messaging is to work [default: as it is]
    #[arg(long, value_enum, value_name = "on|off")]
    messaging: Option<Switch>,
}

#[derive(Clone, Copy, Debug, clap::Args)]
#[group(id = "terms", required = true, multiple = true)]
struct Terms {
    /// How long the devices of a name can refuse its recovery, from 1h to 30d [default: as it is, 24h at first]
    #[arg(long, value_name = "SPAN", value_parser = lifetime)]
    delay: Option<Lifetime>,
    /// Whether the new device is shown what messages say that were stored before [default: as it is, off at first]
    #[arg(long, value_enum, value_name = "on|off")]
    earlier: Option<Switch>,
}

impl Services {
    fn wanted(self) -> (Option<bool>, Option<bool>) {
        (self.presence.map(Switch::is_on), self.messaging.map(Switch::is_on))
    }
}

/// Runs `adsum domain`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    (invocation.operation, invocation.again) = (args.repeat.operation, args.again.repeat);
    let (act, done) = match args.action {
        Action::List => return list(invocation),
        Action::Acts { principal } => return acts(principal.as_ref(), invocation),
        Action::Create { domain } => {
            let done = format!("{domain} is created");
            (Administration::CreateDomain(domain), done)
        }
        Action::Remove { domain } => {
            let done = format!("{domain} is removed");
            (Administration::RemoveDomain(domain), done)
        }
        Action::Switch { domain, services } => {
            let done = format!("the services of {domain} are switched");
            let (presence, messaging) = services.wanted();
            (Administration::SwitchDomain { domain, presence, messaging }, done)
        }
        Action::Services { principal, services } => {
            let done = format!("the services of {principal} are switched");
            let (presence, messaging) = services.wanted();
            (Administration::SwitchServices { principal, presence, messaging }, done)
        }
        Action::Recovery { domain, terms } => {
            let done = format!("the terms of recoveries in {domain} are set");
            let (delay, shows_earlier) = (terms.delay, terms.earlier.map(Switch::is_on));
            (Administration::SetRecovery { domain, delay, shows_earlier }, done)
        }
        Action::Erasure { domain, recipients_keep } => {
            let recipients_keep = recipients_keep.is_on();
            let done =
                format!("what the erased of {domain} sent is settled for what is sent from now on");
            (Administration::SetErasure { domain, recipients_keep }, done)
        }
        Action::Suspend { principal } => {
            let done = format!("{principal} is suspended");
            (Administration::Suspend(principal), done)
        }
        Action::Resume { principal } => {
            let done = format!("{principal} may act again");
            (Administration::Resume(principal), done)
        }
    };
    session::once(invocation, async |client| client.administer(&act).await)?;
    changed::print(&done, 0, invocation)
}

fn list(invocation: &mut Invocation) -> Result<(), Failure> {
    let domains = session::once(invocation, async |client| client.domains().await)?;
    table::print(domains.iter().map(DomainLine::from), "no domains", &mut invocation.output)
}

fn acts(principal: Option<&Principal>, invocation: &mut Invocation) -> Result<(), Failure> {
    let acts = session::once(invocation, async |client| client.acts(principal).await)?;
    table::print(
        acts.iter().map(ActLine::from),
        "administrators did nothing",
        &mut invocation.output,
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::parsed;

    #[test]
    fn what_is_not_said_of_a_switch_stays() {
        let action = parsed::<Args>(&["switch", "d.example", "--presence", "off"]).unwrap().action;
        let Action::Switch { services, .. } = action else { panic!("{action:?}") };
        assert_eq!(services.wanted(), (Some(false), None));
    }

    #[test]
    fn a_switch_that_switches_nothing_is_refused() {
        for action in [["switch", "d.example"], ["services", "bob@d.example"]] {
            let refused = parsed::<Args>(&action).unwrap_err().to_string();
            assert!(refused.contains("--presence"), "{refused}");
        }
    }
}
