//! A progress bar for what takes longer than a second, on a terminal only.
//!
//! Must never hold: anything a program reads.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::cli::print::output::stderr_is_terminal;

/// Work shorter than this shows no bar.
const PATIENCE: Duration = Duration::from_secs(1);

/// How far some work is. Gone from the screen when dropped.
pub(in crate::cli) struct Progress {
    bar: ProgressBar,
    began: Instant,
    wanted: bool,
}

impl Progress {
    /// Work called `what`, counted in `unit`. Silent for programs and pipes.
    pub(in crate::cli) fn new(what: &'static str, unit: &str, json: bool) -> Self {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden());
        let template = format!(
            "{{msg}} {{bar:30}} {{human_pos}}/{{human_len}} {unit} ({{per_sec}}, {{eta}} left)"
        );
        if let Ok(style) = ProgressStyle::with_template(&template) {
            bar.set_style(style);
        }
        bar.set_message(what);
        Self { bar, began: Instant::now(), wanted: !json && stderr_is_terminal() }
    }

    /// `done` of `total` are done.
    pub(in crate::cli) fn at(&mut self, done: u64, total: u64) {
        if self.wanted && self.began.elapsed() >= PATIENCE {
            self.wanted = false;
            self.bar.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.bar.set_length(total);
        self.bar.set_position(done);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
