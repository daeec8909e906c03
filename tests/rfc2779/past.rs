//! A store that was filled before its server starts: what took years of a large domain, written in seconds.
//!
//! Everything goes the way of the server itself: input, decision, event, commit.
//! Must never hold: an event that was not decided by the service.

use std::path::Path;

use adsum::commit::Commit;
use adsum::event::{Event, InviteCreated};
use adsum::log::SledLog;
use adsum::model::limits::{DAY_MS, HOUR_MS, REQUEST_MS_DEFAULT};
use adsum::model::{
    AccessRule, DeviceLabel, Document, EpochId, Handling, InviteId, Lifetime, Mode, OperationId,
    Principal, PublicKey, PublicationName, Quotas, Role, Timestamp, Who,
};
use adsum::protocol::Field as _;
use adsum::protocol::{
    Administer, Administration, ChangeRules, Command, Publish, RulesOwner, Subscribe,
};
use adsum::service::{
    Actor, Enroll, Hello, Input, Output, Reply, ServiceConfig, SessionId, Ticket,
};

use crate::support::peer::{Device, document};
use crate::world::DOMAIN;

/// The past of one store.
pub struct Past {
    commit: Commit,
    now: Timestamp,
    inputs: Vec<Input>,
}

/// Inputs of one round: few syncs, little memory.
const ROUND: usize = 2_000;

impl Past {
    /// Opens the store in `data`, which a server has made and left.
    pub fn open(data: &Path) -> Self {
        let secret = std::fs::read(data.join("keys/store.secret")).unwrap();
        let config = ServiceConfig {
            quotas: Quotas::default(),
            domains: vec![DOMAIN.parse().unwrap()],
            open_enrollment: true,
            secret: secret.try_into().unwrap(),
            default_access: Handling::Confirm,
            request_lifetime: Lifetime::from_ms(REQUEST_MS_DEFAULT),
            presence: true,
            messaging: true,
            anonymous_max: 0,
            anonymous_of_origin_max: 0,
            round_part: adsum::model::limits::ROUND_PART_MAX,
            review_part: adsum::model::limits::ROUND_PART_MAX,
            epoch: EpochId::NONE,
        };
        let log = Box::new(SledLog::open(data).unwrap());
        let commit = Commit::open(config, log, &mut |_, _| ()).unwrap();
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        let now = Timestamp::from_ms(u64::try_from(now.as_millis()).unwrap());
        Self { commit, now, inputs: Vec::new() }
    }

    /// Enrols a principal by its first device.
    pub fn enroll(&mut self, principal: &str) {
        let label = DeviceLabel::new("").unwrap();
        let enroll = Some(Enroll { invite: None, label });
        let hello = Hello { principal: name(principal), key: key(principal), enroll };
        self.put(Input::Enter { ticket: TICKET, hello });
    }

    /// Enrols the first administrator, as its first device.
    pub fn enroll_administrator(&mut self, principal: &str) {
        self.round();
        let invite = InviteId([7; 32]);
        let created = InviteCreated {
            invite,
            principal: None,
            domain: DOMAIN.to_owned(),
            role: Role::Administrator,
            by: None,
            expires_at: self.now.after(Lifetime::from_ms(HOUR_MS)),
        };
        self.commit.record(self.now, vec![Event::InviteCreated(created)]).unwrap();
        let enroll = Some(Enroll { invite: Some(invite), label: DeviceLabel::new("").unwrap() });
        let hello = Hello { principal: name(principal), key: key(principal), enroll };
        self.put(Input::Enter { ticket: TICKET, hello });
    }

    /// Creates a domain as an administrator.
    pub fn create_domain(&mut self, administrator: &str, domain: &str) {
        let operation = OperationId(fastrand::u128(1..).to_be_bytes());
        let domain = domain.parse().unwrap();
        self.act(
            administrator,
            Administer { operation, act: Administration::CreateDomain(domain) }.into(),
        );
    }

    /// Publishes a note as `principal`'s presence, for as long as may be.
    pub fn publish(&mut self, principal: &str, note: &str) {
        let document: Document = Document::from_wire(document(note)).unwrap();
        let publish = Publish {
            operation: OperationId([1; 16]),
            presentity: name(principal).presentity(),
            name: PublicationName::default(),
            if_match: None,
            lifetime: Some(Lifetime::from_ms(7 * DAY_MS)),
            document: Some(document),
        };
        self.act(principal, Command::Publish(publish));
    }

    /// Lets everybody watch `principal`.
    pub fn allow_everyone(&mut self, principal: &str) {
        let put = vec![AccessRule::plain(Who::Everyone, Handling::Allow)];
        let owner = RulesOwner::Presentity(name(principal).presentity());
        let operation = OperationId([2; 16]);
        let change = ChangeRules { owner, operation, if_version: None, put, remove: Vec::new() };
        self.act(principal, Command::ChangeRules(change));
    }

    /// Subscribes `watcher` to a presentity.
    pub fn subscribe(&mut self, watcher: &str, to: &str) {
        let presentity = name(to).presentity();
        let operation = OperationId([3; 16]);
        let (mode, lifetime) = (Mode::Latest, None);
        self.act(watcher, Command::Subscribe(Subscribe { operation, presentity, mode, lifetime }));
    }

    pub fn act(&mut self, principal: &str, command: Command) {
        let actor = Actor { principal: name(principal), device: key(principal).device() };
        self.put(Input::Command { ticket: TICKET, actor, command });
    }

    fn put(&mut self, input: Input) {
        self.inputs.push(input);
        if self.inputs.len() >= ROUND {
            self.round();
        }
    }

    fn round(&mut self) {
        self.commit.handle(self.now, std::mem::take(&mut self.inputs));
        self.commit.persist().unwrap();
        for output in self.commit.release() {
            if let Output::Reply { result, .. } = output {
                let _: Reply = result.unwrap();
            }
        }
    }

    /// Writes what is left and closes the store in order, with a checkpoint.
    pub fn close(mut self) {
        self.round();
        self.commit.checkpoint_all().unwrap();
    }
}

const TICKET: Ticket = Ticket { session: SessionId(1), number: 1 };

fn name(principal: &str) -> Principal {
    crate::world::full(principal).parse().unwrap()
}

fn key(principal: &str) -> PublicKey {
    PublicKey(Device::of_principal(&crate::world::full(principal)).key)
}
