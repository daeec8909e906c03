//! `adsum serve`: settings, log lines, a running server and its orderly end.
//!
//! Must never hold: how a server works.

mod kept;
mod layers;
mod platform;
mod ready;
mod setting;
mod settings;
mod value;

use std::ffi::OsString;
use std::path::PathBuf;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;

use self::layers::Flags;
use self::ready::ServingLine;
use self::settings::{LogFormat, Settings};
use crate::cli::print::output::{self, Output};
use crate::cli::run::{
    failure::Failure, invocation::Invocation, progress::Progress, signals::Interrupts,
};
use crate::server::{Server, ServerConfig};

/// Arguments of `adsum serve`: the flags of its settings, and what is no setting.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    #[command(flatten)]
    flags: Flags,
    /// TOML file with settings; the environment and flags win over it [default: none]
    #[arg(long, value_name = "FILE", display_order = 3)]
    config: Option<PathBuf>,
    /// Throw the checkpoint of the views away and fold the whole log anew
    #[arg(long, display_order = 13)]
    rebuild_views: bool,
    /// Print the settings in force as a TOML file, and end
    #[arg(long, display_order = 16)]
    print_config: bool,
}

/// What is logged of the libraries below, unless the filter names them.
const BELOW: &str = "rustls=error,quinn=error,quinn_proto=error,quinn_udp=error,web_transport_quinn=error,\
                     web_transport_proto=error,qmux=error,tungstenite=error,tokio_tungstenite=error";

/// Runs `adsum serve`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let settings = args.settings(std::env::vars_os())?;
    if args.print_config {
        return invocation.output.text(&layers::print(settings));
    }
    start_logging(&settings)?;
    let mut config = settings.config()?;
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
    let served = runtime.block_on(serve(&config, &mut invocation.output));
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

impl Args {
    /// The settings in force: defaults, then the file, then `variables`, then flags.
    fn settings(
        &self,
        variables: impl IntoIterator<Item = (OsString, OsString)>,
    ) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        if let Some(path) = &self.config {
            layers::read_file(&mut settings, path)?;
        }
        layers::read_environment(&mut settings, variables)?;
        self.flags.put_over(&mut settings)?;
        Ok(settings)
    }
}

fn start_logging(settings: &Settings) -> Result<(), Failure> {
    // A variable that was left empty would silence the server.
    if settings.filter.split(',').all(|directive| directive.trim().is_empty()) {
        let told = "the log filter is empty; write a level such as info, or off for no lines";
        return Err(Failure::usage(told));
    }
    // Libraries below write what strangers send, and as often as they send it. Whoever wants their lines names them.
    let filter = format!("{},{}", BELOW, settings.filter);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        let filter = &settings.filter;
        Failure::usage(format!(
            "the log filter {filter:?} is wrong: {error}; write a level such as info, or target=level"
        ))
    })?;
    let lines = layer().with_writer(std::io::stderr).with_ansi(output::stderr_is_terminal());
    let lines = match settings.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // A second subscriber in one process is only possible in tests, and then the first one stays.
    let _ = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(())
}

async fn serve(config: &ServerConfig, output: &mut Output) -> Result<(), Failure> {
    // Listened to from the first moment on, so that a signal during a long replay is not lost.
    let mut interrupts = Interrupts::listen()?;
    ignore_hangups()?;
    let mut progress = Progress::new("replaying the log", "events", output.is_json());
    let starting =
        crate::server::start_and_tell(config.clone(), move |done, total| progress.at(done, total));
    let server = tokio::select! {
        server = starting => server?,
        // Nothing was acknowledged yet, so there is nothing to end in order.
        () = interrupts.next() => return Ok(()),
    };
    output.line(&ServingLine::new(&server, config))?;
    output.flush()?;
    run_until_told(server, &mut interrupts).await
}

async fn run_until_told(server: Server, interrupts: &mut Interrupts) -> Result<(), Failure> {
    tokio::select! {
        failure = server.failed() => Err(failure.into()),
        () = interrupts.next() => Ok(server.shutdown().await?),
    }
}

/// Keeps SIGHUP from ending the process; a server with a certificate from files listens to it itself.
fn ignore_hangups() -> Result<(), Failure> {
    let mut hangups = signal(SignalKind::hangup()).map_err(|error| {
        Failure::failed("machine", format!("cannot listen for signals: {error}; start it again"))
    })?;
    tokio::spawn(async move { while hangups.recv().await.is_some() {} });
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

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
