//! What is made of random bytes: ids, names and the jitter of retries.
//!
//! Must never hold: a generator of its own. Ids that repeat would make two operations one.

use crate::model::{MessageId, OperationId};
pub(crate) use crate::random::bytes;

/// A number from 0 to 2^64 - 1.
pub(crate) fn number() -> u64 {
    u64::from_be_bytes(bytes())
}

/// A name for one operation.
pub(crate) fn operation() -> OperationId {
    OperationId(bytes())
}

/// A name for one message: 128 random bits in hexadecimal.
pub(crate) fn message_id() -> MessageId {
    let text = data_encoding::HEXLOWER.encode(&bytes::<16>());
    MessageId::new(&text).expect("32 hexadecimal digits are visible ASCII")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_operation_has_a_name_of_its_own() {
        assert_ne!(operation(), operation());
    }
}
