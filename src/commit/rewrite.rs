//! Writing a log anew, with what is carried forward of it if it was cut.
//!
//! Must never hold: who states afterwards what is carried.

use super::load::carried;
use super::stage::Stage;
use crate::log::{
    self, CarriedEvent, CutMark, Entries, Erasures, EventLog, LogFault, SledLog, each_carried_event,
};
use crate::model::Sequence;
use crate::view::Views;

/// Writes every event of `from` to the empty log `to`, and what is carried forward, all of it sealed as a log of today is. Calls
/// `progress` with the position of the last event that is written. What is carried has yet to be stated.
///
/// # Errors
/// [`LogFault`] of either; the new log is then of no use.
pub fn rewrite(
    from: &SledLog,
    to: &mut SledLog,
    progress: &mut dyn FnMut(u64),
) -> Result<(), LogFault> {
    let erased = Erasures::of(from.reader().as_ref(), from.head())?;
    if let Some(views) = carried(from, Sequence::ZERO)? {
        carry(from, views, to, &erased)?;
    }
    log::rewrite((from.reader().as_ref(), from.head()), to, &erased, progress)
}

fn carry(
    from: &SledLog,
    mut views: Views,
    to: &mut SledLog,
    erased: &Erasures,
) -> Result<(), LogFault> {
    let mut cutter = to.cutter().expect("sled cuts");
    let (mut always, at) = (|| true, views.head());
    let mut stage = Stage::new(cutter.as_mut(), &mut always);
    each_carried_event(from, from.vault(), &mut |CarriedEvent { lives, recorded }| {
        let recorded = erased.as_today(recorded);
        stage.opened_event(CarriedEvent { lives, recorded })
    })?;
    for entity in views.entities() {
        stage.state_but(&mut views, &entity, &|keeper| erased.covers(keeper, at))?;
    }
    stage.finish((at, views.moment(), views.ahead()))?;
    to.begin_at(CutMark { statement: Sequence::ZERO, ..from.mark() })
}
