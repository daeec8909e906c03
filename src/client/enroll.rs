//! Enrolling this device for a principal.
//!
//! The key is on disk before the server hears of it, and the identity is in place only after the server took it: a
//! crash between the two is mended by enrolling again, with the same key.
//! Must never hold: an invite's token for longer than the call.

use core::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use super::address::{KeyHash, ServerAddress};
use super::client::blocking;
use super::connection::{Connection, Endpoint, KEEP_ALIVE, Pin};
use super::error::ClientError;
use super::profile::{ANSWER_WITHIN, CONNECT_TIMEOUT};
use super::request_id::RequestId;
use super::session::Session;
use super::state::{Credentials, Home, Identity, StateError};
use super::token::InviteToken;
use crate::model::{DeviceLabel, Principal, Refusal, Role};
use crate::protocol::body;
use crate::wire::CloseCode;

const GOODBYE_TIMEOUT: Duration = Duration::from_secs(1);

/// A wish to enroll this device.
#[derive(Clone, Debug)]
pub struct Enrollment {
    /// For whom.
    pub principal: Principal,
    /// Where.
    pub server: ServerAddress,
    /// The invite; `None` under open enrollment.
    pub invite: Option<InviteToken>,
    /// What the owner calls the device.
    pub label: DeviceLabel,
    /// The key the server must show; `None` is the one that the invite names, and if it names none, what the server shows
    /// now is trusted and pinned: ask whoever is to trust it, with [`shown_key`](super::shown_key).
    pub server_key: Option<KeyHash>,
    /// Puts an identity that is here already aside instead of refusing.
    pub replace: bool,
    /// How long the server may take to write the enrollment down.
    pub answer_within: Duration,
}

impl Enrollment {
    /// A wish without an invite, a label or a known server key.
    ///
    /// # Panics
    /// Never: an empty label is a valid one.
    pub fn new(principal: Principal, server: ServerAddress) -> Self {
        let label = DeviceLabel::new("").expect("an empty label is valid");
        let (invite, server_key, replace, answer_within) = (None, None, false, ANSWER_WITHIN);
        Self { principal, server, invite, label, server_key, replace, answer_within }
    }
}

impl Enrollment {
    /// The key that the server must show, by what was told of it or by the invite.
    ///
    /// # Errors
    /// [`Refusal::BadField`] if the two are not the same.
    pub fn known_key(&self) -> Result<Option<KeyHash>, Refusal> {
        let invited = self.invite.as_ref().and_then(InviteToken::server_key);
        match (self.server_key, invited) {
            (Some(told), Some(invited)) if told != invited => {
                let reason = "is not that of the server the invite is for; ask who made the invite";
                Err(Refusal::bad_field("server key", reason))
            }
            (told, invited) => Ok(told.or(invited)),
        }
    }
}

/// This device is enrolled.
#[derive(Clone, Debug)]
pub struct Enrolled {
    /// As whom, and which server key is pinned from now on.
    pub identity: Identity,
    /// What the principal may do.
    pub role: Role,
    /// Whether the server did not know the key before. False when an enrollment that was cut short is finished.
    pub newly: bool,
}

/// Makes a key, has the server take it, and keeps the identity in `home`.
///
/// Can be repeated after any failure: it goes on with the key that was made.
///
/// # Errors
/// [`StateError::AlreadyEnrolled`], [`ClientError::Refused`], [`ClientError::Unreachable`],
/// [`ClientError::OutcomeUnknown`], [`ClientError::ServerKeyChanged`] if the key is not the one given,
/// [`ClientError::State`].
pub async fn enroll(home: &Home, enrollment: Enrollment) -> Result<Enrolled, ClientError> {
    let pin = enrollment.known_key()?.map_or(Pin::FirstUse, Pin::Known);
    let (folder, principal) = (home.clone(), enrollment.principal.clone());
    let replace = enrollment.replace;
    let staged = blocking(move || {
        if !replace {
            refuse_present(&folder, &principal)?;
        }
        folder.stage(&principal)
    })
    .await?;
    let endpoint = Endpoint::new(KEEP_ALIVE)?;
    let connection =
        Connection::connect(&endpoint, &enrollment.server, &pin, CONNECT_TIMEOUT).await?;
    let introduced = introduce(&connection, staged.credentials(), &enrollment).await;
    connection.close(CloseCode::NoError);
    let session = introduced?;
    let (server, server_key) = (enrollment.server, connection.server_key());
    let identity = blocking(move || staged.finish(&server, server_key)).await?;
    endpoint.wait_idle(GOODBYE_TIMEOUT).await;
    Ok(Enrolled { identity, role: session.role, newly: session.enrolled })
}

fn refuse_present(home: &Home, principal: &Principal) -> Result<(), StateError> {
    match home.identity(principal) {
        Ok(identity) => Err(StateError::AlreadyEnrolled {
            principal: principal.to_string(),
            server: identity.server.to_string(),
            folder: identity.folder().unwrap_or_else(|| home.path()).to_owned(),
        }),
        Err(StateError::NoIdentity { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

async fn introduce(
    connection: &Connection,
    credentials: &Credentials,
    enrollment: &Enrollment,
) -> Result<Session, ClientError> {
    let token = enrollment.invite.as_ref().map(InviteToken::as_bytes);
    let wish = body::Enroll {
        token: token.map(|token| Bytes::copy_from_slice(token)).unwrap_or_default(),
        label: enrollment.label.as_str().to_owned(),
    };
    let software = concat!("adsum/", env!("CARGO_PKG_VERSION"));
    let (_sender, mut receiver) = connection.hello(credentials, Some(wish), software).await?;
    match timeout(enrollment.answer_within, receiver.welcome()).await {
        Ok(Ok(welcome)) => Session::new(&welcome),
        Ok(Err(ClientError::Lost { reason })) => Err(unknown(reason)),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let secs = enrollment.answer_within.as_secs_f64();
            Err(unknown(format!("no answer within {secs:.1} s")))
        }
    }
}

/// The server may have taken the key, which is kept, so that enrolling again goes on with it.
fn unknown(reason: String) -> ClientError {
    ClientError::OutcomeUnknown { request: "enroll", id: RequestId::Itself, reason }
}
