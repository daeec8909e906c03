//! What was under way when power was cut, by what the child and its keeper said when it began.
//!
//! Must never hold: what must be so after a cut.

use core::ops::Range;

/// What takes the disk more than one change, so that power may be cut between two of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A backup while the server serves.
    Backup,
    /// A checkpoint, for a cut of the log to stand behind it.
    Checkpoint,
    /// Records that are to be carried forward.
    Stage,
    /// The event that states a cut of the log.
    State,
    /// Between that event and the mark that makes the cut count.
    Mark,
    /// What was cut away goes.
    Sweep,
    /// An orderly end, with its checkpoint.
    End,
    /// An erasure.
    Erase,
}

impl Step {
    pub(super) const ALL: [Self; 8] = [
        Self::Backup,
        Self::Checkpoint,
        Self::Stage,
        Self::State,
        Self::Mark,
        Self::Sweep,
        Self::End,
        Self::Erase,
    ];
}

/// The line that says that a cut of the log is made, and what was cut away is gone.
pub(super) const CUT_MADE: &str = "the beginning of the log was cut";
/// The lines of the child.
pub(super) const BACKING_UP: &str = "backing up";
pub(super) const ENDING: &str = "ending";
pub(super) const ENDED: &str = "ended";
pub(super) const ERASING: &str = "erasing";

/// How a line begins, whose it is, and what begins with it; with any, what was under way of the same is over.
const LINES: [(&str, Whose, Option<Step>); 12] = [
    ("a cut of the log begins", Whose::Keeper, Some(Step::Checkpoint)),
    ("what is carried forward is being staged", Whose::Keeper, Some(Step::Stage)),
    ("a cut of the log is being stated", Whose::Keeper, Some(Step::State)),
    ("a cut of the log is to count", Whose::Keeper, Some(Step::Mark)),
    ("what was cut away is being removed", Whose::Keeper, Some(Step::Sweep)),
    (CUT_MADE, Whose::Keeper, None),
    (ENDED, Whose::Keeper, None),
    (BACKING_UP, Whose::Child, Some(Step::Backup)),
    ("copied", Whose::Child, None),
    (ENDING, Whose::Child, Some(Step::End)),
    (ERASING, Whose::Child, Some(Step::Erase)),
    ("erased", Whose::Child, None),
];

#[derive(Clone, Copy)]
enum Whose {
    Keeper,
    Child,
}

fn read(line: &str) -> Option<(Whose, Option<Step>)> {
    let found = LINES.iter().find(|(begin, ..)| line.starts_with(begin));
    found.map(|(_, whose, step)| (*whose, *step))
}

/// Whether a line says what is under way.
pub(super) fn tells(line: &str) -> bool {
    read(line).is_some()
}

/// When each step was under way, by how many records there were, of all that was `said` behind so many.
pub(super) fn of<'a>(
    said: impl Iterator<Item = (usize, &'a str)>,
    end: usize,
) -> Vec<(Step, Range<usize>)> {
    let (mut open, mut steps) = ([None, None], Vec::new());
    for (at, line) in said {
        let Some((whose, step)) = read(line) else { continue };
        let open = &mut open[whose as usize];
        steps.extend(open.take().map(|(step, from)| (step, from..at)));
        *open = step.map(|step| (step, at));
    }
    steps.extend(open.into_iter().flatten().map(|(step, from)| (step, from..end + 1)));
    steps
}
