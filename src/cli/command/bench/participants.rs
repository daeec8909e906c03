//! Who takes part in a bench: principals with keys, what they publish and whom they watch.
//!
//! Must never hold: anything that is measured.

use std::ops::Range;

use crate::cli::run::failure::Failure;
use crate::client::Credentials;
use crate::model::{Domain, Mode, Presentity, Principal};

/// A principal with its one device, and what the store holds of it before the load begins.
#[derive(Clone, Debug)]
pub(super) struct Participant {
    /// Who.
    pub(super) who: Credentials,
    /// Whether it has published.
    pub(super) publishes: bool,
    /// Whom it watches.
    pub(super) watches: Vec<Presentity>,
    /// How much it is told.
    pub(super) mode: Mode,
}

impl Participant {
    /// One that is enrolled and no more.
    pub(super) fn plain(who: &Credentials) -> Self {
        Self { who: who.clone(), publishes: false, watches: Vec::new(), mode: Mode::Latest }
    }

    /// One that has published.
    pub(super) fn publishing(who: &Credentials) -> Self {
        Self { publishes: true, ..Self::plain(who) }
    }

    /// One that watches.
    pub(super) fn watching(who: &Credentials, watches: Vec<Presentity>, mode: Mode) -> Self {
        Self { watches, mode, ..Self::plain(who) }
    }
}

/// Makes principals whose names no other bench on the same server has.
#[derive(Clone, Debug)]
pub(super) struct Principals {
    domain: Domain,
    tag: String,
}

impl Principals {
    /// Principals of `domain`.
    pub(super) fn new(domain: Domain) -> Self {
        Self { domain, tag: format!("{:08x}", fastrand::u32(..)) }
    }

    /// The domain they are in.
    pub(super) fn domain(&self) -> &Domain {
        &self.domain
    }

    /// `count` principals called `role` and a number.
    pub(super) fn principals(&self, role: &str, count: usize) -> Result<Vec<Credentials>, Failure> {
        self.principals_from(role, 0..count)
    }

    /// Principals called `role` and the `numbers`.
    pub(super) fn principals_from(
        &self,
        role: &str,
        numbers: Range<usize>,
    ) -> Result<Vec<Credentials>, Failure> {
        numbers.map(|index| self.principal(role, index)).collect()
    }

    fn principal(&self, role: &str, index: usize) -> Result<Credentials, Failure> {
        let name = format!("bench-{}-{role}-{index}@{}", self.tag, self.domain.as_str());
        Ok(Credentials::generate(name.parse::<Principal>()?))
    }
}
