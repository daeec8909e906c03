//! `adsum completions`: what a shell needs to complete commands and flags, made from their definitions.
//!
//! Must never hold: a command or a flag.

use clap_complete::Shell;

use crate::cli::run::{failure::Failure, invocation::Invocation};

/// Arguments of `adsum completions`.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "For bash: adsum completions bash > ~/.local/share/bash-completion/completions/adsum\n\
                  For zsh:  adsum completions zsh > a folder of $fpath, as _adsum\n\
                  For fish: adsum completions fish > ~/.config/fish/completions/adsum.fish"
)]
pub(in crate::cli) struct Args {
    /// The shell that is to complete
    shell: Shell,
}

/// Runs `adsum completions`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.output.bytes(&script(args.shell, (invocation.program)()))
}

/// What `shell` reads to complete `program`.
fn script(shell: Shell, mut program: clap::Command) -> Vec<u8> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut program, "adsum", &mut script);
    script
}

#[cfg(test)]
mod tests {
    use clap::ValueEnum;

    use super::*;
    use crate::cli::testing::{each_command, program};

    #[test]
    fn every_shell_is_told_of_every_command_and_flag() {
        for shell in Shell::value_variants() {
            let script = String::from_utf8(script(*shell, program())).unwrap();
            each_command(&program(), &mut |path, command| {
                assert!(script.contains(command.get_name()), "{shell}: {path}");
                for long in command.get_arguments().filter_map(clap::Arg::get_long) {
                    assert!(script.contains(long), "{shell}: {path} --{long}");
                }
            });
        }
    }

    #[test]
    fn a_flag_belongs_to_its_command() {
        let script = String::from_utf8(script(Shell::Fish, program())).unwrap();
        let of_flag = |flag: &str| {
            script.lines().filter(|line| line.contains(&format!(" -l {flag} "))).collect::<Vec<_>>()
        };
        let lines = of_flag("open-enrollment");
        assert!(lines.len() == 1 && lines[0].contains("__fish_adsum_using_subcommand serve"));
    }
}
