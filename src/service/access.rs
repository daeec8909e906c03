//! Who may see what: the one decision behind fetch, subscribe, notify, resume, refresh and watcher information.
//!
//! Must never hold: a document, or an answer to anybody.

use std::sync::Arc;

use super::decide::Case;
use crate::model::{
    AccessRules, Act, Decision, Document, Handling, Presentity, Principal, Rights, Shown, Timestamp,
};
use crate::view::{RulesView, Views};

/// Through what a watcher sees a presentity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Lens {
    /// It sees all there is.
    All,
    /// It sees some of it.
    Part(Arc<Shown>),
    /// It sees a presentity that never publishes anything.
    Nothing,
}

impl Lens {
    /// The lens a decision gives; `None` if it gives no sight at all.
    pub fn of(decision: &Decision) -> Option<Self> {
        match decision.handling {
            Handling::Allow if decision.shown.is_all() => Some(Self::All),
            Handling::Allow => Some(Self::Part(Arc::new(decision.shown.clone()))),
            Handling::PoliteBlock => Some(Self::Nothing),
            Handling::Confirm | Handling::Block => None,
        }
    }

    /// What is seen of `document` through it; `None` if nothing is, as when nothing is published.
    ///
    /// Looking at the result through the same lens again shows the same.
    pub fn shows(&self, document: Option<Document>) -> Option<Document> {
        let document = document.filter(|document| !document.is_empty());
        match self {
            Self::All => document,
            Self::Nothing => None,
            Self::Part(shown) => document
                .map(|document| super::compose::filtered(&document, shown))
                .filter(|document| !document.is_empty()),
        }
    }
}

/// What a presentity's rules and those of its domain grant `watcher` together: what both do.
pub fn judge(
    rules: &AccessRules,
    domain: &AccessRules,
    watcher: &Principal,
    act: Act,
    (now, default): (Timestamp, Handling),
) -> Decision {
    let default = if watcher.is_anonymous() { Handling::Block } else { default };
    let own = rules.decide(watcher, act, now, default);
    let ceiling = domain.decide(watcher, act, now, Handling::Allow);
    let shown = own.shown.and(&ceiling.shown);
    let handling = own.handling.min(ceiling.handling);
    Decision { handling, shown, rule: own.rule }
}

/// The rules in force, or others in their place: what access is judged by.
pub(super) struct Rulebook<'a> {
    /// The presentity's.
    pub(super) own: &'a AccessRules,
    /// Its domain's.
    pub(super) domain: &'a AccessRules,
    /// When.
    pub(super) now: Timestamp,
}

/// What who controls a presentity is granted.
pub(super) const CONTROLLED: Decision =
    Decision { handling: Handling::Allow, shown: Shown::ALL, rule: None };

static NONE: AccessRules = AccessRules::NONE;

impl<'a> Case<'a> {
    /// The rules in force for `presentity`.
    pub(super) fn rulebook(&self, presentity: &Presentity) -> Rulebook<'a> {
        let own = self.views.rules(&presentity.principal());
        let domain = self.views.domain(presentity.domain());
        Rulebook {
            own: own.map_or(&NONE, |view| &view.access),
            domain: domain.map_or(&NONE, |view| &view.rules),
            now: self.now,
        }
    }

    /// What `watcher` is granted by the rules in force.
    pub(super) fn access(
        &self,
        presentity: &Presentity,
        watcher: &Principal,
        act: Act,
    ) -> Decision {
        self.access_by(&self.rulebook(presentity), presentity, watcher, act)
    }

    /// What `watcher` is granted by `book`. Who controls the presentity sees all of it.
    pub(super) fn access_by(
        &self,
        book: &Rulebook<'_>,
        presentity: &Presentity,
        watcher: &Principal,
        act: Act,
    ) -> Decision {
        if controls(self.views, &presentity.principal(), watcher) {
            return CONTROLLED;
        }
        self.ruled(book, watcher, act)
    }

    /// What `watcher` is granted by `book` if it does not control the presentity.
    pub(super) fn ruled(&self, book: &Rulebook<'_>, watcher: &Principal, act: Act) -> Decision {
        judge(book.own, book.domain, watcher, act, (book.now, self.config.default_access))
    }
}

/// What `owner` lets `other` do; everything, if it is itself.
pub(super) fn rights(views: &Views, owner: &Principal, other: &Principal) -> Rights {
    if owner == other {
        return Rights::MEMBER;
    }
    views.rules(owner).map_or(Rights::NONE, |view: &RulesView| view.rights(other))
}

/// Whether `other` may do all that `owner` can.
pub(super) fn controls(views: &Views, owner: &Principal, other: &Principal) -> bool {
    rights(views, owner, other).has(Rights::MEMBER)
}
