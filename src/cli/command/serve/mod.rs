//! `adsum serve`: settings, log lines, a running server and its orderly end.
//!
//! Must never hold: how a server works.

mod kind;
mod layers;
mod ready;
mod setting;
mod settings;

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;

use self::ready::ServingLine;
use self::settings::{LogFormat, Settings};
use crate::cli::print::output;
use crate::cli::print::output::Output;
use crate::cli::print::time;
use crate::cli::run::failure::Failure;
use crate::cli::run::invocation::Invocation;
use crate::cli::run::progress::Progress;
use crate::cli::run::signals::Interrupts;
use crate::model::{Domain, Handling, Lifetime};
use crate::server::{Server, ServerConfig};

/// Arguments of `adsum serve`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(in crate::cli) struct Args {
    /// Folder of the store; made if it is not there [default: ./adsum-data]
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// UDP address clients reach
    // The default would read as a link in documentation.
    #[arg(
        long,
        value_name = "IP:PORT",
        help = "UDP address clients reach; port 0 takes any free one [default: [::]:2778]"
    )]
    listen: Option<SocketAddr>,
    /// A domain to serve; may be given several times [default: localhost]
    #[arg(long = "domain", value_name = "DOMAIN")]
    domains: Vec<Domain>,
    /// TOML file with settings; the environment and flags win over it [default: none]
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Let the first comer take a free name without an invite, for trying out [default: invites only]
    #[arg(long)]
    open_enrollment: bool,
    /// What an authenticated watcher is granted where no rule says: confirm, allow, block or polite-block [default: confirm]
    #[arg(long, value_name = "ACCESS")]
    default_access: Option<Handling>,
    /// How long an undecided wish to watch is remembered, such as 30d [default: 30d]
    #[arg(long, value_name = "SPAN", value_parser = time::lifetime)]
    request_lifetime: Option<Lifetime>,
    /// Serve no presence
    #[arg(long)]
    no_presence: bool,
    /// Serve no messaging
    #[arg(long)]
    no_messaging: bool,
    /// TCP address of health and metrics, unencrypted [default: 127.0.0.1:2780]
    #[arg(long, value_name = "IP:PORT", conflicts_with = "no_http")]
    http: Option<SocketAddr>,
    /// Serve no health and metrics
    #[arg(long)]
    no_http: bool,
    /// PEM file with the certificate chain, read again when it changes or on SIGHUP [default: the server makes its own and keeps it]
    #[arg(long, value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// PEM file with the private key of the certificate
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Throw the checkpoint of the views away and fold the whole log anew
    #[arg(long)]
    rebuild_views: bool,
    /// What to log on stderr: error, warn, info, debug, trace, or a list of target=level [default: info]
    #[arg(long, value_name = "FILTER")]
    log: Option<String>,
    /// How log lines look [default: text]
    #[arg(long, value_enum, value_name = "FORMAT")]
    log_format: Option<LogFormat>,
    /// Print the settings in force as a TOML file, and end
    #[arg(long)]
    print_config: bool,
}

/// Runs `adsum serve`.
pub(super) fn run(args: Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let (print_config, rebuild_views) = (args.print_config, args.rebuild_views);
    let settings = args.settings(std::env::vars())?;
    if print_config {
        let text = layers::print(&settings);
        return invocation.output.text(&text);
    }
    start_logging(&settings)?;
    let config = settings.clone().config(rebuild_views)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::failed("machine", format!("cannot start threads: {error}")))?;
    let served = runtime.block_on(serve(config, &settings, &mut invocation.output));
    // A replay that was interrupted still runs; nothing is lost by not waiting for it.
    runtime.shutdown_background();
    served
}

impl Args {
    /// The settings in force: defaults, then the file, then `variables`, then flags.
    fn settings(
        self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Settings, Failure> {
        let mut settings = Settings::default();
        if let Some(path) = &self.config {
            layers::read_file(&mut settings, path)?;
        }
        layers::read_environment(&mut settings, variables)?;
        self.put_over(&mut settings);
        Ok(settings)
    }

    fn put_over(self, settings: &mut Settings) {
        fn put<T>(flag: Option<T>, setting: &mut T) {
            if let Some(value) = flag {
                *setting = value;
            }
        }
        put(self.data, &mut settings.data);
        put(self.listen, &mut settings.listen);
        put(self.log, &mut settings.filter);
        put(self.log_format, &mut settings.format);
        put((!self.domains.is_empty()).then_some(self.domains), &mut settings.domains);
        put(self.open_enrollment.then_some(true), &mut settings.open_enrollment);
        put(self.default_access, &mut settings.default_access);
        let request_lifetime = self.request_lifetime.map(Lifetime::as_ms);
        put(request_lifetime.map(Duration::from_millis), &mut settings.request_lifetime);
        put(self.no_presence.then_some(false), &mut settings.presence);
        put(self.no_messaging.then_some(false), &mut settings.messaging);
        put(self.certificate.map(Some), &mut settings.certificate);
        put(self.key.map(Some), &mut settings.key);
        put(self.http.map(Some), &mut settings.http);
        put(self.no_http.then_some(None), &mut settings.http);
    }
}

fn start_logging(settings: &Settings) -> Result<(), Failure> {
    let filter = EnvFilter::try_new(&settings.filter).map_err(|error| {
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

async fn serve(
    config: ServerConfig,
    settings: &Settings,
    output: &mut Output,
) -> Result<(), Failure> {
    // Listened to from the first moment on, so that a signal during a long replay is not lost.
    let mut interrupts = Interrupts::listen()?;
    ignore_hangups()?;
    let mut progress = Progress::new("replaying the log", "events", output.is_json());
    let starting =
        crate::server::start_and_tell(config, move |done, total| progress.at(done, total));
    let server = tokio::select! {
        server = starting => server?,
        // Nothing was acknowledged yet, so there is nothing to end in order.
        () = interrupts.next() => return Ok(()),
    };
    output.line(&ServingLine::new(&server, settings))?;
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
        Failure::failed("machine", format!("cannot listen for signals: {error}"))
    })?;
    tokio::spawn(async move { while hangups.recv().await.is_some() {} });
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Line {
        #[command(flatten)]
        args: Args,
    }

    fn settings(arguments: &[&str], variables: &[(&str, &str)]) -> Result<Settings, Failure> {
        let all = std::iter::once(&"serve").chain(arguments);
        let owned = variables.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        Line::try_parse_from(all).unwrap().args.settings(owned.collect::<Vec<_>>())
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
        assert_eq!(settings.data.to_str(), Some("flag"));
        assert_eq!(settings.listen.port(), 2);
        assert_eq!(settings.http, None);
    }

    #[test]
    fn every_flag_reaches_its_setting() {
        let settings = settings(
            &[
                "--data",
                "d",
                "--listen",
                "127.0.0.1:1",
                "--domain",
                "a.example",
                "--domain",
                "b.example",
                "--open-enrollment",
                "--default-access",
                "polite-block",
                "--request-lifetime",
                "2d",
                "--no-presence",
                "--no-messaging",
                "--no-http",
                "--certificate",
                "c.pem",
                "--key",
                "k.pem",
                "--log",
                "debug",
                "--log-format",
                "json",
            ],
            &[],
        );
        let settings = settings.unwrap();
        assert_eq!(settings.domains.len(), 2);
        assert!(settings.open_enrollment && settings.http.is_none());
        assert_eq!((settings.filter.as_str(), settings.format), ("debug", LogFormat::Json));
        let config = settings.config(true).unwrap();
        assert_eq!(config.certificate.unwrap().key.to_str(), Some("k.pem"));
        assert!(config.rebuild_views && config.open_enrollment);
        assert_eq!(config.default_access, Handling::PoliteBlock);
        assert_eq!(config.request_lifetime, Duration::from_hours(48));
        assert!(!config.presence && !config.messaging);
    }

    #[test]
    fn a_certificate_without_its_key_is_wrong_usage() {
        let failure =
            settings(&["--certificate", "c.pem"], &[]).unwrap().config(false).unwrap_err();
        assert_eq!(failure.exit(), 2);
        assert!(failure.message().contains("--key"), "{failure:?}");
    }

    #[test]
    fn a_file_that_is_not_there_is_told() {
        let failure = settings(&["--config", "/nowhere/adsum.toml"], &[]).unwrap_err();
        assert!(failure.message().contains("/nowhere/adsum.toml"), "{failure:?}");
    }
}
