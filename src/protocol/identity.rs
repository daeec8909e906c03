//! Who a connection is, and the devices of a principal: introduction, proof, invites, keys.
//!
//! Must never hold: a signature algorithm, or a decision about who may come in.

use bytes::Bytes;

use super::asked::question;
use super::field::numbered;
use super::framed::framed;
use super::request::{Answer, NamedBy, Request};
use super::sample::{
    BOB, CAROL, DEVICE, HOUR_MS, Sample, TIME_MS, WEEK_MS, answered, asked, sample, through,
};
use crate::model::{
    DeviceId, DeviceLabel, InviteId, Lifetime, OperationId, Principal, RefusalCode, Role, Timestamp,
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
            ;
            /// The recovery of the principal's name that runs: invite, three times, role, whether earlier messages are shown, who.
            1 recovery,
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
            ;
            /// 1: it is to be a recovery of the principal's name, which exists.
            1 recovers,
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
            ;
            /// The device's name for the operation, 16 bytes; the same on a repeat.
            1 operation,
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
    /// How long it is good; `None` for the default. Of a recovery: from when it takes effect.
    pub lifetime: Option<Lifetime>,
    /// Whether it is to be a recovery of the principal's name, which exists and is not the maker's.
    pub recovers: bool,
}

framed! { request Invite: invite, principal, role, recovers; lifetime_ms = lifetime }

impl Request for Invite {}

/// Withdraws a device's key. Answer: [`Answer::KeyRevoked`]. A repeat gets the first answer, by its
/// operation; one without a name finds the key revoked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RevokeKey {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Whose device: `None` for the asker's own; or of a principal of its domain if it is an administrator.
    pub principal: Option<Principal>,
    /// The device.
    pub device: DeviceId,
}

framed! { request RevokeKey: principal, device, operation }

impl Request for RevokeKey {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Device, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        self.device.to_string()
    }

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

question! { ListKeys -> Vec<DeviceKey>: principal }

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

framed! {
    DeviceKey in Key:
    device, label; enrolled_at_ms = enrolled_at, revoked_at_ms = revoked_at
}

numbered! { Role, "role", "is neither 0 (user) nor 1 (administrator)": 0 User, 1 Administrator }

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    [introductions(), devices()].into_iter().flatten().collect()
}

fn introductions() -> Vec<Sample> {
    let hello = body::Hello {
        version: 1,
        features: 0,
        principal: BOB.into(),
        key: SAMPLE_KEY,
        proof: PROOF_EXPORTER,
        signature: Bytes::from_static(&SAMPLE_OVER_EXPORTER),
        enroll: None,
        client: "example/1.0".into(),
    };
    let enroll = body::Enroll { token: SAMPLE_TOKEN.to_vec().into(), label: "phone".into() };
    let asking = body::Hello {
        proof: PROOF_CHALLENGE,
        signature: Bytes::new(),
        enroll: Some(enroll),
        ..hello.clone()
    };
    let signature = Bytes::from_static(&SAMPLE_OVER_CHALLENGE);
    vec![
        sample("Hello", &hello),
        sample("Hello that asks for a challenge and for enrolment", &asking),
        sample("Challenge", &body::Challenge { nonce: [0xc4; 32] }),
        sample("ChallengeAnswer", &body::ChallengeAnswer { signature }),
        sample("Welcome", &sample_welcome()),
    ]
}

/// What bob's device is told when it is let in.
pub(super) fn sample_welcome() -> body::Welcome {
    body::Welcome {
        version: 1,
        features: 0,
        principal: BOB.into(),
        device: DEVICE,
        role: 0,
        enrolled: false,
        durability: DURABILITY_SYNCED,
        time_ms: TIME_MS,
        server: "adsum/0.1.0".into(),
        recovery: None,
    }
}

fn devices() -> Vec<Sample> {
    let invite = body::Invite {
        request: 0,
        invite: InviteId::of(&SAMPLE_TOKEN).0,
        principal: Some(CAROL.into()),
        role: 0,
        lifetime_ms: Some(WEEK_MS),
        recovers: None,
    };
    let (principal, device) = (String::new(), DEVICE);
    let revoke = body::RevokeKey { request: 0, principal, device, operation: None };
    let key = body::Key {
        device,
        label: "phone".into(),
        enrolled_at_ms: TIME_MS,
        revoked_at_ms: Some(TIME_MS + HOUR_MS),
    };
    let expires_at = Timestamp::from_ms(TIME_MS + WEEK_MS);
    vec![
        asked::<Invite>("Invite", 7, invite),
        answered("Invited", 7, &Answer::Invited { expires_at }),
        asked::<RevokeKey>("RevokeKey", 8, revoke),
        answered("KeyRevoked", 8, &Answer::KeyRevoked),
        through::<ListKeys>("ListKeys", body::ListKeys { principal: String::new() }),
        through::<DeviceKey>("Key", key),
    ]
}

/// The token of an invite.
const SAMPLE_TOKEN: [u8; 32] = [0x70; 32];
/// The public key of bob's device.
const SAMPLE_KEY: [u8; 32] = [
    0x21, 0x52, 0xf8, 0xd1, 0x9b, 0x79, 0x1d, 0x24, 0x45, 0x32, 0x42, 0xe1, 0x5f, 0x2e, 0xab, 0x6c,
    0xb7, 0xcf, 0xfa, 0x7b, 0x6a, 0x5e, 0xd3, 0x00, 0x97, 0x96, 0x0e, 0x06, 0x98, 0x81, 0xdb, 0x12,
];
/// Its signature over the exporter of the examples.
const SAMPLE_OVER_EXPORTER: [u8; 64] = [
    0xb5, 0x12, 0x83, 0xa4, 0x87, 0xa5, 0xef, 0xf8, 0x77, 0x6b, 0x16, 0xfe, 0xbc, 0xea, 0xb1, 0xf8,
    0x85, 0xc2, 0x31, 0x6b, 0xb1, 0x27, 0xeb, 0xda, 0x0d, 0xff, 0x63, 0xfc, 0xd1, 0x12, 0x12, 0xee,
    0xe8, 0x86, 0xe1, 0xde, 0x26, 0x6c, 0x9e, 0x69, 0xf7, 0x08, 0xaa, 0x04, 0xcf, 0xd3, 0x45, 0x72,
    0x46, 0x41, 0xf0, 0x48, 0x69, 0xc9, 0x06, 0x85, 0xa8, 0xe6, 0x8a, 0xbc, 0xe1, 0xa9, 0xad, 0x0f,
];
/// Its signature over the challenge of the examples.
const SAMPLE_OVER_CHALLENGE: [u8; 64] = [
    0xd9, 0x56, 0x10, 0x55, 0xc6, 0x2b, 0x70, 0x55, 0x8c, 0x88, 0xfb, 0xbe, 0x3e, 0x22, 0xd8, 0x42,
    0xfd, 0x63, 0xf9, 0xc5, 0xc0, 0xbb, 0x0a, 0x6c, 0xdf, 0xb2, 0xa8, 0x9e, 0x53, 0xf2, 0xca, 0x92,
    0xf5, 0x69, 0x1f, 0xf4, 0xd3, 0x16, 0xde, 0x9c, 0xcb, 0x74, 0xa4, 0x11, 0xb1, 0x9e, 0xc7, 0x5f,
    0x22, 0xd0, 0xcf, 0xe2, 0xf3, 0xf8, 0xf0, 0xda, 0xb1, 0x7a, 0x1c, 0x03, 0x2d, 0xfd, 0x49, 0x0e,
];

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::Refusal;
    use crate::protocol::{Field as _, Framed as _};

    proptest! {
        #[test]
        fn a_role_is_read_as_written_or_refused(number in any::<u8>()) {
            prop_assert!(Role::from_wire(number).map_or(number > 1, |it| it.to_wire() == number));
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
