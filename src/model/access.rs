//! Access rules: who may fetch or subscribe, and what they are shown. RFC 2778 §3, RFC 5025.
//!
//! The most specific rule that matches wins (principal, then domain, then any authenticated or anonymous, then
//! everyone); among equally specific ones the most restrictive. So "block mallory" beats "allow example.com".
//! Must never hold: a clock, or who asks how often.

use core::cmp::Ordering;
use core::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::limits::{RULE_NAME_BYTES_MAX, RULE_TUPLES_MAX};
use super::text::text;
use super::word::words;
use super::{Domain, Named, Principal, Refusal, RuleChanges, RuleSet, Timestamp, TupleId};

/// Whom a rule is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Who {
    /// Everybody, anonymous ones too.
    Everyone,
    /// Whoever has not said who it is.
    Anonymous,
    /// Whoever has proven who it is.
    Authenticated,
    /// Every principal of a domain.
    Domain(Domain),
    /// One principal.
    Principal(Principal),
}

impl Who {
    /// Whether the rule is about `principal`.
    pub fn matches(&self, principal: &Principal) -> bool {
        match self {
            Self::Everyone => true,
            Self::Anonymous => principal.is_anonymous(),
            Self::Authenticated => !principal.is_anonymous(),
            Self::Domain(domain) => principal.domain() == domain.as_str(),
            Self::Principal(one) => one == principal,
        }
    }

    /// How specific it is: the higher wins.
    pub const fn specificity(&self) -> u8 {
        match self {
            Self::Everyone => 0,
            Self::Anonymous | Self::Authenticated => 1,
            Self::Domain(_) => 2,
            Self::Principal(_) => 3,
        }
    }

    /// The domain it names, if it names one.
    pub fn domain(&self) -> Option<&str> {
        match self {
            Self::Domain(domain) => Some(domain.as_str()),
            Self::Principal(principal) => Some(principal.domain()),
            _ => None,
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Everyone => formatter.write_str("everyone"),
            Self::Anonymous => formatter.write_str("anonymous"),
            Self::Authenticated => formatter.write_str("authenticated"),
            Self::Domain(domain) => write!(formatter, "@{}", domain.as_str()),
            Self::Principal(principal) => fmt::Display::fmt(principal, formatter),
        }
    }
}

impl FromStr for Who {
    type Err = Refusal;

    /// Parses `everyone`, `anonymous`, `authenticated`, `@example.com` or `bob@example.com`.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        match text {
            "everyone" => Ok(Self::Everyone),
            "anonymous" => Ok(Self::Anonymous),
            "authenticated" => Ok(Self::Authenticated),
            _ => match text.strip_prefix("*@").or_else(|| text.strip_prefix('@')) {
                Some(domain) => domain.parse().map(Self::Domain),
                None if text.contains('@') => text.parse().map(Self::Principal),
                None => Err(Refusal::bad_field(
                    "who",
                    "is not known; write everyone, anonymous, authenticated, @domain or name@domain",
                )),
            },
        }
    }
}

words! {
    /// What a rule grants, the most restrictive first. The words and their order are those of RFC 5025 §3.2.1.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    Handling {
        /// Refused, and told so.
        Block = "block";
        /// Asked of the presentity; nothing is shown until it decides.
        Confirm = "confirm";
        /// Granted in appearance: what is shown is a presentity that publishes nothing.
        PoliteBlock = "polite-block";
        /// Granted.
        Allow = "allow";
    }
}

impl FromStr for Handling {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        Self::ALL.iter().copied().find(|handling| handling.as_str() == text).ok_or_else(|| {
            Refusal::bad_field(
                "handling",
                "is not known; write allow, block, polite-block or confirm",
            )
        })
    }
}

/// The two kinds of watchers of RFC 2778: a rule grants each apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum WatcherKind {
    /// Asks for the current presence, once.
    Fetcher,
    /// Has a subscription.
    Subscriber,
}

/// What of a presence document is shown. What is not said to be hidden is shown.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Shown {
    /// Only the tuples of these ids, as their publisher calls them or as they are composed; all if `None`.
    pub tuples: Option<Vec<TupleId>>,
    /// Notes, of tuples and of the whole.
    pub notes: bool,
    /// Contact addresses with their priorities.
    pub contact: bool,
    /// Other presence markup, of status, tuple and the whole.
    pub markup: bool,
}

impl Shown {
    /// Everything.
    pub const ALL: Self = Self { tuples: None, notes: true, contact: true, markup: true };

    /// Whether it hides nothing.
    pub fn is_all(&self) -> bool {
        *self == Self::ALL
    }

    /// Whether the tuple is shown that its publisher calls `id`. `composed` makes what it is called beside others.
    pub fn shows_tuple(&self, id: &TupleId, composed: impl Fn() -> TupleId) -> bool {
        let Some(tuples) = &self.tuples else { return true };
        let is_it = |named: &TupleId| {
            named == id || (named.own() != named.as_str() && *named == composed())
        };
        tuples.iter().any(is_it)
    }

    /// What both show.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let tuples = match (&self.tuples, &other.tuples) {
            (Some(some), None) | (None, Some(some)) => Some(some.clone()),
            (None, None) => None,
            (Some(one), Some(other)) => {
                Some(one.iter().filter(|id| other.contains(id)).cloned().collect())
            }
        };
        Self {
            tuples,
            notes: self.notes && other.notes,
            contact: self.contact && other.contact,
            markup: self.markup && other.markup,
        }
    }
}

text! {
    /// Name of a rule among the rules it stands with: 1 to 320 characters without white space. Usually whom it is about.
    #[derive(Debug)]
    RuleName(String)
}

impl RuleName {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`Refusal::BadField`] if it is empty, too long, or holds white space or control characters.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        if !(1..=RULE_NAME_BYTES_MAX).contains(&text.len()) {
            return Err(Refusal::bad_field(
                "rule name",
                "must have 1 to 320 bytes; choose a name of that length",
            ));
        }
        if text.chars().any(|character| character.is_control() || character.is_whitespace()) {
            return Err(Refusal::bad_field(
                "rule name",
                "holds white space or a control character; leave it out",
            ));
        }
        Ok(Self(text.to_owned()))
    }
}

/// One access rule.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessRule {
    /// Its name; setting a rule of the same name replaces it.
    pub name: RuleName,
    /// Whom it is about.
    pub who: Who,
    /// What it grants to one that fetches; `None` says nothing about that.
    pub fetch: Option<Handling>,
    /// What it grants to one that subscribes; `None` says nothing about that.
    pub subscribe: Option<Handling>,
    /// What is shown where it allows.
    pub shown: Shown,
    /// It holds from then on; always did if `None`.
    pub from: Option<Timestamp>,
    /// It holds until just before then; for ever if `None`.
    pub until: Option<Timestamp>,
}

impl Named for AccessRule {
    fn name(&self) -> &RuleName {
        &self.name
    }
}

impl AccessRule {
    /// A rule that treats fetching and subscribing alike, shows everything and always holds, named by whom it is about.
    pub fn plain(who: Who, handling: Handling) -> Self {
        let name = RuleName::new(&who.to_string()).expect("an address is a rule's name");
        let (fetch, subscribe) = (Some(handling), Some(handling));
        Self { name, who, fetch, subscribe, shown: Shown::ALL, from: None, until: None }
    }

    /// Checks what its parts cannot check alone.
    ///
    /// # Errors
    /// [`Refusal::BadField`] naming the part.
    pub fn check(&self) -> Result<(), Refusal> {
        if self.fetch.is_none() && self.subscribe.is_none() {
            return Err(Refusal::bad_field("rule", "grants nothing; say what for"));
        }
        if self.shown.tuples.as_ref().is_some_and(|tuples| tuples.len() > RULE_TUPLES_MAX) {
            return Err(Refusal::bad_field("view", "names more than 32 tuples; name fewer"));
        }
        if self.from.zip(self.until).is_some_and(|(from, until)| from >= until) {
            return Err(Refusal::bad_field("validity", "ends before it begins; let it end later"));
        }
        Ok(())
    }

    fn handling(&self, kind: WatcherKind) -> Option<Handling> {
        match kind {
            WatcherKind::Fetcher => self.fetch,
            WatcherKind::Subscriber => self.subscribe,
        }
    }

    /// Whether it holds at this time of the wall clock.
    pub fn holds_at(&self, now: Timestamp) -> bool {
        self.from.is_none_or(|from| from <= now) && self.until.is_none_or(|until| now < until)
    }
}

/// What rules decide, and which of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What is granted.
    pub handling: Handling,
    /// What is shown, if it is allowed.
    pub shown: Shown,
    /// The rule that decided; `None` if there was none and the default did.
    pub rule: Option<RuleName>,
}

/// The access rules of a presentity, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct AccessRules(RuleSet<AccessRule>);

impl AccessRules {
    /// None.
    pub const NONE: Self = Self(RuleSet::NONE);

    /// What taking `remove` out and then putting `put` in changes.
    ///
    /// # Errors
    /// [`Refusal::BadField`] for a rule that makes no sense, otherwise as [`RuleSet::change`].
    pub fn change(
        &self,
        put: Vec<AccessRule>,
        remove: &[RuleName],
    ) -> Result<RuleChanges<AccessRule>, Refusal> {
        put.iter().try_for_each(AccessRule::check)?;
        self.0.change(put, remove)
    }

    /// Makes the change in these rules.
    pub fn apply(&mut self, change: &RuleChanges<AccessRule>) {
        self.0.apply(change);
    }

    /// Those of `rules` after `remove` were taken out and `put` were put in.
    ///
    /// # Errors
    /// As [`AccessRules::change`].
    pub fn changed(&self, put: Vec<AccessRule>, remove: &[RuleName]) -> Result<Self, Refusal> {
        Ok(Self(self.0.after(&self.change(put, remove)?)))
    }

    /// The rules, in order of name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<AccessRule>> {
        self.0.iter()
    }

    /// The rule of that name.
    pub fn find(&self, name: &RuleName) -> Option<&Arc<AccessRule>> {
        self.0.find(name)
    }

    /// The rules that only one of the two sets has, or has so.
    pub fn differing<'a>(&'a self, other: &'a Self) -> impl Iterator<Item = &'a Arc<AccessRule>> {
        self.0.differing(&other.0)
    }

    /// What they grant `watcher` as a `kind` of watcher at `now`, and `default` if none of them is about that.
    pub fn decide(
        &self,
        watcher: &Principal,
        kind: WatcherKind,
        now: Timestamp,
        default: Handling,
    ) -> Decision {
        let matching = self.iter().filter(|rule| rule.who.matches(watcher));
        let matching = matching.filter(|rule| rule.holds_at(now));
        let granting = matching.filter_map(|rule| Some((rule, rule.handling(kind)?)));
        let mut best: Option<(u8, Decision)> = None;
        for (rule, handling) in granting {
            let specificity = rule.who.specificity();
            let candidate =
                Decision { handling, shown: rule.shown.clone(), rule: Some(rule.name.clone()) };
            best = Some(match best {
                Some((found, decision)) if found > specificity => (found, decision),
                Some((found, decision)) if found == specificity => {
                    (found, stricter(decision, candidate))
                }
                _ => (specificity, candidate),
            });
        }
        let unruled = || Decision { handling: default, shown: Shown::ALL, rule: None };
        best.map_or_else(unruled, |(_, decision)| decision)
    }

    /// The first moment after `now` at which a rule begins or ceases to hold.
    pub fn next_boundary(&self, now: Timestamp) -> Option<Timestamp> {
        let moments = self.iter().flat_map(|rule| [rule.from, rule.until]).flatten();
        moments.filter(|moment| *moment > now).min()
    }
}

impl FromIterator<Arc<AccessRule>> for AccessRules {
    fn from_iter<Rules: IntoIterator<Item = Arc<AccessRule>>>(rules: Rules) -> Self {
        Self(rules.into_iter().collect())
    }
}

/// The stricter of two; of two that allow, what both show.
fn stricter(one: Decision, other: Decision) -> Decision {
    match one.handling.cmp(&other.handling) {
        Ordering::Less => one,
        Ordering::Equal => Decision { shown: one.shown.and(&other.shown), ..one },
        Ordering::Greater => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(given: &[(&str, Handling)]) -> AccessRules {
        let put = given
            .iter()
            .map(|(who, handling)| AccessRule::plain(who.parse().unwrap(), *handling))
            .collect();
        AccessRules::default().changed(put, &[]).unwrap()
    }

    fn decided(rules: &AccessRules, watcher: &str) -> Handling {
        let watcher = watcher.parse().unwrap();
        rules
            .decide(&watcher, WatcherKind::Fetcher, Timestamp::from_ms(5), Handling::Confirm)
            .handling
    }

    #[test]
    fn the_most_specific_rule_wins() {
        use Handling::{Allow, Block, Confirm, PoliteBlock};
        let rules = rules(&[
            ("everyone", Block),
            ("authenticated", PoliteBlock),
            ("@d.example", Allow),
            ("mallory@d.example", Block),
        ]);
        assert_eq!(decided(&rules, "mallory@d.example"), Block);
        assert_eq!(decided(&rules, "bob@d.example"), Allow);
        assert_eq!(decided(&rules, "bob@e.example"), PoliteBlock);
        assert_eq!(decided(&rules, "anonymous-1@anonymous.invalid"), Block);
        assert_eq!(decided(&AccessRules::default(), "bob@e.example"), Confirm);
    }

    #[test]
    fn of_two_equally_specific_rules_the_stricter_wins_and_views_are_joined() {
        let mut one = AccessRule::plain("@d.example".parse().unwrap(), Handling::Allow);
        one.shown.notes = false;
        let mut two = AccessRule { name: RuleName::new("second").unwrap(), ..one.clone() };
        two.shown = Shown { contact: false, ..Shown::ALL };
        let bob: Principal = "bob@d.example".parse().unwrap();
        let decided = |one: &AccessRule, two: &AccessRule| {
            let both = AccessRules::default().changed(vec![one.clone(), two.clone()], &[]).unwrap();
            both.decide(&bob, WatcherKind::Subscriber, Timestamp::default(), Handling::Block)
        };
        let joined = Shown { notes: false, contact: false, ..Shown::ALL };
        assert_eq!(decided(&one, &two).shown, joined);
        two.subscribe = Some(Handling::PoliteBlock);
        assert_eq!(decided(&one, &two).handling, Handling::PoliteBlock);
        one.subscribe = Some(Handling::Block);
        assert_eq!(decided(&one, &two).handling, Handling::Block);
    }

    #[test]
    fn a_tuple_is_shown_by_its_own_name_and_by_the_one_it_has_beside_others() {
        let id = |text: &str| TupleId::new(text).unwrap();
        let shows = |named: &str, own: &str, composed: &str| {
            let shown = Shown { tuples: Some(vec![id(named)]), ..Shown::ALL };
            shown.shows_tuple(&id(own), || id(composed))
        };
        assert!(shows("phone", "phone", "phone.00000001"));
        assert!(shows("phone.00000001", "phone", "phone.00000001"));
        assert!(!shows("phone.00000002", "phone", "phone.00000001"), "that of another device");
        assert!(!shows("desk", "phone", "phone.00000001"));
    }

    #[test]
    fn a_rule_holds_only_in_its_time_and_says_when_that_changes() {
        let mut rule = AccessRule::plain(Who::Everyone, Handling::Allow);
        (rule.from, rule.until) = (Some(Timestamp::from_ms(10)), Some(Timestamp::from_ms(20)));
        let rules = AccessRules::default().changed(vec![rule], &[]).unwrap();
        let bob: Principal = "bob@d.example".parse().unwrap();
        let at = |ms| {
            rules
                .decide(&bob, WatcherKind::Fetcher, Timestamp::from_ms(ms), Handling::Block)
                .handling
        };
        assert_eq!(
            [at(9), at(10), at(19), at(20)].map(|it| it == Handling::Allow),
            [false, true, true, false]
        );
        let next = |ms| rules.next_boundary(Timestamp::from_ms(ms)).map(Timestamp::as_ms);
        assert_eq!([next(0), next(10), next(20)], [Some(10), Some(20), None]);
    }

    #[test]
    fn a_rule_that_makes_no_sense_is_refused_by_the_part() {
        let rule = AccessRule::plain(Who::Everyone, Handling::Allow);
        let refused = |rule: AccessRule| {
            AccessRules::default().changed(vec![rule], &[]).unwrap_err().to_string()
        };
        let mut wrong = rule.clone();
        (wrong.fetch, wrong.subscribe) = (None, None);
        assert!(refused(wrong).contains("grants nothing"));
        let mut wrong = rule;
        (wrong.from, wrong.until) = (Some(Timestamp::from_ms(2)), Some(Timestamp::from_ms(2)));
        assert!(refused(wrong).contains("ends before it begins; let it end later"));
        let name = RuleName::new("nosuch").unwrap();
        let refusal = AccessRules::default().changed(vec![], &[name]).unwrap_err();
        assert!(refusal.to_string().contains("nosuch"));
        for wrong in ["", "bob", "a@b@c", "@", "all"] {
            assert!(wrong.parse::<Who>().is_err(), "{wrong}");
        }
    }
}
