//! The part of a document that is written anew each time, between two lines that mark it.
//!
//! Must never hold: what is written there.

/// The line it begins behind.
pub(super) const BEGIN: &str = "<!-- what `adsum bench all` writes begins -->";
/// The line it ends before.
pub(super) const END: &str = "<!-- what `adsum bench all` writes ends -->";
/// A document with nothing else.
pub(super) const EMPTY: &str =
    "<!-- what `adsum bench all` writes begins -->\n<!-- what `adsum bench all` writes ends -->\n";

/// `text` with `body` in its region; nothing if it has none.
pub(super) fn replaced(text: &str, body: &str) -> Option<String> {
    let (before, rest) = text.split_once(BEGIN)?;
    let (_, behind) = rest.split_once(END)?;
    Some(format!("{before}{BEGIN}\n\n{}\n\n{END}{behind}", body.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_region_changes() {
        let first = replaced(&format!("a\n{EMPTY}b\n"), "one").unwrap();
        let second = replaced(&first, "two").unwrap();
        assert_eq!(second, format!("a\n{BEGIN}\n\ntwo\n\n{END}\nb\n"));
        assert_eq!(replaced("a", "one"), None);
        assert_eq!(replaced(&format!("{END} {BEGIN}"), "one"), None);
    }
}
