//! `adsum erase`: makes what a principal wrote unreadable for good, and proves it.
//!
//! Must never hold: a way to erase without being asked twice, or who may erase whom (the service knows).

use std::fmt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::print::line::line;
use crate::cli::run::{failure::Failure, invocation::Invocation, session};
use crate::client::KeyHash;
use crate::log::SledLog;
use crate::model::Principal;
use crate::server::{Certificate, Erasure, erase_as_operator, erasure_of, signing_key};

/// Arguments of `adsum erase`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// Who is erased: oneself, or as an administrator somebody of one's domain; already erased, its certificate is printed again
    #[arg(required_unless_present = "check")]
    principal: Option<Principal>,
    /// The folder of a store on which no server runs, as the operator of the machine [default: ask the server]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// Yes, for good: nobody can bring back what is erased
    #[arg(long, required_unless_present = "check")]
    yes: bool,
    /// Check a certificate that was printed once against the store [default: erase]
    #[arg(long, value_name = "FILE", requires = "data", conflicts_with_all = ["principal", "yes"])]
    check: Option<PathBuf>,
    /// With --check: the hash of the key that must have signed it [default: the store's]
    #[arg(long, value_name = "HASH", requires = "check")]
    server_key: Option<KeyHash>,
}

line! {
    /// `{"type":"erasure-checked", …}`.
    #[serde(tag = "type", rename = "erasure-checked")]
    struct CheckedLine from erasure: &Erasure {
        principal: String = erasure.principal.to_string(),
        position: u64 = erasure.position.get(),
        unreadable: u64 = erasure.written.unwrap_or_default().unreadable,
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

/// `{"type":"erased", …}`, where there is no certificate.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "erased")]
struct ErasedLine {
    principal: String,
}

impl fmt::Display for ErasedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { principal } = self;
        write!(
            to,
            "{principal} is erased, but the server made no certificate; its operator can, with `adsum erase {principal} --data DIR --yes`"
        )
    }
}

/// Runs `adsum erase`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    match (&args.principal, &args.data, &args.check) {
        (Some(principal), None, _) => online(principal, invocation),
        (Some(principal), Some(data), _) => {
            let certificate = Certificate::of(&erase_as_operator(data, principal)?, data)?;
            invocation.output.line(&certificate)
        }
        (None, Some(data), Some(file)) => {
            let erasure = check(data, file, args.server_key)?;
            invocation.output.line(&CheckedLine::from(&erasure))
        }
        (None, ..) => unreachable!("the command line asks for one of them"),
    }
}

/// Asks the server.
fn online(principal: &Principal, invocation: &mut Invocation) -> Result<(), Failure> {
    let line = session::once(invocation, async |client| client.erase(principal).await)?;
    match told(principal, &line)? {
        Some(certificate) => invocation.output.line(&certificate),
        None => invocation.output.line(&ErasedLine { principal: principal.to_string() }),
    }
}

/// The certificate that the server told; `None` if it made none.
fn told(principal: &Principal, line: &str) -> Result<Option<Certificate>, Failure> {
    if line.is_empty() {
        return Ok(None);
    }
    let is_good = |read: &Certificate| read.is_signed() && read.principal == principal.to_string();
    let cure = "ask its operator to check the store with `adsum log verify`";
    let read = Certificate::read(line).filter(is_good);
    read.map(Some).ok_or_else(|| wrong("that the server told does not hold", cure))
}

/// Whether what the certificate in `file` says is so in the store in `data`.
fn check(data: &Path, file: &Path, key: Option<KeyHash>) -> Result<Erasure, Failure> {
    let text = std::fs::read_to_string(file).map_err(|error| Failure::io("read", file, &error))?;
    let certificate = read(&text)?;
    // Nothing is made where there is no store.
    SledLog::durable_tip(data)?;
    let own = || signing_key(data).map(|key| KeyHash::of(&key));
    check_signature(&certificate, key.map_or_else(own, Ok)?)?;
    let principal: Principal = certificate.principal.parse()?;
    let is_it = |erasure: &Erasure| certificate.is_of(erasure);
    let found = erasure_of(data, &principal, certificate.position, is_it)?;
    check_log(&certificate, &found)?;
    match found.written.unwrap_or_default().readable {
        0 => Ok(found),
        count => Err(readable(&principal, count)),
    }
}

fn read(text: &str) -> Result<Certificate, Failure> {
    Certificate::read(text)
        .ok_or_else(|| wrong("is not the line that `adsum erase` prints", "give that file"))
}

/// Whether it is signed by the key of this hash.
fn check_signature(certificate: &Certificate, key: KeyHash) -> Result<(), Failure> {
    if !certificate.is_signed() {
        return Err(wrong("has a wrong signature", "look for the one that was printed"));
    }
    if key == KeyHash::of(&certificate.signer()) {
        return Ok(());
    }
    Err(wrong("is signed by another key", "give the hash of the right one with --server-key"))
}

/// Whether the log has it so.
fn check_log(certificate: &Certificate, found: &Erasure) -> Result<(), Failure> {
    if certificate.is_of(found) {
        return Ok(());
    }
    Err(wrong("is of another log", "give the store that it was printed for with --data"))
}

fn wrong(what: &str, cure: &str) -> Failure {
    Failure::failed("wrong-certificate", format!("the certificate {what}; {cure}"))
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
    use crate::event::Chain;
    use crate::log::Tip;

    fn why(outcome: Result<(), Failure>) -> String {
        outcome.unwrap_err().message().to_owned()
    }

    #[test]
    fn a_certificate_that_proves_nothing_is_told_why() {
        let data = tempfile::tempdir().unwrap();
        let key = || KeyHash::of(&signing_key(data.path()).unwrap());
        let certificate = Certificate::of(&Erasure::sample(), data.path()).unwrap();
        check_signature(&certificate, key()).unwrap();
        check_log(&certificate, &Erasure::sample()).unwrap();
        let wrong = "the certificate is not the line that `adsum erase` prints; give that file";
        assert_eq!(why(read("x").map(drop)), wrong);
        let changed = certificate.to_string().replace("\"position\":3", "\"position\":4");
        let changed = read(&changed).unwrap();
        let wrong = "the certificate has a wrong signature; look for the one that was printed";
        assert_eq!(why(check_signature(&changed, key())), wrong);
        let wrong = "the certificate is signed by another key; give the hash of the right one with --server-key";
        assert_eq!(why(check_signature(&certificate, KeyHash([0; 32]))), wrong);
        let wrong =
            "the certificate is of another log; give the store that it was printed for with --data";
        let tip = Tip { chain: Chain([8; 32]), ..Erasure::sample().tip };
        let other = Erasure { tip, ..Erasure::sample() };
        assert_eq!(why(check_log(&certificate, &other)), wrong);
    }

    #[test]
    fn what_a_server_tells_of_an_erasure_is_checked_before_it_is_printed() {
        let data = tempfile::tempdir().unwrap();
        let bob: Principal = "bob@localhost".parse().unwrap();
        let certificate = Certificate::of(&Erasure::sample(), data.path()).unwrap();
        let line = certificate.to_string();
        assert_eq!(told(&bob, &line).unwrap(), Some(certificate));
        assert_eq!(told(&bob, "").unwrap(), None);
        let wrong = "the certificate that the server told does not hold; ask its operator to check the store with `adsum log verify`";
        for changed in [line.replace("\"devices\":0", "\"devices\":1"), "{}".to_owned()] {
            assert_eq!(why(told(&bob, &changed).map(drop)), wrong);
        }
        assert!(told(&"alice@localhost".parse().unwrap(), &line).is_err());
        let line = ErasedLine { principal: bob.to_string() };
        let words = "bob@localhost is erased, but the server made no certificate; its operator can, with `adsum erase bob@localhost --data DIR --yes`";
        assert_eq!(line.to_string(), words);
        let json = r#"{"type":"erased","principal":"bob@localhost"}"#;
        assert_eq!(serde_json::to_string(&line).unwrap(), json);
    }

    #[test]
    fn texts_that_can_still_be_read_are_told_with_what_to_do() {
        let failure = readable(&"bob@localhost".parse().unwrap(), 3);
        let told = "3 texts of bob@localhost can still be read, for they were stored before texts were sealed; write the store anew with `adsum log rewrite`";
        assert_eq!(failure.words(), ("still-readable", told));
    }
}
