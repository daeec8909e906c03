//! Asking for what changes nothing: on a stream of its own, and again when the connection is lost meanwhile.
//!
//! Must never hold: a request that changes state (see `driver`).

use super::client::Client;
use super::connection::{Connection, StreamReader};
use super::error::ClientError;
use super::link::next_link;
use crate::protocol::body;
use crate::protocol::{self, Framed};
use crate::wire::{Body, Frame};

/// Rows of one answer at most: more than any limit of the server allows.
const ROWS_MAX: usize = 10_000;

/// What an answer looks like.
#[derive(Clone, Copy)]
enum Shape {
    /// One frame.
    One,
    /// Any number of rows, then `End`.
    Rows,
}

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
    match shape {
        Shape::One => reader.answer().await.map(|frame| vec![frame]),
        Shape::Rows => all_rows(&mut reader).await,
    }
}

async fn all_rows(reader: &mut StreamReader) -> Result<Vec<Frame>, ClientError> {
    let mut rows = Vec::new();
    loop {
        let frame = reader.answer().await?;
        if frame.kind == body::End::KIND {
            return Ok(rows);
        }
        if rows.len() == ROWS_MAX {
            return Err(ClientError::protocol("an answer has more rows than any limit allows"));
        }
        rows.push(frame);
    }
}

/// Reads a value from a frame of the server.
fn read<T: Framed>(frame: &Frame) -> Result<T, ClientError> {
    protocol::read(frame).map_err(ClientError::protocol)
}
