//! The types that settings have: how each is read from a TOML value, the text of a variable or a flag, and shown as TOML.
//!
//! Must never hold: which settings there are.

use core::str::FromStr;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, ArgMatches, ValueEnum as _, value_parser};
use toml::Value;

use super::settings::LogFormat;
use crate::cli::print::time;
use crate::model::{Domain, Handling, Lifetime};
use crate::server::{Network, PageOrigin};

/// A type that the value of a setting can have.
pub(super) trait Kind: Clone + Send + Sync + Sized + 'static {
    /// Reads it from `value`: of the TOML type that suits it, or of text, because a variable is always text.
    ///
    /// # Errors
    /// What would be right, as a sentence that goes on behind the name of the setting.
    fn read(value: &Value) -> Result<Self, String>;

    /// Shows it as [`Kind::read`] reads it; `None` if it is not set.
    fn show(&self) -> Option<Value>;

    /// Says to `arg` how a flag of this type is read.
    fn parsed(arg: Arg) -> Arg {
        arg
    }

    /// What stood behind the flag `long`, if it was given.
    fn given(flags: &ArgMatches, long: &str) -> Option<Self> {
        flags.get_one(long).cloned()
    }
}

/// A type that a setting can have or not have.
trait MayBeUnset: Kind {
    /// What says that it is not set. Without it, leaving the setting out does.
    const OFF: Option<&'static str> = None;
}

impl MayBeUnset for PathBuf {}

impl MayBeUnset for Duration {}

impl MayBeUnset for SocketAddr {
    const OFF: Option<&'static str> = Some("off");
}

impl<T: MayBeUnset> Kind for Option<T> {
    fn read(value: &Value) -> Result<Self, String> {
        let Some(off) = T::OFF else { return T::read(value).map(Some) };
        match text(value)? {
            word if word == off => Ok(None),
            _ => T::read(value).map(Some).map_err(|form| format!("{form}, or {off:?}")),
        }
    }

    fn show(&self) -> Option<Value> {
        self.as_ref().map_or_else(|| T::OFF.map(Value::from), Kind::show)
    }

    fn parsed(arg: Arg) -> Arg {
        T::parsed(arg)
    }

    fn given(flags: &ArgMatches, long: &str) -> Option<Self> {
        T::given(flags, long).map(Some)
    }
}

/// Where the value of a setting is kept, whatever its type.
pub(super) trait Place {
    /// Takes `value`, see [`Kind::read`].
    fn take(&mut self, value: &Value) -> Result<(), String>;

    /// See [`Kind::show`].
    fn shown(&self) -> Option<Value>;

    /// See [`Kind::parsed`].
    fn flag(&self, arg: Arg) -> Arg;

    /// Takes what stood behind the flag `long`, if it was given.
    fn take_flag(&mut self, flags: &ArgMatches, long: &str);
}

impl<T: Kind> Place for T {
    fn take(&mut self, value: &Value) -> Result<(), String> {
        *self = T::read(value)?;
        Ok(())
    }

    fn shown(&self) -> Option<Value> {
        self.show()
    }

    fn flag(&self, arg: Arg) -> Arg {
        T::parsed(arg)
    }

    fn take_flag(&mut self, flags: &ArgMatches, long: &str) {
        if let Some(value) = T::given(flags, long) {
            *self = value;
        }
    }
}

pub(super) fn text(value: &Value) -> Result<&str, String> {
    value.as_str().ok_or_else(|| "it must be text in quotes".to_owned())
}

impl Kind for String {
    fn read(value: &Value) -> Result<Self, String> {
        text(value).map(str::to_owned)
    }

    fn show(&self) -> Option<Value> {
        Some(self.as_str().into())
    }
}

impl Kind for PathBuf {
    fn read(value: &Value) -> Result<Self, String> {
        match text(value)? {
            "" => Err("it must be a path".to_owned()),
            path => Ok(path.into()),
        }
    }

    fn show(&self) -> Option<Value> {
        Some(self.display().to_string().into())
    }

    fn parsed(arg: Arg) -> Arg {
        arg.value_parser(value_parser!(Self))
    }
}

impl Kind for SocketAddr {
    fn read(value: &Value) -> Result<Self, String> {
        let form = "it must be an IP address and a port, such as 127.0.0.1:2778 or [::]:2778";
        text(value)?.parse().map_err(|_| form.to_owned())
    }

    fn show(&self) -> Option<Value> {
        Some(self.to_string().into())
    }

    fn parsed(arg: Arg) -> Arg {
        arg.value_parser(value_parser!(Self))
    }
}

impl Kind for Vec<Domain> {
    /// A list, or text with commas.
    fn read(value: &Value) -> Result<Self, String> {
        let form = || "it must be a list of domains, such as [\"example.com\"]".to_owned();
        let names: Vec<&str> = match value {
            Value::Array(names) => names.iter().filter_map(Value::as_str).collect(),
            Value::String(names) => names.split(',').map(str::trim).collect(),
            _ => return Err(form()),
        };
        if names.is_empty() || value.as_array().is_some_and(|all| all.len() != names.len()) {
            return Err(form());
        }
        names.into_iter().map(|name| name.parse().map_err(|refusal| format!("{refusal}"))).collect()
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Array(self.iter().map(|domain| domain.as_str().into()).collect()))
    }

    /// The flag names one domain, and may be given several times.
    fn parsed(arg: Arg) -> Arg {
        arg.value_parser(value_parser!(Domain)).action(ArgAction::Append)
    }

    fn given(flags: &ArgMatches, long: &str) -> Option<Self> {
        flags.get_many(long).map(|domains| domains.cloned().collect())
    }
}

impl Kind for Vec<String> {
    /// A list, or text with commas; empty for none.
    fn read(value: &Value) -> Result<Self, String> {
        let form = || "it must be a list of names, such as [\"health.example.com\"]".to_owned();
        let name = |name: &Value| name.as_str().map(str::to_owned).ok_or_else(form);
        match value {
            Value::Array(names) => names.iter().map(name).collect(),
            Value::String(names) if names.is_empty() => Ok(Vec::new()),
            Value::String(names) => {
                Ok(names.split(',').map(|name| name.trim().to_owned()).collect())
            }
            _ => Err(form()),
        }
    }

    fn show(&self) -> Option<Value> {
        Some(Value::Array(self.iter().map(|name| name.as_str().into()).collect()))
    }
}

/// What the names in a list tell, or `form`, by which they must be.
fn list_of<T: FromStr>(value: &Value, form: &str) -> Result<Vec<T>, String> {
    let wrong = || form.to_owned();
    let names = Vec::<String>::read(value).map_err(|_| wrong())?;
    names.iter().map(|name| name.parse().map_err(|_| wrong())).collect()
}

impl Kind for Vec<Network> {
    /// A list, or text with commas; empty for none.
    fn read(value: &Value) -> Result<Self, String> {
        list_of(value, "it must be a list of networks, such as [\"192.0.2.0/24\"]")
    }

    fn show(&self) -> Option<Value> {
        self.iter().map(Network::to_string).collect::<Vec<_>>().show()
    }
}

impl Kind for Vec<PageOrigin> {
    /// A list, or text with commas; empty for none.
    fn read(value: &Value) -> Result<Self, String> {
        list_of(value, "it must be a list of origins, such as [\"https://app.example.com\"]")
    }

    fn show(&self) -> Option<Value> {
        self.iter().map(PageOrigin::to_string).collect::<Vec<_>>().show()
    }
}

impl Kind for bool {
    fn read(value: &Value) -> Result<Self, String> {
        match (value, value.as_str()) {
            (Value::Boolean(flag), _) => Ok(*flag),
            (_, Some("true")) => Ok(true),
            (_, Some("false")) => Ok(false),
            _ => Err("it must be true or false".to_owned()),
        }
    }

    fn show(&self) -> Option<Value> {
        Some((*self).into())
    }
}

/// A count of what is there at once: of things in memory.
impl Kind for usize {
    fn read(value: &Value) -> Result<Self, String> {
        whole(value, u32::MAX.into())
    }

    fn show(&self) -> Option<Value> {
        i64::try_from(*self).ok().map(Value::Integer)
    }
}

/// A count of what comes in a time.
impl Kind for u64 {
    fn read(value: &Value) -> Result<Self, String> {
        whole(value, i64::MAX)
    }

    fn show(&self) -> Option<Value> {
        i64::try_from(*self).ok().map(Value::Integer)
    }
}

/// A number from 1 to `max`.
fn whole<Number: TryFrom<i64>>(value: &Value, max: i64) -> Result<Number, String> {
    let number = match value {
        Value::Integer(number) => Some(*number),
        Value::String(text) => text.parse().ok(),
        _ => None,
    };
    let number = number.filter(|number| (1..=max).contains(number));
    let number = number.and_then(|number| Number::try_from(number).ok());
    number.ok_or_else(|| format!("it must be a whole number from 1 to {max}"))
}

impl Kind for Duration {
    fn read(value: &Value) -> Result<Self, String> {
        // A number is refused with the units that it may have.
        if let Value::Integer(number) = value {
            return duration(&number.to_string());
        }
        duration(text(value)?)
    }

    fn show(&self) -> Option<Value> {
        let ms = u64::try_from(self.as_millis()).unwrap_or(u64::MAX);
        let text = match ms % 1_000 {
            0 => format!("{}s", ms / 1_000),
            _ => format!("{}ms", Lifetime::from_ms(ms).as_ms()),
        };
        Some(text.into())
    }

    fn parsed(arg: Arg) -> Arg {
        arg.value_parser(duration)
    }
}

fn duration(text: &str) -> Result<Duration, String> {
    time::lifetime(text).map(|span| Duration::from_millis(span.as_ms()))
}

impl Kind for Handling {
    fn read(value: &Value) -> Result<Self, String> {
        let form = "it must be \"confirm\", \"allow\", \"block\" or \"polite-block\"";
        text(value)?.parse().map_err(|_| form.to_owned())
    }

    fn show(&self) -> Option<Value> {
        Some(self.as_str().into())
    }

    fn parsed(arg: Arg) -> Arg {
        arg.value_parser(value_parser!(Self))
    }
}

impl Kind for LogFormat {
    fn read(value: &Value) -> Result<Self, String> {
        let form = "it must be \"text\" or \"json\"";
        Self::from_str(text(value)?, false).map_err(|_| form.to_owned())
    }

    fn show(&self) -> Option<Value> {
        self.to_possible_value().map(|word| word.get_name().into())
    }

    fn parsed(arg: Arg) -> Arg {
        arg.value_parser(value_parser!(Self))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reads<T: Kind>(text: &str) -> Result<T, String> {
        T::read(&Value::String(text.to_owned()))
    }

    #[test]
    fn what_is_shown_reads_back() {
        fn check<T: Kind + PartialEq + std::fmt::Debug>(value: &T) {
            let shown = value.show().unwrap();
            assert_eq!(T::read(&shown).unwrap(), *value);
        }
        check::<SocketAddr>(&"[::]:2778".parse().unwrap());
        check::<Option<SocketAddr>>(&None);
        check::<Vec<Domain>>(&vec!["a.example".parse().unwrap(), "localhost".parse().unwrap()]);
        check::<Vec<Network>>(&vec!["192.0.2.0/24".parse().unwrap(), "::1".parse().unwrap()]);
        check::<Vec<Network>>(&Vec::new());
        check::<Vec<PageOrigin>>(&vec!["https://app.example:8443".parse().unwrap()]);
        check(&Duration::from_millis(1_500));
        check(&Duration::from_secs(90));
        check(&true);
        check(&4_096_usize);
        check(&LogFormat::Json);
        check(&Handling::PoliteBlock);
        check(&PathBuf::from("./adsum-data"));
    }

    #[test]
    fn a_variable_is_read_like_a_value() {
        assert_eq!(reads::<usize>("12"), Ok(12));
        assert_eq!(reads::<bool>("true"), Ok(true));
        assert_eq!(reads::<Vec<Domain>>("a.example, b.example").unwrap().len(), 2);
        assert_eq!(reads::<Duration>("2m"), Ok(Duration::from_mins(2)));
    }

    #[test]
    fn a_wrong_value_is_told_the_right_form() {
        assert!(reads::<usize>("0").unwrap_err().contains("from 1"));
        assert!(reads::<bool>("yes").unwrap_err().contains("true or false"));
        assert!(reads::<SocketAddr>("2778").unwrap_err().contains("127.0.0.1:2778"));
        assert!(Duration::read(&Value::Integer(5)).unwrap_err().contains("5s"));
        assert!(<Vec<Domain>>::read(&Value::Array(vec![])).is_err());
        assert!(<Vec<Domain>>::read(&Value::Array(vec![Value::Integer(1)])).is_err());
        assert!(reads::<Handling>("deny").unwrap_err().contains("polite-block"));
        assert!(reads::<LogFormat>("xml").unwrap_err().contains("json"));
    }
}
