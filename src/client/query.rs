//! Asking for what changes nothing: on a stream of its own, and again when the connection is lost meanwhile.
//!
//! Must never hold: a request that changes state (see `driver`).

use super::client::Client;
use super::connection::Connection;
use super::error::ClientError;
use super::exchange::{Answering, Shape};
use super::link::next_link;
use crate::protocol::{self, Framed};
use crate::wire::{Body, Frame};

impl Client {
    /// Asks for something whose answer is one frame.
    pub(crate) async fn one<A: Framed>(
        &self,
        question: &(impl Framed + Sync),
    ) -> Result<A, ClientError> {
        let frames = self.ask(&question.to_body(), Shape::One).await?;
        let frame = frames.first().ok_or_else(|| ClientError::protocol("an answer is empty"))?;
        read(frame)
    }

    /// Asks for something whose answer is a list.
    pub(crate) async fn rows<A: Framed>(
        &self,
        question: &(impl Framed + Sync),
    ) -> Result<Vec<A>, ClientError> {
        self.ask(&question.to_body(), Shape::Rows).await?.iter().map(read).collect()
    }

    /// Asks for something whose answer is a head and a list.
    pub(crate) async fn headed<H: Framed, A: Framed>(
        &self,
        question: &(impl Framed + Sync),
    ) -> Result<(H, Vec<A>), ClientError> {
        let frames = self.ask(&question.to_body(), Shape::Rows).await?;
        let (head, rows) =
            frames.split_first().ok_or_else(|| ClientError::protocol("an answer has no head"))?;
        let rows = rows.iter().map(read).collect::<Result<_, _>>()?;
        Ok((read(head)?, rows))
    }

    async fn ask<Q: Body + Sync>(
        &self,
        question: &Q,
        shape: Shape,
    ) -> Result<Vec<Frame>, ClientError> {
        let (mut links, mut number) = (self.links(), 0);
        loop {
            let link = next_link(&mut links, number).await?;
            match ask_once(&link.connection, question, shape).await {
                // The driver knows better why a connection ended, and whether another one will come.
                Err(_) if link.connection.is_closed() => number = link.number,
                result => return result,
            }
        }
    }
}

async fn ask_once<Q: Body + Sync>(
    connection: &Connection,
    question: &Q,
    shape: Shape,
) -> Result<Vec<Frame>, ClientError> {
    let mut reader = connection.query(question).await?;
    let mut answering = Answering::new(shape);
    loop {
        if let Some(frames) = answering.take(reader.answer().await?)? {
            return Ok(frames);
        }
    }
}

/// Reads a value from a frame of the server.
fn read<T: Framed>(frame: &Frame) -> Result<T, ClientError> {
    protocol::read(frame).map_err(ClientError::protocol)
}
