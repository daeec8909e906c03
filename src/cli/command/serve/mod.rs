//! `adsum serve`: settings, log lines, a running server and its orderly end.
//!
//! Must never hold: how a server works.

mod args;
mod kept;
mod layers;
mod logging;
mod notify;
mod platform;
mod ready;
mod reload;
mod setting;
mod settings;
mod value;

use std::convert::Infallible;
use std::future::pending;
use std::path::Path;

use tokio::signal::unix::{Signal, SignalKind};

pub(in crate::cli) use self::args::Args;
use self::args::credentials;
use self::logging::{filter_of, start_logging};
use self::notify::{Replay, Serving};
use self::ready::ServingLine;
use self::reload::InForce;
use self::setting::SETTINGS;
use self::settings::Settings;
use crate::cli::print::output::Output;
use crate::cli::run::{
    failure::Failure,
    invocation::Invocation,
    progress::Progress,
    reaper,
    signals::{self, Interrupts},
};
use crate::server::{Server, ServerConfig};

/// Runs `adsum serve`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let settings = args.settings(std::env::vars_os())?;
    if args.print_config {
        return invocation.output.text(&layers::print(settings));
    }
    let filter = start_logging(&settings)?;
    let mut config = settings.clone().given(credentials().as_deref())?.config()?;
    config.rebuild_views = args.rebuild_views;
    let runtime =
        tokio::runtime::Builder::new_multi_thread().enable_all().build().map_err(|error| {
            Failure::failed(
                "machine",
                format!(
                    "cannot start threads: {error}; raise the limits on threads and open files"
                ),
            )
        })?;
    let in_force = InForce::new(args, settings, filter);
    let served = runtime.block_on(serve(&config, in_force, &mut invocation.output));
    // A replay that was interrupted still runs; nothing is lost by not waiting for it.
    runtime.shutdown_background();
    served
}

/// The settings in force if `text` stands in their file, as a file; see [`crate::cli::settings_of`].
pub(in crate::cli) fn settings_of(text: &str) -> Result<String, String> {
    let mut settings = Settings::default();
    layers::read_text(&mut settings, text)?;
    settings.clone().config().map_err(|failure| failure.message().to_owned())?;
    Ok(layers::print(settings))
}

/// What is wrong with the file of settings at `path`, and with the files that it names; the names of those that it sets.
/// Nothing is started, and no file is changed.
pub(in crate::cli) fn check_file(path: &Path) -> Result<Vec<String>, Failure> {
    let mut settings = Settings::default();
    layers::read_file(&mut settings, path)?;
    filter_of(&settings)?;
    let named = settings.clone().without_credentials().config()?;
    named.check()?;
    Ok(reload::changed(&mut Settings::default(), &mut settings))
}

/// A setting, for whoever tells of all of them.
pub(in crate::cli) struct Described {
    /// The section in the file.
    pub(in crate::cli) section: &'static str,
    /// The key in its section.
    pub(in crate::cli) key: &'static str,
    /// What it means.
    pub(in crate::cli) help: &'static str,
    /// What it is if nothing is said.
    pub(in crate::cli) default: Option<toml::Value>,
    /// Its name in the environment.
    pub(in crate::cli) variable: String,
}

/// All settings, in the order they are shown.
pub(in crate::cli) fn described() -> impl Iterator<Item = Described> {
    SETTINGS.iter().map(|setting| Described {
        section: setting.section,
        key: setting.key,
        help: setting.help,
        default: setting.show(&mut Settings::default()),
        variable: setting.variable(),
    })
}

async fn serve(
    config: &ServerConfig,
    in_force: InForce<'_>,
    output: &mut Output,
) -> Result<(), Failure> {
    // Listened to from the first moment on, so that a signal during a long replay is not lost.
    let mut interrupts = Interrupts::listen()?;
    let hangups = signals::listen(SignalKind::hangup())?;
    reaper::reap_if_first()?;
    let mut progress = Progress::new("replaying the log", "events", output.is_json());
    let mut replay = Replay::new();
    let starting = crate::server::start_and_tell(config.clone(), move |done, total| {
        progress.at(done, total);
        replay.at(done, total);
    });
    let server = tokio::select! {
        server = starting => server?,
        // Nothing was acknowledged yet, so there is nothing to end in order.
        () = interrupts.next() => return Ok(()),
    };
    output.line(&ServingLine::new(&server, config))?;
    output.flush()?;
    run_until_told(server, config, in_force, (&mut interrupts, hangups)).await
}

async fn run_until_told(
    server: Server,
    config: &ServerConfig,
    in_force: InForce<'_>,
    (interrupts, hangups): (&mut Interrupts, Signal),
) -> Result<(), Failure> {
    let failure = {
        let serving = Serving::new(&server, config);
        notify::ready(&serving);
        tokio::select! {
            failure = server.failed() => Some(failure),
            never = notify::keep_telling(&serving) => match never {},
            never = keep_reading(&serving, in_force, hangups) => match never {},
            () = interrupts.next() => None,
        }
    };
    notify::stopping(config.timeouts.drain);
    match failure {
        Some(failure) => Err(failure.into()),
        None => Ok(server.shutdown().await?),
    }
}

/// Has the settings read again at each SIGHUP. Never ends.
async fn keep_reading(
    serving: &Serving<'_>,
    mut in_force: InForce<'_>,
    mut hangups: Signal,
) -> Infallible {
    loop {
        if hangups.recv().await.is_none() {
            pending::<()>().await;
        }
        notify::reloading();
        in_force.read_again(serving.server).await;
        notify::ready(serving);
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::settings::LogFormat;
    use super::*;
    use crate::cli::testing::parsed;
    use crate::model::Handling;

    fn settings(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        parsed::<Args>(arguments).unwrap().settings(owned.collect::<Vec<_>>())
    }

    #[test]
    fn a_flag_wins_over_the_environment_and_that_over_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("adsum.toml");
        let text = "[server]\ndata = \"file\"\nlisten = \"127.0.0.1:1\"\n[http]\nlisten = \"off\"";
        std::fs::write(&path, text).unwrap();
        let config = path.to_str().unwrap();
        let variables = [("ADSUM_SERVER_DATA", "variable"), ("ADSUM_SERVER_LISTEN", "127.0.0.1:2")];
        let settings = settings(&["--config", config, "--data", "flag"], &variables).unwrap();
        let server = settings.server;
        assert_eq!(server.data.to_str(), Some("flag"));
        assert_eq!(server.listen.port(), 2);
        assert_eq!(server.http, None);
    }

    #[test]
    fn every_flag_reaches_its_setting() {
        let words = "--data d --listen 127.0.0.1:1 --domain a.example --domain b.example --open-enrollment \
                     --default-access polite-block --request-lifetime 2d --no-presence --no-messaging --no-http \
                     --certificate c.pem --key k.pem --log debug --log-format json";
        let settings = settings(&words.split(' ').collect::<Vec<_>>(), &[]).unwrap();
        assert_eq!(settings.server.domains.len(), 2);
        assert!(settings.server.open_enrollment && settings.server.http.is_none());
        assert_eq!((settings.filter.as_str(), settings.format), ("debug", LogFormat::Json));
        let config = settings.config().unwrap();
        assert_eq!(config.certificate.unwrap().key.to_str(), Some("k.pem"));
        assert!(config.open_enrollment);
        assert_eq!(config.default_access, Handling::PoliteBlock);
        assert_eq!(config.request_lifetime, Duration::from_hours(48));
        assert!(!config.presence && !config.messaging);
    }

    #[test]
    fn a_certificate_without_its_key_is_wrong_usage() {
        let failure = settings(&["--certificate", "c.pem"], &[]).unwrap().config().unwrap_err();
        assert_eq!(failure.exit(), 2);
        assert!(failure.message().contains("--key"), "{failure:?}");
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let failure = settings(&["--config", "/nowhere/adsum.toml"], &[]).unwrap_err();
        assert!(failure.message().contains("/nowhere/adsum.toml"), "{failure:?}");
    }
}
