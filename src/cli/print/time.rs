//! Moments and spans as people write and read them.
//!
//! Moments are told in UTC by RFC 3339 everywhere, so that two machines tell the same.
//! Must never hold: a span without a unit.

use std::time::{SystemTime, UNIX_EPOCH};

pub(in crate::cli) use crate::format::rfc3339;
use jiff::{Span, SpanRelativeTo};

use crate::model::{Lifetime, Timestamp};

/// Now, by this machine's clock.
pub(in crate::cli) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp::from_ms(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

/// Reads a span with a unit: `90s`, `30m`, `1h 30m`, `2d`, `1w`, or ISO 8601 such as `PT1H`.
///
/// # Errors
/// A sentence that names the right form.
pub(in crate::cli) fn lifetime(text: &str) -> Result<Lifetime, String> {
    let text = text.trim();
    if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.') {
        return Err(format!("it has no unit; write {text}s, {text}m, {text}h or {text}d"));
    }
    let no_span = |_| "it is no span; write a number with a unit, such as 90s, 30m, 1h or 2d";
    let span: Span = text.parse().map_err(no_span)?;
    if span.get_years() != 0 || span.get_months() != 0 {
        return Err("months and years differ in length; write days, such as 30d".to_owned());
    }
    let length = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(no_span)?;
    match u64::try_from(length.as_millis()) {
        Ok(0) => Err("it is shorter than a millisecond; write 1s or more".to_owned()),
        Ok(ms) => Ok(Lifetime::from_ms(ms)),
        Err(_) => Err("it is negative; write a span from now on, such as 1h".to_owned()),
    }
}

/// Reads a moment: RFC 3339, or a span back from now such as `2h`, or ahead such as `+2h`.
///
/// # Errors
/// A sentence that names the right forms.
pub(in crate::cli) fn moment(text: &str) -> Result<Timestamp, String> {
    moment_seen_at(text, now())
}

fn moment_seen_at(text: &str, now: Timestamp) -> Result<Timestamp, String> {
    let text = text.trim();
    if let Ok(at) = text.parse::<jiff::Timestamp>() {
        let ms = u64::try_from(at.as_millisecond());
        return ms
            .map(Timestamp::from_ms)
            .map_err(|_| "it lies before 1970; write a later one".to_owned());
    }
    let (ahead, length) = match text.strip_prefix('+') {
        Some(length) => (true, length),
        None => (false, text),
    };
    // "1 hour ago" says with a word what a span says here anyway.
    let back = length.strip_suffix("ago").map(str::trim_end).filter(|_| !ahead);
    let length = match lifetime(back.unwrap_or(length)) {
        Err(_) if length.starts_with('-') => {
            let span = length.trim_start_matches('-').trim_start();
            Err(format!("it has a sign; write {span}, a span goes back from now"))
        }
        read => read,
    };
    let length = length
        .map_err(|reason| format!("{reason}; or write a moment, such as 2026-11-22T17:00:00Z"))?;
    let ms = if ahead {
        now.as_ms().saturating_add(length.as_ms())
    } else {
        now.as_ms().saturating_sub(length.as_ms())
    };
    Ok(Timestamp::from_ms(ms))
}

/// A span in the two largest units it has: `2d 3h`, `1h 30m`, `45s`, `250ms`.
pub(in crate::cli) fn span(lifetime: Lifetime) -> String {
    let secs = lifetime.as_secs();
    if secs == 0 {
        return format!("{}ms", lifetime.as_ms());
    }
    let units =
        [("d", secs / 86_400), ("h", secs / 3_600 % 24), ("m", secs / 60 % 60), ("s", secs % 60)];
    let first = units.iter().position(|(_, count)| *count > 0).unwrap_or(3);
    let parts: Vec<String> = units[first..]
        .iter()
        .take(2)
        .filter(|(_, count)| *count > 0)
        .map(|(unit, count)| format!("{count}{unit}"))
        .collect();
    parts.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_is_read_with_its_unit() {
        for (text, ms) in [
            ("90s", 90_000),
            ("30m", 1_800_000),
            ("1h", 3_600_000),
            ("1h 30m", 5_400_000),
            ("2d", 172_800_000),
            ("1w", 604_800_000),
            ("250ms", 250),
            ("PT1H", 3_600_000),
            ("2 days", 172_800_000),
        ] {
            assert_eq!(lifetime(text), Ok(Lifetime::from_ms(ms)), "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_refused_with_the_right_forms() {
        assert_eq!(lifetime("60").unwrap_err(), "it has no unit; write 60s, 60m, 60h or 60d");
    }

    #[test]
    fn what_is_no_span_is_refused_with_a_reason() {
        for (text, reason) in [
            ("", "such as 90s"),
            ("soon", "such as 90s"),
            ("0s", "shorter than"),
            ("-1h", "negative"),
            ("1mo", "months"),
            ("1y", "months"),
        ] {
            let message = lifetime(text).unwrap_err();
            assert!(message.contains(reason), "{text}: {message}");
        }
    }

    #[test]
    fn a_moment_is_read_as_it_is_told_or_from_now() {
        let now = Timestamp::from_ms(10_000_000);
        for (text, ms) in [
            ("1970-01-01T00:00:01.500Z", 1_500),
            ("1970-01-01T02:00:01+02:00", 1_000),
            ("1h", 6_400_000),
            ("+1h", 13_600_000),
            ("30d", 0),
        ] {
            assert_eq!(moment_seen_at(text, now), Ok(Timestamp::from_ms(ms)), "{text}");
        }
    }

    #[test]
    fn what_is_no_moment_is_refused_with_the_right_forms() {
        let now = Timestamp::from_ms(0);
        for (text, part) in [
            ("yesterday", "such as 2026-11-22T17:00:00Z"),
            ("60", "60s"),
            ("2026-11-22", "such as 2026"),
            ("1969-12-31T00:00:00Z", "before 1970"),
            ("", "such as 90s"),
        ] {
            let message = moment_seen_at(text, now).unwrap_err();
            assert!(message.contains(part), "{text}: {message}");
        }
    }

    #[test]
    fn a_moment_is_told_in_utc_to_the_millisecond() {
        assert_eq!(rfc3339(Timestamp::from_ms(0)), "1970-01-01T00:00:00.000Z");
        assert_eq!(rfc3339(Timestamp::from_ms(1_795_366_803_250)), "2026-11-22T17:00:03.250Z");
        assert_eq!(rfc3339(Timestamp::from_ms(u64::MAX)), "18446744073709551615 ms");
    }

    #[test]
    fn a_span_is_told_in_two_units() {
        for (ms, text) in [
            (250, "250ms"),
            (45_000, "45s"),
            (3_600_000, "1h"),
            (5_400_000, "1h 30m"),
            (183_600_000, "2d 3h"),
            (86_401_000, "1d"),
        ] {
            assert_eq!(span(Lifetime::from_ms(ms)), text);
        }
    }
}
