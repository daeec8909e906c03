//! How a command learns that it is to end: Ctrl-C, SIGTERM, and a reader of its output that has gone.
//!
//! Must never hold: what is to be done about it.

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

use crate::cli::run::failure::Failure;

/// Listens for Ctrl-C and SIGTERM from the moment it is made.
pub(in crate::cli) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// Whether nobody reads stdout any more.
    unread: watch::Receiver<bool>,
}

impl Interrupts {
    /// Begins to listen. Needs a runtime.
    pub(in crate::cli) fn listen() -> Result<Self, Failure> {
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
            unread: watch::Sender::new(false).subscribe(),
        })
    }

    /// As [`Interrupts::listen`], and also for the reader of stdout to go, for a command that may print nothing for long.
    pub(in crate::cli) fn listen_for_readers() -> Result<Self, Failure> {
        let (told, unread) = watch::channel(false);
        // The thread waits as long as the process lives, which does not wait for it.
        let waiting = std::thread::Builder::new().name("reader".into()).spawn(move || {
            if becomes_unread() {
                told.send_replace(true);
            }
        });
        waiting.map_err(|error| {
            Failure::failed(
                "machine",
                format!("cannot start a thread: {error}; raise the limit on threads"),
            )
        })?;
        Ok(Self { unread, ..Self::listen()? })
    }

    /// Waits until the command is to end.
    pub(in crate::cli) async fn next(&mut self) {
        let unread = async {
            if self.unread.wait_for(|unread| *unread).await.is_err() {
                core::future::pending::<()>().await;
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = unread => {}
        }
    }

    /// Why a command ends that was in the middle of something: nothing, if nobody reads what it prints any more.
    pub(in crate::cli) fn failure(&self, interrupted: Failure) -> Failure {
        if *self.unread.borrow() { Failure::PipeClosed } else { interrupted }
    }
}

/// Listens for signals of one `kind`, which do not end the process from now on. Needs a runtime.
pub(in crate::cli) fn listen(kind: SignalKind) -> Result<Signal, Failure> {
    signal(kind).map_err(|error| {
        let told = format!("cannot listen for signals: {error}; run the command again");
        Failure::failed("machine", told)
    })
}

/// Waits until nobody reads stdout any more; `false` if that cannot be told. A file and a terminal have a reader.
fn becomes_unread() -> bool {
    let stdout = std::io::stdout();
    let mut wanted = [PollFd::new(&stdout, PollFlags::empty())];
    loop {
        match poll(&mut wanted, None) {
            Ok(_) => return wanted[0].revents().intersects(PollFlags::ERR | PollFlags::HUP),
            Err(Errno::INTR) => {}
            Err(_) => return false,
        }
    }
}
