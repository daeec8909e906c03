//! The program `adsum`: arguments in, exit code out.
//!
//! Must never hold: anything else; the commands are in `adsum::cli`.

use std::process::ExitCode;

fn main() -> ExitCode {
    adsum::cli::main()
}
