//! Applications on the client library.
//!
//! Must never hold: a frame.

use std::net::SocketAddr;
use std::time::Duration;

use adsum::client::{
    Client, Enrollment, Home, Identity, Outgoing, Profile, PublishOptions, ServerAddress, Update,
    WatchOptions, enroll,
};
use adsum::model::{Document, InboxAddress, MessageId, Mode, Presentity, Principal};
use adsum::protocol::Field as _;

use super::peer::{document, note_of};
use super::{inbox, presentity, principal, within};

/// The address of a server as a client writes it.
pub fn server_address(server: SocketAddr) -> ServerAddress {
    ServerAddress { host: server.ip().to_string(), port: server.port() }
}

/// Enrols this device for `name`.
pub async fn enrolled(home: &Home, name: &str, server: SocketAddr) -> Identity {
    let principal: Principal = principal(name).parse().unwrap();
    let enrollment = Enrollment::new(principal, server_address(server));
    within("the device is enrolled", enroll(home, enrollment)).await.unwrap().identity
}

/// Enrols this device for `name` and connects for good.
pub async fn client(home: &Home, name: &str, server: SocketAddr) -> Client {
    let mut profile = Profile::new(enrolled(home, name, server).await);
    // Whoever has nothing to say notices only at its next sign of life that the server was killed.
    profile.keep_alive = Duration::from_millis(300);
    Client::open(profile).unwrap()
}

pub fn presentity_of(name: &str) -> Presentity {
    presentity(name).parse().unwrap()
}

pub fn inbox_of(name: &str) -> InboxAddress {
    inbox(name).parse().unwrap()
}

/// One open tuple with a note.
pub fn note(text: &str) -> Document {
    Document::from_wire(document(text)).unwrap()
}

/// The note that an update shows; `None` if nothing is published.
pub fn noted(update: &Update) -> Option<String> {
    note_of(&update.presence.document.to_wire())
}

/// Publishes a note as one's own presence, however long the server is away.
pub async fn publish(client: &Client, text: &str) {
    let options = PublishOptions::default();
    within("it is published", client.publish(note(text), &options)).await.unwrap();
}

/// Sends a message under an id, however long the server is away; whether it was there already.
pub async fn send(client: &Client, to: &str, id: &str, body: &str) -> bool {
    let id = Some(MessageId::new(id).unwrap());
    let outgoing = Outgoing { id, ..Outgoing::text(inbox_of(to), body) };
    within("it is sent", client.send(outgoing)).await.unwrap().duplicate
}

/// Watches one presentity.
pub fn watch_of(name: &str, mode: Mode) -> WatchOptions {
    WatchOptions { mode, ..WatchOptions::of(vec![presentity_of(name)]) }
}
