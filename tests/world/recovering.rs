//! What tests of recoveries ask of a world.
//!
//! Must never hold: a claim about what the answer should be.

use adsum::event::{Event, InviteCause, InviteEnded};
use adsum::model::limits::RECOVERY_DELAY_MS_DEFAULT;
use adsum::model::{DeviceLabel, InboxSequence, InviteId, Lifetime, OperationId, Refusal, Role};
use adsum::protocol::{
    Administer, Administration, Command, Findings, Invite, ListRecoveries, OpenRecovery,
    RefuseRecovery, WithdrawInvite,
};
use adsum::service::{Actor, Enroll, Hello, Query, Reply};

use super::{World, im, key, principal};

pub const DELAY: Lifetime = Lifetime::from_ms(RECOVERY_DELAY_MS_DEFAULT);

pub fn id(number: u8) -> InviteId {
    InviteId([number; 32])
}

pub fn invite(number: u8, name: &str) -> Command {
    let (principal, role, lifetime) = (Some(principal(name)), Role::User, None);
    Command::Invite(Invite { invite: id(number), principal, role, lifetime, recovers: false })
}

pub fn recovery(number: u8, name: &str) -> Command {
    let Command::Invite(invite) = invite(number, name) else { unreachable!() };
    Command::Invite(Invite { recovers: true, ..invite })
}

pub fn refuse(number: u8) -> Command {
    let (operation, invite) = (OperationId::default(), id(number));
    Command::RefuseRecovery(RefuseRecovery { operation, invite })
}

pub fn withdraw(number: u8) -> Command {
    let (operation, invite) = (OperationId::default(), id(number));
    Command::WithdrawInvite(WithdrawInvite { operation, invite })
}

pub fn administer(act: Administration) -> Command {
    Administer { operation: OperationId::default(), act }.into()
}

/// What the domain of everybody is to want of recoveries.
pub fn terms(hours: Option<u64>, shows_earlier: Option<bool>) -> Command {
    let delay = hours.map(|hours| Lifetime::from_ms(hours * 3_600_000));
    let domain = "d.example".parse().unwrap();
    administer(Administration::SetRecovery { domain, delay, shows_earlier })
}

/// How the invites of `events` ended.
pub fn ended(events: &[Event]) -> Vec<(u8, InviteCause)> {
    let ended = events.iter().filter_map(|event| match event {
        Event::InviteEnded(InviteEnded { invite, cause }) => Some((invite.0[0], cause.clone())),
        _ => None,
    });
    ended.collect()
}

impl World {
    /// `name` comes with another device and an invite.
    pub fn enters(&mut self, name: &str, device: &str, number: u8) -> Result<Reply, Refusal> {
        let label = DeviceLabel::new("").unwrap();
        let enroll = Some(Enroll { invite: Some(id(number)), label });
        self.enter(Hello { principal: principal(name), key: key(device), enroll })
    }

    /// What a device of `name` is told of a recovery when it comes in.
    pub fn welcomed(&mut self, name: &str, device: &str) -> Option<OpenRecovery> {
        match self.enter(Hello { principal: principal(name), key: key(device), enroll: None }) {
            Ok(Reply::Entered { recovery, .. }) => recovery.map(|recovery| *recovery),
            other => panic!("a device was answered {other:?}"),
        }
    }

    pub fn recoveries(&mut self, asker: &Actor) -> Vec<OpenRecovery> {
        match self.query(asker, Query::from(ListRecoveries)) {
            Ok(Reply::Found(Findings::ListRecoveries(rows))) => rows,
            other => panic!("recoveries were answered {other:?}"),
        }
    }

    /// What lies in `name`'s inbox: where, and whether `reader` is not shown what it says.
    pub fn shown(&mut self, reader: &Actor, name: &str) -> Vec<(u64, bool)> {
        let query = Query::Page { inbox: im(name), after: InboxSequence::ZERO };
        match self.query(reader, query) {
            Ok(Reply::Page(rows)) => {
                rows.iter().map(|row| (row.sequence.get(), row.is_withheld)).collect()
            }
            other => panic!("a page was answered {other:?}"),
        }
    }
}
