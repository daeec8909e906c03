//! Where everything a command prints goes through: lines for people or for programs, and what went wrong.
//!
//! Stdout carries results only, so that it can be piped; stderr carries errors and notes.
//! Must never hold: what a line says.

use std::fmt::Display;
use std::io::{self, BufWriter, IsTerminal, Write};

use clap::builder::styling::Style;
use serde::Serialize;

use crate::cli::print::colour;
use crate::cli::print::text::{json_for, shown_on_terminal, visible_for};
use crate::cli::run::failure::{self, Failure};

/// Stdout, as lines for people or as one JSON object a line.
pub(in crate::cli) struct Output {
    json: bool,
    /// Whether a terminal shows what is printed, so that it must not be steered by it.
    terminal: bool,
    to: BufWriter<Box<dyn Write + Send>>,
}

impl Output {
    /// Lines on stdout.
    pub(in crate::cli) fn stdout(json: bool) -> Self {
        let terminal = io::stdout().is_terminal();
        shown_on_terminal(terminal);
        Self { terminal, ..Self::to(json, Box::new(io::stdout())) }
    }

    /// Lines into `to`.
    pub(in crate::cli) fn to(json: bool, to: Box<dyn Write + Send>) -> Self {
        Self { json, terminal: false, to: BufWriter::new(to) }
    }

    /// Whether programs read this.
    pub(in crate::cli) fn is_json(&self) -> bool {
        self.json
    }

    /// Whether words for people are coloured.
    pub(in crate::cli) fn is_coloured(&self) -> bool {
        !self.json && colour::is_on(self.terminal)
    }

    /// Adds a line. It has left this process only after [`Output::flush`].
    pub(in crate::cli) fn line(
        &mut self,
        line: &(impl Serialize + Display),
    ) -> Result<(), Failure> {
        let text = if self.json {
            let json = serde_json::to_string(line).expect("a line has text keys only");
            json_for(json, self.terminal)
        } else {
            line.to_string()
        };
        writeln!(self.to, "{text}").map_err(|error| failure::of_stdout(&error))
    }

    /// Adds a line that only people read.
    pub(in crate::cli) fn remark(&mut self, text: &str) -> Result<(), Failure> {
        if self.json {
            return Ok(());
        }
        writeln!(self.to, "{text}").map_err(|error| failure::of_stdout(&error))
    }

    /// Adds text that is the same for people and programs.
    pub(in crate::cli) fn text(&mut self, text: &str) -> Result<(), Failure> {
        writeln!(self.to, "{text}").map_err(|error| failure::of_stdout(&error))
    }

    /// Adds bytes of a format that is the same for people and programs, as they are; on a terminal, what could steer it
    /// is made visible.
    pub(in crate::cli) fn bytes(&mut self, bytes: &[u8]) -> Result<(), Failure> {
        let done = if self.terminal {
            self.to.write_all(visible_for(&String::from_utf8_lossy(bytes), true).as_bytes())
        } else {
            self.to.write_all(bytes)
        };
        done.map_err(|error| failure::of_stdout(&error))
    }

    /// Hands over to the system what was added so far: after this, killing the process loses none of it.
    pub(in crate::cli) fn flush(&mut self) -> Result<(), Failure> {
        self.to.flush().map_err(|error| failure::of_stdout(&error))
    }
}

/// A line on stderr: something that is no result and no reason to end.
#[derive(Serialize)]
struct Aside<'a> {
    r#type: &'a str,
    code: &'a str,
    message: &'a str,
    /// By what the server knows a repeat.
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<&'a str>,
    /// What to type to repeat it safely.
    #[serde(skip_serializing_if = "Option::is_none")]
    command: Option<&'a str>,
}

/// Tells on stderr that the command ends, and why.
pub(in crate::cli) fn report(json: bool, failure: &Failure) {
    let (code, message) = failure.words();
    let mut line = Aside { r#type: "error", code, message, id: None, command: None };
    match failure {
        Failure::PipeClosed => return,
        Failure::Error { .. } => {}
        Failure::Unknown(unknown) => {
            (line.id, line.command) = (unknown.id.as_deref(), unknown.command.as_deref());
        }
    }
    aside(json, &line, colour::BAD);
}

/// Tells on stderr what somebody watching may want to know, and goes on.
pub(in crate::cli) fn note(json: bool, code: &str, message: &str) {
    let line = Aside { r#type: "note", code, message, id: None, command: None };
    aside(json, &line, colour::WARNING);
}

fn aside(json: bool, line: &Aside<'_>, style: Style) {
    let text = if json {
        json_for(serde_json::to_string(line).expect("text is JSON"), stderr_is_terminal())
    } else {
        let name = colour::painted("adsum:", style, colour::is_on(stderr_is_terminal()));
        format!("{name} {}", visible_for(line.message, stderr_is_terminal()))
    };
    // Nobody is left to tell when stderr is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Whether a person looks at stderr.
pub(in crate::cli) fn stderr_is_terminal() -> bool {
    io::stderr().is_terminal()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Full;

    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[derive(Serialize)]
    #[serde(tag = "type", rename = "sample")]
    struct Sample {
        id: u8,
    }

    impl Display for Sample {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            write!(formatter, "sample {}", self.id)
        }
    }

    #[derive(Serialize)]
    struct Written(String);

    impl Display for Written {
        fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            formatter.write_str(&self.0)
        }
    }

    fn printed(json: bool) -> String {
        let shared = Shared::default();
        let mut output = Output::to(json, Box::new(shared.clone()));
        output.line(&Sample { id: 7 }).unwrap();
        output.remark("for people").unwrap();
        assert!(shared.0.lock().unwrap().is_empty(), "nothing leaves before the flush");
        output.flush().unwrap();
        let bytes = shared.0.lock().unwrap().clone();
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn programs_get_one_object_a_line_with_its_type_first() {
        assert_eq!(printed(true), "{\"type\":\"sample\",\"id\":7}\n");
    }

    #[test]
    fn people_get_words() {
        assert_eq!(printed(false), "sample 7\nfor people\n");
    }

    #[test]
    fn bytes_pass_as_they_are_but_cannot_steer_a_terminal() {
        let printed = |terminal| {
            let shared = Shared::default();
            let mut output = Output { terminal, ..Output::to(true, Box::new(shared.clone())) };
            output.bytes(b"a\r\n\x1b[2J\xff").unwrap();
            output.flush().unwrap();
            shared.0.lock().unwrap().clone()
        };
        assert_eq!(printed(false), b"a\r\n\x1b[2J\xff");
        assert_eq!(printed(true), "a\n␛[2J\u{fffd}".as_bytes());
    }

    #[test]
    fn a_line_for_programs_cannot_steer_a_terminal() {
        let printed = |terminal| {
            let shared = Shared::default();
            let mut output = Output { terminal, ..Output::to(true, Box::new(shared.clone())) };
            output.line(&Written("\u{9b}31m\u{202e}é".to_owned())).unwrap();
            output.flush().unwrap();
            String::from_utf8(shared.0.lock().unwrap().clone()).unwrap()
        };
        assert_eq!(printed(false), "\"\u{9b}31m\u{202e}é\"\n");
        assert_eq!(printed(true), "\"\\u009b31m\\u202eé\"\n");
    }

    #[test]
    fn a_reader_that_went_away_ends_the_command_quietly() {
        let mut output = Output::to(false, Box::new(Full));
        output.line(&Sample { id: 7 }).unwrap();
        assert_eq!(output.flush(), Err(Failure::PipeClosed));
    }
}
