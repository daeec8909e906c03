//! The folder that holds every identity of this machine's account, and how a new one comes into it.
//!
//! An identity is made in `.enrolling/`, first its key, and moves into its place by one rename when the server has
//! taken it. So a key that a server may know is never lost, and what is in place is complete.
//! Must never hold: a name of a file made from a principal without escaping.

use core::fmt::Write as _;
use std::fs::{self, File};
use std::path::{Path, PathBuf};

use super::guarded::{self, ASIDE, LOCK_FILE, STAGING};
use super::identity::{IdentityFile, KEY_FILE};
use super::{Credentials, Identity, StateError, durable, key};
use crate::client::address::{KeyHash, ServerAddress};
use crate::disk;
use crate::guard::Unsafe;
use crate::model::Principal;

/// Longest name made of a principal in full; file systems allow 255 bytes.
const NAME_BYTES_MAX: usize = 200;

/// A folder with identities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Home {
    path: PathBuf,
}

impl Home {
    /// The folder at `path`, which need not exist yet.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// `$ADSUM_HOME`, else `$XDG_DATA_HOME/adsum`, else `~/.local/share/adsum`.
    ///
    /// # Errors
    /// [`StateError::NoHome`] if none of the variables is set.
    pub fn from_env() -> Result<Self, StateError> {
        Self::from_variables(|name| std::env::var_os(name).filter(|value| !value.is_empty()))
    }

    fn from_variables(
        variable: impl Fn(&str) -> Option<std::ffi::OsString>,
    ) -> Result<Self, StateError> {
        let given = variable("ADSUM_HOME").map(PathBuf::from);
        let data = || variable("XDG_DATA_HOME").map(|path| PathBuf::from(path).join("adsum"));
        let user = || variable("HOME").map(|path| PathBuf::from(path).join(".local/share/adsum"));
        given.or_else(data).or_else(user).map(Self::at).ok_or(StateError::NoHome)
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What of the files here others of this machine can get at. Changes nothing.
    pub fn unsafe_files(&self) -> Vec<Unsafe> {
        guarded::look(&self.path)
    }

    /// Closes what is open to others, and returns what was. Whatever reads an identity from here does that first.
    ///
    /// # Errors
    /// [`StateError::Unsafe`] if something else has to be done about a file or folder; then nothing is changed.
    pub fn close(&self) -> Result<Vec<Unsafe>, StateError> {
        guarded::close(&self.path)
    }

    /// Every identity, in order of principal.
    ///
    /// # Errors
    /// [`StateError::Unsafe`], [`StateError::Io`], or [`StateError::Damaged`] for the first one that does not load.
    pub fn identities(&self) -> Result<Vec<Identity>, StateError> {
        self.close()?;
        self.identities_as_they_are()
    }

    /// The same, whoever can get at them.
    pub(crate) fn identities_as_they_are(&self) -> Result<Vec<Identity>, StateError> {
        let mut found = Vec::new();
        for folder in self.folders()? {
            found.extend(Identity::load(&folder)?);
        }
        found.sort_by(|one, other| one.principal.cmp(&other.principal));
        Ok(found)
    }

    fn folders(&self) -> Result<Vec<PathBuf>, StateError> {
        let entries = match fs::read_dir(&self.path) {
            Ok(entries) => entries,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(cause) => return Err(StateError::io("read the folder", &self.path)(cause)),
        };
        let visible = |path: &PathBuf| {
            let hidden = path.file_name().is_some_and(|name| name.as_encoded_bytes()[0] == b'.');
            !hidden && path.is_dir()
        };
        Ok(entries.flatten().map(|entry| entry.path()).filter(visible).collect())
    }

    /// The identity of `principal`.
    ///
    /// # Errors
    /// [`StateError::NoIdentity`] if it is not enrolled here, [`StateError::Unsafe`], [`StateError::Damaged`],
    /// [`StateError::Io`].
    pub fn identity(&self, principal: &Principal) -> Result<Identity, StateError> {
        self.close()?;
        self.identity_as_it_is(principal)
    }

    /// The same, whoever can get at it.
    pub(crate) fn identity_as_it_is(&self, principal: &Principal) -> Result<Identity, StateError> {
        Identity::load(&self.folder(principal))?.ok_or_else(|| self.absent(principal.account()))
    }

    /// The identity, if there is exactly one.
    ///
    /// # Errors
    /// [`StateError::Nobody`] if there is none, [`StateError::SeveralIdentities`] with their names, and as
    /// [`Home::identities`].
    pub fn only_identity(&self) -> Result<Identity, StateError> {
        let mut found = self.identities()?;
        if found.len() > 1 {
            let principals = found.iter().map(|identity| identity.principal.to_string()).collect();
            return Err(StateError::SeveralIdentities { principals });
        }
        found.pop().ok_or_else(|| StateError::Nobody { home: self.path.clone() })
    }

    fn absent(&self, principal: &str) -> StateError {
        StateError::NoIdentity { principal: principal.to_owned(), home: self.path.clone() }
    }

    /// From now on `principal` is served at `server`, which must show the same key as before.
    ///
    /// # Errors
    /// As [`Home::identity`].
    pub fn set_server(
        &self,
        principal: &Principal,
        server: &ServerAddress,
    ) -> Result<(), StateError> {
        self.correct(principal, |file| file.server = server.clone())
    }

    /// From now on the server of `principal` must show the key `server_key`. Call it only after its operator has
    /// confirmed the change by another way than this connection.
    ///
    /// # Errors
    /// As [`Home::identity`].
    pub fn set_server_key(
        &self,
        principal: &Principal,
        server_key: KeyHash,
    ) -> Result<(), StateError> {
        self.correct(principal, |file| file.server_key = server_key)
    }

    fn correct(
        &self,
        principal: &Principal,
        change: impl FnOnce(&mut IdentityFile),
    ) -> Result<(), StateError> {
        self.close()?;
        let folder = self.folder(principal);
        let file = IdentityFile::load(&folder)?;
        let mut file = file.ok_or_else(|| self.absent(principal.account()))?;
        change(&mut file);
        file.store(&folder)
    }

    /// Begins an identity, or goes on with one that was begun: its key is on disk before this returns.
    pub(crate) fn stage(&self, principal: &Principal) -> Result<Staged, StateError> {
        let folder = self.path.join(STAGING).join(name_of(principal));
        disk::make_folder(&folder)?;
        self.close()?;
        // Two at once would make two keys, and the one that the server knows might be lost.
        let lock = durable::lock(&folder.join(LOCK_FILE))?;
        let credentials =
            Credentials::new(principal.clone(), key::load_or_make(&folder.join(KEY_FILE))?);
        Ok(Staged { home: self.clone(), folder, credentials, lock })
    }

    fn folder(&self, principal: &Principal) -> PathBuf {
        self.path.join(name_of(principal))
    }

    fn put_aside(&self, principal: &Principal) -> Result<(), StateError> {
        let (folder, aside) = (self.folder(principal), self.path.join(ASIDE));
        if !folder.exists() {
            return Ok(());
        }
        disk::make_folder(&aside)?;
        let name = name_of(principal);
        let free = (1_u32..).map(|number| aside.join(format!("{name}-{number}")));
        let free = free.into_iter().find(|path| !path.exists()).expect("numbers do not run out");
        fs::rename(&folder, &free).map_err(StateError::io("put aside", &folder))?;
        disk::sync_folder(&aside)?;
        Ok(disk::sync_folder(&self.path)?)
    }
}

/// An identity on its way: its key is stored, the server has not confirmed it yet.
#[derive(Debug)]
pub(crate) struct Staged {
    home: Home,
    folder: PathBuf,
    credentials: Credentials,
    lock: File,
}

impl Staged {
    /// What proves it.
    pub(crate) fn credentials(&self) -> &Credentials {
        &self.credentials
    }

    /// Puts the identity in its place, after the server has taken the key. One that is there is put aside.
    pub(crate) fn finish(
        self,
        server: &ServerAddress,
        server_key: KeyHash,
    ) -> Result<Identity, StateError> {
        let principal = self.credentials.principal();
        let device = self.credentials.public_key().device().to_string();
        let (principal_text, server) = (principal.account().to_owned(), server.clone());
        IdentityFile { principal: principal_text, server, server_key, device }
            .store(&self.folder)?;
        self.home.put_aside(principal)?;
        let place = self.home.folder(principal);
        // Windows moves no folder that has an open file in it. Elsewhere the lock is held to the end.
        let lock = (!cfg!(windows)).then_some(self.lock);
        fs::rename(&self.folder, &place).map_err(StateError::io("move into place", &place))?;
        disk::sync_folder(self.home.path())?;
        drop(lock);
        self.home.identity(principal)
    }
}

/// A file name for `principal`: itself where that is safe, escaped where it is not, cut and hashed when long.
fn name_of(principal: &Principal) -> String {
    let mut name = String::new();
    for byte in principal.account().bytes() {
        let plain = byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"@-_+".contains(&byte);
        if plain || byte == b'.' && !name.is_empty() {
            name.push(char::from(byte));
        } else {
            write!(name, "%{byte:02x}").expect("a String takes all");
        }
    }
    if name.len() > NAME_BYTES_MAX {
        let digest = blake3::hash(name.as_bytes()).to_hex();
        name.truncate(NAME_BYTES_MAX - 33);
        name.push('~');
        name.push_str(&digest[..32]);
    }
    name
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alice() -> Principal {
        "alice@localhost".parse().unwrap()
    }

    fn server() -> ServerAddress {
        "localhost".parse().unwrap()
    }

    fn enrolled(home: &Home, principal: &Principal) -> Identity {
        home.stage(principal).unwrap().finish(&server(), KeyHash([7; 32])).unwrap()
    }

    #[test]
    fn an_identity_is_in_place_only_when_it_is_finished() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path().join("home"));
        assert!(home.identities().unwrap().is_empty());
        let staged = home.stage(&alice()).unwrap();
        let device = staged.credentials().public_key().device();
        assert!(matches!(home.identity(&alice()), Err(StateError::NoIdentity { .. })));
        let identity = staged.finish(&server(), KeyHash([7; 32])).unwrap();
        assert_eq!(identity.device, device);
        assert_eq!(home.only_identity().unwrap().device, device);
    }

    #[test]
    fn a_crash_while_enrolling_keeps_the_key_that_the_server_may_know() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let first = home.stage(&alice()).unwrap().credentials().public_key();
        assert_eq!(home.stage(&alice()).unwrap().credentials().public_key(), first);
    }

    #[test]
    fn a_replaced_identity_is_put_aside_and_not_destroyed() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        let old = enrolled(&home, &alice()).device;
        let new = enrolled(&home, &alice()).device;
        assert_ne!(old, new);
        assert_eq!(home.only_identity().unwrap().device, new);
        let aside = folder.path().join(".replaced/alice@localhost-1");
        assert_eq!(Identity::load(&aside).unwrap().unwrap().device, old);
    }

    #[test]
    fn one_of_several_must_be_named() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        enrolled(&home, &alice());
        enrolled(&home, &"bob@localhost".parse().unwrap());
        let message = home.only_identity().unwrap_err().to_string();
        assert!(message.contains("alice@localhost, bob@localhost"), "{message}");
    }

    #[test]
    fn a_corrected_server_key_is_used_from_then_on() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        enrolled(&home, &alice());
        home.set_server_key(&alice(), KeyHash([8; 32])).unwrap();
        home.set_server(&alice(), &"[::1]:9".parse().unwrap()).unwrap();
        let identity = home.identity(&alice()).unwrap();
        assert_eq!(identity.server_key, KeyHash([8; 32]));
        assert_eq!(identity.server.to_string(), "[::1]:9");
    }

    #[test]
    fn an_identity_that_was_cut_or_mixed_up_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let home = Home::at(folder.path());
        enrolled(&home, &alice());
        let path = folder.path().join("alice@localhost");
        let file = path.join("identity.toml");
        let good = fs::read_to_string(&file).unwrap();
        for wrong in [&good[..20], &good.replace("server_key", "server_kee"), ""] {
            fs::write(&file, wrong).unwrap();
            assert!(matches!(home.identity(&alice()), Err(StateError::Damaged { .. })), "{wrong}");
        }
        fs::write(&file, &good).unwrap();
        fs::remove_file(path.join("device.key")).unwrap();
        assert!(home.identity(&alice()).unwrap_err().to_string().contains("not there"));
    }

    #[test]
    fn no_principal_escapes_its_folder() {
        for (principal, name) in [
            ("alice@localhost", "alice@localhost"),
            ("../../etc@d.example", "%2e.%2f..%2fetc@d.example"),
            (".hidden@d", "%2ehidden@d"),
            ("élise@d", "%c3%a9lise@d"),
        ] {
            assert_eq!(name_of(&principal.parse().unwrap()), name);
        }
        let long = format!("{}@{}.example", "é".repeat(32), vec!["d".repeat(60); 3].join("."));
        assert!(name_of(&long.parse().unwrap()).len() <= NAME_BYTES_MAX);
    }

    #[test]
    fn the_folder_is_found_in_the_promised_order() {
        let with = |set: &[(&'static str, &'static str)]| {
            let set = set.to_vec();
            Home::from_variables(move |name| {
                set.iter().find(|(key, _)| *key == name).map(|(_, value)| value.into())
            })
        };
        let user = ("HOME", "/u");
        assert_eq!(with(&[user, ("ADSUM_HOME", "/a")]).unwrap(), Home::at("/a"));
        assert_eq!(with(&[user, ("XDG_DATA_HOME", "/x")]).unwrap(), Home::at("/x/adsum"));
        assert_eq!(with(&[user]).unwrap(), Home::at("/u/.local/share/adsum"));
        assert!(matches!(with(&[]), Err(StateError::NoHome)));
    }
}
