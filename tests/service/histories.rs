//! Random histories: views fold again to equal bytes, and what they count is right at every moment.
//!
//! Must never hold: a history that is written by hand.

use super::commit::{NAMES, Server, ticket};
use crate::world::governed::{change, delivery, delivery_rule, grant, rule};
use crate::world::{
    actor, document, im, key, message, operation, pres, principal, publish, seconds,
};
use adsum::model::{
    AccessRule, Basic, Delivery, DeliveryChange, EpochId, Handling, InboxSequence, Lifetime, Mark,
    Mode, OperationId, Principal, PublicationName, Receipts, Rights, SubscriptionState, Timestamp,
    Who, limits,
};
use adsum::protocol::{
    ChangeVisibility, Command, Delete, Displayed, Erase, Fetch, InboxStatus, Publish, Send,
    Subscribe, Unsubscribe, VisibilityRow,
};
use adsum::service::{Actor, FeedId, Input, Query, SessionId, Ticket};
use proptest::prelude::*;

/// One thing that a random history is made of.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Publish { who: usize, name: u8, number: u8, secs: Option<u64> },
    Remove { who: usize, name: u8, number: u8 },
    Subscribe { who: usize, whom: usize, secs: u64 },
    Unsubscribe { who: usize, whom: usize },
    Send { who: usize, whom: usize, id: u8, secs: Option<u64> },
    Flood { who: usize, whom: usize, count: u8 },
    Page { who: usize, whom: usize, after: u64 },
    Open { who: usize, after: u64 },
    Status { who: usize },
    Clear { who: usize, whom: usize },
    Erase { who: usize },
    Acknowledge { who: usize, through: u64 },
    Delete { who: usize, number: u64 },
    Displayed { who: usize, number: u64 },
    Rule { who: usize, whom: usize, handling: usize, secs: Option<u64> },
    Deliver { who: usize, whom: usize, aside: bool, receipts: bool },
    Grant { who: usize, whom: usize, rights: u8 },
    Show { who: usize, whom: usize, is_shown: bool },
    Fetch { who: usize, whom: usize },
    Visit { guest: u8, whom: usize, secs: u64 },
    Depart { guest: u8 },
    Wait { secs: u64 },
    Age { days: u64 },
    Checkpoint { records: usize },
    Cut { kept: u64, steps: usize },
    CutBeside { kept: u64, steps: usize, acts: Vec<Act> },
    Restart,
}

/// What happens while a log is cut.
fn beside() -> impl Strategy<Value = Act> {
    let who = 0..NAMES.len();
    let secs = prop::option::of(1..400_u64);
    prop_oneof![
        3 => (who.clone(), 0..3_u8, any::<u8>(), secs.clone()).prop_map(|(who, name, number, secs)| Act::Publish { who, name, number, secs }),
        3 => (who.clone(), who.clone(), 0..40_u8, secs).prop_map(|(who, whom, id, secs)| Act::Send { who, whom, id, secs }),
        2 => (who.clone(), 0..60_u64).prop_map(|(who, through)| Act::Acknowledge { who, through }),
        1 => (who.clone(), 1..60_u64).prop_map(|(who, number)| Act::Delete { who, number }),
        1 => (who.clone(), who, 1..400_u64).prop_map(|(who, whom, secs)| Act::Subscribe { who, whom, secs }),
        2 => (1..200_u64).prop_map(|secs| Act::Wait { secs }),
        2 => (1..4_usize).prop_map(|records| Act::Checkpoint { records }),
    ]
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let who = 0..NAMES.len();
    let secs = prop::option::of(1..400_u64);
    prop_oneof![
        4 => (who.clone(), 0..3_u8, any::<u8>(), secs.clone()).prop_map(|(who, name, number, secs)| Act::Publish { who, name, number, secs }),
        1 => (who.clone(), 0..3_u8, any::<u8>()).prop_map(|(who, name, number)| Act::Remove { who, name, number }),
        2 => (who.clone(), who.clone(), 1..400_u64).prop_map(|(who, whom, secs)| Act::Subscribe { who, whom, secs }),
        1 => (who.clone(), who.clone()).prop_map(|(who, whom)| Act::Unsubscribe { who, whom }),
        6 => (who.clone(), who.clone(), 0..40_u8, secs).prop_map(|(who, whom, id, secs)| Act::Send { who, whom, id, secs }),
        2 => (who.clone(), who.clone(), 1..60_u8).prop_map(|(who, whom, count)| Act::Flood { who, whom, count }),
        2 => (who.clone(), who.clone(), 0..200_u64).prop_map(|(who, whom, after)| Act::Page { who, whom, after }),
        2 => (who.clone(), 0..200_u64).prop_map(|(who, after)| Act::Open { who, after }),
        1 => who.clone().prop_map(|who| Act::Status { who }),
        1 => (who.clone(), who.clone()).prop_map(|(who, whom)| Act::Clear { who, whom }),
        4 => (who.clone(), 0..200_u64).prop_map(|(who, through)| Act::Acknowledge { who, through }),
        2 => (who.clone(), 1..200_u64).prop_map(|(who, number)| Act::Delete { who, number }),
        2 => (who.clone(), 1..200_u64).prop_map(|(who, number)| Act::Displayed { who, number }),
        3 => (who.clone(), who.clone(), 0..4_usize, prop::option::of(1..400_u64))
            .prop_map(|(who, whom, handling, secs)| Act::Rule { who, whom, handling, secs }),
        1 => (who.clone(), who.clone(), any::<bool>(), any::<bool>())
            .prop_map(|(who, whom, aside, receipts)| Act::Deliver { who, whom, aside, receipts }),
        1 => (who.clone(), who.clone(), 0..32_u8).prop_map(|(who, whom, rights)| Act::Grant { who, whom, rights }),
        1 => (who.clone(), who.clone(), any::<bool>()).prop_map(|(who, whom, is_shown)| Act::Show { who, whom, is_shown }),
        2 => (who.clone(), who.clone()).prop_map(|(who, whom)| Act::Fetch { who, whom }),
        2 => (0..3_u8, who, 1..400_u64)
            .prop_map(|(guest, whom, secs)| Act::Visit { guest, whom, secs }),
        1 => (0..3_u8).prop_map(|guest| Act::Depart { guest }),
        2 => (1..200_u64).prop_map(|secs| Act::Wait { secs }),
        1 => (1..20_u64).prop_map(|days| Act::Age { days }),
        3 => (0..4_usize).prop_map(|records| Act::Checkpoint { records }),
        2 => (0..60_u64, 0..12_usize).prop_map(|(kept, steps)| Act::Cut { kept, steps }),
        2 => (0..60_u64, 0..16_usize, prop::collection::vec(beside(), 1..12))
            .prop_map(|(kept, steps, acts)| Act::CutBeside { kept, steps, acts }),
        1 => Just(Act::Restart),
        // Who is erased does nothing any more.
        1 => prop_oneof![9 => Just(None), 1 => (0..NAMES.len()).prop_map(Some)].prop_map(|who| who.map_or(Act::Restart, |who| Act::Erase { who })),
    ]
}

/// An act of somebody without a name, whom the one that is watched lets watch.
fn visits(guest: u8, whom: usize, secs: u64) -> Vec<Input> {
    let (presentity, mode, key) = (pres(NAMES[whom]), Mode::Latest, key(&format!("guest {guest}")));
    let pseudonym = Principal::pseudonym([guest; 8]);
    let guest = Ticket { session: SessionId(100 + u64::from(guest)), number: 0 };
    let visitor = Actor { principal: pseudonym.clone(), device: key.device() };
    let allow = change(NAMES[whom], vec![rule("anonymous", Handling::Allow)], &[]);
    let (operation, lifetime) = (operation(1), Some(seconds(secs)));
    let watch = Subscribe { operation, presentity, mode, lifetime };
    let command = |ticket, actor, command: Command| Input::Command { ticket, actor, command };
    vec![
        command(ticket(), actor(NAMES[whom]), Command::ChangeRules(allow)),
        Input::EnterAnonymous { ticket: guest, pseudonym, key, origin: None },
        command(guest, visitor, Command::Subscribe(watch)),
    ]
}

/// An act about the messages of an inbox.
fn mails(act: &Act) -> Vec<Input> {
    let command = |who: usize, command| Input::Command {
        ticket: ticket(),
        actor: actor(NAMES[who]),
        command,
    };
    let query = |who: usize, query| {
        vec![Input::Query { ticket: ticket(), actor: actor(NAMES[who]), query }]
    };
    match act {
        Act::Flood { who, whom, count } => (0..*count)
            .map(|number| {
                let message = message(NAMES[*whom], &format!("f{number}-{count}"), "x");
                let receipts = Receipts::from_bits(number % 32);
                command(*who, Command::Send(Send { receipts, ..message }))
            })
            .collect(),
        Act::Page { who, whom, after } => {
            let after = InboxSequence::new(*after);
            query(*who, Query::Page { inbox: im(NAMES[*whom]), after })
        }
        Act::Open { who, after } => vec![Input::OpenInbox {
            ticket: ticket(),
            feed: FeedId { session: SessionId(7), number: 1 },
            actor: actor(NAMES[*who]),
            inbox: im(NAMES[*who]),
            after: (*after > 0).then(|| InboxSequence::new(*after)),
            epoch: EpochId::NONE,
            passed: Mark::default(),
        }],
        Act::Status { who } => query(*who, Query::from(InboxStatus { inbox: im(NAMES[*who]) })),
        Act::Clear { who, whom } => vec![command(
            *who,
            Command::Delete(Delete {
                operation: OperationId::default(),
                inbox: im(NAMES[*who]),
                sequences: vec![],
                sender: Some(principal(NAMES[*whom])),
            }),
        )],
        Act::Erase { who } => {
            vec![command(*who, Command::Erase(Erase { principal: principal(NAMES[*who]) }))]
        }
        _ => unreachable!("the others are performed elsewhere"),
    }
}

/// An act that changes who may do or see what, or is answered by that.
fn governs(now: Timestamp, act: &Act) -> Vec<Input> {
    let command = |who: &usize, command| {
        vec![Input::Command { ticket: ticket(), actor: actor(NAMES[*who]), command }]
    };
    match act {
        Act::Displayed { who, number } => {
            let (inbox, sequence) = (im(NAMES[*who]), InboxSequence::new(*number));
            let operation = operation(u8::try_from(*number).unwrap());
            command(who, Command::Displayed(Displayed { operation, inbox, sequence }))
        }
        Act::Rule { who, whom, handling, secs } => {
            let name = principal(NAMES[*whom]).to_string();
            let until = secs.map(|secs| now.after(seconds(secs)));
            let rule = AccessRule { until, ..rule(&name, Handling::ALL[*handling]) };
            command(who, Command::ChangeRules(change(NAMES[*who], vec![rule], &[])))
        }
        Act::Deliver { who, whom, aside, receipts } => {
            let action = if *aside { Delivery::Quarantine } else { Delivery::Accept };
            let put = vec![delivery_rule(principal(NAMES[*whom]).account(), action)];
            let receipts = Some(*receipts);
            let change = DeliveryChange { put, receipts, ..DeliveryChange::default() };
            command(who, delivery(NAMES[*who], change))
        }
        Act::Grant { who, whom, rights } => {
            let rights = Rights::from_bits(*rights).unwrap();
            command(who, grant(NAMES[*who], NAMES[*whom], rights))
        }
        Act::Show { who, whom, is_shown } => {
            let who_else = Who::Principal(principal(NAMES[*whom]));
            let put = vec![VisibilityRow { who: who_else, is_shown: *is_shown }];
            let (operation, remove) = (OperationId::default(), vec![]);
            command(who, Command::ChangeVisibility(ChangeVisibility { operation, put, remove }))
        }
        Act::Fetch { who, whom } => {
            let query = Query::from(Fetch { presentity: pres(NAMES[*whom]) });
            vec![Input::Query { ticket: ticket(), actor: actor(NAMES[*who]), query }]
        }
        _ => unreachable!("the others are performed elsewhere"),
    }
}

/// Ends what a device has published under a name, with the tag that it has now.
fn removal(server: &Server, who: &str, name: u8, number: u8) -> Publish {
    let name = PublicationName::new(&format!("n{name}")).unwrap();
    let view = server.commit.views().presentity(&pres(who));
    let device = actor(who).device;
    let key = adsum::event::PublicationKey { device, name: name.clone() };
    let publication = view.and_then(|view| view.publications.get(&key));
    Publish {
        name,
        if_match: publication.map(|publication| publication.tag),
        lifetime: Some(Lifetime::ZERO),
        document: None,
        operation: operation(number),
        presentity: pres(who),
    }
}

/// What a history puts into the service for an act; nothing for what is done to the service or its disk.
pub(super) fn inputs(server: &mut Server, act: &Act) -> Vec<Input> {
    let command = |who: &usize, command| {
        vec![Input::Command { ticket: ticket(), actor: actor(NAMES[*who]), command }]
    };
    match act {
        Act::Publish { who, name, number, secs } => {
            let name = PublicationName::new(&format!("n{name}")).unwrap();
            let document = Some(document(Basic::Open, &number.to_string()));
            let lifetime = secs.map(seconds);
            command(
                who,
                Command::Publish(Publish {
                    name,
                    document,
                    lifetime,
                    ..publish(NAMES[*who], *number, "")
                }),
            )
        }
        Act::Remove { who, name, number } => {
            command(who, Command::Publish(removal(server, NAMES[*who], *name, *number)))
        }
        Act::Subscribe { who, whom, secs } => {
            let lifetime = Some(seconds(*secs));
            command(
                who,
                Command::Subscribe(Subscribe {
                    operation: OperationId::default(),
                    presentity: pres(NAMES[*whom]),
                    mode: Mode::Latest,
                    lifetime,
                }),
            )
        }
        Act::Unsubscribe { who, whom } => {
            let (operation, presentity) = (OperationId::default(), pres(NAMES[*whom]));
            command(who, Command::Unsubscribe(Unsubscribe { operation, presentity }))
        }
        Act::Send { who, whom, id, secs } => {
            let lifetime = secs.map(seconds);
            command(
                who,
                Command::Send(Send {
                    lifetime,
                    receipts: Receipts::from_bits(*id),
                    ..message(NAMES[*whom], &format!("m{id}"), "x")
                }),
            )
        }
        Act::Acknowledge { who, through } => {
            let (actor, inbox) = (actor(NAMES[*who]), im(NAMES[*who]));
            let through = InboxSequence::new(*through);
            vec![Input::Acknowledge { ticket: ticket(), actor, inbox, through }]
        }
        Act::Delete { who, number } => command(
            who,
            Command::Delete(Delete {
                operation: operation(u8::try_from(*number).unwrap()),
                inbox: im(NAMES[*who]),
                sequences: vec![InboxSequence::new(*number)],
                sender: None,
            }),
        ),
        Act::Flood { .. }
        | Act::Page { .. }
        | Act::Open { .. }
        | Act::Status { .. }
        | Act::Clear { .. }
        | Act::Erase { .. } => mails(act),
        Act::Visit { guest, whom, secs } => visits(*guest, *whom, *secs),
        Act::Depart { guest } => {
            vec![Input::Leave { session: SessionId(100 + u64::from(*guest)) }]
        }
        Act::Wait { secs } => {
            server.now = server.now.after(seconds(*secs));
            vec![Input::Tick]
        }
        Act::Age { days } => {
            server.now = server.now.after(Lifetime::from_ms(days * limits::DAY_MS));
            vec![Input::Tick]
        }
        Act::Checkpoint { .. } | Act::Cut { .. } | Act::CutBeside { .. } | Act::Restart => vec![],
        other => governs(server.now, other),
    }
}

/// Saves a checkpoint, or some records of one.
pub(super) fn checkpoint(server: &mut Server, records: usize) {
    if records == 0 {
        server.commit.checkpoint_all().unwrap();
    } else {
        server.commit.begin_checkpoint();
        server.commit.checkpoint(records).unwrap();
    }
}

fn perform(mut server: Server, act: &Act) -> Server {
    match act {
        Act::Checkpoint { records } => checkpoint(&mut server, *records),
        Act::Cut { kept, steps } => return server.cut(*kept, *steps),
        Act::CutBeside { kept, steps, acts } => {
            let mut acts = acts.iter();
            return server.cut_beside((*kept, &|_| false), *steps, &mut |server| {
                match acts.next() {
                    Some(Act::Checkpoint { records }) => checkpoint(server, *records),
                    Some(act) => {
                        let inputs = inputs(server, act);
                        server.round(inputs);
                    }
                    None => {}
                }
                true
            });
        }
        Act::Restart => return server.restart(false),
        other => {
            let inputs = inputs(&mut server, other);
            server.round(inputs);
        }
    }
    server
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn views_fold_again_to_equal_bytes_with_and_without_checkpoints(acts in prop::collection::vec(act(), 1..150)) {
        let mut server = Server::new();
        for act in &acts {
            server = perform(server, act);
        }
        let live = server.commit.fingerprint();
        let sizes = server.commit.sizes();
        let due = |server: &Server| server.commit.views().next_due(adsum::model::Ahead::ZERO);
        let first_due = due(&server);
        let mut server = server.restart(false);
        prop_assert_eq!(&server.commit.fingerprint(), &live, "checkpoint and tail");
        prop_assert_eq!(due(&server), first_due);
        prop_assert_eq!(server.commit.sizes(), adsum::commit::Sizes { feeds: 0, ..sizes });
        prop_assert_eq!(&server.rebuilt(), &live, "the log alone");
    }

    #[test]
    fn a_subscription_that_lives_is_counted_and_nothing_outlives_its_time(acts in prop::collection::vec(act(), 1..80)) {
        let mut server = Server::new();
        for act in &acts {
            server = perform(server, act);
            for name in NAMES {
                let Some(view) = server.commit.views().watcher(&principal(name)) else { continue };
                let live = view.subscriptions.values().filter(|row| !matches!(row.state, SubscriptionState::Terminated(_)));
                prop_assert_eq!(live.count(), view.live_count);
                let over = view.subscriptions.values().any(|row| row.is_live() && row.expires_at <= server.commit.views().time());
                prop_assert!(!over, "nothing outlives its time");
            }
        }
    }
}
