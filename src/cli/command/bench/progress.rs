//! Progress on standard error, for a person who waits at a terminal; nothing anywhere else.
//!
//! Must never hold: anything a program would want to read.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar for one step of a bench. It disappears when it is dropped.
#[derive(Debug)]
pub(super) struct Progress {
    bar: ProgressBar,
}

impl Progress {
    /// A step called `what` that has `count` parts.
    pub(super) fn begin(what: &str, count: usize) -> Self {
        let bar = ProgressBar::new(count as u64);
        let template = "{msg:28} {wide_bar} {human_pos}/{human_len} {eta}";
        let style = ProgressStyle::with_template(template).expect("the template is a good one");
        bar.set_style(style);
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(200));
        Self { bar }
    }

    /// `count` more parts are done.
    pub(super) fn add(&self, count: usize) {
        self.bar.inc(count as u64);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
