//! What a server says of itself: its software, what it serves, and how much it takes.
//!
//! Must never hold: how many there are of anything, or who is connected.

use bytes::Bytes;

use super::asked::question;
use super::field::Field;
use super::framed::Framed;
use super::sample::{INBOX as BOBS_INBOX, Sample, TIME_MS, through};
use crate::model::{Ahead, Domain, InboxSequence, Moment, PastPlace, Refusal, Timestamp};
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
            ;
            /// Set if the asking device noticed that the store was put back: feed, three numbers and the inbox.
            1 noticed,
            /// How the wall clock was set last: by how much and when, 8 bytes each.
            2 clock,
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
    /// When the asking device noticed last that the store was put back to an earlier state, and by what.
    pub noticed: Option<(Timestamp, PastPlace)>,
    /// How its wall clock was set last; `None` if it never was.
    pub clock: Option<ClockSet>,
}

impl Framed for ServerDescription {
    type Body = body::ServerDescription;
}

impl Field<body::ServerDescription> for ServerDescription {
    fn to_wire(&self) -> body::ServerDescription {
        body::ServerDescription {
            software: self.software.clone(),
            version: self.version,
            domains: self.domains.to_wire(),
            limits: self.limits.to_wire(),
            noticed: self.noticed.as_ref().map(|(at, place)| notice(*at, place)),
            clock: self.clock.to_wire(),
        }
    }

    fn from_wire(wire: body::ServerDescription) -> Result<Self, Refusal> {
        let body::ServerDescription { software, version, domains, limits, noticed, clock } = wire;
        let (domains, limits) = (Field::from_wire(domains)?, Field::from_wire(limits)?);
        let clock = Field::from_wire(clock)?;
        let noticed = noticed.map(|notice| read_notice(&notice)).transpose()?;
        Ok(Self { software, version, domains, limits, noticed, clock })
    }
}

const PRESENCE: u8 = 1;
const INBOX: u8 = 2;

/// `feed:u8 at_ms:u64be had:u64be stands:u64be inbox`: of presence the places are moments in microseconds, of an inbox
/// they are places in it, and its URI follows.
fn notice(at: Timestamp, place: &PastPlace) -> Bytes {
    let (feed, had, stands, inbox) = match place {
        PastPlace::Presence { had, stands } => {
            (PRESENCE, had.as_us(), stands.as_us(), String::new())
        }
        PastPlace::Inbox { inbox, had, stands } => {
            (INBOX, had.get(), stands.get(), inbox.to_string())
        }
    };
    let numbers = [at.as_ms(), had, stands].map(u64::to_be_bytes);
    [&[feed], numbers.as_flattened(), inbox.as_bytes()].concat().into()
}

fn read_notice(notice: &[u8]) -> Result<(Timestamp, PastPlace), Refusal> {
    let fault =
        || Refusal::bad_field("notice", "is not a feed, three numbers and an inbox; send those");
    let (feed, rest) = notice.split_first().ok_or_else(fault)?;
    let (numbers, inbox) = rest.split_first_chunk::<24>().ok_or_else(fault)?;
    let number = |place: usize| {
        let bytes = numbers[8 * place..8 * (place + 1)].try_into();
        u64::from_be_bytes(bytes.expect("eight of the bytes are eight"))
    };
    let (had, stands) = (number(1), number(2));
    let place = match (*feed, inbox) {
        (PRESENCE, []) => {
            PastPlace::Presence { had: Moment::from_us(had), stands: Moment::from_us(stands) }
        }
        (INBOX, inbox) => PastPlace::Inbox {
            inbox: core::str::from_utf8(inbox).map_err(|_| fault())?.parse()?,
            had: InboxSequence::new(had),
            stands: InboxSequence::new(stands),
        },
        _ => return Err(fault()),
    };
    Ok((Timestamp::from_ms(number(0)), place))
}

/// How a server's wall clock was set, against elapsed time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClockSet {
    /// How much further ahead it was afterwards; below zero if it was set back.
    pub by: Ahead,
    /// When that was, by the wall clock as it is now.
    pub at: Timestamp,
}

impl Field<Bytes> for ClockSet {
    fn to_wire(&self) -> Bytes {
        [self.by.as_ms().to_be_bytes(), self.at.as_ms().to_be_bytes()].concat().into()
    }

    fn from_wire(wire: Bytes) -> Result<Self, Refusal> {
        let (by, at) = wire
            .split_first_chunk::<8>()
            .and_then(|(by, at)| Some((*by, at.try_into().ok()?)))
            .ok_or_else(|| Refusal::bad_field("clock", "must have 16 bytes; send that many"))?;
        let (by, at) = (i64::from_be_bytes(by), u64::from_be_bytes(at));
        Ok(Self { by: Ahead::from_ms(by), at: Timestamp::from_ms(at) })
    }
}

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
    let (noticed, clock) = (None, None);
    let description =
        body::ServerDescription { software, version: 1, domains, limits, noticed, clock };
    let set = ClockSet { by: Ahead::from_ms(-120_000), at: Timestamp::from_ms(TIME_MS) };
    let clock = body::ServerDescription { clock: Some(set.to_wire()), ..description.clone() };
    let (had, stands) = (InboxSequence::new(6), InboxSequence::new(3));
    let place = PastPlace::Inbox { inbox: BOBS_INBOX.parse().expect("it is one"), had, stands };
    let noticed = Some(notice(Timestamp::from_ms(TIME_MS), &place));
    let restored = body::ServerDescription { noticed, ..description.clone() };
    vec![
        through::<ServerInfo>("ServerInfo", body::ServerInfo {}),
        through::<ServerDescription>("ServerDescription", description),
        through::<ServerDescription>("ServerDescription of a store that was put back", restored),
        through::<ServerDescription>("ServerDescription after a set clock", clock),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noticed_reads_back_and_what_is_cut_does_not() {
        let inbox = "im:bob@example.com".parse().unwrap();
        let (had, stands) = (InboxSequence::new(6), InboxSequence::new(3));
        let moment = |us| Moment::from_us(us);
        let places = [
            PastPlace::Inbox { inbox, had, stands },
            PastPlace::Presence { had: moment(9), stands: moment(4) },
        ];
        for place in places {
            let at = Timestamp::from_ms(77);
            let bytes = notice(at, &place);
            assert_eq!(read_notice(&bytes), Ok((at, place)));
            assert!(read_notice(&bytes[..24]).is_err());
        }
        assert!(read_notice(&[3; 25]).is_err());
    }
}
