//! `adsum grant`: what one lets others do in one's name.
//!
//! Must never hold: whether a right suffices for something (the service knows).

use clap::Subcommand;

use crate::cli::print::{
    changed,
    line::line,
    table::{self, Row},
};
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Operation, session};
use crate::client::GrantRow;
use crate::model::{Principal, Rights};

/// Arguments of `adsum grant`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(subcommand)]
    action: Action,
    /// In whose name; others than oneself are for their members [default: one's own]
    #[arg(long, global = true, value_name = "PRINCIPAL")]
    of: Option<Principal>,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List who may do what
    List,
    /// Let somebody do exactly this from now on
    Give {
        /// Who may, such as bob@localhost
        grantee: Principal,
        /// What: publish, read, delete, watchers, joined by commas; or member, which is all of it and the rules too
        rights: Rights,
    },
    /// Take everything back
    Take {
        /// From whom, such as bob@localhost
        grantee: Principal,
    },
}

line! {
    /// `{"type":"grant", …}`.
    #[serde(tag = "type", rename = "grant")]
    struct GrantLine from (owner, grant): (&Principal, &GrantRow) {
        owner: String = owner.to_string(),
        grantee: String = grant.grantee.to_string(),
        rights: Vec<String> = grant.rights.to_string().split(',').map(str::to_owned).collect(),
    }
}

impl Row for GrantLine {
    fn cells(&self) -> Vec<String> {
        vec![self.grantee.clone(), self.rights.join(",")]
    }
}

/// Runs `adsum grant`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    let of = args.of.as_ref();
    match &args.action {
        Action::List => list(of, invocation),
        Action::Give { grantee, rights } => {
            set(of, grantee, *rights, invocation)?;
            changed::print(&format!("{grantee} may: {rights}"), 0, invocation)
        }
        Action::Take { grantee } => {
            set(of, grantee, Rights::NONE, invocation)?;
            changed::print(&format!("nothing is granted to {grantee}"), 0, invocation)
        }
    }
}

fn list(of: Option<&Principal>, invocation: &mut Invocation) -> Result<(), Failure> {
    let grants = session::once(invocation, async |client| client.grants(of).await)?;
    let owner = invocation.or_own(of.cloned(), Clone::clone)?;
    let lines = grants.iter().map(|grant| GrantLine::from((&owner, grant)));
    table::print(lines, "nothing is granted to anybody", &mut invocation.output)
}

fn set(
    of: Option<&Principal>,
    grantee: &Principal,
    rights: Rights,
    invocation: &Invocation,
) -> Result<(), Failure> {
    session::once(invocation, async |client| client.grant(of, grantee, rights).await)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_grant_line_has_the_promised_fields() {
        let rights = "read,publish".parse().unwrap();
        let grant = GrantRow { grantee: "bob@b.example".parse().unwrap(), rights };
        let line = GrantLine::from((&"alice@b.example".parse().unwrap(), &grant));
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"grant","owner":"alice@b.example","grantee":"bob@b.example","rights":["publish","read"]}"#
        );
        assert_eq!(line.cells(), ["bob@b.example", "publish,read"]);
    }
}
