//! What can be wrong with the bytes of a stream, and how a peer is told.
//!
//! Must never hold: what a kind means.

use thiserror::Error;

use super::{CloseCode, ResetCode};
use crate::model::Refusal;

/// What is wrong with the bytes of a stream.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FrameFault {
    /// The length field says more than is allowed.
    #[error("a frame of {found} bytes was announced, the most is {max}")]
    TooLarge {
        /// What it says.
        found: u64,
        /// What it may say.
        max: u64,
    },
    /// The length field leaves no room for a kind.
    #[error("a frame of {found} bytes was announced, the least is 2")]
    TooSmall {
        /// What it says.
        found: u64,
    },
    /// Text in the body is not UTF-8.
    #[error("text in a frame of kind {kind:#06x} is not UTF-8")]
    Utf8 {
        /// The frame's kind.
        kind: u16,
    },
    /// The body does not decode as its kind.
    #[error("the body of a frame of kind {kind:#06x} does not decode: {reason}")]
    Body {
        /// The frame's kind.
        kind: u16,
        /// Why.
        reason: String,
    },
    /// The frame is of another kind than must come here.
    #[error("a frame of kind {found:#06x} came where {expected} must come")]
    Unexpected {
        /// The kind that came.
        found: u16,
        /// The name of what must come.
        expected: &'static str,
    },
    /// The stream ended inside a frame.
    #[error("the stream ended inside a frame")]
    Truncated,
}

impl FrameFault {
    /// The refusal that answers a request frame with this fault, if its request number is known; `None` for a fault
    /// after which the stream's frames cannot be told apart any more.
    pub fn refusal(&self) -> Option<Refusal> {
        match self {
            Self::Utf8 { .. } => Some(Refusal::BadUtf8 { part: "text of the request".to_owned() }),
            Self::Body { .. } => Some(Refusal::Malformed),
            Self::Unexpected { found, .. } => Some(Refusal::UnknownKind { kind: *found }),
            Self::TooLarge { .. } | Self::TooSmall { .. } | Self::Truncated => None,
        }
    }

    /// The code that closes a connection whose CONTROL stream has this fault.
    pub const fn close_code(&self) -> CloseCode {
        match self {
            Self::TooLarge { .. } => CloseCode::FrameTooLarge,
            _ => CloseCode::ProtocolViolation,
        }
    }

    /// The code that resets a QUERY or FEED stream with this fault.
    pub const fn reset_code(&self) -> ResetCode {
        match self {
            Self::TooLarge { .. } => ResetCode::FrameTooLarge,
            Self::Unexpected { .. } => ResetCode::Unsupported,
            _ => ResetCode::Malformed,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::RefusalCode;

    #[test]
    fn every_fault_of_a_body_is_refused_by_its_own_code() {
        let code = |fault: &FrameFault| fault.refusal().map(|refusal| refusal.code());
        let reason = String::new();
        let unexpected = FrameFault::Unexpected { found: 0x7ff0, expected: "Hello" };
        assert_eq!(code(&FrameFault::Utf8 { kind: 1 }), Some(RefusalCode::BadUtf8));
        assert_eq!(code(&FrameFault::Body { kind: 1, reason }), Some(RefusalCode::Malformed));
        assert_eq!(code(&unexpected), Some(RefusalCode::UnknownKind));
    }

    #[test]
    fn a_fault_of_the_framing_is_not_answered_but_ends_the_stream() {
        let too_large = FrameFault::TooLarge { found: 9, max: 8 };
        for fault in [&too_large, &FrameFault::TooSmall { found: 1 }, &FrameFault::Truncated] {
            assert_eq!(fault.refusal(), None);
        }
        assert_eq!(too_large.close_code(), CloseCode::FrameTooLarge);
        assert_eq!(too_large.reset_code(), ResetCode::FrameTooLarge);
        assert_eq!(FrameFault::Truncated.close_code(), CloseCode::ProtocolViolation);
        assert_eq!(FrameFault::Truncated.reset_code(), ResetCode::Malformed);
    }
}
