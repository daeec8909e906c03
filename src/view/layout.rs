//! How the records of entities are written: for this version of the program alone, or for ever.
//!
//! Must never hold: which records there are.

use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// A record that does not read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{reason}")]
pub struct RecordFault {
    /// Why.
    pub reason: String,
}

/// A way to write records.
pub trait Layout {
    /// Which version of the records' meaning is written; what has another one is not read.
    const VERSION: u16;
    /// Whether an inbox is written with all its rows; else without those that lie elsewhere.
    const IS_WHOLE: bool;
    /// Whether rows are written in few bytes, with which chunks of them are over; else by the names of their fields.
    const IS_PACKED: bool;

    /// The bytes of `value`.
    fn write<T: Serialize>(value: &T) -> Vec<u8>;

    /// What is written in `bytes`, and nothing else.
    ///
    /// # Errors
    /// [`RecordFault`] if that does not read.
    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordFault>;
}

/// As checkpoints have them, in postcard: short, and every change of a view is another version.
#[derive(Clone, Copy, Debug)]
pub enum Checkpointed {}

impl Layout for Checkpointed {
    const VERSION: u16 = 18;
    const IS_WHOLE: bool = false;
    const IS_PACKED: bool = false;

    fn write<T: Serialize>(value: &T) -> Vec<u8> {
        postcard::to_stdvec(value).expect("views hold no type that postcard cannot write")
    }

    fn read<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, RecordFault> {
        match postcard::take_from_bytes(bytes) {
            Ok((value, [])) => Ok(value),
            Ok(_) => Err(left_over()),
            Err(error) => Err(fault(&error)),
        }
    }
}

/// As they are carried forward of a log that was cut, in `MessagePack` with each field by its name: read for ever. A view may
/// get a field, which says by `#[serde(default)]` what it is where it is not written; none is renamed or taken away.
#[derive(Clone, Copy, Debug)]
pub enum Carried {}

impl Layout for Carried {
    const VERSION: u16 = 1;
    const IS_WHOLE: bool = true;
    const IS_PACKED: bool = true;

    fn write<T: Serialize>(value: &T) -> Vec<u8> {
        rmp_serde::to_vec_named(value).expect("views hold no type that MessagePack cannot write")
    }

    fn read<T: DeserializeOwned>(mut bytes: &[u8]) -> Result<T, RecordFault> {
        let value = rmp_serde::from_read(&mut bytes).map_err(|error| fault(&error))?;
        if bytes.is_empty() { Ok(value) } else { Err(left_over()) }
    }
}

fn fault(error: &dyn core::fmt::Display) -> RecordFault {
    RecordFault { reason: error.to_string() }
}

fn left_over() -> RecordFault {
    RecordFault { reason: "bytes are left over behind it".to_owned() }
}
