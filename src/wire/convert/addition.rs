//! What version 1 carries in `ext`, both ways. An addition that is not there means what a client without it means.
//!
//! Must never hold: a tag (those stand with their bodies).

use bytes::Bytes;

use crate::model::{OperationId, Receipts, Refusal};

/// Reads the name of the operation from a `Subscribe`; zero, which is no name, if there is none.
///
/// # Errors
/// [`Refusal::BadField`] unless it has 16 bytes.
pub fn operation(added: Option<&Bytes>) -> Result<OperationId, Refusal> {
    let Some(value) = added else { return Ok(OperationId::default()) };
    let bytes = value.as_ref().try_into();
    bytes.map(OperationId).map_err(|_| Refusal::bad_field("operation", "must have 16 bytes"))
}

/// Writes the name of an operation for a `Subscribe`.
pub fn operation_added(operation: OperationId) -> Option<Bytes> {
    Some(Bytes::copy_from_slice(&operation.0))
}

/// Reads which receipts a `Send` asks for.
///
/// # Errors
/// [`Refusal::BadField`] unless they have one byte.
pub fn receipts(added: Option<&Bytes>) -> Result<Receipts, Refusal> {
    match added.map(AsRef::as_ref) {
        None => Ok(Receipts::NONE),
        Some(&[bits]) => Ok(Receipts::from_bits(bits)),
        Some(_) => Err(Refusal::bad_field("receipts", "must have one byte")),
    }
}

/// Writes which receipts a `Send` asks for.
pub fn receipts_added(receipts: Receipts) -> Option<Bytes> {
    (!receipts.is_none()).then(|| Bytes::copy_from_slice(&[receipts.bits()]))
}

/// Reads whether a `FeedOpen` asks for watcher information.
///
/// # Errors
/// [`Refusal::BadField`] unless it is one byte, 0 or 1.
pub fn wants_watchers(added: Option<&Bytes>) -> Result<bool, Refusal> {
    match added.map(AsRef::as_ref) {
        None | Some(&[0]) => Ok(false),
        Some(&[1]) => Ok(true),
        Some(_) => Err(Refusal::bad_field("wish for watchers", "must be one byte, 0 or 1")),
    }
}

/// Writes whether a `FeedOpen` asks for watcher information.
pub fn watchers_added(wants_watchers: bool) -> Option<Bytes> {
    wants_watchers.then(|| Bytes::from_static(&[1]))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ReceiptKind;

    fn added(value: &'static [u8]) -> Bytes {
        Bytes::from_static(value)
    }

    #[test]
    fn additions_read_back() {
        let given = OperationId([7; 16]);
        assert_eq!(operation(operation_added(given).as_ref()), Ok(given));
        let given = Receipts::NONE.with(ReceiptKind::Displayed).with(ReceiptKind::Failed);
        assert_eq!(receipts(receipts_added(given).as_ref()), Ok(given));
        assert_eq!(wants_watchers(watchers_added(true).as_ref()), Ok(true));
    }

    #[test]
    fn what_is_not_asked_for_takes_no_bytes_and_reads_as_not_asked_for() {
        assert_eq!((receipts_added(Receipts::NONE), watchers_added(false)), (None, None));
        assert_eq!(operation(None), Ok(OperationId::default()));
        assert_eq!(receipts(None), Ok(Receipts::NONE));
        assert_eq!(wants_watchers(None), Ok(false));
    }

    #[test]
    fn an_addition_of_the_wrong_size_is_refused() {
        assert!(operation(Some(&added(&[3; 15]))).is_err());
        assert!(receipts(Some(&added(&[]))).is_err());
        assert!(wants_watchers(Some(&added(&[2]))).is_err());
    }

    #[test]
    fn a_receipt_that_is_not_known_is_not_asked_for() {
        assert_eq!(receipts(Some(&added(&[0xe1]))), Ok(Receipts::from_bits(1)));
    }
}
