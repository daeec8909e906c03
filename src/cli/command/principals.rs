//! `adsum principals`: who has a name in a domain, for its administrators.
//!
//! Must never hold: who is an administrator (the service knows).

use crate::cli::print::{domain::PrincipalLine, table};
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::model::Domain;

/// Arguments of `adsum principals`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Which domain [default: one's own]
    domain: Option<Domain>,
}

/// Runs `adsum principals`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let domain = args.domain.as_ref();
    let found = session::once(invocation, async |client| client.principals(domain).await)?;
    table::print(found.iter().map(PrincipalLine::from), "no principals", &mut invocation.output)
}
