//! What a decision is made from (the case: state, settings, time) and what it comes to (the verdict), with the checks
//! that many decisions share.
//!
//! Must never hold: a rule about one request alone (see `decide`), or what a watcher is shown.

use super::{Actor, Reply, ServiceConfig};
use crate::event::{AdministratorActed, Event};
use crate::model::{
    AdministratorAct, Ahead, Domain, InboxAddress, Lifetime, NameRule, Presentity, Principal,
    Refusal, Rights, Role, Sequence, Timestamp, Who,
};
use crate::view::{InviteView, MessageKey, PrincipalView, RulesView, Views};

/// What a decision is made from.
#[derive(Clone, Copy)]
pub(super) struct Case<'a> {
    pub(super) views: &'a Views,
    pub(super) config: &'a ServiceConfig,
    /// In elapsed time: lifetimes are counted from here.
    pub(super) now: Timestamp,
    /// How far the wall clock is ahead of that.
    pub(super) ahead: Ahead,
    /// The position that the first event of the verdict gets.
    pub(super) next: Sequence,
    /// The message that is asked to be sent.
    pub(super) message: Option<MessageKey>,
}

/// What was decided: the facts to record, none for a repeat, and the answer.
#[derive(Debug)]
pub(super) struct Verdict {
    pub(super) events: Vec<Event>,
    pub(super) reply: Reply,
}

impl Verdict {
    pub(super) fn new(event: Event, reply: Reply) -> Self {
        Self::of(vec![event], reply)
    }

    /// An answer without events: the request is a repeat, or there is nothing to do.
    pub(super) fn unchanged(reply: Reply) -> Self {
        Self::of(Vec::new(), reply)
    }

    pub(super) fn of(events: Vec<Event>, reply: Reply) -> Self {
        Self { events, reply }
    }
}

impl<'a> Case<'a> {
    /// What is known of a principal who was ever here.
    pub(super) fn known(&self, principal: &Principal) -> Result<&'a PrincipalView, Refusal> {
        let unknown = || Refusal::UnknownPrincipal { principal: principal.to_string() };
        self.views.principal(principal).ok_or_else(unknown)
    }

    /// Whether a new account may be called `principal`: by the name alone, and beside those that are taken. Which one it
    /// looks like is not told.
    pub(super) fn check_new(&self, principal: &Principal) -> Result<(), Refusal> {
        principal.check_new()?;
        // A name that was erased looks like itself.
        let was_erased = self.views.name_free_at(principal).is_some();
        if self.views.has_look_of(principal) && !was_erased {
            return Err(NameRule::LookAlike.refuses(principal));
        }
        Ok(())
    }

    /// What the wall clock shows: rules hold by it.
    pub(super) fn wall(&self) -> Timestamp {
        self.ahead.shown(self.now)
    }

    /// Whether `domain` is served here.
    pub(super) fn check_domain(&self, domain: &str) -> Result<(), Refusal> {
        let is_configured = self.config.domains.iter().any(|served| served.as_str() == domain);
        if is_configured || self.views.domain(domain).is_some_and(|view| view.is_created) {
            return Ok(());
        }
        Err(Refusal::ForeignDomain { domain: domain.to_owned() })
    }

    /// Whether presence works in `domain`.
    pub(super) fn check_presence_on(&self, domain: &str) -> Result<(), Refusal> {
        self.check_domain(domain)?;
        let is_on = self.views.domain(domain).is_none_or(|view| view.presence);
        check_on("presence", self.config.presence, is_on, domain)
    }

    /// Whether `watcher` may watch anybody: presence works here and in its domain.
    pub(super) fn check_watches(&self, watcher: &Principal) -> Result<(), Refusal> {
        if watcher.is_anonymous() {
            return check_on("presence", self.config.presence, true, watcher.domain());
        }
        self.check_presence_on(watcher.domain())
    }

    /// Whether messaging works in `domain`.
    pub(super) fn check_messaging_on(&self, domain: &str) -> Result<(), Refusal> {
        self.check_domain(domain)?;
        let is_on = self.views.domain(domain).is_none_or(|view| view.messaging);
        check_on("messaging", self.config.messaging, is_on, domain)
    }

    /// Whether there is such a presentity: its principal was enrolled and has one.
    pub(super) fn check_presentity(&self, presentity: &Presentity) -> Result<(), Refusal> {
        self.check_domain(presentity.domain())?;
        match self.views.principal(&presentity.principal()) {
            Some(view) if view.presence => Ok(()),
            _ => Err(Refusal::UnknownPresentity { address: presentity.to_string() }),
        }
    }

    /// As [`Case::check_presentity`], but only the principal itself and administrators of its domain learn that there
    /// is none. Others get the refusal that a presentity gives whose rules block them.
    pub(super) fn check_visible(
        &self,
        presentity: &Presentity,
        watcher: &Principal,
    ) -> Result<(), Refusal> {
        let administers = self.is_administrator(watcher) && watcher.domain() == presentity.domain();
        self.check_presentity(presentity).map_err(|refusal| {
            if administers || presentity.principal() == *watcher {
                return refusal;
            }
            Refusal::Refused { address: presentity.to_string() }
        })
    }

    /// Whether there is such an inbox: its principal was enrolled and has one.
    pub(super) fn check_inbox(&self, inbox: &InboxAddress) -> Result<(), Refusal> {
        self.check_domain(inbox.domain())?;
        match self.views.principal(&inbox.principal()) {
            Some(view) if view.messaging => Ok(()),
            _ => Err(Refusal::UnknownInbox { address: inbox.to_string() }),
        }
    }

    /// Whether there is such an inbox and its owner lets `actor` do this there.
    pub(super) fn check_inbox_right(
        &self,
        actor: &Actor,
        inbox: &InboxAddress,
        right: Rights,
    ) -> Result<(), Refusal> {
        self.check_domain(inbox.domain())?;
        let owner = inbox.principal();
        if !rights(self.views, &owner, &actor.principal).has(right) {
            let cure = format!("ask {owner} to do it, or to grant you that");
            return Err(Refusal::Forbidden { action: format!("read or change {inbox}"), cure });
        }
        self.check_messaging_on(inbox.domain())?;
        self.check_inbox(inbox)
    }

    /// Whether `actor` is `owner` or a member of it.
    pub(super) fn check_controls(
        &self,
        actor: &Actor,
        owner: &Principal,
        action: &str,
    ) -> Result<(), Refusal> {
        self.check_domain(owner.domain())?;
        if controls(self.views, owner, &actor.principal) {
            return Ok(());
        }
        let cure = format!("ask {owner} to do it");
        Err(Refusal::Forbidden { action: action.replace("its", &format!("{owner}'s")), cure })
    }

    /// Whether `actor` may manage the devices of `principal`: its own, or as an administrator of its domain.
    pub(super) fn check_manages(
        &self,
        actor: &Actor,
        principal: &Principal,
    ) -> Result<(), Refusal> {
        if actor.principal == *principal || self.administers(&actor.principal, principal.domain()) {
            return Ok(());
        }
        let cure = format!("ask {principal}, or an administrator of {}", principal.domain());
        Err(Refusal::Forbidden { action: format!("manage {principal}"), cure })
    }

    /// Whether `actor` may see an invite and withdraw it: its own, or as an administrator of its domain.
    pub(super) fn manages_invite(&self, actor: &Actor, open: &InviteView) -> bool {
        open.by.as_ref() == Some(&actor.principal)
            || self.administers(&actor.principal, &open.domain)
    }

    /// Whether `principal` is an administrator, of the domain it is in.
    pub(super) fn is_administrator(&self, principal: &Principal) -> bool {
        let view = self.views.principal(principal);
        view.is_some_and(|view| view.role == Role::Administrator)
    }

    pub(super) fn administers(&self, who: &Principal, domain: &str) -> bool {
        self.is_administrator(who) && who.domain() == domain
    }

    /// Whether `who` runs the server: an administrator of the first domain of its configuration.
    pub(super) fn operates(&self, who: &Principal) -> bool {
        let home = self.config.domains.first();
        home.is_some_and(|home| self.administers(who, home.as_str()))
    }

    pub(super) fn check_operates(&self, actor: &Actor, action: &str) -> Result<(), Refusal> {
        if self.operates(&actor.principal) {
            return Ok(());
        }
        let home = self.config.domains.first().map_or("", Domain::as_str);
        let cure = format!("ask an administrator of {home}");
        Err(Refusal::Forbidden { action: action.to_owned(), cure })
    }

    /// Whether `actor` is an administrator of `domain`.
    pub(super) fn check_administers(&self, actor: &Actor, domain: &Domain) -> Result<(), Refusal> {
        if self.administers(&actor.principal, domain.as_str()) {
            return Ok(());
        }
        let cure = format!("ask an administrator of {domain}");
        Err(Refusal::Forbidden { action: format!("administer {domain}"), cure })
    }

    /// Whether recipients keep what somebody of `domain` sends now when that is erased.
    pub(super) fn recipients_keep(&self, domain: &str) -> bool {
        self.views.domain(domain).is_some_and(|view| view.recipients_keep)
    }

    /// The record of what an administrator does to another principal. What somebody does to itself leaves none.
    pub(super) fn acted(
        &self,
        actor: &Actor,
        concerned: &Principal,
        act: AdministratorAct,
        about: &str,
    ) -> Option<Event> {
        let is_other = actor.principal != *concerned;
        let is_known = self.views.principal(concerned).is_some();
        (is_other && is_known).then(|| {
            Event::AdministratorActed(AdministratorActed {
                principal: concerned.clone(),
                by: actor.principal.clone(),
                act,
                about: about.to_owned(),
            })
        })
    }

    /// Whether a rule may be about `who`. Nobody of a domain that is not served can ever act here, so a rule about it
    /// is a mistake.
    pub(super) fn check_who(&self, who: &Who) -> Result<(), Refusal> {
        who.domain().map_or(Ok(()), |domain| self.check_domain(domain))
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

fn check_on(service: &str, server: bool, here: bool, domain: &str) -> Result<(), Refusal> {
    let place = match (server, here) {
        (true, true) => return Ok(()),
        (false, _) => "on this server".to_owned(),
        (true, false) => format!("in {domain}"),
    };
    Err(Refusal::ServiceOff { service: service.to_owned(), place })
}

/// The lifetime granted: the one asked for or the default, but no more than `max_ms`.
pub(super) fn granted(
    asked: Option<Lifetime>,
    default_ms: u64,
    min_ms: u64,
    max_ms: u64,
) -> Result<Lifetime, Refusal> {
    let asked = asked.map_or(default_ms, Lifetime::as_ms);
    if asked < min_ms {
        return Err(Refusal::TooBrief { minimum: Lifetime::from_ms(min_ms) });
    }
    Ok(Lifetime::from_ms(asked.min(max_ms)))
}
