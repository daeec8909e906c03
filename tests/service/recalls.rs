//! What the service lets go of after a checkpoint and looks up on the disk: nobody notices, and nothing is lost of it.
//!
//! Must never hold: an answer that is told in advance where the same service, holding everything, tells it.

use super::commit::{Server, ticket};
use super::histories::{Act, act, checkpoint, inputs};
use crate::world::{actor, im, message};
use adsum::log::LogFault;
use adsum::model::{InboxSequence, Lifetime, OperationId, limits};
use adsum::protocol::{Answer, Command, Delete};
use adsum::service::{InboxPlace, Input, Output, Query, Reply};
use adsum::view::EntityDigest;
use proptest::prelude::*;

fn sends(id: &str) -> Input {
    let command = Command::Send(message("alice", id, "hello"));
    Input::Command { ticket: ticket(), actor: actor("bob"), command }
}

/// Sends a message; says whether it is one that came again.
fn is_duplicate(server: &mut Server, id: &str) -> bool {
    server.now = server.now.after(Lifetime::from_ms(100));
    let outputs = server.round(vec![sends(id)]);
    let answer = outputs.into_iter().find_map(|output| match output {
        Output::Reply { result: Ok(Reply::Done(Answer::Sent { duplicate })), .. } => {
            Some(duplicate)
        }
        _ => None,
    });
    answer.expect("it is taken")
}

/// The digests of all entities, as a running server tells them.
fn digests(server: &mut Server) -> Vec<EntityDigest> {
    let mut all: Vec<EntityDigest> = Vec::new();
    loop {
        let part = server.commit.digests_after(all.last().map(|last| &last.entity));
        if part.is_empty() {
            return all;
        }
        all.extend(part);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_service_that_lets_go_answers_as_one_that_holds_everything(acts in prop::collection::vec(act(), 1..150)) {
        let (mut server, mut whole) = (Server::new(), Server::new());
        for act in &acts {
            match act {
                Act::Cut { .. } => {}
                Act::Checkpoint { records } => checkpoint(&mut server, *records),
                Act::Wait { secs } if secs % 3 == 0 => {
                    let before = server.commit.views().time();
                    for server in [&mut server, &mut whole] {
                        let mut place = Some(InboxPlace::default());
                        while let Some(from) = place {
                            place = server.commit.end_read(server.now, &|_| before, &from).unwrap();
                        }
                    }
                }
                Act::Restart => {
                    server = server.restart(false);
                    whole = whole.restart(false);
                }
                act => {
                    let given = inputs(&mut server, act);
                    whole.now = server.now;
                    prop_assert_eq!(server.round(given.clone()), whole.round(given), "{:?}", act);
                }
            }
        }
        prop_assert_eq!(digests(&mut server), digests(&mut whole));
        prop_assert_eq!(server.commit.fingerprint(), whole.commit.fingerprint());
    }
}

#[test]
fn ids_are_known_over_restarts_and_merges_and_gone_when_their_days_are_over() {
    let mut server = Server::new();
    // More runs than are left unmerged, over several days.
    for number in 0..60 {
        assert!(!is_duplicate(&mut server, &format!("id-{number}")));
        server.commit.checkpoint_all().unwrap();
        if number % 7 == 0 {
            server = server.restart(false);
        }
        while server.commit.checkpoint(1).unwrap() {}
        server.now = server.now.after(Lifetime::from_ms(limits::DAY_MS / 12));
    }
    let knows_all = |server: &mut Server| {
        (0..60)
            .for_each(|number| assert!(is_duplicate(server, &format!("id-{number}")), "{number}"));
    };
    knows_all(&mut server);
    let mut server = server.restart(false);
    knows_all(&mut server);
    // Also where the filter has no room, and all is looked for.
    let filter = server.commit.message_filter_bytes();
    assert!(0 < filter && filter <= limits::MESSAGE_FILTER_BYTES_DEFAULT, "{filter}");
    server.commit.limit_message_filter(0);
    assert_eq!(server.commit.message_filter_bytes(), 0);
    knows_all(&mut server);

    let before = server.disk.stored_blocks();
    assert!(before > 0);
    server.now = server.now.after(Lifetime::from_ms(limits::DEDUPLICATION_MS));
    assert!(!is_duplicate(&mut server, "id-59"), "it may be used again");
    server.commit.checkpoint_all().unwrap();
    while server.commit.checkpoint(1).unwrap() {}
    assert!(server.disk.stored_blocks() < 3, "only the last id is left");
    assert!(is_duplicate(&mut server, "id-59"));
}

#[test]
fn ids_whose_days_end_while_they_are_merged_are_merged_and_dropped_all_the_same() {
    let mut server = Server::new();
    let send = |server: &mut Server, day: u64| {
        let sends = (0..400).map(|number| sends(&format!("{day}-{number}")));
        server.round(sends.collect());
        server.round(vec![reads(u64::MAX)]);
    };
    // Two runs of one day, each of more than one block.
    for part in 0..2 {
        send(&mut server, part);
        server.commit.checkpoint_all().unwrap();
    }
    server.now = server.now.after(Lifetime::from_ms(limits::DAY_MS));
    send(&mut server, 2);
    server.commit.checkpoint_all().unwrap();
    for _ in 0..3 {
        assert!(server.commit.checkpoint(1).unwrap(), "there is much to merge");
    }
    server.now = server.now.after(Lifetime::from_ms(limits::DEDUPLICATION_MS + limits::DAY_MS));
    assert!(!is_duplicate(&mut server, "0-7"), "it may be used again");
    server.commit.checkpoint_all().unwrap();
    while server.commit.checkpoint(1).unwrap() {}
    assert!(is_duplicate(&mut server, "0-7"));
    let state = server.commit.fingerprint();
    server.commit.checkpoint_all().unwrap();
    while server.commit.checkpoint(1).unwrap() {}
    let ids = |key: &Vec<u8>| key[0] != 0xff;
    server.disk.damage_blocks(|blocks| assert_eq!(blocks.keys().filter(|key| ids(key)).count(), 2));
    assert!(server.rebuilt() == state);
}

#[test]
fn a_process_may_end_at_any_step_of_a_checkpoint_or_merge_and_every_id_is_known_after_it() {
    for steps in 0..40 {
        let mut server = Server::new();
        let mut sent = 0..;
        let mut next = |server: &mut Server| {
            assert!(!is_duplicate(server, &format!("id-{}", sent.next().unwrap())));
        };
        for _ in 0..9 {
            next(&mut server);
            server.commit.checkpoint_all().unwrap();
        }
        next(&mut server);
        server.commit.begin_checkpoint();
        for step in 0..steps {
            if step % 3 == 0 {
                next(&mut server);
            }
            server.commit.checkpoint(1).unwrap();
        }
        let (last, kept) = (sent.next().unwrap(), server.disk.unsynced_count() / 2);
        let mut server = server.restart_after(kept);
        let state = server.commit.fingerprint();
        for number in 0..last {
            assert!(is_duplicate(&mut server, &format!("id-{number}")), "{number} after {steps}");
        }
        assert!(server.rebuilt() == state, "after {steps} steps");
    }
}

#[test]
fn a_block_of_ids_that_is_gone_or_changed_is_missed_and_nothing_is_decided_without_it() {
    let mut server = Server::new();
    for number in 0..900 {
        is_duplicate(&mut server, &format!("id-{number}"));
    }
    server.commit.checkpoint_all().unwrap();
    let blocks = server.disk.stored_blocks();
    assert!(blocks > 5, "{blocks}");
    let mut is_first = true;
    server.disk.damage_blocks(|blocks| {
        // All but the first block of each run, and what stands before it.
        blocks.retain(|key, _| key[4] == 0 || core::mem::take(&mut is_first));
    });
    let head = server.commit.head();
    let faults = (0..900).filter(|number| {
        server.commit.handle(server.now, [sends(&format!("id-{number}"))]);
        match server.commit.persist() {
            Ok(_) => false,
            Err(LogFault::Checkpoint { reason, .. }) => reason == "a block is missing",
            Err(other) => panic!("{other}"),
        }
    });
    assert!(faults.count() > 500, "most ids lay in what is gone");
    assert_eq!(server.commit.head(), head, "none is taken for new");
}

fn reads(through: u64) -> Input {
    let (ticket, actor, inbox) = (ticket(), actor("alice"), im("alice"));
    Input::Acknowledge { ticket, actor, inbox, through: InboxSequence::new(through) }
}

fn pages(after: u64) -> Input {
    let query = Query::Page { inbox: im("alice"), after: InboxSequence::new(after) };
    Input::Query { ticket: ticket(), actor: actor("alice"), query }
}

/// The places of the next page of alice's inbox.
fn page(server: &mut Server, after: u64) -> Vec<u64> {
    match server.round(vec![pages(after)]).pop() {
        Some(Output::Reply { result: Ok(Reply::Page(rows)), .. }) => {
            rows.iter().map(|row| row.sequence.get()).collect()
        }
        other => panic!("{other:?}"),
    }
}

/// The first and the last place whose row alice's inbox holds in memory.
fn held(server: &Server) -> Option<(u64, u64)> {
    let view = server.commit.views().inbox(&im("alice")).unwrap();
    let mut held = (1..=view.head().get()).filter(|at| view.row(InboxSequence::new(*at)).is_some());
    held.next().map(|first| (first, held.next_back().unwrap_or(first)))
}

/// A server on which alice has read `count` messages.
fn with_read(count: u64) -> Server {
    let mut server = Server::new();
    for number in 0..count {
        assert!(!is_duplicate(&mut server, &format!("id-{number}")));
    }
    server.round(vec![reads(count)]);
    server
}

#[test]
fn what_was_read_leaves_the_memory_with_a_checkpoint_and_is_read_from_the_disk_when_asked_for() {
    let mut server = with_read(200);
    assert_eq!(held(&server), Some((1, 200)));
    server.commit.checkpoint_all().unwrap();
    assert_eq!(held(&server), None);
    for last in 200..202 {
        assert_eq!(page(&mut server, 0), (1..=last).collect::<Vec<_>>());
        assert_eq!(page(&mut server, 190), (191..=last).collect::<Vec<_>>());
        assert_eq!(held(&server), None, "what was put back is let go of again");
        let id = format!("id-{}", server.commit.head());
        assert!(!is_duplicate(&mut server, &id));
        let new = server.commit.views().inbox(&im("alice")).unwrap().head().get();
        assert_eq!(held(&server), Some((new, new)), "what is unread stays");
        server.round(vec![reads(new)]);
        // Also behind a start, which reads none of it.
        server = server.restart(true);
        assert_eq!(held(&server), None);
    }
    // What is deleted is gone, whether its row is in memory or not.
    let sequences = [3, 70, 200].map(InboxSequence::new).to_vec();
    let delete =
        Delete { operation: OperationId::default(), inbox: im("alice"), sequences, sender: None };
    let (ticket, actor) = (ticket(), actor("alice"));
    server.round(vec![Input::Command { ticket, actor, command: Command::Delete(delete) }]);
    assert_eq!(held(&server), None);
    assert_eq!(page(&mut server, 0)[..4], [1, 2, 4, 5]);
    assert_eq!(page(&mut server, 198), [199, 201, 202]);
    server = server.restart(true);
    assert_eq!(page(&mut server, 68)[..2], [69, 71]);
    let state = server.commit.fingerprint();
    assert!(server.rebuilt() == state);
}

#[test]
fn rows_are_the_same_wherever_a_process_ends_while_they_leave_the_memory() {
    for steps in 0..24 {
        for part in 0..3 {
            let mut server = with_read(130);
            server.commit.checkpoint_all().unwrap();
            for number in 130..140 {
                is_duplicate(&mut server, &format!("id-{number}"));
            }
            server.round(vec![reads(135)]);
            server.commit.begin_checkpoint();
            for step in 0..steps {
                let sequences = vec![InboxSequence::new(step * 6 + 1)];
                let inbox = im("alice");
                let delete =
                    Delete { operation: OperationId::default(), inbox, sequences, sender: None };
                let command = Command::Delete(delete);
                let input = Input::Command { ticket: ticket(), actor: actor("alice"), command };
                server.round(vec![input, reads(130 + step), pages(60)]);
                is_duplicate(&mut server, &format!("more-{step}"));
                server.commit.checkpoint(1).unwrap();
            }
            let kept = server.disk.unsynced_count() * part / 2;
            let mut server = server.restart_after(kept);
            for step in 0..steps {
                assert!(is_duplicate(&mut server, &format!("more-{step}")), "{steps}, {kept} kept");
            }
            let state = server.commit.fingerprint();
            assert!(server.rebuilt() == state, "after {steps} steps, {kept} kept");
        }
    }
}

#[test]
fn rows_that_are_gone_from_the_disk_are_missed() {
    let mut server = with_read(100);
    server.commit.checkpoint_all().unwrap();
    server.disk.damage_blocks(|blocks| blocks.retain(|key, _| key[0] != 0xff));
    server.commit.handle(server.now, [pages(0)]);
    let fault = server.commit.persist().unwrap_err();
    assert!(
        matches!(&fault, LogFault::Checkpoint { reason, .. } if reason == "a block is missing")
    );
    assert!(fault.to_string().contains("alice@"), "{fault}");
}

/// Plays `acts` to a service that lets go and to one that holds everything, and has both tell what they have, twice and after a
/// restart.
fn play(acts: &[Act]) {
    let (mut server, mut whole) = (Server::new(), Server::new());
    for act in acts {
        if let Act::Checkpoint { records } = act {
            checkpoint(&mut server, *records);
            continue;
        }
        let given = inputs(&mut server, act);
        whole.now = server.now;
        assert_eq!(server.round(given.clone()), whole.round(given), "{act:?}");
    }
    for _ in 0..2 {
        assert_eq!(digests(&mut server), digests(&mut whole));
        assert_eq!(server.commit.fingerprint(), whole.commit.fingerprint());
    }
    let (mut server, mut whole) = (server.restart(false), whole.restart(false));
    assert_eq!(digests(&mut server), digests(&mut whole));
}

/// What is put back for a while goes again, and nothing that is held beside it: what lies there of that may be older.
#[test]
fn rows_that_are_held_stay_when_others_that_were_put_back_go_again() {
    play(&[
        Act::Deliver { who: 3, whom: 0, aside: false, receipts: true },
        Act::Flood { who: 3, whom: 3, count: 4 },
        Act::Acknowledge { who: 3, through: 1 },
        Act::Checkpoint { records: 0 },
        Act::Acknowledge { who: 3, through: 4 },
        Act::Send { who: 0, whom: 0, id: 0, secs: None },
        Act::Checkpoint { records: 1 },
        Act::Grant { who: 3, whom: 0, rights: 0 },
        Act::Checkpoint { records: 0 },
    ]);
    play(&[
        Act::Send { who: 0, whom: 3, id: 0, secs: None },
        Act::Deliver { who: 3, whom: 1, aside: false, receipts: true },
        Act::Acknowledge { who: 3, through: 1 },
        Act::Flood { who: 0, whom: 3, count: 22 },
        Act::Checkpoint { records: 0 },
        Act::Acknowledge { who: 3, through: 23 },
        Act::Displayed { who: 3, number: 22 },
    ]);
}
