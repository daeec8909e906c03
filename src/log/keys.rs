//! The keys that what people wrote is sealed with, as the rest of the crate sees them.
//!
//! Must never hold: a key.

use std::collections::BTreeSet;

use super::LogFault;
use crate::event::Owners;
use crate::model::{Domain, Payload, Principal};

/// What people wrote, sealed with keys that lie outside the log.
pub trait Sealing {
    /// Seals together what belongs to `owners`. A key that was not there is made, and durable when this returns; who was
    /// erased is made none, and what belongs to it is left out instead.
    ///
    /// # Errors
    /// [`LogFault::Io`].
    fn seal(&self, owners: &Owners, payloads: Vec<&mut Payload>) -> Result<(), LogFault>;

    /// Opens those of `payloads`, which were sealed together, that are sealed. They read as erased if a key that they need is
    /// gone.
    ///
    /// # Errors
    /// [`LogFault::Keys`] if the keys are there and do not open it.
    fn open(&self, payloads: Vec<&mut Payload>) -> Result<(), LogFault>;

    /// Has messages from `domains` sealed for their recipients alone from now on, until events say something else: whoever sent
    /// one cannot have it made unreadable.
    fn keep_for_recipients(&self, domains: BTreeSet<Domain>);

    /// Destroys the key of `principal`: nobody can read any more what was sealed with it. Until a device is enrolled under that
    /// name it is made no other one. Returns whether there was one.
    ///
    /// # Errors
    /// [`LogFault::Io`]; the key is then there or not, and is destroyed when this is done again.
    fn destroy(&self, principal: &Principal) -> Result<bool, LogFault>;
}
