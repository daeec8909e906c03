//! The certificate of an erasure: one line of JSON, signed.
//!
//! Must never hold: anything that the erased wrote.

use std::fmt;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use crate::cli::print::time::rfc3339;
use crate::cli::run::failure::Failure;
use crate::client::KeyHash;
use crate::model::Principal;
use crate::server::{Erasure, is_signed, sign, signing_key};

const TYPE: &str = "erasure-certificate";

/// What can be read no more.
const UNREADABLE: [&str; 4] = [
    "what it published",
    "the names of its devices",
    "the bodies of messages that it got",
    "the bodies of messages that it sent, at their recipients too",
];
/// What the certificate says nothing about.
const NOT_COVERED: [&str; 3] = [
    "copies of keys/principals.keys, such as in a backup that was made with the keys",
    "what devices of others have received",
    "names, times, sizes and digests, which the log needs",
];

/// A certificate. Its members stand in this order, and the signature is over the line without its last member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Certificate {
    #[serde(rename = "type")]
    kind: String,
    version: u32,
    /// Who was erased.
    pub(super) principal: String,
    by: Option<String>,
    erased_at: String,
    /// The event in the log that says so.
    pub(super) position: u64,
    /// The last event of the entry that holds it, and the chain there.
    head: u64,
    chain: String,
    name_free_at: String,
    ended: Ended,
    /// How many texts of the principal the log holds that can be read no more, and that still can.
    texts: Texts,
    unreadable: Vec<String>,
    not_covered: Vec<String>,
    server_key: String,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    signature: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Ended {
    devices: u64,
    publications: u64,
    subscriptions: u64,
    watchers: u64,
    grants: u64,
    invites: u64,
    rules: u64,
    received: u64,
    sent: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Texts {
    unreadable: u64,
    readable: u64,
}

impl Certificate {
    /// The certificate of `erasure`, signed with the key of the store in `data`.
    pub(super) fn of(erasure: &Erasure, data: &Path) -> Result<Self, Failure> {
        let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let ended = erasure.ended;
        let mut certificate = Self {
            kind: TYPE.to_owned(),
            version: 1,
            principal: erasure.principal.to_string(),
            by: erasure.by.as_ref().map(Principal::to_string),
            erased_at: rfc3339(erasure.erased_at),
            position: erasure.position.get(),
            head: erasure.tip.head.get(),
            chain: erasure.tip.chain.to_string(),
            name_free_at: rfc3339(erasure.name_free_at),
            ended: Ended {
                devices: ended.devices,
                publications: ended.publications,
                subscriptions: ended.subscriptions,
                watchers: ended.watchers,
                grants: ended.grants,
                invites: ended.invites,
                rules: ended.rules,
                received: ended.received,
                sent: ended.sent,
            },
            texts: Texts {
                unreadable: erasure.written.unreadable,
                readable: erasure.written.readable,
            },
            unreadable: own(&UNREADABLE),
            not_covered: own(&NOT_COVERED),
            server_key: HEXLOWER.encode(&signing_key(data)?),
            signature: String::new(),
        };
        let signature = sign(data, certificate.to_string().as_bytes())?;
        certificate.signature = HEXLOWER.encode(&signature);
        Ok(certificate)
    }

    /// Reads a certificate.
    pub(super) fn read(text: &str) -> Result<Self, Failure> {
        let read: Option<Self> = serde_json::from_str(text).ok();
        read.filter(|read| read.kind == TYPE && read.version == 1)
            .ok_or_else(|| wrong("is not the line that `adsum erase` prints", "give that file"))
    }

    /// Whether it is signed by the key of this hash.
    pub(super) fn check_signature(&self, key: KeyHash) -> Result<(), Failure> {
        let unsigned = Self { signature: String::new(), ..self.clone() };
        let decoded = |text: &str| HEXLOWER.decode(text.as_bytes()).unwrap_or_default();
        let (signer, signature) = (decoded(&self.server_key), decoded(&self.signature));
        if !is_signed(&signer, unsigned.to_string().as_bytes(), &signature) {
            return Err(wrong("has a wrong signature", "look for the one that was printed"));
        }
        if key == KeyHash::of(&signer) {
            return Ok(());
        }
        Err(wrong("is signed by another key", "give the hash of the right one with --server-key"))
    }

    /// Whether the log has it so.
    pub(super) fn check_log(&self, found: &Erasure) -> Result<(), Failure> {
        let same = (self.head, self.chain.as_str())
            == (found.tip.head.get(), found.tip.chain.to_string().as_str());
        if same && self.erased_at == rfc3339(found.erased_at) {
            return Ok(());
        }
        Err(wrong("is of another log", "give the store that it was printed for with --data"))
    }
}

fn wrong(what: &str, cure: &str) -> Failure {
    Failure::failed("wrong-certificate", format!("the certificate {what}; {cure}"))
}

impl fmt::Display for Certificate {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let line = serde_json::to_string(self).map_err(|_| fmt::Error)?;
        to.write_str(&line)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Chain;
    use crate::log::Tip;
    use crate::model::{Sequence, Timestamp};
    use crate::server::Written;

    fn erasure() -> Erasure {
        Erasure {
            principal: "bob@localhost".parse().unwrap(),
            by: None,
            erased_at: Timestamp::from_ms(7),
            name_free_at: Timestamp::from_ms(9),
            position: Sequence::new(3),
            tip: Tip { head: Sequence::new(4), chain: Chain([7; 32]) },
            ended: crate::event::Ended::default(),
            written: Written::default(),
        }
    }

    fn told(outcome: Result<(), Failure>) -> String {
        outcome.unwrap_err().message().to_owned()
    }

    #[test]
    fn a_certificate_that_proves_nothing_is_told_why() {
        let data = tempfile::tempdir().unwrap();
        let key = || KeyHash::of(&signing_key(data.path()).unwrap());
        let certificate = Certificate::of(&erasure(), data.path()).unwrap();
        let line = certificate.to_string();
        assert_eq!(Certificate::read(&line).unwrap(), certificate);
        certificate.check_signature(key()).unwrap();
        certificate.check_log(&erasure()).unwrap();
        for other in ["{}", "x", &line.replace("\"version\":1", "\"version\":2")] {
            let wrong = "the certificate is not the line that `adsum erase` prints; give that file";
            assert_eq!(told(Certificate::read(other).map(drop)), wrong);
        }
        let changed = Certificate { position: 4, ..certificate.clone() };
        let wrong = "the certificate has a wrong signature; look for the one that was printed";
        assert_eq!(told(changed.check_signature(key())), wrong);
        let wrong = "the certificate is signed by another key; give the hash of the right one with --server-key";
        assert_eq!(told(certificate.check_signature(KeyHash([0; 32]))), wrong);
        let wrong =
            "the certificate is of another log; give the store that it was printed for with --data";
        let tip = Tip { chain: Chain([8; 32]), ..erasure().tip };
        assert_eq!(told(certificate.check_log(&Erasure { tip, ..erasure() })), wrong);
    }
}
