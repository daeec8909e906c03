//! A CONTROL stream by itself: requests that come in one piece, and answers that go in one.
//!
//! Must never hold: a service. Everything is answered with yes.

use adsum::protocol::Answer;
use adsum::protocol::body::Sent;
use adsum::service::{Input, Reply, Ticket};
use adsum::session::{Heard, Letter, Step};

use super::Benchmark;
use super::callgrind::count;
use super::material::{message, people};
use super::peer::{Link, Peer, request};
use super::world::World;

/// Requests in one piece.
const REQUESTS: usize = 64;

pub(crate) const ALL: &[Benchmark] =
    &[Benchmark { name: "control.64_sends", times: 1, run: sends }];

fn sends() {
    let alice = people("alice", 1);
    let mut world = World::of(&alice);
    let (_peer, mut control) = Peer::enter(&mut world, &alice[0]);
    let requests: Vec<u8> = (0..REQUESTS)
        .flat_map(|number| request(number as u64, &message(alice[0].inbox(), number)))
        .collect();
    count(|| {
        control.push(&requests);
        serve(&mut control, &world);
    });
    assert_eq!(control.told_all::<Sent>().len(), REQUESTS, "each request is answered");
}

/// Does what the stream says until it waits, and answers all that it asks.
fn serve(control: &mut Link, world: &World) {
    loop {
        match control.stream().poll_step() {
            Step::Ask(inputs) => {
                let letters = inputs.iter().map(yes).collect();
                control.stream().handle(Heard::Letters(letters), world.now());
            }
            Step::Write(bytes) => control.write(bytes),
            Step::Wait => return,
            step => panic!("{step:?} is not due"),
        }
        while control.stream().poll_note().is_some() {}
    }
}

fn yes(input: &Input) -> Letter {
    let Input::Command { ticket: Ticket { number, .. }, .. } = input else {
        panic!("{input:?} is no request")
    };
    let question = u32::try_from(number & u64::from(u32::MAX)).expect("32 bits are left");
    Letter::Reply(question, Ok(Reply::Done(Answer::Sent { duplicate: false })))
}
