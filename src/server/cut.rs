//! Cutting the log of a store while no server runs on it, and stating what is carried forward.
//!
//! Must never hold: what is carried forward.

use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;

use super::ServerError;
use super::clock::{SystemClock, Timekeeper};
use super::erasure::{is_signed, sign, signing_key};
use crate::commit::{Asked, Commit, carried, finish_cut, last_until, stage_cut_beside, sweep_cut};
use crate::event::{Chain, CutStatement, Event, LogCut};
use crate::log::{
    Carried, CarriedSum, CutMark, Entries as _, EventLog, SledLog, Tip, carried_sum, measure,
    tip_until,
};
use crate::model::{EpochId, Lifetime, Sequence, Timestamp};
use crate::random;
use crate::service::{InboxPlace, ServiceConfig};

/// What a cut removes, or would.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CutDone {
    /// The first event that goes.
    pub from: Sequence,
    /// The last one; before `from` if there is none to go.
    pub through: Sequence,
    /// How many bytes of entries go.
    pub bytes: u64,
    /// What was stated, and by which event, unless it was only asked what would go.
    pub stated: Option<(CutStatement, Sequence)>,
    /// When the last event that goes was recorded, by the wall clock then.
    pub until: Option<Timestamp>,
}

/// Cuts the log of the store in `data` so that what is older than `keep` goes, but for what is carried forward; or, if it is
/// to be a `rehearsal`, only tells what would go.
///
/// # Errors
/// [`ServerError::Log`] if there is no store or a process has it, and as [`sign`].
///
/// # Panics
/// Never: a store on a disk can be cut.
pub fn cut_as_operator(
    data: &Path,
    keep: Lifetime,
    rehearsal: bool,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<CutDone, ServerError> {
    let log = SledLog::open_existing(data)?;
    let base = log.mark().base.head;
    let (reader, head) = (log.reader(), log.head());
    let config = ServiceConfig {
        epoch: EpochId(random::bytes()),
        ..ServiceConfig::new(Vec::new(), [0; 32])
    };
    let mut commit = Commit::open(config, Box::new(log), progress)?;
    let now = Timekeeper::open(Arc::new(SystemClock), data, commit.views())?.now();
    let since = Timestamp::from_ms(now.elapsed.as_ms().saturating_sub(keep.as_ms()));
    let at = last_until(reader.as_ref(), (base, head), since)?;
    let mut cutter = commit.cutter().expect("sled cuts");
    let through = tip_until(cutter.entries(), at)?.head;
    let (from, bytes) = (base.next(), measure(cutter.entries(), (base, through), u64::MAX)?.1);
    let until = if through > base { Some(reader.read_one(through)?.shown_at()) } else { None };
    let mut done = CutDone { from, through, bytes, stated: None, until };
    if rehearsal || through <= base {
        return Ok(done);
    }
    let mut place = Some(InboxPlace::default());
    while let Some(from) = place {
        place = commit.end_read(now, &|_| since, &from)?;
    }
    drop(commit.release());
    commit.checkpoint_all()?;
    let mut always = || true;
    let mut still_there =
        |inbox: &_, places: Vec<_>| Some(commit.views().kept_among(inbox, places));
    let mut asked = Asked { keeps: &|_| false, still_there: &mut still_there };
    if let Some(staged) =
        stage_cut_beside(reader.as_ref(), cutter.as_mut(), at, &mut asked, &mut always)?
    {
        commit.record(now, vec![Event::LogCut(signed(data, staged.statement)?)])?;
        finish_cut(cutter.as_mut(), &staged, commit.head())?;
        sweep_cut(cutter.as_mut(), &mut always)?;
        done.stated = Some((staged.statement, commit.head()));
    }
    Ok(done)
}

/// States in the log of the store in `data`, which was made of another one, what is carried forward in it; nothing if that was
/// never cut, or is stated.
///
/// # Errors
/// As [`cut_as_operator`].
///
/// # Panics
/// Never, as [`cut_as_operator`].
pub fn state_carried(data: &Path) -> Result<(), ServerError> {
    let mut log = SledLog::open_existing(data)?;
    let mark = log.mark();
    if mark.base == Tip::EMPTY || mark.statement > Sequence::ZERO {
        return Ok(());
    }
    let views = carried(&log, Sequence::ZERO)?.unwrap_or_default();
    let (mut at, mut ahead) = (views.moment(), views.ahead());
    if log.head() > mark.base.head {
        let last = log.reader().read_one(log.head())?;
        (at, ahead) = (last.at, last.ahead);
    }
    let CarriedSum { records, bytes: carried_bytes, digest } =
        carried_sum(&log, Carried::Counting)?;
    let cut = CutStatement {
        from: Sequence::new(1),
        through: mark.base.head,
        until: views.time(),
        before: Chain::START,
        after: mark.base.chain,
        bytes: 0,
        records,
        carried_bytes,
        carried: digest,
    };
    let event = Event::LogCut(signed(data, cut)?);
    let statement = log.append_at(ahead, &[(at.next(), event)])?;
    log.sync()?;
    let mut cutter = log.cutter().expect("sled cuts");
    cutter.cut(CutMark { statement, number: mark.number + 1, carried_bytes, ..mark })?;
    Ok(())
}

/// The statement, signed by the server's key.
pub(super) fn signed(data: &Path, cut: CutStatement) -> Result<LogCut, ServerError> {
    let key = Bytes::from(signing_key(data)?);
    let signature = Bytes::from(sign(data, &cut.signed_bytes())?);
    Ok(LogCut { cut, key, signature })
}

/// Whether the statement is signed by the key that it names.
pub fn is_cut_signed(stated: &LogCut) -> bool {
    is_signed(&stated.key, &stated.cut.signed_bytes(), &stated.signature)
}
