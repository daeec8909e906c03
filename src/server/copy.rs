//! Copies of the log for commands on the server's machine that run as the server's user, while the server goes on.
//!
//! ```text
//! DIR/backup.sock      asked:     "adsum copy 1\n" position:u64le
//!                      answered:  what comes after that position, as records of `backup`
//! ```
//!
//! A backup holds what everybody wrote, so nobody gets one over the network, whoever is administrator; who can read the data
//! folder has the log anyway. Must never hold: a key, or an answer to another user of the machine.

#[cfg(unix)]
pub(super) use system::{ask, serve};

/// The socket's name in the data folder.
pub(super) const SOCKET: &str = "backup.sock";

#[cfg(unix)]
mod system {
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

    const TITLE: &[u8; 13] = b"adsum copy 1\n";
    const ASKED_BYTES: usize = TITLE.len() + 8;
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
                answer(&listener, &data, &entries).await;
            }
            drop(bound);
        }
    }

    async fn answer(
        listener: &UnixListener,
        data: &Path,
        entries: &Arc<dyn Entries + Send + Sync>,
    ) -> ! {
        let mut copies = JoinSet::new();
        loop {
            match listener.accept().await {
                Ok((peer, _)) if is_ours(&peer) => {
                    copies.spawn(give(peer, data.to_owned(), Arc::clone(entries)));
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

    /// Reads what `peer` asks, and writes the copy. Ends early if it goes away.
    async fn give(mut peer: UnixStream, data: PathBuf, entries: Arc<dyn Entries + Send + Sync>) {
        let mut asked = [0; ASKED_BYTES];
        if peer.read_exact(&mut asked).await.is_err() {
            return;
        }
        let (to, mut chunks) = mpsc::channel(CHUNKS_WAITING);
        spawn_blocking(move || copy(&data, entries.as_ref(), &asked, &to));
        while let Some(chunk) = chunks.recv().await {
            if peer.write_all(&chunk).await.is_err() {
                return;
            }
        }
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
        asked: &[u8; ASKED_BYTES],
        to: &mpsc::Sender<Vec<u8>>,
    ) {
        let mut out = Vec::with_capacity(CHUNK_BYTES);
        match copied(data, entries, asked, to, &mut out) {
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
        asked: &[u8; ASKED_BYTES],
        to: &mpsc::Sender<Vec<u8>>,
        out: &mut Vec<u8>,
    ) -> Result<(), Stopped> {
        let Some(after) = asked.strip_prefix(TITLE).and_then(|after| after.try_into().ok()) else {
            Record::Fault("it is of another version").put(out);
            return Ok(());
        };
        let after = Sequence::new(u64::from_le_bytes(after));
        // How far the log is durable: a backup never holds what a power cut could still take from the store.
        let durable = SledLog::durable_tip(data)?;
        stream(entries, (after, durable), &mut |record| {
            record.put(out);
            if out.len() < CHUNK_BYTES {
                return Ok(());
            }
            let chunk = core::mem::replace(out, Vec::with_capacity(CHUNK_BYTES));
            to.blocking_send(chunk).map_err(|_| Stopped::Gone)
        })
    }

    /// Asks the server on the store in `data` for what comes after the event `after`, and gives it to `each`.
    pub(in crate::server) fn ask(
        data: &Path,
        after: Sequence,
        each: &mut dyn FnMut(Record<'_>) -> Result<(), BackupFault>,
    ) -> Result<(), BackupFault> {
        let socket = data.join(SOCKET);
        let silent = |error: io::Error| BackupFault::Silent {
            data: data.to_owned(),
            socket: socket.clone(),
            reason: error.to_string(),
        };
        let mut asking = Asking::connect(&socket).map_err(silent)?;
        let mut asked = TITLE.to_vec();
        asked.extend_from_slice(&after.get().to_le_bytes());
        asking.write_all(&asked).map_err(silent)?;
        let mut answer = io::BufReader::with_capacity(CHUNK_BYTES, asking);
        let ended = |reason: String| BackupFault::Server { data: data.to_owned(), reason };
        let mut bytes = Vec::new();
        loop {
            read_record(&mut answer, &mut bytes).map_err(|error| ended(error.to_string()))?;
            let unknown = || ended("its answer is of another version".to_owned());
            let (record, _) = Record::split(&bytes).ok_or_else(unknown)?;
            each(record)?;
            if matches!(record, Record::Ends(_)) {
                return Ok(());
            }
        }
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
) {
}

#[cfg(not(unix))]
pub(super) fn ask(
    data: &std::path::Path,
    _: crate::model::Sequence,
    _: &mut dyn FnMut(crate::backup::Record<'_>) -> Result<(), crate::backup::BackupFault>,
) -> Result<(), crate::backup::BackupFault> {
    Err(crate::log::LogFault::Locked { path: data.display().to_string() }.into())
}
