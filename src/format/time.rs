//! Moments as RFC 3339 writes them, to and from milliseconds.
//!
//! Must never hold: a clock, or a time zone looked up in a database.

use jiff::SignedDuration;
use jiff::civil::{DateTime, Time, date};

use crate::model::Timestamp;

const EPOCH: DateTime = date(1970, 1, 1).at(0, 0, 0, 0);

/// Why a moment is not read, with what would be right.
pub(super) type Cure = &'static str;

const SHAPE: Cure = "write it like 2026-01-02T03:04:05Z (RFC 3339, with a capital T and Z)";
const RANGE: Cure = "write a moment between the years 1970 and 9999";

/// How the first letters of a moment look: `0` is any digit.
const SHAPE_OF_SECONDS: &[u8] = b"0000-00-00T00:00:00";

/// Reads a moment with any offset and any number of fraction digits; what is finer than a millisecond is cut off.
///
/// A leap second counts as the last millisecond before it ends: the model has none.
pub(super) fn read(text: &str) -> Result<Timestamp, Cure> {
    // jiff reads more forms than RFC 3339 has, so the shape is checked first.
    let (seconds, rest) = text.split_at_checked(SHAPE_OF_SECONDS.len()).ok_or(SHAPE)?;
    if !has_shape(seconds, SHAPE_OF_SECONDS) {
        return Err(SHAPE);
    }
    let (fraction_ms, offset) = read_fraction(rest)?;
    let at: DateTime = seconds.parse().map_err(|_| SHAPE)?;
    let fraction_ms = if seconds.ends_with("60") { 999 } else { fraction_ms };
    let since = at.duration_since(EPOCH) + SignedDuration::from_millis(fraction_ms);
    let since = since - read_offset(offset)?;
    let ms = u64::try_from(since.as_millis()).map_err(|_| RANGE)?;
    // What cannot be written again is not read.
    Some(Timestamp::from_ms(ms)).filter(|&at| write(at).is_some()).ok_or(RANGE)
}

fn has_shape(text: &str, shape: &[u8]) -> bool {
    let fits = |(found, expected): (u8, &u8)| match expected {
        b'0' => found.is_ascii_digit(),
        mark => found == *mark,
    };
    text.len() == shape.len() && text.bytes().zip(shape).all(fits)
}

/// The milliseconds of a fraction, if there is one, and what follows it.
fn read_fraction(text: &str) -> Result<(i64, &str), Cure> {
    let Some(digits) = text.strip_prefix('.') else { return Ok((0, text)) };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    let ms = format!("{:0<3}", &digits[..count.min(3)]).parse().map_err(|_| SHAPE)?;
    if count == 0 { Err(SHAPE) } else { Ok((ms, &digits[count..])) }
}

/// How far ahead of UTC a moment is told.
fn read_offset(text: &str) -> Result<SignedDuration, Cure> {
    if text == "Z" {
        return Ok(SignedDuration::ZERO);
    }
    let (sign, clock) = text.split_at_checked(1).ok_or(SHAPE)?;
    if !has_shape(clock, b"00:00") {
        return Err(SHAPE);
    }
    let clock: Time = clock.parse().map_err(|_| SHAPE)?;
    let ahead = clock.duration_since(Time::midnight());
    match sign {
        "+" => Ok(ahead),
        "-" => Ok(-ahead),
        _ => Err(SHAPE),
    }
}

/// Writes a moment in UTC with three fraction digits; `None` after the year 9999, which RFC 3339 cannot write.
pub(super) fn write(at: Timestamp) -> Option<String> {
    let since = SignedDuration::from_millis(i64::try_from(at.as_ms()).ok()?);
    EPOCH.checked_add(since).ok().map(|at| format!("{at:.3}Z"))
}

/// A moment for people: in UTC with three fraction digits, and its milliseconds where RFC 3339 has no word for it.
pub fn rfc3339(at: Timestamp) -> String {
    write(at).unwrap_or_else(|| format!("{} ms", at.as_ms()))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_moment_is_read_with_its_offset_and_written_in_utc() {
        for (text, written) in [
            ("1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"),
            ("2026-02-28T23:59:59.5Z", "2026-02-28T23:59:59.500Z"),
            ("2024-02-29T12:00:00.123456789012Z", "2024-02-29T12:00:00.123Z"),
            ("2026-01-02T03:04:05-00:00", "2026-01-02T03:04:05.000Z"),
            ("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000Z"),
            ("2000-12-13T13:40:00-08:00", "2000-12-13T21:40:00.000Z"),
            ("2016-12-31T23:59:60Z", "2016-12-31T23:59:59.999Z"),
            ("9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"),
        ] {
            assert_eq!(write(read(text).unwrap()).unwrap(), written, "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_of_rfc_3339_is_refused() {
        for text in [
            "",
            "2026-01-02",
            "2026-01-02 03:04:05Z",
            "2026-01-02t03:04:05Z",
            "2026-01-02T03:04:05z",
            "2026-01-02T03:04:05",
            "2026-01-02T03:04:05.Z",
            "2026-01-02T03:04:05+1:00",
            "2026-01-02T03:04:05+24:00",
            "2026-02-30T03:04:05Z",
            "2026-13-01T03:04:05Z",
            "2026-01-02T24:00:00Z",
            "2026-01-02T03:60:00Z",
            "2026-01-02T03:04:61Z",
            "+026-01-02T03:04:05Z",
            "2026-01-02T03:04:05Zx",
            "2026-01-02T03:04:05é",
            "２026-01-02T03:04:05Z",
        ] {
            assert_eq!(read(text), Err(SHAPE), "{text}");
        }
        for text in ["1969-12-31T23:59:59Z", "9999-12-31T23:59:59-01:00", "0000-01-01T00:00:00Z"] {
            assert_eq!(read(text), Err(RANGE), "{text}");
        }
        assert_eq!(write(Timestamp::from_ms(u64::MAX)), None);
    }

    proptest! {
        #[test]
        fn a_moment_that_is_written_is_read_again(ms in 0_u64..300_000_000_000_000) {
            let at = Timestamp::from_ms(ms);
            match write(at) {
                Some(text) => prop_assert_eq!(read(&text), Ok(at)),
                None => prop_assert!(ms > 253_402_300_799_999),
            }
        }

        #[test]
        fn a_moment_is_the_same_told_with_any_offset(
            ms in 86_400_000_u64..253_402_200_000_000,
            ahead in any::<bool>(),
            minutes in 0_u64..24 * 60,
        ) {
            let (sign, told_ms) =
                if ahead { ('+', ms + minutes * 60_000) } else { ('-', ms - minutes * 60_000) };
            let told = write(Timestamp::from_ms(told_ms)).unwrap();
            let told = told.strip_suffix('Z').unwrap();
            let text = format!("{told}{sign}{:02}:{:02}", minutes / 60, minutes % 60);
            prop_assert_eq!(read(&text), Ok(Timestamp::from_ms(ms)));
        }

        #[test]
        fn no_text_makes_reading_a_moment_fail_otherwise(text in "\\PC{0,40}|[0-9TZ:.+-]{18,30}") {
            let _ = read(&text);
        }
    }
}
