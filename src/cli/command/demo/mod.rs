//! `adsum demo`: the whole story once, with a real server and real commands on a temporary store.
//!
//! Every command is run as it is shown, as a process of its own; what it prints is shown and checked.
//! Must never hold: a short cut past the commands, or a line of the story that is not checked.

mod narrator;
mod stage;
mod story;

use std::time::Duration;

use self::narrator::Narrator;
use self::stage::Stage;
use crate::cli::run::{failure::Failure, invocation::Invocation, session, signals::Interrupts};

/// Arguments of `adsum demo`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {}

/// The story takes some seconds; whatever takes longer than this hangs.
const STORY_MAX: Duration = Duration::from_secs(55);

/// Runs `adsum demo`.
pub(super) fn run(_args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    session::runtime()?.block_on(async {
        let mut interrupts = Interrupts::listen_for_readers()?;
        let mut stage = Stage::set()?;
        let mut narrator = Narrator::new(&mut invocation.output);
        let told = tokio::select! {
            told = tokio::time::timeout(STORY_MAX, story::tell(&mut stage, &mut narrator)) => {
                told.unwrap_or_else(|_| Err(stuck()))
            }
            () = interrupts.next() => {
                let interrupted = Failure::failed("interrupted", "the demo was interrupted");
                Err(interrupts.failure(interrupted))
            }
        };
        let told = told.map_err(|failure| stage.explain(failure));
        // On every way out: no process and no file stays behind.
        stage.clear().await;
        told
    })
}

fn stuck() -> Failure {
    let secs = STORY_MAX.as_secs();
    Failure::failed(
        "demo",
        format!("the story did not end within {secs} s; see the last line above"),
    )
}
