//! The certificate of an erasure: one line of JSON, signed.
//!
//! Must never hold: anything that the erased wrote.

use std::fmt;
use std::path::Path;

use data_encoding::HEXLOWER;
use serde::{Deserialize, Serialize};

use super::{Erasure, Written, is_signed, sign, signing_key};
use crate::event;
use crate::format::rfc3339;
use crate::model::Principal;
use crate::server::ServerError;

const TYPE: &str = "erasure-certificate";

/// What can be read no more.
const UNREADABLE: [&str; 3] =
    ["what it published", "the names of its devices", "the bodies of messages that it got"];
/// What else, if recipients keep nothing of it.
const SENT: &str = "the bodies of messages that it sent, at their recipients too";
/// What of that, if recipients keep some of it.
const SENT_NOT_KEPT: &str = "the bodies of messages that it sent while recipients kept none";
/// What can be read then.
const KEPT: &str =
    "the bodies of messages that it sent while recipients kept them, as its domain chose";
/// What the certificate says nothing about.
const NOT_COVERED: [&str; 3] = [
    "copies of keys/principals.keys, such as in a backup that was made with the keys",
    "what devices of others have received",
    "names, times, sizes and digests, which the log needs",
];

/// A certificate. Its members stand in this order, and the signature is over the line without its last member.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Certificate {
    #[serde(rename = "type")]
    kind: String,
    version: u32,
    /// Who was erased.
    pub principal: String,
    by: Option<String>,
    erased_at: String,
    /// The event in the log that says so, if it is told.
    pub position: Option<u64>,
    /// The last event of the entry that holds it, if it is told.
    head: Option<u64>,
    /// The chain there.
    chain: String,
    name_free_at: String,
    /// What ended with it, if it is told.
    ended: Option<Ended>,
    /// How many texts of the principal the log holds that can be read no more, and that still can, if they were counted.
    texts: Option<Texts>,
    unreadable: Vec<String>,
    /// What recipients keep, if they do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    kept: Vec<String>,
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
    /// How many of those that it sent recipients keep.
    #[serde(default, skip_serializing_if = "is_none")]
    kept: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks so")]
fn is_none(number: &u64) -> bool {
    *number == 0
}

impl From<event::Ended> for Ended {
    fn from(ended: event::Ended) -> Self {
        Self {
            devices: ended.devices,
            publications: ended.publications,
            subscriptions: ended.subscriptions,
            watchers: ended.watchers,
            grants: ended.grants,
            invites: ended.invites,
            rules: ended.rules,
            received: ended.received,
            sent: ended.sent,
        }
    }
}

impl From<Written> for Texts {
    fn from(Written { unreadable, readable, kept }: Written) -> Self {
        Self { unreadable, readable, kept }
    }
}

impl Certificate {
    /// The certificate of `erasure`, signed with the key of the store in `data`.
    ///
    /// # Errors
    /// As [`sign`].
    pub fn of(erasure: &Erasure, data: &Path) -> Result<Self, ServerError> {
        Self::make(erasure, data, true)
    }

    /// As [`Certificate::of`], for the erased itself: without places and counts, which say how much others did. The chain
    /// says which place it is to whoever has the log.
    ///
    /// # Errors
    /// As [`sign`].
    pub fn for_erased(erasure: &Erasure, data: &Path) -> Result<Self, ServerError> {
        Self::make(erasure, data, false)
    }

    fn make(erasure: &Erasure, data: &Path, is_whole: bool) -> Result<Self, ServerError> {
        let own = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned()).collect();
        let told = |number: u64| is_whole.then_some(number);
        let sent = if erasure.keeps { SENT_NOT_KEPT } else { SENT };
        let mut certificate = Self {
            kind: TYPE.to_owned(),
            version: 1,
            principal: erasure.principal.to_string(),
            by: erasure.by.as_ref().map(Principal::to_string),
            erased_at: rfc3339(erasure.erased_at),
            position: told(erasure.position.get()),
            head: told(erasure.tip.head.get()),
            chain: erasure.tip.chain.to_string(),
            name_free_at: rfc3339(erasure.name_free_at),
            ended: is_whole.then(|| Ended::from(erasure.ended)),
            texts: erasure.written.filter(|_| is_whole).map(Texts::from),
            unreadable: own(&[&UNREADABLE[..], &[sent]].concat()),
            kept: own(if erasure.keeps { &[KEPT] } else { &[] }),
            not_covered: own(&NOT_COVERED),
            server_key: HEXLOWER.encode(&signing_key(data)?),
            signature: String::new(),
        };
        let signature = sign(data, certificate.to_string().as_bytes())?;
        certificate.signature = HEXLOWER.encode(&signature);
        Ok(certificate)
    }

    /// Reads a certificate; `None` if it is none.
    pub fn read(text: &str) -> Option<Self> {
        let read: Option<Self> = serde_json::from_str(text).ok();
        read.filter(|read| read.kind == TYPE && read.version == 1)
    }

    /// The key that it says it is signed by.
    pub fn signer(&self) -> Vec<u8> {
        HEXLOWER.decode(self.server_key.as_bytes()).unwrap_or_default()
    }

    /// Whether it is signed by that key.
    pub fn is_signed(&self) -> bool {
        let unsigned = Self { signature: String::new(), ..self.clone() };
        let signature = HEXLOWER.decode(self.signature.as_bytes()).unwrap_or_default();
        is_signed(&self.signer(), unsigned.to_string().as_bytes(), &signature)
    }

    /// Whether the log that has `erasure` is the one that it was made for.
    pub fn is_of(&self, erasure: &Erasure) -> bool {
        let tip = &erasure.tip;
        self.head.is_none_or(|head| head == tip.head.get())
            && self.chain == tip.chain.to_string()
            && self.erased_at == rfc3339(erasure.erased_at)
    }
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

    #[test]
    fn a_certificate_reads_back_and_is_of_one_log_and_signed_by_one_key() {
        let data = tempfile::tempdir().unwrap();
        let erasure = Erasure::sample();
        for (make, places) in [(Certificate::of as fn(_, _) -> _, 1), (Certificate::for_erased, 0)]
        {
            let certificate: Certificate = make(&erasure, data.path()).unwrap();
            let line = certificate.to_string();
            assert_eq!(Certificate::read(&line), Some(certificate.clone()));
            assert!(certificate.is_signed() && certificate.is_of(&erasure), "{line}");
            assert_eq!(certificate.signer(), signing_key(data.path()).unwrap());
            assert_eq!(line.matches("\"position\":3,\"head\":4").count(), places, "{line}");
            let changed = Certificate { position: Some(4), ..certificate.clone() };
            assert!(!changed.is_signed());
            let tip = Tip { chain: Chain([8; 32]), ..erasure.tip };
            assert!(!certificate.is_of(&Erasure { tip, ..erasure.clone() }));
            assert_eq!(Certificate::read(&line.replace("\"version\":1", "\"version\":2")), None);
        }
        assert_eq!(Certificate::read("{}"), None);
    }
}
