//! What a principal lets others do in its name, and whom a watcher shows itself to.
//!
//! Must never hold: a right that every principal has anyway.

use core::fmt;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::limits::RULES_MAX;
use super::{Principal, Refusal, Who};

/// A set of rights that a principal grants another.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(try_from = "u8")]
pub struct Rights(u8);

impl Rights {
    /// None.
    pub const NONE: Self = Self(0);
    /// To publish for its presentity.
    pub const PUBLISH: Self = Self(1);
    /// To read its inbox.
    pub const READ: Self = Self(2);
    /// To delete from its inbox.
    pub const DELETE: Self = Self(4);
    /// To learn who watches it.
    pub const WATCHERS: Self = Self(8);
    /// To do all it can do, its rules included: membership of the group it stands for.
    pub const MEMBER: Self = Self(31);

    const WORDS: [(&'static str, Self); 5] = [
        ("member", Self::MEMBER),
        ("publish", Self::PUBLISH),
        ("read", Self::READ),
        ("delete", Self::DELETE),
        ("watchers", Self::WATCHERS),
    ];

    /// The set of these bits.
    ///
    /// # Errors
    /// [`Refusal::BadField`] for a bit that stands for nothing.
    pub fn from_bits(bits: u8) -> Result<Self, Refusal> {
        if bits > Self::MEMBER.0 {
            return Err(Refusal::bad_field(
                "rights",
                "hold one that is not known here; name only publish, read, delete, watchers and member",
            ));
        }
        Ok(Self(bits))
    }

    /// The set as bits: 1 publish, 2 read, 4 delete, 8 watchers, 31 member.
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// Whether all of `other` are in it.
    pub const fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether there is none.
    pub const fn is_none(self) -> bool {
        self.0 == 0
    }
}

impl TryFrom<u8> for Rights {
    type Error = Refusal;

    fn try_from(bits: u8) -> Result<Self, Refusal> {
        Self::from_bits(bits)
    }
}

impl fmt::Display for Rights {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.has(Self::MEMBER) {
            return formatter.write_str("member");
        }
        let words = Self::WORDS.iter().filter(|(_, right)| self.has(*right));
        let words: Vec<&str> = words.map(|(word, _)| *word).collect();
        formatter.write_str(if words.is_empty() { "none" } else { "" })?;
        formatter.write_str(&words.join(","))
    }
}

impl FromStr for Rights {
    type Err = Refusal;

    /// Parses words joined by commas: `publish`, `read`, `delete`, `watchers`, `member`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        text.split(',').try_fold(Self::NONE, |rights, word| {
            let known = Self::WORDS.iter().find(|(known, _)| *known == word);
            let (_, right) = known.ok_or_else(|| {
                Refusal::bad_field(
                    "rights",
                    &format!("name {word:?}, which is not known; write publish, read, delete, watchers or member"),
                )
            })?;
            Ok(Self(rights.0 | right.0))
        })
    }
}

/// A watcher's visibility rules: to whom, beside the presentity itself, watcher information may show it. RFC 2778 §3.
///
/// The most specific one decides; without one it is hidden.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct VisibilityRules(#[serde(with = "super::readable::pairs")] pub BTreeMap<Who, bool>);

/// What a change made of visibility rules.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct VisibilityChanged {
    /// Rules that are there from now on, or otherwise than before.
    pub put: VisibilityRules,
    /// Whom the rules that are there no more were about.
    pub removed: Vec<Who>,
}

impl VisibilityRules {
    /// Makes the change in these rules.
    pub fn apply(&mut self, changed: &VisibilityChanged) {
        for who in &changed.removed {
            self.0.remove(who);
        }
        self.0.extend(changed.put.0.iter().map(|(who, is_shown)| (who.clone(), *is_shown)));
    }

    /// What taking `remove` out and then putting `put` in changes.
    ///
    /// # Errors
    /// [`Refusal::NoRule`] for one to remove that is not there, [`Refusal::TooLarge`] for too many rules.
    pub fn change(
        &self,
        put: BTreeMap<Who, bool>,
        remove: Vec<Who>,
    ) -> Result<VisibilityChanged, Refusal> {
        let mut gone = BTreeSet::new();
        for who in remove {
            if !self.0.contains_key(&who) || !gone.insert(who.clone()) {
                return Err(Refusal::NoRule { name: who.to_string() });
            }
        }
        gone.retain(|who| !put.contains_key(who));
        let added = put.keys().filter(|who| !self.0.contains_key(who)).count();
        Refusal::check_max("rules", self.0.len() + added - gone.len(), RULES_MAX)?;
        let differs = |(who, is_shown): &(Who, bool)| self.0.get(who) != Some(is_shown);
        let put = VisibilityRules(put.into_iter().filter(differs).collect());
        Ok(VisibilityChanged { put, removed: gone.into_iter().collect() })
    }

    /// Whether `other` may be shown this watcher.
    pub fn shows_to(&self, other: &Principal) -> bool {
        let matching = self.0.iter().filter(|(who, _)| who.matches(other));
        let best = matching
            .min_by_key(|(who, is_shown)| (core::cmp::Reverse(who.specificity()), **is_shown));
        best.is_some_and(|(_, is_shown)| *is_shown)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_read_back_as_they_print() {
        for text in ["publish", "publish,read", "read,delete", "watchers", "member"] {
            assert_eq!(text.parse::<Rights>().unwrap().to_string(), text);
        }
        assert_eq!(Rights::NONE.to_string(), "none");
        assert!("publish,all".parse::<Rights>().unwrap_err().to_string().contains("\"all\""));
        assert!(Rights::from_bits(32).is_err());
    }

    #[test]
    fn a_watcher_is_hidden_unless_its_most_specific_rule_shows_it() {
        let mut rules = VisibilityRules::default();
        let bob: Principal = "bob@d.example".parse().unwrap();
        assert!(!rules.shows_to(&bob));
        rules.0.insert("@d.example".parse().unwrap(), true);
        assert!(rules.shows_to(&bob));
        rules.0.insert("bob@d.example".parse().unwrap(), false);
        assert!(!rules.shows_to(&bob));
    }
}
