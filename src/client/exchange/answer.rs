//! The answer to a question, frame by frame.
//!
//! Must never hold: what a row means.

use crate::client::error::ClientError;
use crate::protocol::{Shape, body};
use crate::wire::{Body as _, Frame};

/// Rows of one answer at most: more than any limit of the server allows.
const ROWS_MAX: usize = 10_000;

/// An answer of which some came.
#[derive(Clone, Debug)]
pub struct Answering {
    shape: Shape,
    rows: Vec<Frame>,
}

impl Answering {
    /// Nothing came yet.
    pub fn new(shape: Shape) -> Self {
        Self { shape, rows: Vec::new() }
    }

    /// Takes a frame of [`Frames::next_answer`](super::Frames::next_answer); returns the whole answer if this was its
    /// last one.
    ///
    /// # Errors
    /// [`ClientError::Protocol`] if there are more rows than any limit allows.
    pub fn take(&mut self, frame: Frame) -> Result<Option<Vec<Frame>>, ClientError> {
        if self.shape == Shape::Rows && frame.kind == body::End::KIND {
            return Ok(Some(core::mem::take(&mut self.rows)));
        }
        if self.rows.len() == ROWS_MAX {
            return Err(ClientError::protocol("an answer has more rows than any limit allows"));
        }
        self.rows.push(frame);
        Ok((self.shape == Shape::One).then(|| core::mem::take(&mut self.rows)))
    }
}
