//! What becomes of a request: an answer, or, when none came in time, the word that it is not known whether it was done.
//!
//! Must never hold: what a request asks, or a decision to repeat it (see `driver`).

use core::sync::atomic::{AtomicU8, Ordering};
use std::sync::Arc;

use tokio::sync::oneshot;
use tokio::time::{Duration, Instant, timeout_at};

use super::address::ServerAddress;
use super::error::ClientError;
use super::request_id::RequestId;
use super::session::Durability;
use crate::protocol::{Answer, Command};

/// An answer and what it means.
pub(crate) type Answered = Result<(Answer, Durability), ClientError>;

const WAITING: u8 = 0;
const SENT: u8 = 1;
const GIVEN_UP: u8 = 2;

/// How far a request got, as the driver and whoever waits for its answer both see it.
#[derive(Debug)]
pub(crate) struct Fate {
    request: &'static str,
    id: RequestId,
    stands: AtomicU8,
}

impl Fate {
    pub(crate) fn new(command: &Command, is_anonymous: bool) -> Arc<Self> {
        let id = RequestId::of(command, is_anonymous);
        Arc::new(Self { request: command.kind(), id, stands: AtomicU8::new(WAITING) })
    }

    /// It is about to be written, perhaps again. `Err` if it must not be: nobody waits for it any more, or done twice it
    /// would do harm.
    pub(crate) fn begin(&self) -> Result<(), ClientError> {
        match self.stands.compare_exchange(WAITING, SENT, Ordering::AcqRel, Ordering::Acquire) {
            Err(SENT) if self.id != RequestId::Nothing => Ok(()),
            Ok(_) => Ok(()),
            Err(_) => {
                let reason = "the connection was lost before the answer came".to_owned();
                Err(self.end(ClientError::Lost { reason }))
            }
        }
    }

    /// It was written, but for sure not done.
    pub(crate) fn was_not_done(&self) {
        // Whoever gave it up has been told already.
        let _ = self.stands.compare_exchange(SENT, WAITING, Ordering::AcqRel, Ordering::Acquire);
    }

    /// What to tell when `error` ends the wait for an answer.
    pub(crate) fn end(&self, error: ClientError) -> ClientError {
        self.told(self.stands.swap(GIVEN_UP, Ordering::AcqRel), error)
    }

    fn told(&self, stood: u8, error: ClientError) -> ClientError {
        if stood == WAITING {
            return error;
        }
        let reason = match error {
            ClientError::Unreachable { reason, .. } | ClientError::Lost { reason } => reason,
            other => other.to_string(),
        };
        ClientError::OutcomeUnknown { request: self.request, id: self.id.clone(), reason }
    }
}

/// A request that waits for its answer.
#[derive(Debug)]
pub(crate) struct Asked {
    pub(crate) answer: oneshot::Receiver<Answered>,
    pub(crate) fate: Arc<Fate>,
    pub(crate) until: Option<Instant>,
    pub(crate) within: Within,
}

/// How long, and from whom, an answer is waited for.
#[derive(Clone, Debug)]
pub(crate) struct Within {
    pub(crate) bound: Option<Duration>,
    pub(crate) server: ServerAddress,
}

impl Within {
    /// Nobody answered in time.
    pub(crate) fn passed(self) -> ClientError {
        let reason =
            format!("no answer within {:.1} s", self.bound.unwrap_or_default().as_secs_f64());
        ClientError::no_answer(&self.server, reason)
    }
}

impl Asked {
    /// Waits for the answer.
    pub(crate) async fn answered(self) -> Answered {
        let received = match self.until {
            None => self.answer.await,
            Some(until) => match timeout_at(until, self.answer).await {
                Ok(received) => received,
                Err(_) => return Err(self.fate.end(self.within.passed())),
            },
        };
        received.unwrap_or_else(|_| Err(self.fate.end(ClientError::Closed)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{OperationId, Rights};
    use crate::protocol::{Grant, Unsubscribe};

    fn gone() -> ClientError {
        ClientError::Lost { reason: "gone".into() }
    }

    fn unsubscribe() -> Command {
        let presentity = "pres:b@localhost".parse().unwrap();
        Unsubscribe { operation: OperationId::default(), presentity }.into()
    }

    #[test]
    fn what_was_never_written_is_known_not_to_be_done() {
        let fate = Fate::new(&unsubscribe(), false);
        assert_eq!(fate.end(gone()).code(), "connection-lost");
        assert!(fate.begin().is_err(), "and it is not written any more");
    }

    #[test]
    fn what_was_written_is_not_known_until_it_is_known_not_to_be_done() {
        let fate = Fate::new(&unsubscribe(), false);
        fate.begin().unwrap();
        fate.begin().unwrap();
        fate.was_not_done();
        assert_eq!(fate.end(gone()).code(), "connection-lost");
        let fate = Fate::new(&unsubscribe(), false);
        fate.begin().unwrap();
        let error = fate.end(gone());
        assert_eq!(error.code(), "outcome-unknown");
        assert!(error.to_string().contains("gone") && error.to_string().contains("no harm"));
    }

    #[test]
    fn an_operation_is_told_by_its_name() {
        let grantee = "b@localhost".parse().unwrap();
        let (operation, rights) = (OperationId([0xab; 16]), Rights::READ);
        let fate = Fate::new(&Grant { owner: None, grantee, rights, operation }.into(), false);
        fate.begin().unwrap();
        let told = fate.end(gone()).to_string();
        assert!(told.contains(&format!("id {}", "ab".repeat(16))), "{told}");
    }
}
