//! What a store promises whose log is cut: the same state, what waits is there, and what is told of the past is true.
//!
//! Must never hold: how an engine removes entries.

use core::ops::ControlFlow;
use std::cell::RefCell;

use super::commit::{Server, ticket};
use crate::world::{actor, im, message, note_of, pres, principal, publish, seconds};
use adsum::commit::history::{self, HistoryFault};
use adsum::commit::{Asked, finish_cut, stage_cut, stage_cut_beside, sweep_cut};
use adsum::event::{Event, LogCut, Recorded};
use adsum::log::{Carried, CutMark, LogFault, Room, check_cut, state_key};
use adsum::model::limits::DAY_MS;
use adsum::model::{
    InboxItem, InboxSequence, Lifetime, PublicationName, Refusal, Sequence, Timestamp,
};
use adsum::protocol::{Command, Publish};
use adsum::service::{InboxPlace, Input};
use adsum::view::Views;

/// What a cut is recorded as, by a key that nobody asks for.
fn stated(cut: adsum::event::CutStatement) -> Event {
    Event::LogCut(LogCut { cut, key: vec![1; 91].into(), signature: vec![0; 70].into() })
}

impl Server {
    /// Cuts the log so that `kept` events are left; the process is killed after `steps` steps, unless the cut has fewer.
    pub(crate) fn cut(self, kept: u64, steps: usize) -> Self {
        self.cut_but(kept, steps, &|_| false)
    }

    /// As [`Server::cut`], and carries what `keeps` says of the past.
    fn cut_but(self, kept: u64, steps: usize, keeps: &dyn Fn(&Recorded) -> bool) -> Self {
        self.cut_beside((kept, keeps), steps, &mut |_| true)
    }

    /// As [`Server::cut_but`], while the server goes on: after each step `beside` happens, and says whether the cut may go on.
    pub(crate) fn cut_beside(
        mut self,
        (kept, keeps): (u64, &dyn Fn(&Recorded) -> bool),
        steps: usize,
        beside: &mut dyn FnMut(&mut Self) -> bool,
    ) -> Self {
        self.commit.checkpoint_all().unwrap();
        let (mut cutter, reader) = (self.commit.cutter().unwrap(), self.commit.reader());
        let at = Sequence::new(self.commit.head().get().saturating_sub(kept));
        let (mut left, mut is_stopped) = (steps, false);
        let mut pace = |server: &mut Self| {
            left = left.saturating_sub(1);
            is_stopped = !beside(server);
            left > 0 && !is_stopped
        };
        let server = RefCell::new(&mut self);
        let mut still_there =
            |inbox: &_, places| Some(server.borrow().commit.views().kept_among(inbox, places));
        let mut asked = Asked { keeps, still_there: &mut still_there };
        let mut next = || pace(&mut server.borrow_mut());
        let staged =
            stage_cut_beside(reader.as_ref(), cutter.as_mut(), at, &mut asked, &mut next).unwrap();
        let mut is_done = false;
        if let Some(staged) = staged {
            self.commit.record(self.now, vec![stated(staged.statement)]).unwrap();
            let statement = self.commit.head();
            if pace(&mut self) {
                finish_cut(cutter.as_mut(), &staged, statement).unwrap();
                is_done = sweep_cut(cutter.as_mut(), &mut || pace(&mut self)).unwrap();
            }
        }
        drop(cutter);
        // A cut that may not go on leaves its process alone.
        let server = if is_done || is_stopped { self } else { self.restart_after(steps % 3) };
        let cutter = server.commit.cutter().unwrap();
        check_cut(cutter.entries()).unwrap();
        server
    }
}

fn act(server: &mut Server, name: &str, command: impl Into<Command>) {
    let (ticket, actor) = (ticket(), actor(name));
    server.now = server.now.after(seconds(1));
    server.round(vec![Input::Command { ticket, actor, command: command.into() }]);
}

fn note_at(server: &Server, moment: Timestamp) -> Result<String, HistoryFault> {
    let alice = pres("alice");
    let last = server.commit.views().presentity(&alice).unwrap().changed_at;
    let item = history::at_time(server.commit.reader().as_ref(), &alice, last, moment)?;
    Ok(note_of(item.document.get()))
}

#[test]
fn what_is_kept_of_the_past_is_told_as_before_and_what_is_older_is_not() {
    let mut server = Server::new();
    let mut moments = Vec::new();
    for number in 1..=8 {
        let name = PublicationName::new(if number % 2 == 0 { "desk" } else { "phone" }).unwrap();
        let note = format!("note {number}");
        act(&mut server, "alice", Publish { name, ..publish("alice", number, &note) });
        moments.push((server.now, server.commit.head()));
    }
    let before: Vec<String> =
        moments.iter().map(|(moment, _)| note_at(&server, *moment).unwrap()).collect();
    let kept = server.commit.head().get() - moments[4].1.get();
    let server = server.cut(kept, usize::MAX);
    let told = moments.iter().map(|(moment, _)| note_at(&server, *moment));
    for (place, (told, before)) in told.zip(&before).enumerate() {
        match told {
            Ok(told) => assert_eq!((&told, place >= 4), (before, true), "{place}"),
            Err(HistoryFault::Log(LogFault::OlderThanKept { .. })) => assert!(place < 4, "{place}"),
            Err(fault) => panic!("{fault}"),
        }
    }
    let refusal = note_at(&server, moments[0].0).unwrap_err().refusal(|at| at.as_ms().to_string());
    let Ok(Refusal::OlderThanKept { until }) = refusal else { panic!() };
    assert!(until.parse::<u64>().unwrap() >= moments[4].0.as_ms(), "{until}");
}

#[test]
fn a_message_that_waits_is_read_at_its_place_and_its_repeat_is_known() {
    let mut server = Server::new();
    for id in ["one", "two", "three"] {
        act(&mut server, "bob", Command::Send(message("alice", id, id)));
    }
    let (ticket, actor, inbox) = (ticket(), actor("alice"), im("alice"));
    let through = InboxSequence::new(2);
    server.round(vec![Input::Acknowledge { ticket, actor, inbox: inbox.clone(), through }]);
    let (now, before) = (server.now, server.now.after(seconds(1)));
    assert_eq!(server.commit.end_read(now, &|_| before, &InboxPlace::default()).unwrap(), None);
    drop(server.commit.release());
    let mut server = server.cut(0, usize::MAX);
    let reader = server.commit.reader();
    let kept: Vec<_> = reader.read(Sequence::ZERO, 100).unwrap();
    let waiting: Vec<String> = kept
        .into_iter()
        .filter_map(history::item_of)
        .map(|item| match item {
            InboxItem::Message(message) => message.id.as_str().to_owned(),
            InboxItem::Receipt(_) => panic!(),
        })
        .collect();
    assert_eq!(waiting, ["three"], "what was read and is older than kept is gone");
    for id in ["one", "two", "three"] {
        act(&mut server, "bob", Command::Send(message("alice", id, id)));
    }
    assert_eq!(server.commit.views().inbox(&inbox).unwrap().head(), InboxSequence::new(3));
}

#[test]
fn what_is_over_by_now_is_not_carried_though_it_was_there_where_the_log_is_cut() {
    let mut server = Server::new();
    for id in ["one", "two"] {
        act(&mut server, "bob", Command::Send(message("alice", id, id)));
    }
    let sent = server.commit.head();
    let (ticket, actor, inbox) = (ticket(), actor("alice"), im("alice"));
    let through = InboxSequence::new(1);
    server.round(vec![Input::Acknowledge { ticket, actor, inbox: inbox.clone(), through }]);
    let (now, before) = (server.now, server.now.after(seconds(1)));
    server.commit.end_read(now, &|_| before, &InboxPlace::default()).unwrap();
    drop(server.commit.release());
    let behind = server.commit.head().get() - sent.get();
    let mut server = server.cut(behind, usize::MAX);
    let first = check_cut(server.commit.cutter().unwrap().entries()).unwrap().unwrap();
    assert_eq!(first.cut.through, sent);
    let one = server.commit.reader().read_one(Sequence::new(sent.get() - 1)).unwrap_err();
    assert!(matches!(one, LogFault::OlderThanKept { .. }), "{one}");
    assert!(server.commit.reader().read_one(sent).is_ok(), "it waits");
    for id in ["one", "two"] {
        act(&mut server, "bob", Command::Send(message("alice", id, id)));
    }
    assert_eq!(server.commit.views().inbox(&inbox).unwrap().head(), InboxSequence::new(2));
    let mut server = server.cut(0, usize::MAX);
    assert!(server.commit.reader().read_one(sent).is_ok(), "it waits");
    let live = server.commit.fingerprint();
    assert_eq!(server.rebuilt(), live);
}

/// Sends `count` messages to `to` that are named for `day`.
fn send_many(server: &mut Server, to: &str, (day, count): (u64, u64)) {
    server.now = server.now.after(seconds(60));
    let sends = (0..count).map(|number| {
        let send = message(to, &format!("{day}-{number}"), "hello");
        Input::Command { ticket: ticket(), actor: actor("bob"), command: Command::Send(send) }
    });
    server.round(sends.collect());
}

/// Has alice take all up to a place, and ends what was taken.
fn read(server: &mut Server, through: u64) {
    let (ticket, actor, inbox) = (ticket(), actor("alice"), im("alice"));
    let through = InboxSequence::new(through);
    server.round(vec![Input::Acknowledge { ticket, actor, inbox, through }]);
    let (now, before) = (server.now, server.now.after(seconds(1)));
    let mut place = Some(InboxPlace::default());
    while let Some(from) = place {
        place = server.commit.end_read(now, &|_| before, &from).unwrap();
        drop(server.commit.release());
    }
}

/// How many records tell which rows of alice's inbox are over.
fn told_over(server: &Server) -> usize {
    let (cutter, mut count) = (server.commit.cutter().unwrap(), 0);
    let keys = state_key(&Views::over_keys(&im("alice")));
    let mut each = |key: &[u8], _: &[u8]| {
        count += usize::from(key.starts_with(&keys));
        Ok(ControlFlow::Continue(()))
    };
    cutter.entries().walk_carried(Carried::Counting, &keys, &mut each).unwrap();
    count
}

#[test]
fn rows_are_over_when_the_last_of_their_places_is_taken_and_not_before() {
    for count in (60..68).chain(125..130) {
        let mut server = Server::new();
        for (day, read_through) in [(0, count), (1, 2 * count)] {
            send_many(&mut server, "alice", (day, count));
            read(&mut server, read_through);
            server = server.cut(0, usize::MAX);
            assert_eq!(told_over(&server), usize::from(read_through >= 63), "{read_through}");
        }
        let live = server.commit.fingerprint();
        assert_eq!(server.rebuilt(), live, "{count}");
    }
}

#[test]
fn rows_that_are_missing_of_what_is_carried_are_told_of_and_nothing_is_cut() {
    let mut server = Server::new();
    send_many(&mut server, "alice", (0, 100));
    read(&mut server, 80);
    let mut server = server.cut(0, usize::MAX);
    let mut cutter = server.commit.cutter().unwrap();
    let mark = cutter.entries().mark();
    let (mut rows, all) = (Vec::new(), state_key(b"N"));
    let mut each = |key: &[u8], _: &[u8]| {
        rows.extend(key.starts_with(&all).then(|| key.to_vec()));
        Ok(ControlFlow::Continue(()))
    };
    cutter.entries().walk_carried(Carried::Counting, &all, &mut each).unwrap();
    assert_eq!(rows.len(), 4, "a head, rows that are over, rows that are not, and which are");
    cutter.stage(&[(rows[2].clone(), None)]).unwrap();
    cutter.cut(CutMark { number: mark.number + 1, ..mark }).unwrap();
    send_many(&mut server, "alice", (1, 1));
    let (reader, at) = (server.commit.reader(), server.commit.head());
    let (none, mut always) = (|_: &_| false, || true);
    let staged = stage_cut(reader.as_ref(), cutter.as_mut(), at, &none, &mut always);
    let fault = staged.unwrap_err();
    assert!(matches!(fault, LogFault::Carried { .. }), "{fault}");
    assert_eq!(cutter.entries().mark().base, mark.base);
}

#[test]
fn inboxes_that_are_cut_again_and_again_are_as_if_they_never_were() {
    let (mut server, mut taken) = (Server::new(), 0);
    let step = Lifetime::from_ms(3 * DAY_MS);
    for day in (0..45).step_by(3) {
        send_many(&mut server, "alice", (day, 150));
        // Some wait for ever, so that what is over begins behind them.
        send_many(&mut server, "carol", (day, 5));
        taken += if day == 30 { 0 } else { 140 };
        read(&mut server, taken);
        server = server.cut(day % 7, usize::MAX);
        server.now = server.now.after(step);
    }
    let inbox = server.commit.views().inbox(&im("alice")).unwrap();
    assert!((200..300).contains(&inbox.kept()), "{}", inbox.kept());
    let carried = check_cut(server.commit.cutter().unwrap().entries()).unwrap().unwrap().cut;
    assert!(carried.carried_bytes < 180 * 1024, "{carried:?}");
    assert_eq!(told_over(&server), 1, "fewer than 4,096 places are remembered");
    let live = server.commit.fingerprint();
    assert_eq!(server.rebuilt(), live);
}

#[test]
fn what_is_of_the_past_and_to_be_kept_is_carried_until_its_time_is_over() {
    let mut server = Server::new();
    for number in 1..=4 {
        act(&mut server, "alice", publish("alice", number, &format!("note {number}")));
    }
    let published = |server: &Server| -> Vec<Event> {
        let kept = server.commit.reader().read(Sequence::ZERO, 100).unwrap();
        let kept = kept.into_iter().map(|recorded| recorded.event);
        kept.filter(|event| matches!(event, Event::Published(_))).collect()
    };
    let all = published(&server);
    let mut server = server.cut_but(0, usize::MAX, &|recorded| {
        matches!(&recorded.event, Event::Published(event) if event.previous > Sequence::ZERO)
    });
    assert_eq!(published(&server), all[1..]);
    act(&mut server, "alice", publish("alice", 5, "note 5"));
    let server = server.cut(0, usize::MAX);
    assert_eq!(published(&server).len(), 1);
}

#[test]
fn a_cut_that_finds_no_room_at_any_step_stops_and_leaves_the_store_whole() {
    for steps in 0.. {
        let mut server = Server::new();
        for number in 1..=12 {
            act(&mut server, "alice", publish("alice", number, &format!("note {number}")));
            let id = format!("m{number}");
            act(&mut server, "bob", Command::Send(message("alice", &id, "x")));
        }
        let disk = server.disk.clone();
        let mut taken = 0;
        let mut server = server.cut_beside((3, &|_| false), usize::MAX, &mut |server| {
            taken += 1;
            disk.set_room(if taken > steps { Room::Short } else { Room::Plenty });
            server.commit.look_for_room() == Room::Plenty
        });
        // What is new is refused, and all else goes on.
        let refused = server.commit.look_for_room() != Room::Plenty;
        let head = server.commit.head();
        act(&mut server, "bob", Command::Send(message("alice", "late", "x")));
        assert_eq!(server.commit.head() == head, refused, "{steps}");
        disk.set_room(Room::Plenty);
        server.commit.look_for_room();
        let mut server = server.cut(0, usize::MAX);
        act(&mut server, "bob", Command::Send(message("alice", "last", "x")));
        let live = server.commit.fingerprint();
        assert_eq!(server.rebuilt(), live, "{steps}");
        if !refused {
            assert!(steps > 3, "{steps}");
            break;
        }
    }
}

#[test]
fn an_erasure_is_carried_for_ever() {
    let mut server = Server::new();
    act(&mut server, "alice", publish("alice", 1, "a note"));
    let alice = principal("alice");
    server.commit.erase(server.now, &alice).unwrap().unwrap();
    drop(server.commit.release());
    for _ in 0..2 {
        act(&mut server, "bob", Command::Send(message("bob", "one", "hello")));
        server = server.cut(0, usize::MAX);
        let kept = server.commit.reader().read(Sequence::ZERO, 100).unwrap();
        let is_erasure = |recorded: &Recorded| matches!(&recorded.event, Event::PrincipalErased(event) if event.principal == alice);
        assert!(kept.iter().any(is_erasure), "{kept:?}");
    }
}

#[test]
fn what_stood_beside_a_change_that_is_kept_is_kept_with_it() {
    let mut server = Server::new();
    let mut moments = Vec::new();
    // What stands beside all others for long is older than any of them when it is replaced.
    for number in [1, 2, 3, 4, 5, 6, 7, 8_u8] {
        let name = if number == 1 || number == 7 { "desk" } else { "phone" };
        let name = PublicationName::new(name).unwrap();
        let note = format!("note {number}");
        act(&mut server, "alice", Publish { name, ..publish("alice", number, &note) });
        moments.push(server.now);
    }
    let before: Vec<String> =
        moments.iter().map(|moment| note_at(&server, *moment).unwrap()).collect();
    let since = moments[3];
    let keeps = |recorded: &Recorded| {
        matches!(&recorded.event, Event::Published(_)) && recorded.at.timestamp() >= since
    };
    let mut server = server;
    for kept in [4, 0, 0] {
        server = server.cut_but(kept, usize::MAX, &keeps);
        act(&mut server, "bob", Command::Send(message("alice", &format!("m{kept}"), "x")));
        for (place, (moment, before)) in moments.iter().zip(&before).enumerate().skip(3) {
            assert_eq!(note_at(&server, *moment).unwrap(), *before, "{place}");
        }
    }
    let server = server.cut(0, usize::MAX);
    assert!(note_at(&server, moments[4]).is_err(), "it goes when its time is over");
}
