//! How the story is printed: step by step for people, one object a step for programs.
//!
//! Must never hold: what happens in the story.

use std::fmt;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::cli::print::{output::Output, text::visible_line};
use crate::cli::run::failure::Failure;

/// `{"type":"story", …}`: one step that came out as it must.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "story")]
struct StoryLine {
    step: u32,
    title: String,
    shown: Vec<CommandRun>,
    elapsed_ms: u64,
}

/// A command and what it printed.
#[derive(Debug, Serialize)]
struct CommandRun {
    command: String,
    output: Vec<String>,
    elapsed_ms: u64,
}

/// Printed at the end of a step; its beginning and its commands were printed as they happened.
impl fmt::Display for StoryLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "   checked, {} after the beginning", seconds(self.elapsed_ms))
    }
}

fn seconds(ms: u64) -> String {
    format!("{}.{:02} s", ms / 1_000, ms % 1_000 / 10)
}

fn ms(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Tells the story.
pub(super) struct Narrator<'a> {
    output: &'a mut Output,
    began: Instant,
    step: u32,
    title: String,
    shown: Vec<CommandRun>,
}

impl<'a> Narrator<'a> {
    /// The clock of the story begins to run.
    pub(super) fn new(output: &'a mut Output) -> Self {
        let began = Instant::now();
        Self { output, began, step: 0, title: String::new(), shown: Vec::new() }
    }

    /// Text that is part of no step.
    pub(super) fn say(&mut self, text: &str) -> Result<(), Failure> {
        self.output.remark(text)?;
        self.output.flush()
    }

    /// A step begins.
    pub(super) fn begin(&mut self, title: &str) -> Result<(), Failure> {
        self.step += 1;
        title.clone_into(&mut self.title);
        let step = self.step;
        self.say(&format!("{step}. {title}"))
    }

    /// A command that was run, what it printed, and how long it took.
    pub(super) fn show(
        &mut self,
        command: &str,
        output: &[String],
        took: Duration,
    ) -> Result<(), Failure> {
        self.say(&format!("   {command}"))?;
        for line in output {
            self.say(&format!("     {}", visible_line(line)))?;
        }
        let (command, output) = (command.to_owned(), output.to_vec());
        self.shown.push(CommandRun { command, output, elapsed_ms: ms(took) });
        Ok(())
    }

    /// The step came out as it must.
    pub(super) fn end(&mut self) -> Result<(), Failure> {
        let line = StoryLine {
            step: self.step,
            title: std::mem::take(&mut self.title),
            shown: std::mem::take(&mut self.shown),
            elapsed_ms: ms(self.began.elapsed()),
        };
        self.output.line(&line)?;
        self.output.flush()
    }

    /// The title of the running step.
    pub(super) fn title(&self) -> &str {
        &self.title
    }

    /// Since the beginning, in words.
    pub(super) fn elapsed(&self) -> String {
        seconds(ms(self.began.elapsed()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_story_line_tells_what_was_run_and_printed() {
        let shown = vec![CommandRun {
            command: "bob$ adsum inbox".into(),
            output: vec!["#1".into()],
            elapsed_ms: 30,
        }];
        let line = StoryLine { step: 2, title: "t".into(), shown, elapsed_ms: 1_234 };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r##"{"type":"story","step":2,"title":"t","shown":[{"command":"bob$ adsum inbox","output":["#1"],"elapsed_ms":30}],"elapsed_ms":1234}"##
        );
        assert!(line.to_string().contains("1.23 s after the beginning"));
    }
}
