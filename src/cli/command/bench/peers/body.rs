//! The bodies that peers are sent: as long as those of adsum's workloads.
//!
//! Must never hold: a protocol.

use crate::cli::command::bench::requests::BODY_BYTES;

/// A body as adsum's workloads have it.
pub(super) const BODY: [u8; BODY_BYTES] = [b'x'; BODY_BYTES];

/// One that begins with its number.
pub(super) fn numbered(number: u64) -> [u8; BODY_BYTES] {
    let mut bytes = BODY;
    let digits = format!("{number:020}");
    bytes[..digits.len()].copy_from_slice(digits.as_bytes());
    bytes
}

/// The number it begins with.
pub(super) fn number_of(payload: &[u8]) -> Option<u64> {
    std::str::from_utf8(payload.get(..20)?).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_known_by_its_number() {
        assert_eq!(number_of(&numbered(1_234)), Some(1_234));
        assert_eq!(number_of(&BODY), None);
        assert_eq!(number_of(b"1"), None);
    }
}
