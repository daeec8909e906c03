//! Erasing a principal: oneself, or for an administrator somebody of its domain.
//!
//! Must never hold: what ends with a principal (the service decides), or what a certificate says (the server makes it).

use super::framed::framed;
use super::request::{Answer, Request};
use super::sample::{BOB, Sample, answered, asked};
use crate::model::Principal;

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// Erases a principal for good. Answer: `Erased`.
        0x0038 Erase {
            /// The client's number for the answer.
            request: u64,
            /// Whom: oneself, or for an administrator somebody of its domain.
            principal: String,
        }
        /// Answer to `Erase`.
        0x0119 Erased {
            /// The client's number.
            request: u64,
            /// The certificate: one line of JSON, signed; empty if the server could not make one.
            certificate: String,
        }
    }
}

/// Erases a principal: nobody can read any more what it wrote, and all else of it ends. Answer:
/// [`Answer::Erased`]. A repeat finds it erased, and gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Erase {
    /// Whom: the asker itself, or for an administrator somebody of its domain.
    pub principal: Principal,
}

framed! { request Erase: principal }

impl Request for Erase {}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let certificate = r#"{"type":"erasure-certificate","version":1,"principal":"bob@example.com"}"#;
    let erased = Answer::Erased { certificate: certificate.to_owned() };
    vec![
        asked::<Erase>("Erase", 21, body::Erase { request: 0, principal: BOB.into() }),
        answered("Erased", 21, &erased),
    ]
}
