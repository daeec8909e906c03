//! Copies of the log, and looks at the state, for commands on the server's machine that run as the server's user, while the server goes on.
//!
//! ```text
//! DIR/backup.sock      asked:     "adsum copy 1\n" position:u64le
//!                      answered:  what comes after that position, as records of `backup`
//!                      asked:     "adsum look 1\n" length:u64le what:[u8;length]
//!                      answered:  what the state is there, see `look`, and nothing if that is not known
//! ```
//!
//! A backup holds what everybody wrote, so nobody gets one over the network, whoever is administrator; who can read the data
//! folder has the log anyway. Must never hold: a key, or an answer to another user of the machine.

#[cfg(unix)]
pub(super) use system::{ask, look, serve};

/// The socket's name in the data folder.
pub(super) const SOCKET: &str = "backup.sock";

#[cfg(unix)]
mod system {
    use core::ops::ControlFlow;
    use std::fs::{Permissions, set_permissions};
    use std::io::{self, Read, Write};
    use std::os::unix::fs::PermissionsExt as _;
    use std::os::unix::net::UnixStream as Asking;
    use std::path::{Path, PathBuf};
    use std::sync::Arc;
    use std::time::Duration;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{UnixListener, UnixStream};
    use tokio::sync::mpsc;
    use tokio::task::{JoinSet, spawn_blocking};
    use tokio::time::sleep;
    use tracing::warn;

    use super::SOCKET;
    use crate::backup::{BackupFault, Record, record_length, stream};
    use crate::log::{Entries, LogFault, SledLog};
    use crate::model::Sequence;
    use crate::server::desk::Desk;
    use crate::server::look;

    const TITLE: &[u8; 13] = b"adsum copy 1\n";
    const LOOK: &[u8; 13] = b"adsum look 1\n";
    /// What one may ask to look at: no name is so long.
    const LOOK_BYTES_MAX: usize = 64 * 1024;
    /// Bytes that are read from the log at once, and how many of these may wait for whoever asked.
    const CHUNK_BYTES: usize = 256 * 1024;
    const CHUNKS_WAITING: usize = 4;
    /// After an error of the listener, such as of too many open files.
    const PAUSE: Duration = Duration::from_secs(1);

    /// Removes the socket at an orderly end.
    struct Bound(PathBuf);

    impl Drop for Bound {
        fn drop(&mut self) {
            // One that is left is bound anew at the next start, and nobody answers there.
            let _ = std::fs::remove_file(&self.0);
        }
    }

    /// Gives whoever asks a copy of `entries`, the log of the store in `data`, which is ours: from now on, as long as it is
    /// waited for. Never ends unless nobody can ask.
    pub(in crate::server) fn serve(
        data: PathBuf,
        entries: Arc<dyn Entries + Send + Sync>,
        desk: Arc<Desk>,
    ) -> impl Future<Output = ()> + Send {
        let bound = Bound(data.join(SOCKET));
        // The store is locked by this process: who bound it before is gone.
        let _ = std::fs::remove_file(&bound.0);
        let listener = bind(&bound.0).inspect_err(|error| {
            let path = bound.0.display();
            warn!(%path, %error, "nobody can ask for a copy of the log; make backups while no server runs, or use a shorter path");
        });
        async move {
            if let Ok(listener) = listener {
                answer(&listener, &data, &entries, &desk).await;
            }
            drop(bound);
        }
    }

    async fn answer(
        listener: &UnixListener,
        data: &Path,
        entries: &Arc<dyn Entries + Send + Sync>,
        desk: &Arc<Desk>,
    ) -> ! {
        let mut copies = JoinSet::new();
        loop {
            match listener.accept().await {
                Ok((peer, _)) if is_ours(&peer) => {
                    let (entries, desk) = (Arc::clone(entries), Arc::clone(desk));
                    copies.spawn(give(peer, data.to_owned(), entries, desk));
                }
                Ok(_) => {
                    warn!("another user of this machine asked for a copy of the log; it got none");
                }
                Err(error) => {
                    warn!(%error, "a wish for a copy of the log was lost; it can be repeated");
                    sleep(PAUSE).await;
                }
            }
            while copies.try_join_next().is_some() {}
        }
    }

    /// The socket at `path`, for our user alone.
    fn bind(path: &Path) -> io::Result<UnixListener> {
        let listener = UnixListener::bind(path)?;
        set_permissions(path, Permissions::from_mode(0o600))?;
        Ok(listener)
    }

    fn is_ours(peer: &UnixStream) -> bool {
        let us = rustix::process::geteuid().as_raw();
        peer.peer_cred().is_ok_and(|peer| peer.uid() == us)
    }

    /// Reads what `peer` asks, and answers it. Ends early if it goes away.
    async fn give(
        mut peer: UnixStream,
        data: PathBuf,
        entries: Arc<dyn Entries + Send + Sync>,
        desk: Arc<Desk>,
    ) {
        let (mut title, mut number) = ([0; TITLE.len()], [0; 8]);
        let asked = peer.read_exact(&mut title).await.is_ok();
        if !asked || peer.read_exact(&mut number).await.is_err() {
            return;
        }
        let number = u64::from_le_bytes(number);
        if title == *LOOK {
            // Whoever goes away needs no answer.
            let _ = show(&mut peer, number, &desk).await;
            return;
        }
        let after = (title == *TITLE).then_some(Sequence::new(number));
        let (to, mut chunks) = mpsc::channel(CHUNKS_WAITING);
        spawn_blocking(move || copy(&data, entries.as_ref(), after, &to));
        while let Some(chunk) = chunks.recv().await {
            if peer.write_all(&chunk).await.is_err() {
                return;
            }
        }
    }

    /// Answers a question of so many bytes about the state; with nothing if it is none, or the server ends.
    async fn show(peer: &mut UnixStream, length: u64, desk: &Desk) -> io::Result<()> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > LOOK_BYTES_MAX {
            return Ok(());
        }
        let mut asked = vec![0; length];
        peer.read_exact(&mut asked).await?;
        let answer = look::answer(desk, &asked).await;
        peer.write_all(&answer.unwrap_or_default()).await
    }

    /// Why a copy ends early.
    enum Stopped {
        /// Whoever asked is gone.
        Gone,
        Fault(LogFault),
    }

    impl From<LogFault> for Stopped {
        fn from(fault: LogFault) -> Self {
            Self::Fault(fault)
        }
    }

    fn copy(
        data: &Path,
        entries: &dyn Entries,
        after: Option<Sequence>,
        to: &mpsc::Sender<Vec<u8>>,
    ) {
        let mut out = Vec::with_capacity(CHUNK_BYTES);
        match copied(data, entries, after, to, &mut out) {
            Ok(()) => {}
            Err(Stopped::Gone) => return,
            Err(Stopped::Fault(fault)) => Record::Fault(&fault.to_string()).put(&mut out),
        }
        // Nobody is left to be told if this fails.
        let _ = to.blocking_send(out);
    }

    fn copied(
        data: &Path,
        entries: &dyn Entries,
        after: Option<Sequence>,
        to: &mpsc::Sender<Vec<u8>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Stopped> {
        let Some(after) = after else {
            Record::Fault("it is of another version").put(out);
            return Ok(());
        };
        // How far the log is durable: a backup never holds what a power cut could still take from the store.
        let durable = || SledLog::durable_tip(data);
        stream(entries, after, &durable, &mut |record| {
            record.put(out);
            if out.len() < CHUNK_BYTES {
                return Ok(());
            }
            let chunk = core::mem::replace(out, Vec::with_capacity(CHUNK_BYTES));
            to.blocking_send(chunk).map_err(|_| Stopped::Gone)
        })
    }

    /// Asks the server on the store in `data` for what comes after the event `after`, and gives it to `each` until that breaks
    /// off.
    pub(in crate::server) fn ask(
        data: &Path,
        after: Sequence,
        each: &mut dyn FnMut(Record<'_>) -> Result<ControlFlow<()>, BackupFault>,
    ) -> Result<(), BackupFault> {
        let asking = connect(data, TITLE, after.get(), &[])?;
        let mut answer = io::BufReader::with_capacity(CHUNK_BYTES, asking);
        let ended = |reason: String| BackupFault::Server { data: data.to_owned(), reason };
        let mut bytes = Vec::new();
        loop {
            read_record(&mut answer, &mut bytes).map_err(|error| ended(error.to_string()))?;
            let unknown = || ended("its answer is of another version".to_owned());
            let (record, _) = Record::split(&bytes).ok_or_else(unknown)?;
            if each(record)? == ControlFlow::Break(()) || matches!(record, Record::Ends(_)) {
                return Ok(());
            }
        }
    }

    /// Asks the server on the store in `data` to look at what it has, and returns what it answers.
    pub(in crate::server) fn look(data: &Path, asked: &[u8]) -> Result<Vec<u8>, BackupFault> {
        let mut answer = Vec::new();
        let ended = |error: io::Error| BackupFault::Server {
            data: data.to_owned(),
            reason: error.to_string(),
        };
        let mut asking = connect(data, LOOK, asked.len() as u64, asked)?;
        asking.read_to_end(&mut answer).map_err(ended)?;
        Ok(answer)
    }

    /// A connection to the server on the store in `data`, with what is asked written.
    fn connect(data: &Path, title: &[u8], number: u64, more: &[u8]) -> Result<Asking, BackupFault> {
        let socket = data.join(SOCKET);
        let silent = |error: io::Error| BackupFault::Silent {
            data: data.to_owned(),
            socket: socket.clone(),
            reason: error.to_string(),
        };
        let mut asking = Asking::connect(&socket).map_err(silent)?;
        let asked = [title, &number.to_le_bytes(), more].concat();
        asking.write_all(&asked).map_err(silent)?;
        Ok(asking)
    }

    /// Reads the next record into `bytes`.
    fn read_record(from: &mut impl Read, bytes: &mut Vec<u8>) -> io::Result<()> {
        let mut head = [0; 5];
        from.read_exact(&mut head)?;
        let length = record_length(head).ok_or(io::ErrorKind::InvalidData)?;
        bytes.clear();
        bytes.extend_from_slice(&head);
        bytes.resize(head.len() + length, 0);
        from.read_exact(&mut bytes[head.len()..])
    }
}

#[cfg(not(unix))]
pub(super) async fn serve(
    _: std::path::PathBuf,
    _: std::sync::Arc<dyn crate::log::Entries + Send + Sync>,
    _: std::sync::Arc<super::desk::Desk>,
) {
}

#[cfg(not(unix))]
pub(super) fn ask(
    data: &std::path::Path,
    _: crate::model::Sequence,
    _: &mut dyn FnMut(
        crate::backup::Record<'_>,
    ) -> Result<core::ops::ControlFlow<()>, crate::backup::BackupFault>,
) -> Result<(), crate::backup::BackupFault> {
    Err(crate::log::LogFault::Locked { path: data.display().to_string() }.into())
}

#[cfg(not(unix))]
pub(super) fn look(
    data: &std::path::Path,
    _: &[u8],
) -> Result<Vec<u8>, crate::backup::BackupFault> {
    Err(crate::log::LogFault::Locked { path: data.display().to_string() }.into())
}
