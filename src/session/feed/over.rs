//! Why a feed ends, and its last frame.
//!
//! Must never hold: an end without a last frame, but for a peer that broke the protocol or is about to be closed.

use bytes::Bytes;

use crate::model::Refusal;
use crate::protocol::body::FeedEnd;
use crate::protocol::refusal::refused;
use crate::session::step::{Ending, Parting};
use crate::wire::{FrameFault, ResetCode, encode};

/// Why a feed ends, other than that its stream is gone.
#[derive(Debug)]
pub(super) enum FeedOver {
    /// The peer ended its half.
    Finished,
    /// The session ends.
    Ending(Ending),
    /// The peer broke the protocol.
    Malformed(FrameFault),
    /// The feed cannot go on.
    Broken(ResetCode, &'static str),
    /// The service refused.
    Refused(Refusal),
}

impl FeedOver {
    /// The log could not be read.
    pub(super) const UNREADABLE: Self =
        Self::Broken(ResetCode::Internal, "the log could not be read");
    /// What it was about to tell is not kept any more.
    pub(super) const OLDER_THAN_KEPT: Self =
        Self::Broken(ResetCode::TooFarBehind, "what comes next is older than is kept");
    /// More was told to the feed than could be kept.
    pub(super) const TOO_FAR_BEHIND: Self =
        Self::Broken(ResetCode::TooFarBehind, "the server is overloaded");

    /// Whether the peer still gets its last acknowledgement confirmed before.
    pub(super) fn is_orderly(&self) -> bool {
        matches!(self, Self::Finished | Self::Ending(_))
    }

    /// Appends the last frame, if there is one, and says how the stream ends.
    pub(super) fn write(self, out: &mut Vec<u8>) -> Parting {
        let (code, message) = match self {
            // The connection is about to be closed with the reason.
            Self::Ending(Ending::Revoked) => {
                out.clear();
                return Parting::Silent;
            }
            Self::Malformed(fault) => {
                out.clear();
                return Parting::Reset(fault.reset_code());
            }
            Self::Refused(refusal) => {
                encode(&refused(0, &refusal), out);
                return Parting::Linger;
            }
            Self::Ending(Ending::GoingAway { .. }) => {
                (ResetCode::GoingAway, "the server is shutting down")
            }
            Self::Finished => (ResetCode::Cancelled, "the watcher ended the feed"),
            Self::Broken(code, message) => (code, message),
        };
        let (code, message) = (code.number(), message.to_owned());
        encode(&FeedEnd { code, cursor: Bytes::new(), message }, out);
        Parting::Linger
    }
}
