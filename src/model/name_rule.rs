//! Which names a new account may have, so that people can tell it from others by looking at it: UTS 39, with the characters
//! of identifiers, the level "moderately restrictive", and names that look alike taken for one.
//!
//! For new accounts only. Names that exist stay, and go on to be read as they are.
//! Must never hold: who is enrolled, or a spelling that is folded away (see `spelling`).

use core::fmt;

use unicode_security::{
    GeneralSecurityProfile as _, RestrictionLevel, RestrictionLevelDetection as _, skeleton,
};

use super::word::words;
use super::{Principal, Refusal};

words! {
    /// A rule for the names of new accounts.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    NameRule {
        /// Every character is one of those that identifiers of living languages are written with. UTS 39 §3.1.
        Characters = "characters";
        /// The scripts are ones that are written together: one alone; Latin beside Chinese, Japanese or Korean; Latin beside
        /// one other that is in wide use, but not Cyrillic or Greek, whose letters look like it. UTS 39 §5.2.
        Scripts = "scripts";
        /// The digits are of one system. UTS 39 §5.3.
        Digits = "digits";
        /// No account of the domain looks the same. UTS 39 §4.
        LookAlike = "look-alike";
    }
}

impl NameRule {
    const fn broken(self) -> &'static str {
        match self {
            Self::Characters => "it holds a character that names are not written with",
            Self::Scripts => "it mixes scripts that are not written together",
            Self::Digits => "it mixes digits of several systems",
            Self::LookAlike => "it looks like one that is taken",
        }
    }

    /// The refusal of `principal` by this rule.
    pub(crate) fn refuses(self, principal: &Principal) -> Refusal {
        Refusal::NameRefused { principal: principal.to_string(), rule: self }
    }
}

/// The rule and how it is broken.
impl fmt::Display for NameRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} ({})", self.broken(), self.as_str())
    }
}

/// How a name looks: equal for those that people take for each other, in 16 bytes. With its domain, for names are told apart
/// within one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NameLook([u8; 16]);

impl Principal {
    /// Checks what can be seen of the name alone.
    ///
    /// # Errors
    /// [`Refusal::NameRefused`] with the rule that it breaks.
    pub fn check_new(&self) -> Result<(), Refusal> {
        broken(self.local()).map_or(Ok(()), |rule| Err(rule.refuses(self)))
    }

    /// How it looks beside the others of its domain.
    pub fn look(&self) -> NameLook {
        let mut hasher = blake3::Hasher::new();
        let local = self.local();
        let mut add = |character: char| {
            hasher.update(character.encode_utf8(&mut [0; 4]).as_bytes());
        };
        if local.is_ascii() {
            local.chars().for_each(|character| match look_of_ascii(character) {
                "" => add(character),
                look => look.chars().for_each(&mut add),
            });
        } else {
            skeleton(local).for_each(&mut add);
        }
        let digest = hasher.update(b"@").update(self.domain().as_bytes()).finalize();
        NameLook(digest.as_bytes()[..16].try_into().expect("a digest is longer than 16 bytes"))
    }
}

/// What UTS 39 takes an ASCII character for; empty is itself. Most names are ASCII, and all are looked at when a store is
/// opened.
const fn look_of_ascii(character: char) -> &'static str {
    match character {
        '"' => "''",
        '%' => "\u{b0}/\u{2080}",
        '0' => "O",
        '1' | 'I' | '|' => "l",
        '`' => "'",
        'm' => "rn",
        _ => "",
    }
}

fn broken(local: &str) -> Option<NameRule> {
    if local.is_ascii() {
        return None;
    }
    // Of ASCII all that an address may hold is good, and belongs to no script but for its letters.
    let is_plain = |character: &char| character.is_ascii() && !character.is_ascii_alphanumeric();
    let local: String = local.chars().filter(|character| !is_plain(character)).collect();
    if !local.chars().all(char::identifier_allowed) {
        return Some(NameRule::Characters);
    }
    if !local.check_restriction_level(RestrictionLevel::ModeratelyRestrictive) {
        return Some(NameRule::Scripts);
    }
    let mut systems = local.chars().filter_map(zero_of);
    let first = systems.next()?;
    systems.any(|other| other != first).then_some(NameRule::Digits)
}

/// The zeros of the decimal systems whose digits names may hold; nine more follow each.
const ZEROS: [char; 12] = [
    '0', '\u{660}', '\u{6f0}', '\u{966}', '\u{9e6}', '\u{ae6}', '\u{ce6}', '\u{e50}', '\u{ed0}',
    '\u{f20}', '\u{1040}', '\u{17e0}',
];

fn zero_of(digit: char) -> Option<char> {
    let follows = |zero: &char| u32::from(digit).wrapping_sub(u32::from(*zero)) < 10;
    ZEROS.into_iter().find(follows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ascii_name_looks_as_the_tables_say() {
        for character in ' '..='~' {
            let told: String = skeleton(character.encode_utf8(&mut [0; 4])).collect();
            let here = match look_of_ascii(character) {
                "" => character.to_string(),
                look => look.to_owned(),
            };
            assert_eq!(here, told, "{character:?}");
        }
    }

    #[test]
    fn the_digits_of_every_system_that_names_may_hold_are_known() {
        let is_digit = |character: &char| character.is_numeric() && character.identifier_allowed();
        // The zero of Chinese is a letter like the other numbers there, and of no system.
        for digit in ('\u{80}'..='\u{10ffff}').filter(is_digit).filter(|it| *it != '\u{3007}') {
            assert!(zero_of(digit).is_some(), "{:04x}", u32::from(digit));
        }
        assert_eq!((zero_of('9'), zero_of('a'), zero_of('٣')), (Some('0'), None, Some('٠')));
    }
}
