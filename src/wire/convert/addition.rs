//! What version 1 carries in `ext`, both ways. An addition that is not there means what a client without it means.
//!
//! Must never hold: an addition with the same tag in the same body as another.

use bytes::Bytes;

use super::super::body::Ext;
use crate::model::{OperationId, Receipts, Refusal};

/// In `Subscribe`: the device's name for the operation.
const OPERATION: u16 = 1;
/// In `Send`: which receipts are wanted.
const RECEIPTS: u16 = 1;
/// In `FeedOpen`: whether watcher information is wanted.
const WATCHERS: u16 = 1;

/// Reads the name of the operation from a `Subscribe`; zero, which is no name, if there is none.
///
/// # Errors
/// [`Refusal::BadField`] unless it has 16 bytes.
pub fn operation(ext: &[Ext]) -> Result<OperationId, Refusal> {
    let Some(value) = find(ext, OPERATION) else { return Ok(OperationId::default()) };
    let bytes = value.as_ref().try_into();
    bytes.map(OperationId).map_err(|_| Refusal::bad_field("operation", "must have 16 bytes"))
}

/// Writes the name of an operation for a `Subscribe`.
pub fn operation_ext(operation: OperationId) -> Vec<Ext> {
    vec![Ext { tag: OPERATION, value: Bytes::copy_from_slice(&operation.0) }]
}

/// Reads which receipts a `Send` asks for.
///
/// # Errors
/// [`Refusal::BadField`] unless they have one byte.
pub fn receipts(ext: &[Ext]) -> Result<Receipts, Refusal> {
    match find(ext, RECEIPTS).map(AsRef::as_ref) {
        None => Ok(Receipts::NONE),
        Some(&[bits]) => Ok(Receipts::from_bits(bits)),
        Some(_) => Err(Refusal::bad_field("receipts", "must have one byte")),
    }
}

/// Writes which receipts a `Send` asks for.
pub fn receipts_ext(receipts: Receipts) -> Vec<Ext> {
    let value = Bytes::copy_from_slice(&[receipts.bits()]);
    if receipts.is_none() { Vec::new() } else { vec![Ext { tag: RECEIPTS, value }] }
}

/// Reads whether a `FeedOpen` asks for watcher information.
///
/// # Errors
/// [`Refusal::BadField`] unless it is one byte, 0 or 1.
pub fn wants_watchers(ext: &[Ext]) -> Result<bool, Refusal> {
    match find(ext, WATCHERS).map(AsRef::as_ref) {
        None | Some(&[0]) => Ok(false),
        Some(&[1]) => Ok(true),
        Some(_) => Err(Refusal::bad_field("wish for watchers", "must be one byte, 0 or 1")),
    }
}

/// Writes whether a `FeedOpen` asks for watcher information.
pub fn watchers_ext(wants_watchers: bool) -> Vec<Ext> {
    let value = Bytes::from_static(&[1]);
    if wants_watchers { vec![Ext { tag: WATCHERS, value }] } else { Vec::new() }
}

/// The addition of this tag, the first if there are more.
fn find(ext: &[Ext], tag: u16) -> Option<&Bytes> {
    ext.iter().find(|addition| addition.tag == tag).map(|addition| &addition.value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ReceiptKind;

    fn addition(value: &'static [u8]) -> Vec<Ext> {
        vec![
            Ext { tag: 9, value: Bytes::from_static(b"unknown") },
            Ext { tag: 1, value: Bytes::from_static(value) },
        ]
    }

    #[test]
    fn additions_read_back() {
        let given = OperationId([7; 16]);
        assert_eq!(operation(&operation_ext(given)), Ok(given));
        let given = Receipts::NONE.with(ReceiptKind::Displayed).with(ReceiptKind::Failed);
        assert_eq!(receipts(&receipts_ext(given)), Ok(given));
        assert_eq!(wants_watchers(&watchers_ext(true)), Ok(true));
    }

    #[test]
    fn what_is_not_asked_for_takes_no_bytes_and_reads_as_not_asked_for() {
        assert_eq!((receipts_ext(Receipts::NONE), watchers_ext(false)), (vec![], vec![]));
        assert_eq!(operation(&[]), Ok(OperationId::default()));
        assert_eq!(receipts(&[]), Ok(Receipts::NONE));
        assert_eq!(wants_watchers(&[]), Ok(false));
    }

    #[test]
    fn an_addition_is_found_behind_one_that_is_not_known() {
        assert_eq!(operation(&addition(&[3; 16])), Ok(OperationId([3; 16])));
        assert_eq!(wants_watchers(&addition(&[1])), Ok(true));
    }

    #[test]
    fn an_addition_of_the_wrong_size_is_refused() {
        assert!(operation(&addition(&[3; 15])).is_err());
        assert!(receipts(&addition(&[])).is_err());
        assert!(wants_watchers(&addition(&[2])).is_err());
    }

    #[test]
    fn a_receipt_that_is_not_known_is_not_asked_for() {
        assert_eq!(receipts(&addition(&[0xe1])), Ok(Receipts::from_bits(1)));
    }
}
