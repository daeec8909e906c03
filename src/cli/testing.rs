//! What the unit tests of commands share.
//!
//! Must never hold: a check.

use clap::{Args, CommandFactory, Parser};

/// A command line that holds nothing but the arguments of one command.
#[derive(Debug, Parser)]
struct Line<A: Args> {
    #[command(flatten)]
    args: A,
}

/// The arguments of a command, as `words` give them.
pub(super) fn parsed<A: Args>(words: &[&str]) -> Result<A, clap::Error> {
    let all = core::iter::once(&"command").chain(words);
    Line::try_parse_from(all).map(|line| line.args)
}

/// The whole program, as clap has built it, without its `help` commands.
pub(super) fn program() -> clap::Command {
    let mut program = super::Arguments::command().disable_help_subcommand(true);
    program.build();
    program
}

/// Calls `each` with every command that is shown and the words that lead there.
pub(super) fn each_command(program: &clap::Command, each: &mut dyn FnMut(&str, &clap::Command)) {
    fn walk(command: &clap::Command, above: &str, each: &mut dyn FnMut(&str, &clap::Command)) {
        let path = format!("{above} {}", command.get_name());
        each(path.trim_start(), command);
        let shown = command.get_subcommands().filter(|below| !below.is_hide_set());
        shown.for_each(|below| walk(below, &path, each));
    }
    walk(program, "", each);
}
