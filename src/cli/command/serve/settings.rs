//! The settings of `serve` as plain values, with the defaults of the command line.
//!
//! Must never hold: how a setting is called or read.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::path::{Path, PathBuf};

use crate::cli::run::failure::Failure;
use crate::server::{CertificateFiles, ServerConfig};
use crate::wire::PORT;

/// TCP port of health and metrics: two above the service's own.
const HTTP_PORT: u16 = 2_780;

/// How log lines look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum LogFormat {
    /// Lines for people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// Everything that can be set: what the server is to be, and how its log lines look.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Settings {
    pub(super) server: ServerConfig,
    /// The files of the certificate, which belong together.
    pub(super) certificate: Option<PathBuf>,
    pub(super) key: Option<PathBuf>,
    pub(super) filter: String,
    pub(super) format: LogFormat,
}

impl Default for Settings {
    fn default() -> Self {
        let listen = (Ipv6Addr::UNSPECIFIED, PORT).into();
        let domain = "localhost".parse().expect("localhost is a domain");
        let mut server = ServerConfig::new("./adsum-data", listen, vec![domain]);
        server.http = Some((Ipv4Addr::LOCALHOST, HTTP_PORT).into());
        Self {
            server,
            certificate: None,
            key: None,
            filter: "info".to_owned(),
            format: LogFormat::Text,
        }
    }
}

/// In front of the name of what a service manager hands over, instead of the path of a file.
const CREDENTIAL: &str = "credential:";

impl Settings {
    /// The same, with each file that is named as a credential in `folder`, where the service manager puts them.
    ///
    /// # Errors
    /// Wrong usage if one is named and there is no such folder.
    pub(super) fn given(mut self, folder: Option<&Path>) -> Result<Self, Failure> {
        for (setting, path) in self.secrets() {
            let Some(name) = path.as_deref().and_then(credential) else { continue };
            let Some(folder) = folder else {
                return Err(Failure::usage(format!(
                    "{setting} is the credential {name}, and none are handed over; start it by systemd with LoadCredential={name}:FILE, or name a file"
                )));
            };
            *path = Some(folder.join(name));
        }
        Ok(self)
    }

    /// The same without the files that are named as credentials, for whoever is not handed them.
    pub(super) fn without_credentials(mut self) -> Self {
        let is_credential = |path: &Option<PathBuf>| path.as_deref().is_some_and(is_credential);
        if is_credential(&self.certificate) || is_credential(&self.key) {
            (self.certificate, self.key) = (None, None);
        }
        if is_credential(&self.server.http_token) {
            self.server.http_token = None;
        }
        self
    }

    /// The files that hold a secret or belong to one, each with its setting.
    fn secrets(&mut self) -> [(&'static str, &mut Option<PathBuf>); 3] {
        [
            ("server.certificate", &mut self.certificate),
            ("server.key", &mut self.key),
            ("http.token", &mut self.server.http_token),
        ]
    }

    /// The server these settings describe.
    ///
    /// # Errors
    /// Wrong usage if a certificate comes without its key, or the key alone.
    pub(super) fn config(self) -> Result<ServerConfig, Failure> {
        let certificate = match (self.certificate, self.key) {
            (Some(chain), Some(key)) => Some(CertificateFiles { chain, key }),
            (None, None) => None,
            (chain, _) => {
                let missing = if chain.is_some() { "--key" } else { "--certificate" };
                return Err(Failure::usage(format!(
                    "a certificate and its key belong together; give {missing} too, or neither"
                )));
            }
        };
        Ok(ServerConfig { certificate, ..self.server })
    }
}

/// The name of the credential that `path` is.
fn credential(path: &Path) -> Option<String> {
    path.to_str()?.strip_prefix(CREDENTIAL).map(str::to_owned)
}

fn is_credential(path: &Path) -> bool {
    credential(path).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_credential_is_a_file_of_the_folder_that_is_handed_over() {
        let key = Some(PathBuf::from("credential:key.pem"));
        let named = Settings { certificate: Some("c.pem".into()), key, ..Settings::default() };
        let given = named.clone().given(Some(Path::new("/run/credentials/adsum"))).unwrap();
        assert_eq!(given.key.unwrap(), Path::new("/run/credentials/adsum/key.pem"));
        assert_eq!(given.certificate.unwrap(), Path::new("c.pem"));
        let failure = named.clone().given(None).unwrap_err();
        assert!(failure.message().contains("server.key is the credential key.pem"), "{failure:?}");
        assert!(failure.message().contains("LoadCredential=key.pem:FILE"), "{failure:?}");
        assert_eq!(named.without_credentials().config().unwrap().certificate, None);
    }
}
