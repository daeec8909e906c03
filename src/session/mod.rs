//! What a connection is to the server, between frames in and frames out. Sans-I/O.
//!
//! Each stream of a connection is a [`Stream`], a state machine of its own: told what its peer wrote, what the service
//! answered and what the log holds, it says what to do next. [`serve`] drives one over a [`Transport`]; a [`Host`] does
//! what touches the world: hands questions to the service, reads the log, checks signatures, tells the time. Streams
//! share one [`Connection`]: who it is, how many feeds it has.
//!
//! Must never hold: a clock, randomness, a task, a socket, a log line, or state that must outlive the connection.

mod connection;
mod control;
mod cursor;
mod drive;
mod feed;
mod hello;
mod lane;
mod ledger;
mod query;
mod shown;
mod step;
mod stream;
mod transport;

pub use connection::{Close, Connection, Fresh, Settings};
pub use cursor::{Place, Scope, Sealer};
pub use drive::{Host, LAST_WORDS, ServiceGone, Sleep, serve};
pub use lane::{Lane, LaneId, Letter, Post, post};
pub use shown::shown_body;
pub use step::{Claim, End, Ending, Found, Heard, Look, NotFound, Note, Parting, Step};
pub use stream::Stream;
pub use transport::{Gone, ReceiveHalf, SendHalf, Transport};
