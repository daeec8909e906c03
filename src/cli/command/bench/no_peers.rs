//! `peers` in a program without the clients of other servers: says how to build one that has them.
//!
//! Must never hold: a measurement.

use std::future::{Ready, ready};

use super::common::Common;
use crate::cli::print::output::Output;
use crate::cli::run::failure::Failure;

/// What would be compared.
#[derive(Debug, clap::Args)]
pub(super) struct Peers {
    #[command(flatten)]
    common: Common,
}

impl Peers {
    /// Refuses.
    pub(super) fn run(self, _: &mut Output) -> Ready<Result<(), Failure>> {
        let built = Failure::usage(
            "this adsum was built without the clients of other servers; build one that has them: \
             cargo build --release --features peers",
        );
        ready(self.common.options().and(Err(built)))
    }
}
