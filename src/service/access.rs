//! Who may see what: the one decision behind fetch, subscribe, notify, resume, refresh and watcher information.
//!
//! Must never hold: a document, or what is seen of it (see `shown`).

use super::case::{Case, controls};
use crate::model::{
    AccessRules, Decision, Handling, Presentity, Principal, Shown, Timestamp, WatcherKind,
};

/// What a presentity's rules and those of its domain grant `watcher` together: no more than each of them grants.
pub fn judge(
    rules: &AccessRules,
    domain: &AccessRules,
    watcher: &Principal,
    kind: WatcherKind,
    (now, default): (Timestamp, Handling),
) -> Decision {
    let default = if watcher.is_anonymous() { Handling::Block } else { default };
    let own = rules.decide(watcher, kind, now, default);
    let ceiling = domain.decide(watcher, kind, now, Handling::Allow);
    let shown = own.shown.and(&ceiling.shown);
    let handling = own.handling.min(ceiling.handling);
    Decision { handling, shown, rule: own.rule }
}

/// The rules by which access is judged: those in force, or others that are to take their place.
pub(super) struct Rulebook<'a> {
    /// The presentity's rules.
    pub(super) own: &'a AccessRules,
    /// Its domain's rules.
    pub(super) domain: &'a AccessRules,
    /// At which time of the wall clock.
    pub(super) now: Timestamp,
}

/// What is granted to whoever controls the presentity.
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
            now: self.wall(),
        }
    }

    /// What `watcher` is granted by the rules in force.
    pub(super) fn access(
        &self,
        presentity: &Presentity,
        watcher: &Principal,
        kind: WatcherKind,
    ) -> Decision {
        self.access_by(&self.rulebook(presentity), presentity, watcher, kind)
    }

    /// What `watcher` is granted by `book`. Who controls the presentity sees all of it.
    pub(super) fn access_by(
        &self,
        book: &Rulebook<'_>,
        presentity: &Presentity,
        watcher: &Principal,
        kind: WatcherKind,
    ) -> Decision {
        if controls(self.views, &presentity.principal(), watcher) {
            return CONTROLLED;
        }
        self.ruled(book, watcher, kind)
    }

    /// What `watcher` is granted by `book` if it does not control the presentity.
    pub(super) fn ruled(
        &self,
        book: &Rulebook<'_>,
        watcher: &Principal,
        kind: WatcherKind,
    ) -> Decision {
        judge(book.own, book.domain, watcher, kind, (book.now, self.config.default_access))
    }
}
