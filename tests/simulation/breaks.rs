//! Which promises each planted bug may break the first, so that one is not found by chance for another reason.
//!
//! Must never hold: what a bug changes.

use super::Bug;

impl Bug {
    /// The promises of which it may break the first.
    pub(crate) fn breaks(self) -> &'static [u8] {
        match self {
            Self::AnswersBeforeSync => &[1, 2],
            // The end may lack a part of an event, and such a store does not open.
            Self::RestoreForgetsEnd => &[0, 1, 2],
            // What the state leans on is missing.
            Self::CutForgetsState | Self::MarkBeforeStage | Self::RestoreForgetsCarried => {
                &[2, 3, 4, 5, 6, 9]
            }
            Self::MarkBeforeStatement | Self::CutLeadsBackWrongly | Self::CutLeadsOnWrongly => &[6],
            // Whoever reads meanwhile finds nothing.
            Self::SweptBeforeMark => &[0, 2, 3, 5, 6],
            Self::BackupSeesNoCut
            | Self::BackupForgetsCarried
            | Self::BackupBeforeItsParts
            | Self::CutForgetsEvents
            | Self::RoomNotAsked => &[2],
            Self::RoomNeverBack => &[10],
            Self::PositionBeforeTaken | Self::RestoredNotSaid | Self::PassedForgotten => &[3],
            // The tags of publications come from the epoch.
            Self::EpochNotDrawn | Self::RestoreKeepsEpoch => &[3, 4],
            // What it acknowledges by a cursor of the other past is never confirmed.
            Self::FloorKept => &[3, 10],
            // What nobody ever acknowledged is taken, too; and such a cursor is taken for one of another past.
            Self::ToldIsTaken | Self::CursorLostByCut => &[3, 12],
            // What is acknowledged too far makes room for too much.
            Self::CursorOneAhead => &[3, 8],
            Self::MessageIdsForgotten | Self::AnswerOutOfOrder => &[4],
            // What is recorded without its name is not known under it.
            Self::OperationDropped => &[1, 4],
            Self::LeasesRestarted
            | Self::LifetimesByWallClock
            | Self::TimeNotNoted
            | Self::TimeDownLost
            | Self::BadSecondKept => &[9],
            Self::WindowTwice => &[8],
            // What is shown of its presence differs then, too.
            Self::KeyOfAnotherDestroyed => &[9, 11],
            Self::BackupTakesKeys
            | Self::KeyKept
            | Self::KeysComeBack
            | Self::KeyLostByCrash
            | Self::SealedForRecipientsAlone
            | Self::CheckpointUnsealed
            | Self::CutUnsealed
            | Self::FeedsToldNoErasure => &[11],
            // Nobody asked for what it does.
            Self::EraseNotAsked
            | Self::FeedBeforeProof
            | Self::RetentionNotAsked
            | Self::OneQueueForAll
            | Self::NamedIsBelieved
            | Self::GroupRightNotAsked
            | Self::GroupReaderNotAsked
            | Self::GroupQuestionNotAsked
            | Self::GroupSenderNotAsked
            | Self::NamelessIsSomebody => &[12],
        }
    }
}
