//! What can be said of a configuration before a server is started with it.
//!
//! Must never hold: a change of anything.

use super::config::ServerConfig;
use super::{ServerError, certificate, http};

impl ServerConfig {
    /// Checks that somebody can come in, and that the files that are named can be used. Changes nothing.
    ///
    /// # Errors
    /// [`ServerError`] with the thing, the cause and the cure, as a start with it would end.
    pub fn check(&self) -> Result<(), ServerError> {
        if self.domains.is_empty() {
            return Err(ServerError::NoDomain);
        }
        self.limits.check()?;
        if let Some(files) = &self.certificate {
            certificate::read_pair(files)?;
        }
        if let Some(path) = &self.http_token {
            http::read_token(path)?;
        }
        Ok(())
    }
}
