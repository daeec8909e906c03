//! What a server logs of what, and how its lines look.
//!
//! Must never hold: a line.

use tracing_subscriber::fmt::layer;
use tracing_subscriber::prelude::*;
use tracing_subscriber::{EnvFilter, Registry, reload};

use super::settings::{LogFormat, Settings};
use crate::cli::print::{colour, output};
use crate::cli::run::failure::Failure;

/// What is logged of the libraries below, unless the filter names them.
const BELOW: &str = "rustls=error,quinn=error,quinn_proto=error,quinn_udp=error,web_transport_quinn=error,\
                     web_transport_proto=error,qmux=error,tungstenite=error,tokio_tungstenite=error";

/// How what is logged is changed, where that is in the hands of this process.
pub(super) type FilterHandle = reload::Handle<EnvFilter, Registry>;

/// What is logged of what.
pub(super) fn filter_of(settings: &Settings) -> Result<EnvFilter, Failure> {
    // A variable that was left empty would silence the server.
    if settings.filter.split(',').all(|directive| directive.trim().is_empty()) {
        let told = "the log filter is empty; write a level such as info, or off for no lines";
        return Err(Failure::usage(told));
    }
    // Libraries below write what strangers send, and as often as they send it. Whoever wants their lines names them.
    EnvFilter::try_new(format!("{},{}", BELOW, settings.filter)).map_err(|error| {
        let filter = &settings.filter;
        Failure::usage(format!(
            "the log filter {filter:?} is wrong: {error}; write a level such as info, or target=level"
        ))
    })
}

/// Begins to log as `settings` say.
pub(super) fn start_logging(settings: &Settings) -> Result<Option<FilterHandle>, Failure> {
    let (filter, handle) = reload::Layer::new(filter_of(settings)?);
    let is_coloured = colour::is_on(output::stderr_is_terminal());
    let lines = layer().with_writer(std::io::stderr).with_ansi(is_coloured);
    let lines = match settings.format {
        LogFormat::Text => lines.boxed(),
        LogFormat::Json => lines.json().boxed(),
    };
    // A second subscriber in one process is only possible in tests, and then the first one stays.
    let begun = tracing_subscriber::registry().with(filter).with(lines).try_init();
    Ok(begun.is_ok().then_some(handle))
}
