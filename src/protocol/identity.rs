//! Who a connection is, and the devices of a principal: introduction, proof, invites, keys.
//!
//! Must never hold: a signature algorithm, or a decision about who may come in.

use super::framed::{Framed, or_self, principal_or_self};
use super::request::{Answer, Request};
use crate::model::{
    DeviceId, DeviceLabel, InviteId, Lifetime, Principal, Refusal, RefusalCode, Role, Timestamp,
};

/// Frozen bodies and their parts.
pub mod body {
    use bytes::Bytes;
    use serde::{Deserialize, Serialize};

    crate::protocol::kind::bodies! {
        /// First frame of CONTROL, from the client.
        0x0001 Hello {
            /// 1.
            version: u16,
            /// Optional features wanted, one bit each; none are defined yet.
            features: u64,
            /// `local@domain`.
            principal: String,
            /// Ed25519 public key of the device.
            key: [u8; 32],
            /// 0: none, send a challenge. 1: signature over the TLS exporter.
            proof: u8,
            /// 64 bytes for proof 1, empty for proof 0.
            signature: Bytes,
            /// Set to have the key enrolled if it is not yet.
            enroll: Option<Enroll>,
            /// The client software, for the operator's eyes.
            client: String,
        }
        /// Answer to `Challenge`, from the client.
        0x0002 ChallengeAnswer {
            /// 64 bytes over the challenge.
            signature: Bytes,
        }
        /// Asks for a proof without an exporter.
        0x0102 Challenge {
            /// Random bytes to sign.
            nonce: [u8; 32],
        }
        /// The session may act.
        0x0101 Welcome {
            /// 1.
            version: u16,
            /// Features granted.
            features: u64,
            /// As whom.
            principal: String,
            /// The device's name.
            device: [u8; 8],
            /// 0: user. 1: administrator.
            role: u8,
            /// Whether the key was enrolled just now.
            enrolled: bool,
            /// 1: answers mean synced. 2: buffered.
            durability: u8,
            /// The server's clock.
            time_ms: u64,
            /// The server software.
            server: String,
        }
        /// Makes an invite. The client makes the token and keeps it.
        0x0016 Invite {
            /// The client's number for the answer.
            request: u64,
            /// BLAKE3 `derive_key("adsum 2026 invite id", token)`.
            invite: [u8; 32],
            /// For whom; none means any free name of the maker's domain.
            principal: Option<String>,
            /// 0: user. 1: administrator.
            role: u8,
            /// How long it is good.
            lifetime_ms: Option<u64>,
        }
        /// Answer to `Invite`.
        0x0116 Invited {
            /// The client's number.
            request: u64,
            /// When it runs out.
            expires_at_ms: u64,
        }
        /// Withdraws a device's key and closes its connections.
        0x0017 RevokeKey {
            /// The client's number for the answer.
            request: u64,
            /// Whose device; empty means one's own.
            principal: String,
            /// The device.
            device: [u8; 8],
        }
        /// Answer to `RevokeKey`.
        0x0117 KeyRevoked {
            /// The client's number.
            request: u64,
        }
        /// Asks for the devices of a principal. Answer: any number of `Key`, then `End`.
        0x0022 ListKeys {
            /// Whose; empty means one's own.
            principal: String,
        }
        /// One row of the answer to `ListKeys`.
        0x0122 Key {
            /// The device.
            device: [u8; 8],
            /// What its owner calls it.
            label: String,
            /// When it was enrolled.
            enrolled_at_ms: u64,
            /// When it was revoked.
            revoked_at_ms: Option<u64>,
        }
    }

    /// A wish to have a key enrolled.
    #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
    pub struct Enroll {
        /// The invite's token; empty under open enrollment.
        pub token: Bytes,
        /// What the owner calls the device.
        pub label: String,
    }
}

/// [`body::Hello::proof`]: none yet, send a challenge.
pub const PROOF_CHALLENGE: u8 = 0;
/// [`body::Hello::proof`]: a signature over the TLS exporter.
pub const PROOF_EXPORTER: u8 = 1;
/// [`body::Welcome::durability`]: answers mean that the state is on stable storage.
pub const DURABILITY_SYNCED: u8 = 1;

/// Makes an invite. Answer: [`Answer::Invited`]. A repeat finds the invite, by its id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invite {
    /// Its public name; its maker keeps the token.
    pub invite: InviteId,
    /// For whom; `None` for any free name in the maker's domain.
    pub principal: Option<Principal>,
    /// Makes the invited an administrator.
    pub role: Role,
    /// How long it is good; `None` for the default.
    pub lifetime: Option<Lifetime>,
}

impl Framed for Invite {
    type Body = body::Invite;

    fn to_body(&self) -> body::Invite {
        body::Invite {
            request: 0,
            invite: self.invite.0,
            principal: self.principal.as_ref().map(Principal::to_string),
            role: role_number(self.role),
            lifetime_ms: self.lifetime.map(Lifetime::as_ms),
        }
    }

    fn from_body(body: body::Invite) -> Result<Self, Refusal> {
        Ok(Self {
            invite: InviteId(body.invite),
            principal: body.principal.map(|principal| principal.parse()).transpose()?,
            role: role(body.role)?,
            lifetime: body.lifetime_ms.map(Lifetime::from_ms),
        })
    }
}

impl Request for Invite {}

/// Withdraws a device's key. Answer: [`Answer::KeyRevoked`]. A repeat finds the key revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeKey {
    /// Whose device: `None` for the asker's own; or of a principal of its domain if it is an administrator.
    pub principal: Option<Principal>,
    /// The device.
    pub device: DeviceId,
}

impl Framed for RevokeKey {
    type Body = body::RevokeKey;

    fn to_body(&self) -> body::RevokeKey {
        let principal = or_self(self.principal.as_ref());
        body::RevokeKey { request: 0, principal, device: self.device.0 }
    }

    fn from_body(body: body::RevokeKey) -> Result<Self, Refusal> {
        let principal = principal_or_self(&body.principal)?;
        Ok(Self { principal, device: DeviceId(body.device) })
    }
}

impl Request for RevokeKey {
    fn done_before(&self, code: RefusalCode) -> Option<Answer> {
        (code == RefusalCode::NoDevice).then_some(Answer::KeyRevoked)
    }
}

/// Asks for the devices of a principal. Answer: any number of [`DeviceKey`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListKeys {
    /// Whose; `None` for the asker itself.
    pub principal: Option<Principal>,
}

impl Framed for ListKeys {
    type Body = body::ListKeys;

    fn to_body(&self) -> body::ListKeys {
        body::ListKeys { principal: or_self(self.principal.as_ref()) }
    }

    fn from_body(body: body::ListKeys) -> Result<Self, Refusal> {
        Ok(Self { principal: principal_or_self(&body.principal)? })
    }
}

/// A device of a principal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceKey {
    /// Its name.
    pub device: DeviceId,
    /// What its owner calls it.
    pub label: DeviceLabel,
    /// When it was enrolled.
    pub enrolled_at: Timestamp,
    /// When it was revoked, if it was.
    pub revoked_at: Option<Timestamp>,
}

impl Framed for DeviceKey {
    type Body = body::Key;

    fn to_body(&self) -> body::Key {
        body::Key {
            device: self.device.0,
            label: self.label.as_str().to_owned(),
            enrolled_at_ms: self.enrolled_at.as_ms(),
            revoked_at_ms: self.revoked_at.map(Timestamp::as_ms),
        }
    }

    fn from_body(body: body::Key) -> Result<Self, Refusal> {
        Ok(Self {
            device: DeviceId(body.device),
            label: DeviceLabel::new(&body.label)?,
            enrolled_at: Timestamp::from_ms(body.enrolled_at_ms),
            revoked_at: body.revoked_at_ms.map(Timestamp::from_ms),
        })
    }
}

/// Reads a role.
///
/// # Errors
/// [`Refusal::BadField`] for a role this version does not know.
pub fn role(number: u8) -> Result<Role, Refusal> {
    match number {
        0 => Ok(Role::User),
        1 => Ok(Role::Administrator),
        _ => Err(Refusal::bad_field("role", "is neither 0 (user) nor 1 (administrator)")),
    }
}

/// Number of a role.
pub const fn role_number(role: Role) -> u8 {
    match role {
        Role::User => 0,
        Role::Administrator => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_role_is_read_as_written_or_refused(number in any::<u8>()) {
            prop_assert!(role(number).map_or(number > 1, |it| role_number(it) == number));
        }
    }

    #[test]
    fn keys_asked_for_without_a_name_are_the_askers_own() {
        let question = body::ListKeys { principal: String::new() };
        assert_eq!(ListKeys::from_body(question), Ok(ListKeys { principal: None }));
        let nobody = body::ListKeys { principal: "nobody".to_owned() };
        assert!(matches!(ListKeys::from_body(nobody), Err(Refusal::BadAddress { .. })));
    }
}
