//! What a running server is told anew, without anybody losing a connection.
//!
//! Must never hold: where settings come from, or what of them waits for the next start.

use super::config::ServerConfig;
use super::{Server, ServerError, tls};

impl Server {
    /// Takes over from `config` what can be changed while it serves: limits of connections, of addresses and of principals,
    /// the pages that may connect, and the certificate, which is read again from the files it was started with. Whatever else
    /// `config` says holds from the next start on.
    ///
    /// Who has more than a new limit lets it have keeps it, and gets no more.
    ///
    /// # Errors
    /// [`ServerError::NobodyAdmitted`] if a limit lets nobody in: then nothing is changed. [`ServerError::BadFile`] and the like
    /// if the certificate cannot be used: then the old one stays, and all else is taken over.
    pub async fn reload(&self, config: &ServerConfig) -> Result<(), ServerError> {
        config.limits.check()?;
        self.shared.addresses.limit(&config.limits);
        let quotas = config.limits.quotas;
        // A writer that is gone decides nothing more.
        let _ = self.shared.desk.send(Box::new(move |commit| commit.limit_principals(quotas)));
        if let Some(web) = &self.shared.web {
            web.pages.list(config.web.origins.clone());
        }
        match self.certificate.clone() {
            Some(files) => tls::read_again(&self.shared.certificates, files).await,
            None => Ok(()),
        }
    }
}
