//! Numbers that mean something: times, spans, positions, operation ids.
//!
//! Must never hold: arithmetic that can wrap, or a number whose unit is not in its type's name or doc.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Defines a number with a unit, by how it is made of a plain number and how that is read.
macro_rules! unit {
    ($(#[$doc:meta])* $name:ident($number:ty): $new:ident, $get:ident $(, $display:ident)?) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash,
            serde::Serialize, serde::Deserialize,
        )]
        pub struct $name($number);

        impl $name {
            /// The one of this number, in the unit of the type.
            pub const fn $new(number: $number) -> Self {
                Self(number)
            }

            /// The number, in the unit of the type.
            pub const fn $get(self) -> $number {
                self.0
            }
        }

        $(impl core::fmt::$display for $name {
            fn fmt(&self, formatter: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                self.0.fmt(formatter)
            }
        })?
    };
}

pub(super) use unit;

unit! {
    /// A time: milliseconds since 1970-01-01T00:00:00Z, without leap seconds.
    Timestamp(u64): from_ms, as_ms
}

impl Timestamp {
    /// The time `lifetime` later, at most the end of time.
    #[must_use]
    pub const fn after(self, lifetime: Lifetime) -> Self {
        Self(self.0.saturating_add(lifetime.0))
    }

    /// The span from `self` until `later`; zero if `later` is past.
    #[must_use]
    pub const fn until(self, later: Self) -> Lifetime {
        Lifetime(later.0.saturating_sub(self.0))
    }
}

unit! {
    /// When one event of a log was decided: microseconds since 1970-01-01T00:00:00Z, without leap seconds.
    ///
    /// Rises from event to event of one log, so it names an event as well as a [`Sequence`] does. Unlike that, it does not
    /// tell how many others lie before it, and it stays the same if they were not there.
    Moment(u64): from_us, as_us
}

impl Moment {
    /// The moment before every event.
    pub const ZERO: Self = Self(0);

    /// The first moment of the millisecond `timestamp`, at most the end of time.
    pub const fn of(timestamp: Timestamp) -> Self {
        Self(timestamp.0.saturating_mul(US_PER_MS))
    }

    /// The millisecond it lies in.
    pub const fn timestamp(self) -> Timestamp {
        Timestamp(self.0 / US_PER_MS)
    }

    /// The first moment after this one.
    ///
    /// # Panics
    /// If moments run out, half a million years from now.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("a log ends long before the end of time"))
    }
}

const US_PER_MS: u64 = 1_000;

unit! {
    /// A span in milliseconds.
    Lifetime(u64): from_ms, as_ms
}

impl Lifetime {
    /// No time at all: in a request, "end it now".
    pub const ZERO: Self = Self(0);

    /// The span in whole seconds, rounded down so that it never promises more than there is.
    pub const fn as_secs(self) -> u64 {
        self.0 / 1_000
    }
}

unit! {
    /// Position of an event in the log. The first event is 1; 0 is "before everything".
    Sequence(u64): new, get, Display
}

impl Sequence {
    /// The position before the first event.
    pub const ZERO: Self = Self(0);

    /// The position after this one.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The position `count` further on.
    ///
    /// # Panics
    /// If positions run out, after 2^64 events.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0.checked_add(count).expect("a log never holds 2^64 events"))
    }
}

unit! {
    /// Position of a message in its inbox, without gaps. The first message is 1; 0 is "before everything".
    InboxSequence(u64): new, get, Display
}

impl InboxSequence {
    /// The position before the first message.
    pub const ZERO: Self = Self(0);

    /// The position after this one.
    ///
    /// # Panics
    /// If positions run out, after 2^64 messages.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.checked_add(1).expect("an inbox never holds 2^64 messages"))
    }
}

/// Client-made name of one operation, so that repeating it after a lost answer is recognised.
///
/// 16 bytes, random or otherwise never used twice by one device.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
pub struct OperationId(#[serde(with = "crate::model::readable::hex")] pub [u8; 16]);

impl fmt::Display for OperationId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl core::str::FromStr for OperationId {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let plain = text.len() == 32 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = plain.then(|| u128::from_str_radix(text, 16).ok()).flatten();
        let named = value.filter(|value| *value != 0).map(|value| Self(value.to_be_bytes()));
        named.ok_or("write 32 hexadecimal digits, not all of them 0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_never_wraps() {
        let end = Timestamp::from_ms(u64::MAX);
        assert_eq!(end.after(Lifetime::from_ms(1)), end);
        assert_eq!(end.until(Timestamp::default()), Lifetime::ZERO);
    }

    #[test]
    fn a_moment_of_an_event_lies_in_the_millisecond_it_was_made_from() {
        let time = Timestamp::from_ms(1_767_225_600_123);
        assert_eq!(Moment::of(time).timestamp(), time);
        assert_eq!(Moment::of(time).next().timestamp(), time);
        assert!(Moment::of(time) < Moment::of(time).next());
        assert_eq!(Moment::of(Timestamp::from_ms(u64::MAX)), Moment::from_us(u64::MAX));
    }

    #[test]
    fn an_operation_reads_back_as_it_prints() {
        let operation = OperationId([7; 16]);
        assert_eq!(operation.to_string().parse::<OperationId>().unwrap(), operation);
        for wrong in ["", "07", &"0".repeat(32), &"g".repeat(32)] {
            assert!(wrong.parse::<OperationId>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn seconds_never_promise_more_than_there_is() {
        assert_eq!(Lifetime::from_ms(1_999).as_secs(), 1);
    }
}
