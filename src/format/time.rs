//! Moments as RFC 3339 writes them, to and from milliseconds.
//!
//! Must never hold: a clock, or a time zone looked up in a database.

use jiff::Unit;
use jiff::civil::{Date, Time, date};

use crate::model::Timestamp;

const DAY_MS: i64 = 24 * 60 * 60 * 1_000;
const EPOCH: Date = date(1970, 1, 1);

/// Why a moment is not read, with what would be right.
pub(super) type Cure = &'static str;

const SHAPE: Cure = "write it like 2026-01-02T03:04:05Z (RFC 3339, with a capital T and Z)";
const RANGE: Cure = "a moment must lie between the years 1970 and 9999";

/// Reads a moment with any offset and any number of fraction digits; what is finer than a millisecond is cut off.
///
/// A leap second counts as the last millisecond before it ends: the model has none.
pub(super) fn read(text: &str) -> Result<Timestamp, Cure> {
    let bytes = text.as_bytes();
    let separated = bytes.len() >= 20
        && [(4, b'-'), (7, b'-'), (10, b'T'), (13, b':'), (16, b':')]
            .into_iter()
            .all(|(at, mark)| bytes[at] == mark);
    if !separated || !text.is_ascii() {
        return Err(SHAPE);
    }
    let day = read_day(text)?;
    let (fraction_ms, rest) = read_fraction(&text[19..])?;
    let clock_ms = read_clock(text, fraction_ms)?;
    let ms = day * DAY_MS + clock_ms - read_offset_ms(rest)?;
    // What cannot be written again is not read.
    u64::try_from(ms).map(Timestamp::from_ms).ok().filter(|&at| write(at).is_some()).ok_or(RANGE)
}

/// Days since the epoch.
fn read_day(text: &str) -> Result<i64, Cure> {
    let year = i16::try_from(number(&text[..4])?).map_err(|_| SHAPE)?;
    let date = Date::new(year, small(&text[5..7])?, small(&text[8..10])?).map_err(|_| SHAPE)?;
    let span = date.since((Unit::Day, EPOCH)).map_err(|_| RANGE)?;
    Ok(i64::from(span.get_days()))
}

fn read_clock(text: &str, fraction_ms: i64) -> Result<i64, Cure> {
    let (hour, minute) = (number(&text[11..13])?, number(&text[14..16])?);
    let second = number(&text[17..19])?;
    if hour > 23 || minute > 59 || second > 60 {
        return Err(SHAPE);
    }
    let in_minute = if second == 60 { 59_999 } else { second * 1_000 + fraction_ms };
    Ok((hour * 60 + minute) * 60_000 + in_minute)
}

/// The milliseconds of a fraction, if there is one, and what follows it.
fn read_fraction(text: &str) -> Result<(i64, &str), Cure> {
    let Some(digits) = text.strip_prefix('.') else { return Ok((0, text)) };
    let count = digits.bytes().take_while(u8::is_ascii_digit).count();
    if count == 0 {
        return Err(SHAPE);
    }
    let ms = number(&format!("{:0<3}", &digits[..count.min(3)]))?;
    Ok((ms, &digits[count..]))
}

fn read_offset_ms(text: &str) -> Result<i64, Cure> {
    if text == "Z" {
        return Ok(0);
    }
    let sign = match text.bytes().next() {
        Some(b'+') => 1,
        Some(b'-') => -1,
        _ => return Err(SHAPE),
    };
    if text.len() != 6 || text.as_bytes()[3] != b':' {
        return Err(SHAPE);
    }
    let (hours, minutes) = (number(&text[1..3])?, number(&text[4..6])?);
    if hours > 23 || minutes > 59 {
        return Err(SHAPE);
    }
    Ok(sign * (hours * 60 + minutes) * 60_000)
}

fn number(digits: &str) -> Result<i64, Cure> {
    if !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(SHAPE);
    }
    digits.parse().map_err(|_| SHAPE)
}

fn small(digits: &str) -> Result<i8, Cure> {
    i8::try_from(number(digits)?).map_err(|_| SHAPE)
}

/// Writes a moment in UTC with three fraction digits; `None` after the year 9999, which RFC 3339 cannot write.
pub(super) fn write(at: Timestamp) -> Option<String> {
    let ms = i64::try_from(at.as_ms()).ok()?;
    let day = EPOCH.checked_add(jiff::Span::new().try_days(ms / DAY_MS).ok()?).ok()?;
    let in_day = ms % DAY_MS;
    let time = Time::midnight() + jiff::Span::new().milliseconds(in_day);
    Some(format!(
        "{day}T{:02}:{:02}:{:02}.{:03}Z",
        time.hour(),
        time.minute(),
        time.second(),
        in_day % 1_000
    ))
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
        fn no_text_makes_reading_a_moment_fail_otherwise(text in "\\PC{0,40}|[0-9TZ:.+-]{18,30}") {
            let _ = read(&text);
        }
    }
}
