//! Asking for what changes nothing: on a stream of its own, and again when the connection is lost meanwhile.
//!
//! Must never hold: a request that changes state (see `driver`).

use super::client::Client;
use super::connection::{Connection, StreamReader};
use super::error::ClientError;
use super::exchange::Answering;
use super::link::next_link;
use super::outcome::Within;
use crate::protocol::{Asked, Finding as _, Shape};
use crate::wire::{Body, Frame};

impl Client {
    /// Asks, and waits for the whole answer.
    pub(crate) async fn ask<Q: Asked>(&self, question: &Q) -> Result<Q::Answer, ClientError>
    where
        Q::Body: Sync,
    {
        let (body, shape) = (question.to_body(), Q::Answer::SHAPE);
        let (mut links, mut number) = (self.links(), 0);
        loop {
            let link = next_link(&mut links, number).await?;
            match ask_once(&link.connection, &body, shape, &self.within()).await {
                // The driver knows better why a connection ended, and whether another one will come.
                Err(_) if link.connection.is_closed() => number = link.number,
                frames => return Q::Answer::read(&frames?).map_err(ClientError::protocol),
            }
        }
    }
}

async fn ask_once<Q: Body + Sync>(
    connection: &Connection,
    question: &Q,
    shape: Shape,
    within: &Within,
) -> Result<Vec<Frame>, ClientError> {
    let mut reader = connection.query(question).await?;
    let mut answering = Answering::new(shape);
    loop {
        if let Some(frames) = answering.take(next(&mut reader, within).await?)? {
            return Ok(frames);
        }
    }
}

/// The next frame of the answer. Each may take as long as the answer to a change.
async fn next(reader: &mut StreamReader, within: &Within) -> Result<Frame, ClientError> {
    match within.bound {
        None => reader.answer().await,
        Some(bound) => match tokio::time::timeout(bound, reader.answer()).await {
            Ok(answer) => answer,
            Err(_) => Err(within.clone().passed()),
        },
    }
}
