//! How the server's keys are sealed in a backup, and opened again: files of age, which its other programs open as well.
//!
//! Must never hold: a passphrase from the command line, which every process of the machine can read.

use std::path::{Path, PathBuf};

use age::secrecy::SecretString;
use age::{scrypt, x25519};

use crate::backup::NewKeys;
use crate::cli::run::failure::Failure;
use crate::cli::run::{input, passphrase};

/// Work for whoever tries a passphrase, as a power of two: about a second, and 256 MiB. As age's own program takes.
const WORK: u8 = 18;
/// The most work that is done for a file: one of another program may take more.
const WORK_MAX: u8 = 22;
/// Bytes of a file with a passphrase or identities.
const SECRET_BYTES_MAX: usize = 64 * 1024;
/// What a line of a secret identity begins with.
const IDENTITY: &str = "AGE-SECRET-KEY-1";

/// What becomes of the keys in a backup that is made.
#[derive(Debug, clap::Args)]
pub(super) struct Sealing {
    /// Put the server's keys into the backup, sealed by a passphrase that is asked for, or as the next two say [default: no keys]
    #[arg(long, conflicts_with = "verify")]
    with_keys: bool,
    /// Take the passphrase from the first line of this file
    #[arg(long, value_name = "FILE", requires = "with_keys", conflicts_with = "recipient")]
    passphrase_file: Option<PathBuf>,
    /// Seal the keys to this age recipient instead, such as age1…
    #[arg(long, value_name = "RECIPIENT", requires = "with_keys")]
    recipient: Option<x25519::Recipient>,
    /// Take the keys out of a backup that holds them
    #[arg(long, conflicts_with_all = ["with_keys", "verify"])]
    without_keys: bool,
}

/// What is to become of the keys in a backup.
pub(super) enum Wish {
    /// Those of the store are in it, sealed so.
    Seal(Sealer),
    /// None are put into it.
    Leave(NewKeys),
}

/// Seals keys.
pub(super) enum Sealer {
    To(x25519::Recipient),
    By(scrypt::Recipient),
}

impl Sealer {
    /// `keys`, sealed.
    pub(super) fn seal(&self, keys: &[u8]) -> Vec<u8> {
        let sealed = match self {
            Self::To(recipient) => age::encrypt(recipient, keys),
            Self::By(passphrase) => age::encrypt(passphrase, keys),
        };
        sealed.expect("memory takes what is written to it")
    }
}

impl Sealing {
    /// What is to become of the keys. Asks for a passphrase if one is needed.
    pub(super) fn wish(&self) -> Result<Wish, Failure> {
        if self.without_keys {
            return Ok(Wish::Leave(NewKeys::Removed));
        }
        if !self.with_keys {
            return Ok(Wish::Leave(NewKeys::None));
        }
        if let Some(recipient) = &self.recipient {
            return Ok(Wish::Seal(Sealer::To(recipient.clone())));
        }
        let secret = passphrase_from(self.passphrase_file.as_deref(), passphrase::new)?;
        let mut recipient = scrypt::Recipient::new(secret);
        recipient.set_work_factor(WORK);
        Ok(Wish::Seal(Sealer::By(recipient)))
    }
}

/// What becomes of the keys in a backup that is made a store.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Opening {
    /// Take the passphrase of the keys from the first line of this file [default: it is asked for]
    #[arg(long, value_name = "FILE", conflicts_with = "identity")]
    passphrase_file: Option<PathBuf>,
    /// Open the keys with an age identity in this file
    #[arg(long, value_name = "FILE")]
    identity: Option<PathBuf>,
    /// Leave the keys in the backup aside
    #[arg(long, conflicts_with_all = ["passphrase_file", "identity"])]
    without_keys: bool,
}

impl Opening {
    /// The keys that were `sealed`, if there are any and they are wanted.
    pub(in crate::cli) fn opened(
        &self,
        sealed: Option<Vec<u8>>,
    ) -> Result<Option<Vec<u8>>, Failure> {
        let Some(sealed) = sealed.filter(|_| !self.without_keys) else { return Ok(None) };
        let opened = if let Some(path) = &self.identity {
            age::decrypt(&identity_in(path)?, &sealed)
        } else {
            let secret = passphrase_from(self.passphrase_file.as_deref(), passphrase::known)?;
            let mut identity = scrypt::Identity::new(secret);
            identity.set_max_work_factor(WORK_MAX);
            age::decrypt(&identity, &sealed)
        };
        let wrong = |error| {
            let text = format!(
                "the keys in the backup do not open: {error}; give the passphrase with --passphrase-file or the identity with --identity that they were sealed to, or leave them aside with --without-keys"
            );
            Failure::failed("keys-sealed", text)
        };
        opened.map(Some).map_err(wrong)
    }
}

fn passphrase_from(
    file: Option<&Path>,
    asked: fn() -> Result<SecretString, Failure>,
) -> Result<SecretString, Failure> {
    let Some(path) = file else { return asked() };
    let text = secret_in(path)?;
    let line = text.lines().next().unwrap_or_default();
    if line.is_empty() {
        let text = format!("{} holds no passphrase; write one into its first line", path.display());
        return Err(Failure::usage(text));
    }
    Ok(SecretString::from(line.to_owned()))
}

fn identity_in(path: &Path) -> Result<x25519::Identity, Failure> {
    let text = secret_in(path)?;
    let line = text.lines().find(|line| line.starts_with(IDENTITY));
    line.and_then(|line| line.trim_end().parse().ok()).ok_or_else(|| {
        let path = path.display();
        Failure::usage(format!("{path} holds no age identity; name the file that age-keygen wrote"))
    })
}

fn secret_in(path: &Path) -> Result<String, Failure> {
    let bytes = input::read(path, SECRET_BYTES_MAX)?;
    String::from_utf8(bytes).map_err(|_| {
        Failure::usage(format!("{} is no text; name the file with the secret", path.display()))
    })
}
