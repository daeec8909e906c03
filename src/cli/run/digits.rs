//! The digits by which a listing names what it lists.
//!
//! Must never hold: what is listed.

use std::fmt;
use std::str::FromStr;

use data_encoding::HEXLOWER;

/// The 16 hexadecimal digits that a listing shows of an id, or all 64.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Digits(String);

impl Digits {
    /// Whether the id begins with them.
    pub(in crate::cli) fn begin(&self, id: &[u8; 32]) -> bool {
        HEXLOWER.encode(id).starts_with(&self.0)
    }

    /// The id, if all of its digits are given.
    pub(in crate::cli) fn whole(&self) -> Option<[u8; 32]> {
        HEXLOWER.decode(self.0.as_bytes()).ok()?.try_into().ok()
    }
}

impl FromStr for Digits {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let given = text.to_ascii_lowercase();
        let is_id = [16, 64].contains(&given.len()) && HEXLOWER.decode(given.as_bytes()).is_ok();
        is_id.then_some(Self(given)).ok_or("write the 16 digits that the listing shows")
    }
}

impl fmt::Display for Digits {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_what_a_listing_shows_or_all_of_it() {
        let id = [0xAB; 32];
        let shown: Digits = "ABABABABABABABAB".parse().unwrap();
        assert!(shown.begin(&id) && shown.whole().is_none());
        let whole: Digits = "ab".repeat(32).parse().unwrap();
        assert!(whole.begin(&id) && !whole.begin(&[0xAC; 32]) && whole.whole() == Some(id));
        for wrong in ["abab", "xbababababababab", ""] {
            wrong.parse::<Digits>().unwrap_err();
        }
    }
}
