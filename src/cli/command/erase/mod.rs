//! `adsum erase`: makes what a principal wrote unreadable for good, and proves it.
//!
//! Must never hold: a way to erase without being asked twice.

mod certificate;

use std::fmt;
use std::path::{Path, PathBuf};

use self::certificate::Certificate;
use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::client::KeyHash;
use crate::log::SledLog;
use crate::model::{Principal, Sequence};
use crate::server::{Written, erase_as_operator, erasure_at, signing_key};

/// Arguments of `adsum erase`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Who is erased; already erased, its certificate is printed again
    #[arg(required_unless_present = "check")]
    principal: Option<Principal>,
    /// The folder of the store, while no server runs on it
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// Yes, for good: nobody can bring back what is erased
    #[arg(long, required_unless_present = "check")]
    yes: bool,
    /// Check a certificate that was printed once against the store [default: erase]
    #[arg(long, value_name = "FILE", conflicts_with_all = ["principal", "yes"])]
    check: Option<PathBuf>,
    /// With --check: the hash of the key that must have signed it [default: the store's]
    #[arg(long, value_name = "HASH", requires = "check")]
    server_key: Option<KeyHash>,
}

line! {
    /// `{"type":"erasure-checked", …}`.
    #[serde(tag = "type", rename = "erasure-checked")]
    struct CheckedLine from (certificate, written): (&Certificate, &Written) {
        principal: String = certificate.principal.clone(),
        position: u64 = certificate.position,
        unreadable: u64 = written.unreadable,
    }
}

impl fmt::Display for CheckedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal, position, unreadable } = self;
        write!(
            to,
            "{principal} was erased at event {position}: {unreadable} texts up to there can be read by nobody"
        )
    }
}

/// Runs `adsum erase`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let data = args.data.as_path();
    if let Some(principal) = &args.principal {
        let certificate = Certificate::of(&erase_as_operator(data, principal)?, data)?;
        invocation.output.line(&certificate)?;
    }
    if let Some(file) = &args.check {
        let (certificate, written) = check(data, file, args.server_key)?;
        invocation.output.line(&CheckedLine::from((&certificate, &written)))?;
    }
    Ok(())
}

/// Whether what the certificate in `file` says is so in the store in `data`.
fn check(
    data: &Path,
    file: &Path,
    key: Option<KeyHash>,
) -> Result<(Certificate, Written), Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
    let certificate = Certificate::read(&text)?;
    // Nothing is made where there is no store.
    SledLog::durable_tip(data)?;
    let own = || signing_key(data).map(|key| KeyHash::of(&key));
    certificate.check_signature(key.map_or_else(own, Ok)?)?;
    let principal: Principal = certificate.principal.parse()?;
    let found = erasure_at(data, &principal, Sequence::new(certificate.position))?;
    certificate.check_log(&found)?;
    if found.written.readable > 0 {
        return Err(readable(&principal, found.written.readable));
    }
    Ok((certificate, found.written))
}

fn readable(principal: &Principal, count: u64) -> Failure {
    let message = format!(
        "{count} texts of {principal} can still be read, for they were stored before texts were sealed; write the store anew with `adsum log rewrite`"
    );
    Failure::failed("still-readable", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_that_can_still_be_read_are_told_with_what_to_do() {
        let failure = readable(&"bob@localhost".parse().unwrap(), 3);
        let told = "3 texts of bob@localhost can still be read, for they were stored before texts were sealed; write the store anew with `adsum log rewrite`";
        assert_eq!(failure.words(), ("still-readable", told));
    }
}
