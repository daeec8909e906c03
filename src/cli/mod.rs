//! The command line: one command a file, and what they share.
//!
//! Each command parses its arguments into valid values, does its work through the server, the client or the log, and
//! prints lines through the module `output`. Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cannot reach the
//! server, 4 not authenticated. The names in JSON lines are an interface.
//! Must never hold: a rule of the service, or anything another program could only get from here.

mod acting;
mod bench;
mod changed;
mod cpim;
mod cpim_text;
mod delivery;
mod demo;
mod doctor;
mod domain;
mod enroll;
mod explain;
mod failure;
mod fetch;
mod grant;
mod history;
mod inbox;
mod input;
mod invite;
mod keys;
mod log;
mod message_line;
mod output;
mod pidf;
mod presence_line;
mod progress;
mod publish;
mod receipt_line;
mod requests;
mod rules;
mod send;
mod serve;
mod session;
mod signals;
mod table;
mod text;
mod time;
mod unwatch;
mod visibility;
mod watch;
mod watcher_line;
mod watchers;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand, ValueEnum};

use self::failure::{EXIT_USAGE, Failure};
use self::output::Output;
use crate::client::{Home, Identity};
use crate::model::Principal;

/// The arguments of the program.
#[derive(Debug, Parser)]
#[command(
    name = "adsum",
    version,
    about = "A persistent, event-sourced presence and instant messaging store (RFC 2778) over QUIC",
    after_help = "Exit codes: 0 done, 1 refused or failed, 2 wrong usage, 3 cannot reach the server, 4 not authenticated.\n\
                  Environment: ADSUM_HOME names the folder of identities, ADSUM_LOG what is logged, ADSUM_SECTION_KEY a setting of `serve`.",
    max_term_width = 110,
    infer_long_args = false
)]
struct Arguments {
    #[command(flatten)]
    globals: Globals,
    #[command(subcommand)]
    command: Command,
}

/// Flags every command takes.
#[derive(Clone, Debug, Default, clap::Args)]
struct Globals {
    /// Print one JSON object a line, and errors as one JSON object on stderr [default: words for people]
    #[arg(long, global = true)]
    json: bool,
    /// Act as this principal, such as alice@localhost [default: the only identity enrolled]
    // The field's name is the argument's for the whole program, so it must not be one that a command uses.
    #[arg(long = "as", global = true, value_name = "PRINCIPAL")]
    acting_as: Option<Principal>,
    /// Folder of this machine's identities
    // The default is text for a terminal, where the marks that documentation wants would be in the way.
    #[arg(
        long,
        global = true,
        value_name = "DIR",
        help = "Folder of this machine's identities [default: $ADSUM_HOME, $XDG_DATA_HOME/adsum or ~/.local/share/adsum]"
    )]
    home: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Run a server on a store
    Serve(serve::Args),
    /// Show everything once on a temporary store: publish, watch, kill -9, restart, resume, offline inbox
    Demo(demo::Args),
    /// Enroll this device for a principal and pin the server's key
    Enroll(enroll::Args),
    /// Make an invite for a principal or for another device of one's own
    Invite(invite::Args),
    /// List or revoke the keys of a principal's devices
    Keys(keys::Args),
    /// Publish presence, refresh it, or remove it
    Publish(publish::Args),
    /// Fetch the presence of presentities once
    Fetch(fetch::Args),
    /// Watch presentities: first the current state, then changes; the next start goes on where this one stopped
    Watch(watch::Args),
    /// End the subscription to a presentity
    Unwatch(unwatch::Args),
    /// Send an instant message to an inbox
    Send(send::Args),
    /// Print what waits in one's inbox and acknowledge it
    Inbox(inbox::Args),
    /// Say who may fetch and watch, and what they are shown
    Rules(rules::Args),
    /// See who waits to be let watch, and let or refuse them
    Requests(requests::Args),
    /// See who watches, or end a subscription
    Watchers(watchers::Args),
    /// Say to whom one is shown as a watcher
    Visibility(visibility::Args),
    /// Say which messages become part of one's inbox
    Delivery(delivery::Args),
    /// Let others publish, read, or act as a group
    Grant(grant::Args),
    /// See what a presentity published in the past
    History(history::Args),
    /// Tell by which rules a watcher is or was answered
    Explain(explain::Args),
    /// Manage domains, services and suspensions as an administrator, and see what administrators did
    Domain(domain::Args),
    /// Look into a store's log while no server runs on it
    #[command(subcommand)]
    Log(log::Command),
    /// Measure a server against yardsticks of the same machine
    Bench(bench::Args),
    /// Check this machine's identities, the way to the server, and a store
    Doctor(doctor::Args),
}

/// The value of a flag that switches something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Switch {
    /// It works
    On,
    /// It does not
    Off,
}

impl Switch {
    /// Whether it works.
    fn is_on(self) -> bool {
        self == Self::On
    }
}

/// What a command is run with.
struct Invocation {
    globals: Globals,
    output: Output,
}

impl Invocation {
    fn is_json(&self) -> bool {
        self.globals.json
    }

    /// The folder of identities.
    fn home(&self) -> Result<Home, Failure> {
        match &self.globals.home {
            Some(path) => Ok(Home::at(path)),
            None => Ok(Home::from_env()?),
        }
    }

    /// The identity to act as.
    fn identity(&self) -> Result<Identity, Failure> {
        let home = self.home()?;
        match &self.globals.acting_as {
            Some(principal) => Ok(home.identity(principal)?),
            None => Ok(home.only_identity()?),
        }
    }
}

/// Runs the program and returns its exit code.
pub fn main() -> ExitCode {
    match Arguments::try_parse() {
        Ok(arguments) => run(arguments),
        Err(error) => usage(&error),
    }
}

fn run(arguments: Arguments) -> ExitCode {
    let json = arguments.globals.json;
    let output = Output::stdout(json);
    let mut invocation = Invocation { globals: arguments.globals, output };
    let done = dispatch(arguments.command, &mut invocation);
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

fn dispatch(command: Command, invocation: &mut Invocation) -> Result<(), Failure> {
    match command {
        Command::Serve(args) => serve::run(args, invocation),
        Command::Demo(args) => demo::run(&args, invocation),
        Command::Enroll(args) => enroll::run(args, invocation),
        Command::Invite(args) => invite::run(args, invocation),
        Command::Keys(args) => keys::run(args, invocation),
        Command::Publish(args) => publish::run(&args, invocation),
        Command::Fetch(args) => fetch::run(&args, invocation),
        Command::Watch(args) => watch::run(args, invocation),
        Command::Unwatch(args) => unwatch::run(&args, invocation),
        Command::Send(args) => send::run(args, invocation),
        Command::Inbox(args) => inbox::run(&args, invocation),
        Command::Rules(args) => rules::run(&args, invocation),
        Command::Requests(args) => requests::run(args, invocation),
        Command::Watchers(args) => watchers::run(args, invocation),
        Command::Visibility(args) => visibility::run(args, invocation),
        Command::Delivery(args) => delivery::run(args, invocation),
        Command::Grant(args) => grant::run(&args, invocation),
        Command::History(args) => history::run(args, invocation),
        Command::Explain(args) => explain::run(args, invocation),
        Command::Domain(args) => domain::run(args, invocation),
        Command::Log(command) => log::run(command, invocation),
        Command::Bench(args) => bench::run(args, invocation),
        Command::Doctor(args) => doctor::run(&args, invocation),
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
