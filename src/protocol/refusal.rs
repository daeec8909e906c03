//! What any stream may end with: a refusal, the end of a list, and the server going away.
//!
//! Must never hold: why something is refused (see `model`).

use super::request::Answer;
use super::sample::{Sample, answered, sample};
use crate::model::limits::REFUSAL_TEXT_BYTES_MAX;
use crate::model::{Lifetime, Refusal};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// A change was made, or had been made by the same operation.
        0x0118 Changed {
            /// The client's number.
            request: u64,
            /// The version from now on; 0 if it has none.
            version: u64,
        }
        /// Last frame of an answer that has rows.
        0x012f End {
        }
        /// A request was refused and changed nothing. On QUERY and FEED it is the last frame.
        0x01ff Refused {
            /// The client's number; 0 where there is none.
            request: u64,
            /// A refusal code.
            code: u16,
            /// Thing, cause and cure in words.
            message: String,
            /// When to try again.
            retry_after_ms: Option<u64>,
        }
        /// The server is about to go: no new requests, come back later.
        0x8001 Goaway {
            /// The connection closes this much later at the latest.
            deadline_ms: u64,
            /// Connect again after this much.
            reconnect_after_ms: u64,
        }
    }
}

/// Writes the answer to a request that was refused; `request` is 0 where requests have no number.
///
/// The text is cut to [`REFUSAL_TEXT_BYTES_MAX`], so that no refusal can outgrow a frame by what it repeats.
pub fn refused(request: u64, refusal: &Refusal) -> body::Refused {
    let mut message = refusal.to_string();
    message.truncate(message.floor_char_boundary(REFUSAL_TEXT_BYTES_MAX));
    body::Refused {
        request,
        code: refusal.code().number(),
        message,
        retry_after_ms: refusal.retry_after().map(Lifetime::as_ms),
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let busy = Refusal::Busy { retry_after: Lifetime::from_ms(1_000) };
    vec![
        answered("Changed", 9, &Answer::Changed { version: 4 }),
        sample("Refused", &refused(3, &Refusal::StaleTag)),
        sample("Refused on QUERY", &refused(0, &busy)),
        sample("End", &body::End {}),
        sample("Goaway", &body::Goaway { deadline_ms: 5_000, reconnect_after_ms: 1_250 }),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_carries_code_and_cure_and_never_outgrows_a_frame() {
        let busy = refused(7, &Refusal::Busy { retry_after: Lifetime::from_ms(2_000) });
        assert_eq!((busy.request, busy.code, busy.retry_after_ms), (7, 32, Some(2_000)));
        assert!(busy.message.contains("try again"));
        let long = refused(0, &Refusal::NotYourSender { given: "é".repeat(50_000) });
        assert!(long.message.len() <= REFUSAL_TEXT_BYTES_MAX);
        assert!(long.message.len() >= REFUSAL_TEXT_BYTES_MAX - 3);
    }
}
