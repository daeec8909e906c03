//! Erasing a principal for good.
//!
//! Must never hold: a rule of who may be erased by whom (the server decides).

use super::client::{Client, mismatched};
use super::error::ClientError;
use crate::model::Principal;
use crate::protocol::{Answer, Erase};

impl Client {
    /// Erases `principal` for good: oneself, or as an administrator somebody of one's domain. One that is erased already gets
    /// the same answer: the certificate as the server wrote it, of which nothing is checked yet; empty if it made none.
    ///
    /// # Errors
    /// [`ClientError::Refused`], and those of a connection that will not come back. Whoever erases itself and loses the answer
    /// is refused with [`RefusalCode::Erased`](crate::model::RefusalCode::Erased) when it comes back.
    pub async fn erase(&self, principal: &Principal) -> Result<String, ClientError> {
        match self.request(Erase { principal: principal.clone() }).await? {
            (Answer::Erased { certificate }, _) => Ok(certificate),
            (other, _) => Err(mismatched(&other)),
        }
    }
}
