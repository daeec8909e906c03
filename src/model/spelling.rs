//! The one spelling of an account's name: width, case and other ways to write the same letters folded away, and what cannot
//! be read as it is seen refused.
//!
//! Must never hold: an address; what was recorded is not folded again.

use unicode_normalization::UnicodeNormalization;

use super::limits::LOCAL_PART_BYTES_MAX;

/// The one spelling of the part before `@` of an account.
///
/// # Errors
/// What is wrong with it, as the reason of a refusal.
pub(super) fn fold(local: &str) -> Result<String, String> {
    let may_not_hold =
        |wrong| format!("the part before `@` may not hold {}; leave it out", named(wrong));
    if let Some(unseen) = local.chars().find(|character| is_unseen(*character)) {
        return Err(may_not_hold(unseen));
    }
    let local = one_spelling(local);
    if let Some(wrong) = local.chars().find(|character| !is_allowed(*character)) {
        return Err(may_not_hold(wrong));
    }
    if local.is_empty() || local.len() > LOCAL_PART_BYTES_MAX {
        return Err(
            "the part before `@` must have 1 to 64 bytes; choose a name of that length".to_owned()
        );
    }
    if !is_readable(&local) {
        return Err("the part before `@` begins with a mark, mixes directions of writing, or holds what is no character; choose a simpler name".to_owned());
    }
    Ok(local)
}

/// Takes width, case and other ways to write the same letters away, so that equal-looking spellings are one account.
fn one_spelling(local: &str) -> String {
    if local.is_ascii() {
        return local.to_ascii_lowercase();
    }
    let mut folded: String = local.nfkc().collect();
    // Folding may bring forth what composes, and composing what folds.
    for _ in 0..2 {
        folded = caseless::default_case_fold_str(&folded);
        // One more dot above these letters is not seen, and İ folds to the first of them.
        for dotted in ["i\u{307}", "j\u{307}", "\u{456}\u{307}", "\u{458}\u{307}"] {
            folded = folded.replace(dotted, dotted.trim_end_matches('\u{307}'));
        }
        folded = folded.nfkc().collect();
    }
    // The full stop of Chinese and Japanese is one, as in a domain.
    folded.replace('\u{3002}', ".")
}

/// Whether a domain could hold `local`: every character is assigned to letters, digits or symbols, no mark stands alone, and
/// what is written from right to left keeps to the rule that nothing changes its place (RFC 5893 §2).
///
/// Source: UTS 46 §4.1, as RFC 8265 §3.3 asks of its directionality rule.
fn is_readable(local: &str) -> bool {
    use idna::uts46::{AsciiDenyList, Hyphens, Uts46};
    let checked = Uts46::new().to_unicode(local.as_bytes(), AsciiDenyList::EMPTY, Hyphens::Allow);
    local.is_ascii() || checked.1.is_ok()
}

/// A character for people to find: itself if it shows, and always its number.
fn named(character: char) -> String {
    match character {
        ' '..='~' => format!("{character:?}"),
        _ if is_unseen(character) => format!("U+{:04X}", u32::from(character)),
        _ => format!("{character:?} (U+{:04X})", u32::from(character)),
    }
}

/// Letters, digits and marks of any script, and what RFC 5322 `dot-atom` allows except what needs escaping in a URI.
fn is_allowed(character: char) -> bool {
    if character.is_ascii() {
        return character.is_ascii_alphanumeric() || "!#$&'*+-/=^_`{|}~.".contains(character);
    }
    !is_unseen(character)
}

/// Space, and format characters that change nothing a reader sees and so only serve to imitate.
fn is_unseen(character: char) -> bool {
    let blank = character.is_control() || character.is_whitespace() && character != ' ';
    blank
        || matches!(character, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}'
        | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{2800}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}'
        | '\u{ffa0}' | '\u{fff9}'..='\u{fffb}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}')
}
