//! What a round does between the decision and the disk, by itself: sealing what people wrote, and packing events into entries.
//!
//! Must never hold: a decision.

use adsum::event::{Chain, Event, MessageAccepted, MessageDigest, Owners, pack};
use adsum::log::EventLog as _;
use adsum::log::memory::MemoryDisk;
use adsum::model::{
    Ahead, ContentType, InboxSequence, MessageId, Moment, Payload, Principal, Sequence,
};

use super::Benchmark;
use super::callgrind::count;
use super::material::{body, key, people};

/// Messages of a round.
const MESSAGES: usize = 64;

pub(crate) const ALL: &[Benchmark] = &[
    Benchmark { name: "log.seal_64_messages", times: 1, run: seal },
    Benchmark { name: "log.pack_64_messages", times: 1, run: pack_all },
];

fn seal() {
    let (alice, owners) = (people("alice", 1), people("owner", MESSAGES));
    let log = MemoryDisk::sealed().open().expect("an empty disk opens");
    let vault = log.vault().expect("the disk is sealed");
    let owners: Vec<_> = owners
        .into_iter()
        .map(|keeper| Owners { keeper, sender: Some(alice[0].clone()) })
        .collect();
    let seal = |bodies: &mut [Payload]| {
        for (owners, body) in owners.iter().zip(bodies) {
            vault.seal(owners, vec![body]).expect("a disk in memory takes keys");
        }
    };
    // Keys are made with the first one.
    seal(&mut bodies());
    let mut bodies = bodies();
    count(|| seal(&mut bodies));
    assert!(bodies.iter().all(|body| matches!(body, Payload::Sealed(_))), "each is sealed");
}

fn bodies() -> Vec<Payload> {
    (0..MESSAGES).map(|_| body()).collect()
}

fn pack_all() {
    let (alice, owners) = (people("alice", 1), people("owner", MESSAGES));
    let events: Vec<_> = (0..)
        .zip(&owners)
        .map(|(number, owner)| (Moment::from_us(number + 1), accepted(&alice[0], owner, number)))
        .collect();
    let mut chain = Chain::START;
    let entries = count(|| pack(&mut chain, Sequence::new(1), Ahead::ZERO, &events));
    let bytes: usize = entries.iter().map(|entry| entry.value.len()).sum();
    assert!(bytes > MESSAGES * body().len(), "all of them are in");
}

fn accepted(sender: &Principal, owner: &Principal, number: u64) -> Event {
    Event::MessageAccepted(MessageAccepted {
        inbox: owner.inbox(),
        sequence: InboxSequence::new(1),
        sender: sender.clone(),
        device: key(sender).device(),
        id: MessageId::new(&format!("{number:032x}")).expect("it is hexadecimal"),
        content_type: ContentType::new("text/plain").expect("it has two tokens"),
        body: body(),
        lifetime: None,
        digest: MessageDigest([3; 16]),
    })
}
