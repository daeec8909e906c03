//! Domains, what administrators do to them and to principals, and the record of that. RFC 2779 §2.1.4, appendix C.
//!
//! Must never hold: a way for an administrator to read a body or to speak as a user.

use bytes::Bytes;

use super::asked::question;
use super::field::Field;
use super::framed::{Framed, check_left_out, framed, switch, switch_number};
use super::quota::most;
use super::request::{Answer, NamedBy, Request};
use super::sample::{ALICE, DAY_MS, Sample, TIME_MS, asked, operation, sample, through};
use crate::model::{
    AdministratorAct, Domain, DomainRow, Lifetime, OperationId, Principal, Quota, QuotaOwner,
    RecoveryPolicy, Refusal, RefusalCode, Timestamp,
};

/// Frozen bodies.
pub mod body {
    crate::protocol::kind::bodies! {
        /// An act on a domain or principal. Answer: `Changed`.
        0x001e Administer {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// 1: create domain. 2: remove domain. 3: switch domain. 4: switch a principal's services. 5: suspend.
            /// 6: lift a suspension. 7: say what the domain wants of recoveries. 8: set a quota. 9: say what it wants of
            /// erasures.
            act: u8,
            /// Which domain or principal; for 8 a domain stands behind an `@`.
            subject: String,
            /// For 3 and 4: 0 stays, 1 off, 2 on.
            presence: u8,
            /// For 3 and 4: 0 stays, 1 off, 2 on.
            messaging: u8,
            ;
            /// For 7: how long a recovery waits, in ms, 8 bytes; left out, it stays.
            1 recovery_delay,
            /// For 7: one byte, whether earlier messages are shown: 1 no, 2 yes; left out, it stays.
            2 recovery_shows,
            /// For 8: its word.
            3 quota,
            /// For 8: how much there may be, 8 bytes; left out, what was set is taken back.
            4 quota_max,
            /// For 9: one byte, whether recipients keep what somebody of the domain sends from then on: 1 no, 2 yes.
            5 recipients_keep,
        }
        /// Asks for the domains served. Answer: any number of `DomainState`, then `End`.
        0x002c ListDomains {
        }
        /// One domain.
        0x012d DomainState {
            /// Its name.
            domain: String,
            /// Whether it stands in the server's configuration.
            is_configured: bool,
            /// Whether presence works in it.
            presence: bool,
            /// Whether messaging works in it.
            messaging: bool,
            /// Principals enrolled in it.
            principals: u64,
            ;
            /// What holds for a recovery that is started now: how long it waits, in ms, 8 bytes; whether earlier messages are
            /// shown, one byte, 0 or 1.
            1 recovery,
            /// Whether recipients keep what somebody in it sends now when that is erased: one byte, 0 or 1.
            2 recipients_keep,
        }
        /// Asks what administrators did. Answer: any number of `Act`, then `End`.
        0x002d ListActs {
            /// Whom it concerns; empty means oneself.
            principal: String,
        }
        /// One act of an administrator.
        0x012e Act {
            /// When.
            at_ms: u64,
            /// Which administrator.
            by: String,
            /// 1: listed watchers. 2: ended a subscription. 3: suspended. 4: lifted a suspension. 5: revoked a key.
            /// 6: switched services. 7: started a recovery. 8: set a quota. 9: erased the principal.
            act: u8,
            /// To what; may be empty.
            about: String,
        }
    }
}

/// Does something as an administrator. Answer: [`Answer::Changed`]. A repeat finds things as they are to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Administer {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// What.
    pub act: Administration,
}

/// What an administrator can do to a domain or a principal. What is `None` stays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Administration {
    /// Creates a domain.
    CreateDomain(Domain),
    /// Removes a domain in which nobody is enrolled.
    RemoveDomain(Domain),
    /// Switches presence or messaging in a domain.
    SwitchDomain {
        /// Which.
        domain: Domain,
        /// Whether presence is to work.
        presence: Option<bool>,
        /// Whether messaging is to work.
        messaging: Option<bool>,
    },
    /// Gives or takes a principal's presentity or inbox.
    SwitchServices {
        /// Whose.
        principal: Principal,
        /// Whether it is to have a presentity.
        presence: Option<bool>,
        /// Whether it is to have an inbox.
        messaging: Option<bool>,
    },
    /// Suspends a principal.
    Suspend(Principal),
    /// Lifts a suspension.
    Resume(Principal),
    /// Says on what terms names of a domain are recovered.
    SetRecovery {
        /// Which domain.
        domain: Domain,
        /// How long a recovery is to wait.
        delay: Option<Lifetime>,
        /// Whether the new device is to be shown what was stored before.
        shows_earlier: Option<bool>,
    },
    /// Says whether recipients keep what somebody of a domain sends from then on, when that is erased.
    SetErasure {
        /// Which domain.
        domain: Domain,
        /// Whether they keep it.
        recipients_keep: bool,
    },
    /// Sets how much of what all share a principal may take, or those in a domain that have no quota of their own.
    SetQuota {
        /// Whose.
        owner: QuotaOwner,
        /// Of what.
        quota: Quota,
        /// How much; `None` takes back what was set.
        max: Option<u64>,
    },
}

impl Framed for Administer {
    type Body = body::Administer;
}

impl Field<body::Administer> for Administer {
    fn to_wire(&self) -> body::Administer {
        let (act, subject) = self.act.number_and_subject();
        let (presence, messaging) = self.act.switches();
        let (delay, shows_earlier) = self.act.recovery();
        let (quota, max) = self.act.quota();
        body::Administer {
            request: 0,
            operation: self.operation.0,
            act,
            subject,
            presence: switch_number(presence),
            messaging: switch_number(messaging),
            recovery_delay: delay.to_wire(),
            recovery_shows: shows_earlier.map(told_switch),
            quota: quota.to_wire(),
            quota_max: max.map(|max| Bytes::copy_from_slice(&max.to_be_bytes())),
            recipients_keep: self.act.recipients_keep().map(told_switch),
        }
    }

    fn from_wire(body: body::Administer) -> Result<Self, Refusal> {
        let presence = || switch("presence", body.presence);
        let messaging = || switch("messaging", body.messaging);
        let subject = body.subject.as_str();
        let switches = matches!(body.act, 3 | 4);
        check_left_out("presence", switches || body.presence == 0)?;
        check_left_out("messaging", switches || body.messaging == 0)?;
        check_left_out("recovery delay", body.act == 7 || body.recovery_delay.is_none())?;
        check_left_out("recovery showing", body.act == 7 || body.recovery_shows.is_none())?;
        check_left_out("quota", body.act == 8 || body.quota.is_none())?;
        check_left_out("quota's most", body.act == 8 || body.quota_max.is_none())?;
        check_left_out("keeping", body.act == 9 || body.recipients_keep.is_none())?;
        let act = match body.act {
            1 => Administration::CreateDomain(subject.parse()?),
            2 => Administration::RemoveDomain(subject.parse()?),
            3 => Administration::SwitchDomain {
                domain: subject.parse()?,
                presence: presence()?,
                messaging: messaging()?,
            },
            4 => Administration::SwitchServices {
                principal: subject.parse()?,
                presence: presence()?,
                messaging: messaging()?,
            },
            5 => Administration::Suspend(subject.parse()?),
            6 => Administration::Resume(subject.parse()?),
            7 => Administration::SetRecovery {
                domain: subject.parse()?,
                delay: Field::from_wire(body.recovery_delay)?,
                shows_earlier: read_switch("recovery showing", body.recovery_shows.as_deref())?,
            },
            8 => Administration::SetQuota {
                owner: subject.parse()?,
                quota: Field::from_wire(body.quota.unwrap_or_default())?,
                max: most(body.quota_max.as_deref())?,
            },
            9 => Administration::SetErasure {
                domain: subject.parse()?,
                recipients_keep: read_switch("keeping", body.recipients_keep.as_deref())?
                    .ok_or_else(|| Refusal::bad_field("keeping", "is left out; send it"))?,
            },
            _ => return Err(Refusal::bad_field("act", "is none of 1 to 9; send one of them")),
        };
        Ok(Self { operation: OperationId(body.operation), act })
    }
}

impl Administration {
    fn number_and_subject(&self) -> (u8, String) {
        match self {
            Self::CreateDomain(domain) => (1, domain.to_string()),
            Self::RemoveDomain(domain) => (2, domain.to_string()),
            Self::SwitchDomain { domain, .. } => (3, domain.to_string()),
            Self::SwitchServices { principal, .. } => (4, principal.to_string()),
            Self::Suspend(principal) => (5, principal.to_string()),
            Self::Resume(principal) => (6, principal.to_string()),
            Self::SetRecovery { domain, .. } => (7, domain.to_string()),
            Self::SetQuota { owner, .. } => (8, owner.to_string()),
            Self::SetErasure { domain, .. } => (9, domain.to_string()),
        }
    }

    const fn switches(&self) -> (Option<bool>, Option<bool>) {
        match self {
            Self::SwitchDomain { presence, messaging, .. }
            | Self::SwitchServices { presence, messaging, .. } => (*presence, *messaging),
            _ => (None, None),
        }
    }

    const fn quota(&self) -> (Option<Quota>, Option<u64>) {
        match self {
            Self::SetQuota { quota, max, .. } => (Some(*quota), *max),
            _ => (None, None),
        }
    }

    const fn recipients_keep(&self) -> Option<bool> {
        match self {
            Self::SetErasure { recipients_keep, .. } => Some(*recipients_keep),
            _ => None,
        }
    }

    const fn recovery(&self) -> (Option<Lifetime>, Option<bool>) {
        match self {
            Self::SetRecovery { delay, shows_earlier, .. } => (*delay, *shows_earlier),
            _ => (None, None),
        }
    }
}

/// What is said of `field`.
fn read_switch(field: &'static str, wire: Option<&[u8]>) -> Result<Option<bool>, Refusal> {
    match wire {
        None => Ok(None),
        Some(&[number]) => switch(field, number),
        Some(_) => Err(Refusal::bad_field(field, "must be one byte; send one")),
    }
}

fn told_switch(on: bool) -> Bytes {
    Bytes::copy_from_slice(&[switch_number(Some(on))])
}

impl Field<Bytes> for Lifetime {
    fn to_wire(&self) -> Bytes {
        Bytes::copy_from_slice(&self.as_ms().to_be_bytes())
    }

    fn from_wire(wire: Bytes) -> Result<Self, Refusal> {
        let bytes: [u8; 8] = wire.as_ref().try_into().map_err(|_| {
            Refusal::bad_field("recovery delay", "must have 8 bytes; send that many")
        })?;
        Ok(Self::from_ms(u64::from_be_bytes(bytes)))
    }
}

impl Field<Bytes> for RecoveryPolicy {
    fn to_wire(&self) -> Bytes {
        [&self.delay.as_ms().to_be_bytes()[..], &[u8::from(self.shows_earlier)]].concat().into()
    }

    fn from_wire(wire: Bytes) -> Result<Self, Refusal> {
        let fault = || Refusal::bad_field("recovery policy", "must have 9 bytes; send that many");
        let (delay, shows) = wire.split_first_chunk::<8>().ok_or_else(fault)?;
        let [shows] = shows else { return Err(fault()) };
        let delay = Lifetime::from_ms(u64::from_be_bytes(*delay));
        Ok(Self { delay, shows_earlier: *shows != 0 })
    }
}

/// One byte, 0 or 1.
impl Field<Bytes> for bool {
    fn to_wire(&self) -> Bytes {
        Bytes::copy_from_slice(&[u8::from(*self)])
    }

    fn from_wire(wire: Bytes) -> Result<Self, Refusal> {
        match wire.as_ref() {
            [0] => Ok(false),
            [1] => Ok(true),
            _ => Err(Refusal::bad_field("keeping", "must be one byte, 0 or 1; send one")),
        }
    }
}

impl Request for Administer {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        let is_creation = matches!(self.act, Administration::CreateDomain(_));
        let by = if is_creation { NamedBy::Principal } else { NamedBy::Device };
        Some((by, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        match &self.act {
            Administration::CreateDomain(domain) => format!("create {domain}"),
            Administration::RemoveDomain(domain) => format!("remove {domain}"),
            Administration::SwitchDomain { domain, .. } => format!("switch {domain}"),
            Administration::SwitchServices { principal, .. } => format!("services {principal}"),
            Administration::Suspend(principal) => format!("suspend {principal}"),
            Administration::Resume(principal) => format!("resume {principal}"),
            Administration::SetRecovery { domain, .. } => format!("recovery {domain}"),
            Administration::SetErasure { domain, .. } => format!("erasure {domain}"),
            Administration::SetQuota { owner, quota, .. } => {
                format!("quota {owner} {}", quota.as_str())
            }
        }
    }

    fn done_before(&self, code: RefusalCode) -> Option<Answer> {
        let is_gone = matches!(self.act, Administration::RemoveDomain(_))
            && code == RefusalCode::ForeignDomain;
        is_gone.then_some(Answer::Changed { version: 0 })
    }
}

/// Asks for the domains served. Answer: any number of [`DomainRow`], in order of name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListDomains;

question! { ListDomains -> Vec<DomainRow> }

framed! {
    DomainRow in DomainState: domain, is_configured, presence, messaging, principals, recovery, recipients_keep
}

/// Asks what administrators did. Answer: any number of [`ActRow`], oldest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListActs {
    /// Whom it concerns; `None` for the asker itself.
    pub principal: Option<Principal>,
}

question! { ListActs -> Vec<ActRow>: principal }

/// One act of an administrator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ActRow {
    /// When.
    pub at: Timestamp,
    /// Which administrator.
    pub by: Principal,
    /// What it did; `None` for an act this version does not know.
    pub act: Option<AdministratorAct>,
    /// To what; may be empty.
    pub about: String,
}

/// 0 is an act that was not known to who wrote it.
impl Field<u8> for Option<AdministratorAct> {
    fn to_wire(&self) -> u8 {
        self.map_or(0, AdministratorAct::number)
    }

    fn from_wire(wire: u8) -> Result<Self, Refusal> {
        Ok(AdministratorAct::from_number(wire))
    }
}

framed! { ActRow in Act: act, about; at_ms = at | by }

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let administer = body::Administer {
        request: 0,
        operation: operation(4),
        act: 3,
        subject: "example.com".into(),
        presence: switch_number(Some(false)),
        messaging: switch_number(None),
        recovery_delay: None,
        recovery_shows: None,
        quota: None,
        quota_max: None,
        recipients_keep: None,
    };
    let erasure = Administer {
        operation: OperationId(operation(11)),
        act: Administration::SetErasure {
            domain: "example.com".parse().expect("it is one"),
            recipients_keep: true,
        },
    };
    let quota = Administer {
        operation: OperationId(operation(10)),
        act: Administration::SetQuota {
            owner: "@example.com".parse().expect("it is one"),
            quota: Quota::Events,
            max: Some(50),
        },
    };
    let setting = Administer {
        operation: OperationId(operation(9)),
        act: Administration::SetRecovery {
            domain: "example.com".parse().expect("it is one"),
            delay: Some(Lifetime::from_ms(2 * DAY_MS)),
            shows_earlier: None,
        },
    };
    let domain = body::DomainState {
        domain: "example.com".into(),
        is_configured: true,
        presence: true,
        messaging: true,
        principals: 3,
        recovery: None,
        recipients_keep: None,
    };
    let recovery = Some(RecoveryPolicy::default().to_wire());
    let telling = body::DomainState { recovery, ..domain.clone() };
    let keeping = body::DomainState { recipients_keep: Some(true).to_wire(), ..telling.clone() };
    let (by, about) = ("root@example.com".into(), ALICE.into());
    vec![
        asked::<Administer>("Administer", 15, administer),
        asked::<Administer>(
            "Administer that sets what is wanted of recoveries",
            16,
            setting.to_body(),
        ),
        asked::<Administer>("Administer that sets a quota", 20, quota.to_body()),
        asked::<Administer>("Administer that says what recipients keep", 21, erasure.to_body()),
        sample("ListDomains", &ListDomains.to_body()),
        through::<DomainRow>("DomainState", domain),
        through::<DomainRow>("DomainState that tells of recoveries", telling),
        through::<DomainRow>("DomainState that tells of erasures", keeping),
        through::<ListActs>("ListActs", body::ListActs { principal: String::new() }),
        through::<ActRow>("Act", body::Act { at_ms: TIME_MS, by, act: 2, about }),
    ]
}

#[cfg(test)]
mod tests;
