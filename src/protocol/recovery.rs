//! Recoveries that run: seeing them, and refusing one of one's own name. They are started by an invite of the noun identity,
//! and taken back as one.
//!
//! Must never hold: a token, or how long a recovery waits.

use bytes::Bytes;

use super::asked::question;
use super::field::Field as _;
use super::framed::{Framed as _, framed};
use super::identity::body::{Invite as InviteBody, Welcome};
use super::identity::{Invite, sample_welcome};
use super::request::{NamedBy, Request};
use super::sample::{CAROL, DAY_MS, Sample, TIME_MS, WEEK_MS, asked, operation, sample, through};
use crate::model::{InviteId, OperationId, Principal, Refusal, Role, Timestamp};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// Refuses a recovery of one's own name. Answer: `Changed`.
        0x0035 RefuseRecovery {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// Which, by its invite.
            invite: [u8; 32],
        }
        /// Asks for the recoveries that run. Answer: any number of `OpenRecovery`, then `End`.
        0x0036 ListRecoveries {
        }
        /// One recovery that runs.
        0x0144 OpenRecovery {
            /// The public name of its invite.
            invite: [u8; 32],
            /// Whose name is recovered.
            principal: String,
            /// 0: user. 1: administrator.
            role: u8,
            /// Who started it; empty means the operator.
            by: String,
            /// When it was started.
            started_at_ms: u64,
            /// From when on a device is enrolled with it.
            effective_at_ms: u64,
            /// When it runs out.
            expires_at_ms: u64,
            /// Whether that device is shown what messages say that were stored before.
            shows_earlier: bool,
        }
    }
}

/// Refuses a recovery of one's own name. Answer: [`Answer::Changed`](super::Answer::Changed). A repeat gets the first
/// answer, by its operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefuseRecovery {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Which, by its invite.
    pub invite: InviteId,
}

framed! { request RefuseRecovery: operation, invite }

impl Request for RefuseRecovery {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        self.invite.to_string()
    }
}

/// Asks for the recoveries that run: that of one's own name, and for an administrator those of its domain. Answer: any
/// number of [`OpenRecovery`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListRecoveries;

question! { ListRecoveries -> Vec<OpenRecovery> }

/// A recovery that runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenRecovery {
    /// The public name of its invite.
    pub invite: InviteId,
    /// Whose name is recovered.
    pub principal: Principal,
    /// The role it gives.
    pub role: Role,
    /// Who started it; `None` for the operator.
    pub by: Option<Principal>,
    /// When it was started.
    pub started_at: Timestamp,
    /// From when on a device is enrolled with it.
    pub effective_at: Timestamp,
    /// When it runs out.
    pub expires_at: Timestamp,
    /// Whether that device is shown what messages say that were stored before.
    pub shows_earlier: bool,
}

framed! {
    OpenRecovery in OpenRecovery:
    invite, role, shows_earlier;
    started_at_ms = started_at, effective_at_ms = effective_at, expires_at_ms = expires_at
    | principal, by
}

/// What of it stands in a [`Welcome`] in front of who started it: invite, three times, role, and whether earlier is shown.
const FIXED_BYTES: usize = 32 + 3 * 8 + 2;

impl OpenRecovery {
    /// As it stands in the `Welcome` of its principal: `invite:32 started_at_ms:u64be effective_at_ms:u64be
    /// expires_at_ms:u64be role:u8 shows_earlier:u8`, and then who started it, as text; nothing for the operator.
    pub fn in_welcome(&self) -> Bytes {
        let times = [self.started_at, self.effective_at, self.expires_at];
        let times = times.map(|time| time.as_ms().to_be_bytes());
        let by = self.by.as_ref().map(Principal::to_string).unwrap_or_default();
        let last = [self.role.to_wire(), u8::from(self.shows_earlier)];
        [&self.invite.0, times.as_flattened(), &last, by.as_bytes()].concat().into()
    }

    /// The one that a `Welcome` tells of.
    ///
    /// # Errors
    /// [`Refusal`] if that does not read.
    pub fn of_welcome(welcome: &Welcome) -> Result<Option<Self>, Refusal> {
        let Some(told) = &welcome.recovery else { return Ok(None) };
        let fault = || {
            Refusal::bad_field("recovery", "is not an invite, three times and a role; send those")
        };
        let (fixed, by) = told.split_first_chunk::<FIXED_BYTES>().ok_or_else(fault)?;
        let time = |place: usize| {
            let bytes = fixed[32 + 8 * place..40 + 8 * place].try_into();
            Timestamp::from_ms(u64::from_be_bytes(bytes.expect("eight of the bytes are eight")))
        };
        let by = core::str::from_utf8(by).map_err(|_| fault())?;
        Ok(Some(Self {
            invite: InviteId(fixed[..32].try_into().expect("32 of the bytes are 32")),
            principal: Principal::recorded(&welcome.principal)?,
            role: Role::from_wire(fixed[FIXED_BYTES - 2])?,
            by: (!by.is_empty()).then(|| Principal::recorded(by)).transpose()?,
            started_at: time(0),
            effective_at: time(1),
            expires_at: time(2),
            shows_earlier: fixed[FIXED_BYTES - 1] != 0,
        }))
    }
}

/// One that an administrator started, of carol's name.
fn of_carol() -> OpenRecovery {
    OpenRecovery {
        invite: InviteId::of(&[0x70; 32]),
        principal: Principal::recorded(CAROL).expect("it is one"),
        role: Role::User,
        by: Principal::recorded("root@example.com").ok(),
        started_at: Timestamp::from_ms(TIME_MS),
        effective_at: Timestamp::from_ms(TIME_MS + DAY_MS),
        expires_at: Timestamp::from_ms(TIME_MS + DAY_MS + WEEK_MS),
        shows_earlier: false,
    }
}

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let invite = InviteId::of(&[0x70; 32]).0;
    let refuse = body::RefuseRecovery { request: 0, operation: operation(8), invite };
    let (principal, role, lifetime_ms) = (Some(CAROL.into()), 0, Some(WEEK_MS));
    let recovers = true.to_wire();
    let recovering = InviteBody { request: 0, invite, principal, role, lifetime_ms, recovers };
    let told = Some(of_carol().in_welcome());
    let welcome = Welcome { principal: CAROL.into(), recovery: told, ..sample_welcome() };
    vec![
        sample("Welcome of a principal whose name is being recovered", &welcome),
        asked::<Invite>("Invite that recovers a name", 9, recovering),
        asked::<RefuseRecovery>("RefuseRecovery", 19, refuse),
        sample("ListRecoveries", &ListRecoveries.to_body()),
        through::<OpenRecovery>("OpenRecovery", of_carol().to_body()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recovery_reads_back_from_a_welcome_and_what_is_cut_does_not() {
        let mut welcome = sample_welcome();
        assert_eq!(OpenRecovery::of_welcome(&welcome), Ok(None));
        welcome.principal = CAROL.to_owned();
        for by in [of_carol().by, None] {
            let told = OpenRecovery { by, role: Role::Administrator, ..of_carol() };
            welcome.recovery = Some(told.in_welcome());
            assert_eq!(OpenRecovery::of_welcome(&welcome), Ok(Some(told)));
        }
        let cut = of_carol().in_welcome().slice(..FIXED_BYTES - 1);
        welcome.recovery = Some(cut);
        let fault = OpenRecovery::of_welcome(&welcome).unwrap_err();
        assert_eq!(
            fault.to_string(),
            "the recovery is not an invite, three times and a role; send those"
        );
    }
}
