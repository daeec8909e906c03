//! Furnishing a server that runs already: everybody enrolls, publishes and subscribes over QUIC.
//!
//! Must never hold: anything that is measured.

use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::link::{Dialer, Link, wrong};
use super::offline::subscribe;
use super::participants::Participant;
use super::progress::Progress;
use super::requests::{Publishes, Requests, operation};
use crate::cli::run::failure::Failure;
use crate::client::{Credentials, InviteToken};
use crate::model::{AccessRule, Handling, Role, Who};
use crate::protocol::body::Enroll;
use crate::protocol::{ChangeRules, Command, Invite, RulesOwner};

/// Handshakes at once.
const AT_ONCE: usize = 32;

/// Enrolls `participants` at the server of `dialer`, then lets them publish and subscribe.
///
/// Without a `host` who invites them, the server must have open enrollment.
pub(super) async fn furnish(
    dialer: &Dialer,
    participants: &[Participant],
    host: Option<&Host>,
) -> Result<(), Failure> {
    // Whether anybody is there is found out once, not by everybody.
    drop(dialer.connect().await?);
    let mut inviter = match host {
        Some(host) => Some(Inviter::open(dialer, host).await?),
        None => None,
    };
    let progress = Arc::new(Progress::begin("enrolling", participants.len()));
    // Who is watched must be there before anybody asks to watch it.
    let (watched, watching): (Vec<_>, Vec<_>) =
        participants.iter().partition(|participant| participant.watches.is_empty());
    settle_all(dialer, &watched, &mut inviter, &progress).await?;
    settle_all(dialer, &watching, &mut inviter, &progress).await
}

/// Settles `participants`, some at once, and waits for all of them.
async fn settle_all(
    dialer: &Dialer,
    participants: &[&Participant],
    inviter: &mut Option<Inviter>,
    progress: &Arc<Progress>,
) -> Result<(), Failure> {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut tasks: JoinSet<Result<(), Failure>> = JoinSet::new();
    for &participant in participants {
        if let Some(ended) = tasks.try_join_next() {
            ended.map_err(wrong)??;
        }
        let place = Arc::clone(&room).acquire_owned().await.map_err(wrong)?;
        let token = match inviter {
            Some(inviter) => Some(inviter.invite(participant).await?),
            None => None,
        };
        let (dialer, participant) = (dialer.clone(), participant.clone());
        let progress = Arc::clone(progress);
        tasks.spawn(async move {
            let _place = place;
            let settled = settle(&dialer, &participant, token.as_ref()).await;
            progress.add(1);
            settled
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.map_err(wrong)??;
    }
    Ok(())
}

/// The administrator who invites all others. The same for all runs, because an invite is good for one device.
#[derive(Clone, Debug)]
pub(super) struct Host {
    /// Who.
    pub(super) who: Credentials,
    /// With what it enrolls, the first time.
    pub(super) invite: InviteToken,
}

/// The host's connection.
struct Inviter {
    link: Link,
    invites: u64,
}

impl Inviter {
    async fn open(dialer: &Dialer, host: &Host) -> Result<Self, Failure> {
        let mut link = dialer.hello(&host.who, Some(enrollment(Some(&host.invite)))).await?;
        link.welcome().await?;
        Ok(Self { link, invites: 0 })
    }

    async fn invite(&mut self, participant: &Participant) -> Result<InviteToken, Failure> {
        let token = InviteToken::generate();
        let principal = Some(participant.who.principal().clone());
        let (invite, role, lifetime, recovers) = (token.id(), Role::User, None, false);
        let request = Invite { invite, principal, role, lifetime, recovers };
        self.invites += 1;
        let mut out = Vec::new();
        Command::from(request).encode(self.invites, &mut out);
        self.link.write(&out).await?;
        self.link.answered().await?;
        Ok(token)
    }
}

fn enrollment(token: Option<&InviteToken>) -> Enroll {
    let token = token.map_or_else(Vec::new, |token| token.as_bytes().to_vec());
    Enroll { token: token.into(), label: "bench".to_owned() }
}

/// Enrolls one participant and lets it do what it did before the load begins.
async fn settle(
    dialer: &Dialer,
    participant: &Participant,
    token: Option<&InviteToken>,
) -> Result<(), Failure> {
    let mut link = dialer.hello(&participant.who, Some(enrollment(token))).await?;
    link.welcome().await?;
    let mut out = Vec::new();
    let mut asked = 0;
    if participant.publishes {
        open_to_all(&participant.who).encode(0, &mut out);
        Publishes::new(&participant.who).write(0, &mut out);
        asked += 2;
    }
    for (number, presentity) in (1..).zip(&participant.watches) {
        subscribe(presentity, participant).encode(number, &mut out);
        asked += 1;
    }
    link.write(&out).await?;
    for _ in 0..asked {
        link.answered().await?;
    }
    Ok(())
}

/// Lets everybody watch `who`, whatever the server does where no rule says.
fn open_to_all(who: &Credentials) -> Command {
    let rules = ChangeRules {
        operation: operation(u64::MAX),
        owner: RulesOwner::Presentity(who.principal().presentity()),
        if_version: None,
        put: vec![AccessRule::plain(Who::Everyone, Handling::Allow)],
        remove: Vec::new(),
    };
    rules.into()
}
