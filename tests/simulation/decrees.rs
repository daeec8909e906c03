//! What governors decided, as the log has it: rules, rights, operations done.
//!
//! Must never hold: anything of the service's state; it is folded from events alone.

use std::collections::{BTreeMap, BTreeSet};

use adsum::client::{Answer, Refused};
use adsum::event::{AccessRulesAmended, EntityKey, Event, Recorded};
use adsum::model::{
    AccessRule, AccessRules, Handling, OperationId, Principal, RefusalCode, Rights, Who,
};
use adsum::protocol::{Field, body};
use adsum::wire::{Frame, decode};

use super::plan::{OWNER, WATCHER, is_governed};
use super::requests::Intent;
use super::trust::Trust;
use super::{Checked, promised};

/// A point in what was decided.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Since {
    rules: usize,
    rights: usize,
}

/// All that was decided.
#[derive(Clone, Debug, Default)]
pub(crate) struct Decrees {
    asked: BTreeSet<OperationId>,
    done: BTreeMap<OperationId, Option<u64>>,
    versions: BTreeMap<(&'static str, EntityKey), u64>,
    /// The owner's rules, version by version.
    rules: Vec<AccessRules>,
    /// What the owner granted the watcher, change by change.
    rights: Vec<Rights>,
    /// What the group granted the liar.
    pub(crate) trust: Trust,
}

/// Whether an event is about somebody or something that governors decide about.
pub(crate) fn concerns(event: &Event) -> bool {
    match event.entity() {
        EntityKey::Invite(_) => matches!(event, Event::InviteIssued(_) | Event::InviteEnded(_)),
        EntityKey::Principal(principal)
        | EntityKey::Watcher(principal)
        | EntityKey::Rules(principal) => is_governed(&principal),
        EntityKey::Presentity(presentity) | EntityKey::Audience(presentity) => {
            is_governed(&presentity.principal())
        }
        EntityKey::Inbox(inbox) => is_governed(&inbox.principal()),
        EntityKey::Domain(_) => true,
        EntityKey::Store => {
            !matches!(event, Event::EpochBegan(_) | Event::RestoreNoticed(_) | Event::LogCut(_))
        }
        EntityKey::Clock | EntityKey::Operations(_) | EntityKey::Budget(_) => false,
    }
}

impl Decrees {
    /// As of an earlier copy, of what was decided until then; what was asked stays asked.
    pub(crate) fn go_back(&mut self, to: Self) {
        let asked = core::mem::take(&mut self.asked);
        *self = Self { asked, ..to };
    }

    /// A governor is about to ask.
    pub(crate) fn asks(&mut self, intent: &Intent) {
        self.asked.extend(intent.operation);
    }

    /// Where things stand.
    pub(crate) fn now(&self) -> Since {
        Since { rules: self.rules.len(), rights: self.rights.len() }
    }

    /// An event that concerns them is durable.
    pub(crate) fn fold(&mut self, recorded: &Recorded) -> Checked {
        let key = recorded.event.entity();
        match &recorded.event {
            Event::AccessRulesAmended(event) => {
                self.changed(&("rules", key), event.operation, Some(event.version))?;
                if event.presentity.principal().to_string() == OWNER {
                    self.ruled(event);
                }
            }
            Event::DomainRulesAmended(event) => {
                self.changed(&("rules", key), event.operation, Some(event.version))?;
            }
            Event::DeliveryRulesAmended(event) => {
                self.changed(&("delivery", key), event.operation, Some(event.version))?;
            }
            Event::VisibilityRulesAmended(event) => {
                self.changed(&("visibility", key), event.operation, Some(event.version))?;
            }
            Event::GrantChanged(event) => {
                // What ends with who gave it has no name of its own.
                if event.operation != OperationId::default() {
                    self.changed(&("grant", key), event.operation, None)?;
                }
                self.granted(&event.owner, &event.grantee, event.rights);
            }
            Event::GrantGiven(event) => {
                self.changed(&("grant", key), event.operation, None)?;
                self.granted(&event.owner, &event.grantee, event.rights);
            }
            Event::Published(event) => self.done(event.operation, None)?,
            Event::Subscribed(event) => self.done(event.operation, None)?,
            Event::DomainRemoved(_) => {
                self.versions.remove(&("rules", key));
            }
            _ => {}
        }
        Ok(())
    }

    /// The owner's rules after a change, made by another way than the service makes them.
    fn ruled(&mut self, event: &AccessRulesAmended) {
        let before = self.rules.last().cloned().unwrap_or_default();
        let is_gone = |rule: &AccessRule| {
            let mut replaced = event.rules.replaced.iter();
            event.rules.removed.contains(&rule.name) || replaced.any(|it| it.name == rule.name)
        };
        let kept = before.iter().filter(|rule| !is_gone(rule));
        let put = event.rules.added.iter().chain(&event.rules.replaced);
        self.rules.push(kept.chain(put).cloned().collect());
    }

    fn granted(&mut self, owner: &Principal, grantee: &Principal, rights: Rights) {
        if owner.to_string() == OWNER && grantee.to_string() == WATCHER {
            self.rights.push(rights);
        }
    }

    /// A change was made by somebody who asked for it, and is the next of its kind.
    fn changed(
        &mut self,
        subject: &(&'static str, EntityKey),
        operation: OperationId,
        version: Option<u64>,
    ) -> Checked {
        if let Some(version) = version {
            let before = self.versions.insert(subject.clone(), version).unwrap_or_default();
            promised!(5, version == before + 1, "{subject:?}: {version} follows {before}");
        }
        self.done(operation, version)
    }

    fn done(&mut self, operation: OperationId, version: Option<u64>) -> Checked {
        let asked = self.asked.contains(&operation);
        promised!(4, asked, "{operation:?} was done, and nobody asked for it by that name");
        self.done.insert(operation, version);
        Ok(())
    }

    /// A request was answered: what is done is durable, what is refused was not done.
    pub(crate) fn answered(&self, intent: &Intent, result: &Result<Answer, Refused>) -> Checked {
        let Some(operation) = intent.operation else { return Ok(()) };
        let done = self.done.get(&operation);
        match result {
            Ok(Answer::Changed { version }) if intent.kind.starts_with("change") => {
                let told = done.copied().flatten();
                promised!(1, told == Some(*version), "{intent:?}: told {version}, it is {told:?}");
            }
            // What grants what is granted already changes nothing.
            Ok(_) if intent.kind == "grant" => {}
            Ok(_) => promised!(1, done.is_some(), "{intent:?} was acknowledged, is not durable"),
            Err(refused) => {
                let why = &refused.message;
                // A repeat of a change gets its first answer, unless its maker may do nothing any more or what it
                // changed is gone.
                let out = [
                    RefusalCode::Suspended,
                    RefusalCode::ServiceOff,
                    RefusalCode::Forbidden,
                    RefusalCode::UnknownInbox,
                    RefusalCode::UnknownPresentity,
                ];
                let may = refused.code.is_none_or(|code| !out.contains(&code));
                let is_change = intent.kind.starts_with("change") || intent.kind == "grant";
                let undone = done.is_none() || !may || !is_change;
                promised!(2, undone, "{intent:?} was done and then refused: {why}");
            }
        }
        Ok(())
    }

    /// The owner was told its rules: those of a version that was in force meanwhile.
    pub(crate) fn rules_told(&self, since: Since, version: u64, rows: &[Frame]) -> Checked {
        let told: Vec<body::AccessRule> = rows
            .iter()
            .map(|row| decode::<body::Rule>(row).expect("the rows are rules").rule)
            .collect();
        let index = usize::try_from(version).unwrap_or(usize::MAX);
        let recent = index >= since.rules && index <= self.rules.len();
        promised!(1, recent, "rules of version {version} were told, {} was known", since.rules);
        let none = AccessRules::default();
        let right = index.checked_sub(1).map_or(&none, |index| &self.rules[index]);
        let right: Vec<_> = right.iter().map(Field::to_wire).collect();
        promised!(5, told == right, "rules of version {version} were told as {told:?}");
        Ok(())
    }

    /// What the owner's rules granted the watcher at any time from then on.
    pub(crate) fn handlings(&self, since: Since) -> Vec<Handling> {
        let none = AccessRules::default();
        let before = since.rules.checked_sub(1).map_or(&none, |index| &self.rules[index]);
        core::iter::once(before).chain(&self.rules[since.rules..]).map(granted).collect()
    }

    /// Whether the watcher had any right of the owner's at any time from then on.
    pub(crate) fn had_rights(&self, since: Since) -> bool {
        let before = since.rights.checked_sub(1).map(|index| self.rights[index]);
        let mut all = before.into_iter().chain(self.rights[since.rights..].iter().copied());
        all.any(|rights| rights != Rights::NONE)
    }
}

/// What rules grant the watcher: the one about it before the one about everyone; without any, all may watch here.
fn granted(rules: &AccessRules) -> Handling {
    let about = |wanted: fn(&Who) -> bool| rules.iter().find(move |rule| wanted(&rule.who));
    let rule = about(|who| matches!(who, Who::Principal(_))).or(about(|who| *who == Who::Everyone));
    rule.and_then(|rule| rule.fetch).unwrap_or(Handling::Allow)
}
