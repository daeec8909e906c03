//! Rows of inboxes that leave the memory: which of them go, what is read of them, and what is left of them on the disk.
//!
//! Must never hold: what asks for a row; that is told by what the same service, holding everything, answers.

use super::commit::{Server, ticket};
use super::histories::{Act, inputs};
use crate::world::{actor, im, message, operation, principal, seconds};
use adsum::event::{Event, RecoveryAnnounced};
use adsum::log::LogFault;
use adsum::model::limits::DAY_MS;
use adsum::model::{ContentType, InboxSequence, Lifetime, MessageId, Payload, Receipts, Timestamp};
use adsum::protocol::{Command, Delete, Send};
use adsum::service::{InboxPlace, Input, Output, Query, Reply};

/// What the keys of blocks of rows begin with.
const ROWS: u8 = 0xff;

fn command(name: &str, command: impl Into<Command>) -> Input {
    Input::Command { ticket: ticket(), actor: actor(name), command: command.into() }
}

/// Has bob send messages of these numbers to alice in one round, and wish to learn of them what `receipts` say.
fn send(server: &mut Server, numbers: impl IntoIterator<Item = u64>, receipts: Receipts) {
    let sends = numbers.into_iter().map(|number| {
        let id = format!("a-name-of-some-length-for-message-{number}");
        command("bob", Send { receipts, ..message("alice", &id, "hello") })
    });
    let count = server.round(sends.collect()).len();
    assert!(count > 0, "they are taken");
}

fn read(server: &mut Server, through: u64) {
    let (ticket, actor, inbox) = (ticket(), actor("alice"), im("alice"));
    let through = InboxSequence::new(through);
    server.round(vec![Input::Acknowledge { ticket, actor, inbox, through }]);
}

/// Ends what was read and came before `time`.
fn end_read(server: &mut Server, time: Timestamp) -> Result<(), LogFault> {
    let mut place = Some(InboxPlace::default());
    while let Some(from) = place {
        place = server.commit.end_read(server.now, &|_| time, &from)?;
        drop(server.commit.release());
    }
    Ok(())
}

fn save(server: &mut Server) {
    server.commit.checkpoint_all().unwrap();
    while server.commit.checkpoint(4_096).unwrap() {}
}

/// The places whose rows alice's inbox holds in memory.
fn held(server: &Server) -> Vec<u64> {
    let view = server.commit.views().inbox(&im("alice")).unwrap();
    let places = 1..=view.head().get();
    places.filter(|at| view.row(InboxSequence::new(*at)).is_some()).collect()
}

/// How many messages are there.
fn kept(server: &Server) -> u64 {
    server.commit.views().inbox(&im("alice")).unwrap().kept()
}

/// The blocks of rows on the disk: of which chunk, and which block of it.
fn blocks(server: &Server) -> Vec<(u64, u8)> {
    let mut found = Vec::new();
    server.disk.damage_blocks(|blocks| {
        for key in blocks.keys().filter(|key| key[0] == ROWS) {
            let (chunk, part) = key[key.len() - 9..].split_first_chunk().unwrap();
            found.push((u64::from_be_bytes(*chunk), part[0]));
        }
    });
    found
}

/// Makes all rows on the disk unreadable: whoever asks for one fails.
fn spoil(server: &Server) {
    server.disk.damage_blocks(|blocks| {
        for (_, bytes) in blocks.iter_mut().filter(|(key, _)| key[0] == ROWS) {
            *bytes = vec![1, 0xff];
        }
    });
}

#[test]
fn nothing_is_left_on_the_disk_of_rows_that_changed_or_are_forgotten() {
    let mut server = Server::new();
    send(&mut server, 1..=120, Receipts::from_bits(31));
    read(&mut server, 120);
    save(&mut server);
    assert_eq!(blocks(&server), [(0, 0), (0, 1), (1, 0), (1, 1)], "who sent them is told in each");
    // What wishes for receipts is over, so that fewer bytes are written when more is read.
    let all = server.now.after(seconds(1));
    end_read(&mut server, all).unwrap();
    send(&mut server, 121..=150, Receipts::NONE);
    read(&mut server, 150);
    save(&mut server);
    assert_eq!(blocks(&server), [(0, 0), (0, 1), (1, 0), (2, 0)]);
    // And what is over is forgotten in the end.
    server.now = server.now.after(seconds(1));
    let all = server.now;
    end_read(&mut server, all).unwrap();
    save(&mut server);
    server.now = server.now.after(Lifetime::from_ms(31 * DAY_MS));
    send(&mut server, 151..=160, Receipts::NONE);
    save(&mut server);
    assert_eq!(blocks(&server), [(2, 0)]);
    let state = server.commit.fingerprint();
    assert!(server.rebuilt() == state);
}

#[test]
fn a_state_that_is_folded_anew_leaves_nothing_of_the_rows_of_the_one_before() {
    let mut server = Server::new();
    send(&mut server, 1..=70, Receipts::NONE);
    read(&mut server, 70);
    save(&mut server);
    assert!(!blocks(&server).is_empty());
    server.disk.damage_blocks(|blocks| {
        for number in 0..2_500_u32 {
            blocks.insert([&[ROWS, 0][..], &[0; 9], &number.to_be_bytes()].concat(), vec![1]);
        }
    });
    let disk = server.disk.clone();
    let state = server.commit.fingerprint();
    assert!(server.rebuilt() == state);
    disk.damage_blocks(|blocks| assert!(blocks.keys().all(|key| key[0] != ROWS)));
}

/// A server on which alice has read a message for each of `times`, and whose rows all lie on the disk. Returns when the first came as well.
fn with_read(times: impl IntoIterator<Item = u64>) -> (Server, u64) {
    let mut server = Server::new();
    let first = server.now.as_ms();
    let mut count = 0;
    for after in times {
        server.now = Timestamp::from_ms(first + after);
        count += 1;
        send(&mut server, [count], Receipts::NONE);
    }
    read(&mut server, count);
    save(&mut server);
    assert!(held(&server).is_empty());
    (server, first)
}

#[test]
fn what_was_read_before_a_time_ends_and_nothing_that_came_then_or_later() {
    // Of both chunks, whatever part of a second lies between their first and their last.
    let times = || (0..70).map(|number| number * 129);
    for number in [0, 1, 4, 7, 8, 9, 61, 62, 63, 64, 68, 69, 70] {
        for after in [number * 129, number * 129 + 1] {
            let (mut server, first) = with_read(times());
            end_read(&mut server, Timestamp::from_ms(first + after)).unwrap();
            assert_eq!(kept(&server), 70 - after.div_ceil(129).min(70), "{after}");
        }
    }
    // Also if all came at once.
    for (after, left) in [(0, 70), (1, 0)] {
        let (mut server, first) = with_read([0; 70]);
        end_read(&mut server, Timestamp::from_ms(first + after)).unwrap();
        assert_eq!(kept(&server), left, "{after}");
    }
}

#[test]
fn no_row_is_read_that_is_too_young_to_end_or_is_over() {
    let (mut server, first) = with_read((0..70).map(|number| number * 1_000));
    spoil(&server);
    // The rows of the first chunk are of 63 seconds.
    for after in [0, 63_000] {
        end_read(&mut server, Timestamp::from_ms(first + after)).unwrap();
        assert_eq!(kept(&server), 70 - after / 1_000, "{after}");
    }
    let one = Timestamp::from_ms(first + 63_001);
    assert!(matches!(end_read(&mut server, one), Err(LogFault::Checkpoint { .. })));
}

#[test]
fn a_start_reads_no_row_and_only_what_has_a_row_there_is_looked_for_on_the_disk() {
    let (server, _) = with_read((0..70).map(|number| number * 100));
    spoil(&server);
    let mut server = server.restart(true);
    assert_eq!((held(&server), kept(&server)), (vec![], 70));
    send(&mut server, [71], Receipts::NONE);
    let view = server.commit.views().inbox(&im("alice")).unwrap();
    let wanted = |place| view.wanted_for(InboxSequence::new(place));
    // Before the first there is nothing, the last is in memory, and what comes has no row yet.
    assert_eq!([0, 71, 72, 127].map(wanted), [None; 4]);
    assert_eq!([1, 63, 64, 70].map(wanted), [Some(0), Some(0), Some(1), Some(1)]);
}

#[test]
fn a_message_that_came_while_a_checkpoint_was_written_is_known_again_though_its_row_left_the_memory()
 {
    for after in [0, 1, 999] {
        let mut server = Server::new();
        send(&mut server, 1..=3, Receipts::NONE);
        read(&mut server, 3);
        server.commit.begin_checkpoint();
        // Its id is of the next checkpoint, its row of this one.
        server.now = server.now.after(Lifetime::from_ms(after));
        send(&mut server, 4..=6, Receipts::NONE);
        read(&mut server, 6);
        while server.commit.checkpoint(4_096).unwrap() {}
        assert!(held(&server).is_empty());
        let mut server = server.restart(false);
        send(&mut server, 1..=6, Receipts::NONE);
        let head = server.commit.views().inbox(&im("alice")).unwrap().head();
        assert_eq!(head.get(), 6, "none is new, {after} ms after");
    }
}

fn announced(place: u64) -> Event {
    Event::RecoveryAnnounced(RecoveryAnnounced {
        inbox: im("alice"),
        sequence: InboxSequence::new(place),
        sender: principal("alice"),
        id: MessageId::new("recovery").unwrap(),
        content_type: ContentType::new("text/plain").unwrap(),
        body: Payload::text("somebody recovers your name"),
    })
}

/// The places of what alice's inbox holds aside.
fn aside(server: &mut Server) -> Vec<u64> {
    let query = Query::Quarantine { inbox: im("alice"), after: InboxSequence::ZERO };
    let asked = Input::Query { ticket: ticket(), actor: actor("alice"), query };
    match server.round(vec![asked]).pop() {
        Some(Output::Reply { result: Ok(Reply::Page(rows)), .. }) => {
            rows.iter().map(|row| row.sequence.get()).collect()
        }
        other => panic!("{other:?}"),
    }
}

fn delete(server: &mut Server, number: u8, places: &[u64]) {
    let sequences = places.iter().copied().map(InboxSequence::new).collect();
    let operation = operation(number);
    let delete = Delete { operation, inbox: im("alice"), sequences, sender: None };
    server.round(vec![command("alice", delete)]);
}

#[test]
fn of_each_kind_goes_what_is_over_and_what_was_read_but_what_lies_aside_is_announced_or_runs_out() {
    let mut server = Server::new();
    for (who, aside) in [(0, true), (1, false)] {
        let given = inputs(&mut server, &Act::Deliver { who, whom: 2, aside, receipts: true });
        server.round(given);
    }
    for part in [0, 5] {
        // A message, one that runs out, one that lies aside, a receipt, and an announcement.
        let id = |of: &str| format!("{of}-{part}");
        let runs_out = Some(seconds(1_000));
        let ends = Send { lifetime: runs_out, ..message("alice", &id("ends"), "x") };
        let wished = Send { receipts: Receipts::from_bits(1), ..message("bob", &id("bob"), "x") };
        server.round(vec![
            command("bob", message("alice", &id("plain"), "x")),
            command("bob", ends),
            command("carol", message("alice", &id("aside"), "x")),
            command("alice", wished),
        ]);
        assert_eq!(server.commit.views().inbox(&im("alice")).unwrap().head().get(), part + 4);
        server.commit.record(server.now, vec![announced(part + 5)]).unwrap();
    }
    save(&mut server);
    assert_eq!(held(&server), (1..=10).collect::<Vec<_>>(), "nothing was read");
    read(&mut server, 5);
    save(&mut server);
    assert_eq!(held(&server), [2, 3, 5, 6, 7, 8, 9, 10]);
    let mut server = server.restart(false);
    assert_eq!((aside(&mut server), kept(&server)), (vec![3, 8], 10));
    delete(&mut server, 1, &[2, 3, 5, 6, 7, 8, 9, 10]);
    assert_eq!((aside(&mut server), kept(&server)), (vec![], 2));
    save(&mut server);
    assert!(held(&server).is_empty(), "what is over goes, read or not");
    let state = server.commit.fingerprint();
    assert!(server.rebuilt() == state);
}
