//! What the service lets go of after a checkpoint and looks up on the disk: nobody notices, and nothing is lost of it.
//!
//! Must never hold: an answer that is told in advance where the same service, holding everything, tells it.

use super::commit::{Server, ticket};
use super::histories::{Act, act, checkpoint, inputs};
use crate::world::{actor, message};
use adsum::log::LogFault;
use adsum::model::{Lifetime, limits};
use adsum::protocol::{Answer, Command};
use adsum::service::{Input, Output, Reply};
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

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_service_that_lets_go_answers_as_one_that_holds_everything(acts in prop::collection::vec(act(), 1..150)) {
        let (mut server, mut whole) = (Server::new(), Server::new());
        for act in &acts {
            match act {
                Act::Cut { .. } => {}
                Act::Checkpoint { records } => checkpoint(&mut server, *records),
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
