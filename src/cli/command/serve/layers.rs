//! Where settings come from: defaults, then the file, then the environment, then flags; the later wins.
//!
//! A name that is not known is an error that names the nearest known one: a typing mistake must not leave a default in
//! force that somebody believes to have changed.
//! Must never hold: what a setting means.

use std::ffi::OsString;
use std::path::Path;

use clap::{ArgMatches, Args, Command, FromArgMatches};
use toml::{Table, Value};

use super::platform;
use super::setting::{SETTINGS, Setting};
use super::settings::Settings;
use crate::cli::run::{failure::Failure, input, invocation::ANSWER_WITHIN_VARIABLE};

/// Variables of our prefix that are no settings of the server.
const OTHERS: [&str; 3] = ["ADSUM_HOME", ANSWER_WITHIN_VARIABLE, LOG_VARIABLE];
/// Variables of our prefix that this project's tests are given, and hand on to the servers they start.
const OF_TESTS: [&str; 3] = ["ADSUM_DAMAGE_TRIALS", "ADSUM_GOLDEN", "ADSUM_SEED"];
const OF_TESTS_PREFIX: &str = "ADSUM_TEST_";
/// Short for `ADSUM_LOG_FILTER`.
const LOG_VARIABLE: &str = "ADSUM_LOG";
const PREFIX: &str = "ADSUM_";

/// Names less alike than this are not suggested; 1 is equal.
const LIKENESS_MIN: f64 = 0.7;

/// Reads the file at `path` over `settings`.
pub(super) fn read_file(settings: &mut Settings, path: &Path) -> Result<(), Failure> {
    let wrong = |reason: String| Failure::usage(format!("{}: {reason}", input::name(path)));
    let text = if path == Path::new("-") {
        std::io::read_to_string(std::io::stdin())
    } else {
        std::fs::read_to_string(path)
    };
    let text = text.map_err(|error| Failure::io("read", path, &error))?;
    read_text(settings, &text).map_err(wrong)
}

/// Reads `text`, which stands in a file, over `settings`.
pub(super) fn read_text(settings: &mut Settings, text: &str) -> Result<(), String> {
    let file: Table = text.parse().map_err(|error: toml::de::Error| error.to_string())?;
    for (section, values) in &file {
        let known = SETTINGS.iter().any(|setting| setting.section == section);
        let Some(values) = values.as_table().filter(|_| known) else {
            return Err(unknown_section(section));
        };
        for (key, value) in values {
            read_one(settings, section, key, value)?;
        }
    }
    Ok(())
}

fn read_one(
    settings: &mut Settings,
    section: &str,
    key: &str,
    value: &Value,
) -> Result<(), String> {
    let found = SETTINGS.iter().find(|setting| setting.section == section && setting.key == key);
    let Some(setting) = found else {
        let given = format!("{section}.{key}");
        let names: Vec<String> = SETTINGS.iter().map(Setting::name).collect();
        return Err(format!("there is no setting {given}{}", hint(&given, &names)));
    };
    setting.read(settings, value).map_err(|form| format!("{}: {form}", setting.name()))
}

fn unknown_section(section: &str) -> String {
    let mut sections: Vec<String> =
        SETTINGS.iter().map(|setting| setting.section.to_owned()).collect();
    sections.dedup();
    // A key without a section is the other way to get here.
    let keys = SETTINGS.iter().filter(|setting| setting.key == section).map(Setting::name).next();
    match keys {
        Some(name) => format!("{section} is not in a section; write it as {name}"),
        None => format!("there is no section [{section}]{}", hint(section, &sections)),
    }
}

/// Reads `variables` over `settings`; those without our prefix are somebody else's.
pub(super) fn read_environment(
    settings: &mut Settings,
    variables: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<(), Failure> {
    let text = |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value));
    let mut ours: Vec<(String, OsString)> = variables.into_iter().filter_map(text).collect();
    ours.retain(|(name, value)| is_for_us(name, &value.to_string_lossy()));
    // The short name comes before the long one in order, so that the long one wins.
    ours.sort();
    for (name, value) in ours {
        let value = value.into_string().map_err(|_| format!("{name}: it must be UTF-8"));
        value.and_then(|value| read_variable(settings, &name, value)).map_err(Failure::usage)?;
    }
    Ok(())
}

/// Whether the variable is meant as a setting, well or badly written.
fn is_for_us(name: &str, value: &str) -> bool {
    let known = OTHERS.contains(&name) || OF_TESTS.contains(&name);
    name.starts_with(PREFIX)
        && (name == LOG_VARIABLE || !known)
        && !name.starts_with(OF_TESTS_PREFIX)
        && !platform::sets(name, value)
}

fn read_variable(settings: &mut Settings, name: &str, value: String) -> Result<(), String> {
    if name == LOG_VARIABLE {
        settings.filter = value;
        return Ok(());
    }
    let Some(setting) = SETTINGS.iter().find(|setting| setting.variable() == name) else {
        let others = OTHERS.iter().map(|other| (*other).to_owned());
        let names: Vec<String> = SETTINGS.iter().map(Setting::variable).chain(others).collect();
        return Err(format!("there is no setting for the variable {name}{}", hint(name, &names)));
    };
    setting.read(settings, &Value::String(value)).map_err(|form| format!("{name}: {form}"))
}

/// Names the known name nearest to `given`, or says where all of them are listed.
fn hint(given: &str, known: &[String]) -> String {
    let likeness = |name: &String| strsim::jaro_winkler(given, name);
    let nearest = known.iter().max_by(|a, b| likeness(a).total_cmp(&likeness(b)));
    match nearest.filter(|name| likeness(name) >= LIKENESS_MIN) {
        Some(name) => format!("; did you mean {name}?"),
        None => "; see `adsum serve --print-config`, which lists all".to_owned(),
    }
}

/// The flags that set something, as they were given.
#[derive(Clone, Debug, Default)]
pub(super) struct Flags(ArgMatches);

impl Flags {
    /// Puts their values over `settings`.
    pub(super) fn put_over(&self, settings: &mut Settings) -> Result<(), Failure> {
        let mut all = SETTINGS.iter();
        all.try_for_each(|setting| setting.put(settings, &self.0)).map_err(Failure::usage)
    }
}

impl Args for Flags {
    fn augment_args(command: Command) -> Command {
        command.args(SETTINGS.iter().flat_map(Setting::args))
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Flags {
    fn from_arg_matches(matches: &ArgMatches) -> Result<Self, clap::Error> {
        Ok(Self(matches.clone()))
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        self.0 = matches.clone();
        Ok(())
    }
}

/// All settings in force as a file that [`read_file`] reads, each with what it means.
pub(super) fn print(mut settings: Settings) -> String {
    let mut lines = Vec::new();
    let mut section = "";
    for setting in SETTINGS {
        if setting.section != section {
            section = setting.section;
            lines.push(format!("\n[{section}]"));
        }
        lines.push(format!("# {}", setting.help));
        lines.push(match setting.show(&mut settings) {
            Some(value) => format!("{} = {value}", setting.key),
            None => format!("# {} is not set", setting.key),
        });
    }
    lines.join("\n").trim_start().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> Result<Settings, String> {
        let mut settings = Settings::default();
        read_text(&mut settings, text).map(|()| settings)
    }

    fn environment(variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        read_environment(&mut settings, owned).map(|()| settings)
    }

    #[test]
    fn what_is_printed_reads_back_to_the_same() {
        let mut settings =
            Settings { certificate: Some("chain.pem".into()), ..Settings::default() };
        settings.server.http = None;
        settings.server.timeouts.reconnect_spread = Some(std::time::Duration::from_millis(1_500));
        assert_eq!(file(&print(settings.clone())).unwrap(), settings);
        assert_eq!(file(&print(Settings::default())).unwrap(), Settings::default());
    }

    #[test]
    fn every_setting_can_be_given_in_both_ways() {
        for setting in SETTINGS {
            let shown = setting.show(&mut Settings::default());
            let mut value = shown.unwrap_or_else(|| "1s".into());
            if setting.name() == "retention.domains" {
                value = vec!["a.example acts=1d"].into();
            }
            if setting.name() == "web.origins" {
                value = vec!["https://a.example"].into();
            }
            let line = format!("[{}]\n{} = {value}", setting.section, setting.key);
            file(&line).unwrap();
            let text = match &value {
                Value::String(text) => text.clone(),
                // An empty list by default is one of addresses or of names.
                Value::Array(all) => {
                    all.first().and_then(Value::as_str).unwrap_or("127.0.0.1").to_owned()
                }
                other => other.to_string(),
            };
            environment(&[(&setting.variable(), &text)]).unwrap();
        }
    }

    #[test]
    fn the_environment_wins_over_the_file() {
        let mut settings = file("[server]\ndata = \"from-file\"\nopen_enrollment = true").unwrap();
        let variables = [("ADSUM_SERVER_DATA".into(), "from-environment".into())];
        read_environment(&mut settings, variables).unwrap();
        assert_eq!(settings.server.data, Path::new("from-environment"));
        assert!(settings.server.open_enrollment);
    }

    #[test]
    fn an_unknown_key_names_the_nearest_known_one() {
        for (text, hint) in [
            ("[server]\nlisen = \"[::]:1\"", "did you mean server.listen?"),
            ("[servr]\nlisten = \"[::]:1\"", "no section [servr]; did you mean server?"),
            ("[limits]\nconnection_max = 1", "did you mean limits.connections_max?"),
            ("data = \"x\"", "write it as server.data"),
            ("[xyzzy]\na = 1", "--print-config"),
        ] {
            let message = file(text).unwrap_err();
            assert!(message.contains(hint), "{text}: {message}");
        }
    }

    #[test]
    fn an_unknown_variable_of_ours_names_the_nearest_known_one() {
        let failure = environment(&[("ADSUM_SERVER_LISTN", "x")]).unwrap_err();
        assert!(failure.message().contains("did you mean ADSUM_SERVER_LISTEN?"), "{failure:?}");
        assert_eq!(failure.exit(), 2);
        environment(&[("ADSUM_HOME", "/h"), ("PATH", "/bin"), ("ADSUMMER", "x")]).unwrap();
        environment(&[("ADSUM_PORT", "tcp://10.0.0.1:2778")]).unwrap();
    }

    #[cfg(unix)]
    #[test]
    fn a_variable_that_is_no_text_matters_only_if_it_is_a_setting() {
        let wrong = || std::os::unix::ffi::OsStringExt::from_vec(vec![0xff]);
        let read = |name: OsString| read_environment(&mut Settings::default(), [(name, wrong())]);
        read(wrong()).unwrap();
        read("PATH".into()).unwrap();
        read("ADSUM_HOME".into()).unwrap();
        let failure = read("ADSUM_SERVER_DATA".into()).unwrap_err();
        assert_eq!(failure.message(), "ADSUM_SERVER_DATA: it must be UTF-8");
    }

    #[test]
    fn the_short_variable_for_the_log_gives_way_to_the_long_one() {
        assert_eq!(environment(&[("ADSUM_LOG", "debug")]).unwrap().filter, "debug");
        let both = environment(&[("ADSUM_LOG_FILTER", "warn"), ("ADSUM_LOG", "debug")]).unwrap();
        assert_eq!(both.filter, "warn");
    }

    #[test]
    fn a_wrong_value_names_the_setting_and_the_right_form() {
        let message = file("[timeouts]\nhello = 10").unwrap_err();
        assert!(message.contains("timeouts.hello") && message.contains("10s"), "{message}");
        let failure = environment(&[("ADSUM_LIMITS_CONNECTIONS_MAX", "many")]).unwrap_err();
        assert!(failure.message().contains("whole number"), "{failure:?}");
        assert!(file("[server\n").is_err());
    }
}
