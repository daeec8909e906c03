//! How rough a world is and who lives in it, drawn from the seed.
//!
//! Must never hold: what happens in it.

use adsum::model::{DeviceId, EpochId, Handling, Mode, Presentity, Principal, PublicKey};
use adsum::protocol::body;
use adsum::service::{Actor, ServiceConfig};
use adsum::wire::{EXPORTER_CONTEXT, VERSION, proof_bytes};
use bytes::Bytes;

use super::acts::Acts;
use super::backups::Backups;
use super::copies::Copies;
use super::erasing::Erasing;
use super::lots::Lots;

/// Keys tags and tuple ids of the store.
pub(crate) const SECRET: [u8; 32] = [7; 32];

/// What cursors are sealed with in an era.
pub(crate) fn cursor_secret(era: u8) -> [u8; 32] {
    [era; 32]
}

/// The played signature of the holder of `key`: only devices that hold it ask for one.
pub(crate) fn signature(
    context: &[u8],
    fresh: &[u8; 32],
    key: &[u8; 32],
    principal: &str,
) -> Bytes {
    let signed = proof_bytes(context, &[0; 32], fresh, key, principal);
    Bytes::copy_from_slice(blake3::keyed_hash(key, &signed).as_bytes())
}

/// The configuration of a process whose events are of `epoch`. What rules mean for watchers comes to one after the other,
/// so that worlds are cut off in between. What ends at the same time ends in one round, so that the oracle may hold
/// everything to its end.
pub(crate) fn config(epoch: EpochId) -> ServiceConfig {
    let domain = "d.example".parse().expect("it is a domain");
    let whole = ServiceConfig::new(vec![domain], SECRET);
    ServiceConfig {
        default_access: Handling::Allow,
        review_part: 1,
        round_part: 4_096,
        epoch,
        anonymous_max: 3,
        anonymous_of_origin_max: 3,
        ..whole
    }
}

/// Who decides who may watch it.
pub(crate) const OWNER: &str = "erin@d.example";
/// Whom it decides about.
pub(crate) const WATCHER: &str = "frank@d.example";
/// Who decides about domains and principals.
pub(crate) const ADMINISTRATOR: &str = "root@d.example";
/// Whose only device's key is there to be revoked.
pub(crate) const SPARE: &str = "grace@d.example";

/// One world of so many is long.
const LONG_OF: u8 = 6;

/// Who takes all it can get.
const GREEDY: &str = "heidi@d.example";
/// Who says what is false.
pub(crate) const LIAR: &str = "mallory@d.example";

/// A group, which lets the liar act for it now and then.
const GROUP: &str = "team@d.example";

/// Whether `principal` is the group.
pub(crate) fn is_group(principal: &Principal) -> bool {
    principal.to_string() == GROUP
}

/// Whether `principal` is the one that says what is false.
pub(crate) fn is_liar(principal: &Principal) -> bool {
    principal.to_string() == LIAR
}

/// Whether governors decide about `principal`, or it is none of those whose every step is judged.
pub(crate) fn is_governed(principal: &Principal) -> bool {
    [OWNER, WATCHER, ADMINISTRATOR, SPARE, GREEDY, LIAR, GROUP]
        .contains(&principal.to_string().as_str())
}

/// `principal` acting through its first device.
pub(crate) fn first_device(principal: &Principal) -> Actor {
    Who::new(principal, 1).actor
}

/// The device whose key is there to be revoked.
pub(crate) fn spare_device() -> DeviceId {
    first_device(&address(SPARE)).device
}

/// A device of this world and who acts through it.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) key: PublicKey,
    pub(crate) actor: Actor,
    /// The token of the invite by which it comes in; none if it is enrolled from the beginning.
    pub(crate) token: Option<[u8; 32]>,
}

impl Who {
    fn new(principal: &Principal, number: usize) -> Self {
        let name = format!("{}/{number}", principal.account().split('@').next().unwrap_or("?"));
        let key = PublicKey(*blake3::hash(name.as_bytes()).as_bytes());
        let device: DeviceId = key.device();
        Self { name, key, actor: Actor { principal: principal.clone(), device }, token: None }
    }

    /// What its device says first, with its proof if it has an exporter to sign.
    pub(crate) fn hello(&self, exporter: Option<[u8; 32]>) -> body::Hello {
        let principal = self.actor.principal.to_string();
        let signature = exporter
            .map(|fresh| signature(EXPORTER_CONTEXT, &fresh, &self.key.0, &principal))
            .unwrap_or_default();
        body::Hello {
            version: VERSION,
            features: 0,
            principal,
            key: self.key.0,
            proof: u8::from(exporter.is_some()),
            signature,
            enroll: self.token.map(|token| body::Enroll {
                token: Bytes::copy_from_slice(&token),
                label: self.name.clone(),
            }),
            client: "simulated".to_owned(),
        }
    }
}

/// Chances are out of a thousand at each tick.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    pub(crate) principals: Vec<Principal>,
    pub(crate) devices: Vec<Who>,
    /// Those who decide about each other, in some worlds; the last one has nothing but a key.
    pub(crate) governors: Vec<Who>,
    /// The device that takes all it can get, in some worlds.
    pub(crate) greedy: Option<Who>,
    /// The device that says what is false, in some worlds.
    pub(crate) liar: Option<Who>,
    /// The group's device, where there is a liar.
    pub(crate) patron: Option<Who>,
    pub(crate) ticks: u32,
    /// How many of them there are, all unless the world is reduced.
    pub(crate) lives: u32,
    pub(crate) tick_ms_max: u64,
    pub(crate) delay_ms_max: u64,
    pub(crate) window: u32,
    pub(crate) cut: u32,
    pub(crate) device_crash: u32,
    pub(crate) server_crash: u32,
    pub(crate) orderly_stop: u32,
    pub(crate) disk_fault: u32,
    pub(crate) checkpoint: u32,
    /// How often the keeper begins.
    pub(crate) log_cut: u32,
    /// How often the disk is full for a while.
    pub(crate) disk_full: u32,
    pub(crate) activity: u32,
    /// Whether the clock once leaps further than message ids are remembered.
    pub(crate) leap: bool,
    /// What happens to the server's clocks.
    pub(crate) acts: Acts,
    /// Which copies of the store are made and put back.
    pub(crate) copies: Copies,
    /// Which backups are made and restored.
    pub(crate) backups: Backups,
    /// Who is erased.
    pub(crate) erasing: Erasing,
    /// Whether a device may revoke the key of the one that came in later.
    pub(crate) revokes: bool,
}

impl Plan {
    pub(crate) fn new(rng: &mut Lots) -> Self {
        let names = ["alice", "bob", "carol", "dave"];
        let principals: Vec<Principal> = names[..rng.usize(2..=4)]
            .iter()
            .map(|name| address(&format!("{name}@d.example")))
            .collect();
        let mut devices: Vec<Who> = principals.iter().map(|who| Who::new(who, 1)).collect();
        let leap = rng.u32(0..20) == 0;
        if devices.len() < 4 || rng.bool() {
            // What was read long ago is not there for whoever comes in afterwards.
            let token = (!leap && rng.bool()).then(|| rng.unique());
            devices.push(Who { token, ..Who::new(&principals[0], 2) });
        }
        let governors = if rng.bool() { governors() } else { Vec::new() };
        let greedy = (rng.u8(..4) == 0).then(|| Who::new(&address(GREEDY), 1));
        let liar = (rng.u8(..3) == 0).then(|| Who::new(&address(LIAR), 1));
        let patron = liar.as_ref().map(|_| group());
        let (ticks, tick_ms_max) = (lasts(rng), *choose(rng, &[10, 40, 150]));
        let erasing = Erasing::new(rng, ticks, &principals, &governors);
        Self {
            principals,
            devices,
            governors,
            greedy,
            liar,
            patron,
            ticks,
            lives: ticks,
            tick_ms_max,
            delay_ms_max: *choose(rng, &[1, 30, 400]),
            window: *choose(rng, &[0, 1, 2, 5]),
            cut: *choose(rng, &[0, 10, 40]),
            device_crash: *choose(rng, &[0, 10, 30]),
            server_crash: *choose(rng, &[0, 5, 20]),
            orderly_stop: *choose(rng, &[0, 5]),
            disk_fault: *choose(rng, &[0, 5, 15]),
            checkpoint: *choose(rng, &[0, 50, 300]),
            log_cut: *choose(rng, &[0, 20, 60]),
            disk_full: *choose(rng, &[0, 0, 0, 20]),
            activity: *choose(rng, &[300, 600, 900]),
            leap,
            // Now and then a moment lasts for seconds.
            acts: Acts::new(rng, ticks, tick_ms_max / 2 + 40),
            copies: Copies::new(rng, ticks),
            // Drawn beside, so that worlds without any are what they were.
            backups: Backups::new(&mut rng.clone(), ticks),
            erasing,
            revokes: rng.u8(..4) == 0,
        }
    }

    /// Whether the store may be put back to an earlier state.
    pub(crate) fn goes_back(&self) -> bool {
        self.copies.has_any() || self.backups.has_any()
    }

    /// How much `watcher` is told of `presentity` in this world.
    pub(crate) fn mode(watcher: &Principal, presentity: &Presentity) -> Mode {
        let hash = blake3::hash(format!("{watcher} {presentity}").as_bytes());
        if hash.as_bytes()[0].is_multiple_of(2) { Mode::Every } else { Mode::Latest }
    }
}

/// How many moments things go wrong in. Most of what goes wrong does so soon, and costs a fraction then; the rest needs a
/// world that has something behind it.
fn lasts(rng: &mut Lots) -> u32 {
    if rng.u8(..LONG_OF) == 0 { rng.u32(120..=240) } else { rng.u32(30..=90) }
}

/// The group's device.
pub(crate) fn group() -> Who {
    Who::new(&address(GROUP), 1)
}

fn governors() -> Vec<Who> {
    let principals = [OWNER, WATCHER, ADMINISTRATOR, SPARE];
    principals.map(|name| Who::new(&address(name), 1)).into()
}

fn address(name: &str) -> Principal {
    name.parse().expect("it is an address")
}

/// One of `from`, which is not empty.
pub(crate) fn choose<'a, T>(rng: &mut Lots, from: &'a [T]) -> &'a T {
    &from[rng.usize(..from.len())]
}

/// Whether something with this chance out of a thousand happens.
pub(crate) fn happens(rng: &mut Lots, chance: u32) -> bool {
    rng.u32(..1_000) < chance
}
