//! What a server says of itself: its software, what it serves, and how much it takes.
//!
//! Must never hold: how many there are of anything, or who is connected.

use super::asked::question;
use super::field::Field;
use super::framed::framed;
use super::sample::{Sample, through};
use crate::model::{Domain, Refusal};
pub use crate::wire::VERSION;

/// Frozen bodies and their parts.
pub mod body {
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// Asks what the server says of itself. Answer: `ServerDescription`.
        0x002f ServerInfo {
        }
        /// Answer to `ServerInfo`.
        0x0141 ServerDescription {
            /// The server software.
            software: String,
            /// Version of the protocol.
            version: u16,
            /// Domains served, as far as the asker may know.
            domains: Vec<String>,
            /// Limits in force.
            limits: Vec<Limit>,
        }
    }

    /// A limit.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Limit {
        /// What is limited, with its unit.
        pub name: String,
        /// The most there may be.
        pub most: u64,
    }
}

/// What the server calls itself.
pub const SOFTWARE: &str = concat!("adsum/", env!("CARGO_PKG_VERSION"));

/// Asks what the server says of itself. Answer: [`ServerDescription`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerInfo;

question! { ServerInfo -> ServerDescription }

/// What a server says of itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServerDescription {
    /// Its software.
    pub software: String,
    /// The version of the protocol.
    pub version: u16,
    /// The domains served, in order of name: all of them for an administrator, for others their own.
    pub domains: Vec<Domain>,
    /// The limits in force, each by what is limited with its unit, and the most there may be.
    pub limits: Vec<(String, u64)>,
}

framed! { ServerDescription in ServerDescription: software, version, domains, limits }

impl Field<body::Limit> for (String, u64) {
    fn to_wire(&self) -> body::Limit {
        body::Limit { name: self.0.clone(), most: self.1 }
    }

    fn from_wire(wire: body::Limit) -> Result<Self, Refusal> {
        Ok((wire.name, wire.most))
    }
}

/// The samples of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let limits = vec![body::Limit { name: "message-body-bytes".into(), most: 65_536 }];
    let (software, domains) = ("adsum/0.1.0".into(), vec!["example.com".into()]);
    let description = body::ServerDescription { software, version: 1, domains, limits };
    vec![
        through::<ServerInfo>("ServerInfo", body::ServerInfo {}),
        through::<ServerDescription>("ServerDescription", description),
    ]
}
