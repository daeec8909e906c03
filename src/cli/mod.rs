//! The command line: what the user asks (`command`), how the answer looks (`print`), and what a command is run with (`run`).
//!
//! Each command parses its arguments into valid values, does its work through the server, the client or the log, and
//! prints lines through `print::output`. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cannot reach the
//! server, 4 not authenticated, 5 asked for and not known whether done. The names in JSON lines are an interface.
//! Must never hold: a rule of the service, or anything another program could only get from here.

mod command;
mod print;
mod run;
#[cfg(test)]
mod testing;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use self::command::Command;
use self::print::colour;
use self::print::output::{self, Output};
use self::run::failure::{EXIT_USAGE, Failure};
use self::run::invocation::{Globals, Invocation};

/// The arguments of the program.
#[derive(Debug, Parser)]
#[command(
    name = "adsum",
    version,
    about = "A persistent, event-sourced presence and instant messaging store (RFC 2778) over QUIC",
    after_help = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cannot reach the server, 4 not authenticated,\n\
                  5 a change was asked for and it is not known whether it was made.\n\
                  Environment: ADSUM_HOME names the folder of identities, ADSUM_ANSWER_WITHIN how long an answer may take, ADSUM_LOG what is logged, ADSUM_SECTION_KEY a setting of `serve`; NO_COLOR keeps colours away.",
    max_term_width = 110,
    infer_long_args = false
)]
struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    // Libraries make files as the process makes any: from their first byte on those are for its user alone.
    rustix::process::umask(rustix::fs::Mode::RWXG | rustix::fs::Mode::RWXO);
    match parse() {
        Ok(arguments) => perform(arguments),
        Err(error) => usage(&error),
    }
}

fn parse() -> Result<Arguments, clap::Error> {
    let words = std::env::args_os().map(|word| word.to_string_lossy().into_owned());
    let colours = colour::for_clap(colour::asked_in(words));
    let matches = Arguments::command().color(colours).try_get_matches()?;
    Arguments::from_arg_matches(&matches)
}

/// What `adsum serve --config FILE --print-config` prints if `text` stands in the file and nothing is set elsewhere: all
/// settings in force, which read as the same.
///
/// # Errors
/// What is wrong with it, as whoever wrote it is told.
pub fn settings_of(text: &str) -> Result<String, String> {
    command::settings_of(text)
}

fn perform(arguments: Arguments) -> ExitCode {
    let json = arguments.globals.json;
    colour::decide(arguments.globals.color);
    let output = Output::stdout(json);
    let mut invocation = Invocation {
        globals: arguments.globals,
        output,
        program: Arguments::command,
        operation: None,
        again: false,
    };
    let done = arguments.command.run(&mut invocation);
    // What was printed before a failure is still a result.
    let flushed = invocation.output.flush();
    match done.and(flushed) {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            output::report(json, &failure);
            ExitCode::from(failure.exit())
        }
    }
}

/// Tells about arguments that do not parse, or prints the help that was asked for.
fn usage(error: &clap::Error) -> ExitCode {
    let wanted_json = std::env::args_os().any(|argument| argument == "--json");
    if error.use_stderr() && wanted_json {
        let text = error.render().to_string();
        let message = text.trim().trim_start_matches("error: ");
        output::report(true, &Failure::usage(message));
    } else {
        // Whoever asked for help and closed the pipe has seen enough.
        let _ = error.print();
    }
    if error.use_stderr() { ExitCode::from(EXIT_USAGE) } else { ExitCode::SUCCESS }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    fn refused(arguments: &[&str]) -> String {
        let all = std::iter::once(&"adsum").chain(arguments);
        Arguments::try_parse_from(all).unwrap_err().render().to_string()
    }

    #[test]
    fn the_arguments_are_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_flag_of_every_command_says_what_it_does() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let id = argument.get_id();
                assert!(argument.get_help().is_some(), "{} of {}", id, command.get_name());
            }
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }

    #[test]
    fn whom_a_command_is_about_is_not_whom_it_acts_as() {
        for command in ["enroll", "invite"] {
            let arguments = Arguments::try_parse_from(["adsum", command, "bob@localhost"]);
            assert_eq!(arguments.unwrap().globals.acting_as, None);
        }
    }

    #[test]
    fn a_wrong_flag_or_command_names_the_nearest_right_one() {
        assert!(refused(&["watch", "--evry", "pres:a@b"]).contains("--every"));
        assert!(refused(&["serve", "--open-enrolment"]).contains("--open-enrollment"));
        assert!(refused(&["pubish", "open"]).contains("publish"));
    }

    #[test]
    fn a_wrong_address_says_which_form_is_right() {
        assert!(refused(&["watch", "alice@localhost"]).contains("does not begin with `pres:`"));
        assert!(refused(&["send", "pres:a@b", "x"]).contains("does not begin with `im:`"));
        assert!(refused(&["--as", "alice", "fetch", "pres:a@b"]).contains("no `@`"));
    }

    #[test]
    fn a_span_without_unit_says_which_units_there_are() {
        assert!(refused(&["publish", "open", "--lifetime", "60"]).contains("60s, 60m, 60h or 60d"));
    }

    #[test]
    fn a_publish_says_what_it_publishes() {
        assert!(refused(&["publish"]).contains("open"));
        assert!(refused(&["publish", "open", "--remove"]).contains("cannot be used with"));
        assert!(refused(&["publish", "--remove", "--note", "x"]).contains("--note"));
        assert!(refused(&["publish", "open", "--priority", "0.8"]).contains("--contact"));
    }
}
