//! What happened: a digest of all of it, all of it in words, and how often each kind of thing happened.
//!
//! Must never hold: anything that decides what happens next.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Written by everybody in the world; clones are the same trace.
#[derive(Clone, Debug)]
pub(crate) struct Trace(Rc<RefCell<Written>>);

#[derive(Debug)]
struct Written {
    now: u64,
    digest: blake3::Hasher,
    happenings: Vec<String>,
    counts: BTreeMap<Cow<'static, str>, u64>,
}

impl Trace {
    pub(crate) fn new() -> Self {
        Self(Rc::new(RefCell::new(Written {
            now: 0,
            digest: blake3::Hasher::new(),
            happenings: Vec::new(),
            counts: BTreeMap::new(),
        })))
    }

    /// What comes next happens at `now`.
    pub(crate) fn at(&self, now: u64) {
        self.0.borrow_mut().now = now;
    }

    /// Something happened.
    pub(crate) fn note(&self, happening: core::fmt::Arguments<'_>) {
        let mut written = self.0.borrow_mut();
        let line = format!("{:>9} ms  {happening}", written.now);
        written.digest.update(line.as_bytes());
        written.happenings.push(line);
    }

    /// Something of a kind that is counted happened.
    pub(crate) fn count(&self, kind: impl Into<Cow<'static, str>>) {
        *self.0.borrow_mut().counts.entry(kind.into()).or_default() += 1;
    }

    /// Bytes that belong to the digest: a frame on a link, the disk at the end.
    pub(crate) fn bytes(&self, bytes: &[u8]) {
        let mut written = self.0.borrow_mut();
        written.digest.update(&(bytes.len() as u64).to_be_bytes());
        written.digest.update(bytes);
    }

    pub(crate) fn digest(&self) -> blake3::Hash {
        self.0.borrow().digest.finalize()
    }

    pub(crate) fn happenings(&self) -> Vec<String> {
        self.0.borrow().happenings.clone()
    }

    pub(crate) fn counts(&self) -> BTreeMap<Cow<'static, str>, u64> {
        self.0.borrow().counts.clone()
    }
}

/// Writes a happening into a trace.
macro_rules! note {
    ($trace:expr, $($what:tt)+) => { $trace.note(format_args!($($what)+)) };
}
pub(crate) use note;
