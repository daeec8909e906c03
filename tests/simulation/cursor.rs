//! Cursors as this world's server seals them: an era and a position. Real ones are opaque to all but the server.
//!
//! Must never hold: a secret; the oracle reads them.

use bytes::Bytes;

/// The cursor of `position`, given out in `era`.
pub(crate) fn seal(era: u8, position: u64) -> Bytes {
    Bytes::from([&[era], position.to_be_bytes().as_slice()].concat())
}

/// The position of `cursor`; `None` if it was not given out in `era`, as when the server's secret changed.
pub(crate) fn open(era: u8, cursor: &[u8]) -> Option<u64> {
    let (of, _) = cursor.split_first()?;
    (*of == era).then(|| position_of(cursor))
}

/// The position of `cursor` of whatever era; zero if it is empty.
pub(crate) fn position_of(cursor: &[u8]) -> u64 {
    let number = cursor.get(1..).and_then(|number| number.try_into().ok());
    number.map_or(0, u64::from_be_bytes)
}

/// The era of `cursor`; zero if it is empty.
pub(crate) fn era_of(cursor: &[u8]) -> u8 {
    cursor.first().copied().unwrap_or_default()
}
