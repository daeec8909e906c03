//! The program `adsum`: arguments in, exit code out, and where its memory comes from.
//!
//! Must never hold: anything else; the commands are in `adsum::cli`.

use std::process::ExitCode;

use mimalloc::MiMalloc;

// What a request needs is taken by one thread and given back by another, which costs the system's allocator more.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

fn main() -> ExitCode {
    adsum::cli::main()
}
