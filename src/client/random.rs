//! Random bytes of the operating system: for keys, tokens, ids and the jitter of retries.
//!
//! Must never hold: a generator of its own. Ids that repeat would make two operations one.

use ring::rand::{SecureRandom, SystemRandom};

use crate::model::{MessageId, OperationId};

/// `N` random bytes.
///
/// # Panics
/// If the operating system has no randomness, because nothing safe can be done without.
pub(crate) fn bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

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
