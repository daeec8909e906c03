//! How the settings of retention are read and shown: a span or for ever, and what single domains want else, with their size.
//!
//! Must never hold: what is removed.

use toml::Value;

use super::value::{Kind, text};
use crate::cli::print::time;
use crate::model::limits::{DAY_MS, DOMAIN_LOG_BYTES_MIN, HOUR_MS, MINUTE_MS, RETENTION_MS_MIN};
use crate::model::{Domain, DomainRetention, Keep, Lifetime, PastKind};

/// What says that something is never removed.
const FOR_EVER: &str = "for-ever";
/// What says how much of the log a domain may take.
const SIZE: &str = "log_bytes_max";

fn keep(text: &str) -> Result<Keep, String> {
    if text == FOR_EVER {
        return Ok(Keep::Always);
    }
    let form = |reason: String| format!("{reason}; or write {FOR_EVER}");
    let span = time::lifetime(text).map_err(form)?;
    if span < Lifetime::from_ms(RETENTION_MS_MIN) {
        return Err(format!("it is shorter than {RETENTION_MS_MIN} ms; write 1s or more"));
    }
    Ok(Keep::For(span))
}

fn shown(keep: Keep) -> String {
    let Keep::For(span) = keep else { return FOR_EVER.to_owned() };
    let units = [(DAY_MS, "d"), (HOUR_MS, "h"), (MINUTE_MS, "m"), (1_000, "s"), (1, "ms")];
    let fits = |(ms, _): &&(u64, _)| span.as_ms().is_multiple_of(*ms);
    let (ms, unit) = units.iter().find(fits).expect("every span is some milliseconds");
    format!("{}{unit}", span.as_ms() / ms)
}

impl Kind for Keep {
    fn read(value: &Value) -> Result<Self, String> {
        let form = |reason| format!("it must be a span in quotes, such as \"30d\": {reason}");
        text(value).and_then(keep).map_err(form)
    }

    fn show(&self) -> Option<Value> {
        Some(shown(*self).into())
    }
}

/// A domain and what it wants else, such as `example.com messages=7d log_bytes_max=1073741824`.
fn of_domain(line: &str) -> Result<DomainRetention, String> {
    let mut words = line.split_whitespace();
    let domain: Domain = words
        .next()
        .unwrap_or_default()
        .parse()
        .map_err(|refusal: crate::model::Refusal| refusal.to_string())?;
    let mut wanted = DomainRetention { domain, kept: Vec::new(), log_bytes_max: None };
    words.try_for_each(|word| take(&mut wanted, word))?;
    if wanted.kept.is_empty() && wanted.log_bytes_max.is_none() {
        let domain = wanted.domain;
        return Err(format!("{domain} says nothing; write such as {domain} messages=7d"));
    }
    Ok(wanted)
}

/// Takes a word behind a domain, such as `messages=7d`.
fn take(wanted: &mut DomainRetention, word: &str) -> Result<(), String> {
    let (name, value) = word
        .split_once('=')
        .ok_or_else(|| format!("{word} names no span; write such as messages=7d"))?;
    let told = |reason| format!("{name}: {reason}");
    if name == SIZE {
        wanted.log_bytes_max = Some(size(value).map_err(told)?);
        return Ok(());
    }
    let known = PastKind::ALL.map(PastKind::as_str).join(", ");
    let kind = PastKind::ALL.into_iter().find(|kind| kind.as_str() == name);
    let kind =
        kind.ok_or_else(|| format!("{name} is not kept; name one of these: {known}, {SIZE}"))?;
    wanted.kept.push((kind, keep(value).map_err(told)?));
    Ok(())
}

/// Bytes that the past of a domain may take.
fn size(text: &str) -> Result<u64, String> {
    let form = |_| format!("{text:?} is no whole number of bytes; write such as {SIZE}=1073741824");
    let size: u64 = text.parse().map_err(form)?;
    if size < DOMAIN_LOG_BYTES_MIN {
        return Err(format!("{size} bytes are too few; write {DOMAIN_LOG_BYTES_MIN} or more"));
    }
    Ok(size)
}

impl Kind for Vec<DomainRetention> {
    /// A list, or text with commas; empty for none.
    fn read(value: &Value) -> Result<Self, String> {
        let lines = Vec::<String>::read(value)
            .map_err(|_| "it must be a list such as [\"example.com messages=7d\"]".to_owned())?;
        lines.iter().map(|line| of_domain(line)).collect()
    }

    fn show(&self) -> Option<Value> {
        let line = |other: &DomainRetention| {
            let kept = other
                .kept
                .iter()
                .map(|(kind, keep)| format!(" {}={}", kind.as_str(), shown(*keep)));
            let size = other.log_bytes_max.map(|max| format!(" {SIZE}={max}"));
            format!("{}{}{}", other.domain, kept.collect::<String>(), size.unwrap_or_default())
        };
        self.iter().map(line).collect::<Vec<_>>().show()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read<T: Kind>(text: &str) -> Result<T, String> {
        T::read(&Value::String(text.to_owned()))
    }

    #[test]
    fn what_is_shown_of_retention_reads_back() {
        for text in ["30d", "90m", "1500ms", "for-ever", "1s"] {
            let keep = read::<Keep>(text).unwrap();
            assert_eq!(Keep::read(&keep.show().unwrap()).unwrap(), keep, "{text}");
        }
        let text = "a.example messages=1h presence=for-ever, b.example log_bytes_max=1048576, \
                    c.example acts=1d log_bytes_max=10737418240 watchers=1d";
        let domains = read::<Vec<DomainRetention>>(text).unwrap();
        let sizes: Vec<_> = domains.iter().map(|other| other.log_bytes_max).collect();
        assert_eq!(sizes, [None, Some(DOMAIN_LOG_BYTES_MIN), Some(10 << 30)]);
        assert_eq!(domains[2].kept.len(), 2);
        assert_eq!(domains[0].kept[1], (PastKind::Presence, Keep::Always));
        let again = <Vec<DomainRetention>>::read(&domains.show().unwrap());
        assert_eq!(again.unwrap(), domains);
        assert_eq!(read::<Vec<DomainRetention>>("").unwrap(), []);
    }

    #[test]
    fn a_span_that_is_too_short_or_none_is_told_the_right_form() {
        assert_eq!(RETENTION_MS_MIN, 1_000);
        assert!(read::<Keep>("999ms").unwrap_err().contains("write 1s or more"));
        assert!(read::<Keep>("1s").is_ok());
        assert!(read::<Keep>("30").unwrap_err().contains("30d"));
        assert!(read::<Keep>("never").unwrap_err().contains("for-ever"));
        assert!(Keep::read(&Value::Integer(3)).unwrap_err().contains("in quotes"));
        for (text, told) in [
            ("a.example", "write such as a.example messages=7d"),
            ("a.example messages", "names no span"),
            ("a.example letters=1d", "presence, messages"),
            ("a.example letters=1d", "acts, log_bytes_max"),
            (
                "a.example log_bytes_max=1048575",
                "log_bytes_max: 1048575 bytes are too few; write 1048576",
            ),
            (
                "a.example log_bytes_max=10GiB",
                "is no whole number of bytes; write such as log_bytes_max=1073741824",
            ),
            (
                "a.example log_bytes_max=",
                "is no whole number of bytes; write such as log_bytes_max=1073741824",
            ),
            ("a.example log_bytes_max", "names no span"),
            ("a.example acts=1ms", "acts: it is shorter"),
            ("a_b messages=1d", "a_b"),
        ] {
            let reason = read::<Vec<DomainRetention>>(text).unwrap_err();
            assert!(reason.contains(told), "{text}: {reason}");
        }
    }
}
