//! Requests that are not answered yet, over any number of connections.
//!
//! Each carries an id by which the server knows a repeat, so all that are unanswered when a connection is lost are
//! written again on the next one, in the same order, under fresh numbers.
//! Must never hold: an answer. It is handed on at once.

use std::collections::VecDeque;

use thiserror::Error;

use crate::client::error::Refused;
use crate::model::RefusalCode;
use crate::model::limits::REQUESTS_IN_FLIGHT_MAX;
use crate::protocol::{Answer, Command};

/// Names a request for as long as this process lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Submission(u64);

/// A request and the server's word on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resolved {
    /// Which request.
    pub submission: Submission,
    /// Yes or no.
    pub result: Result<Answer, Refused>,
}

/// An answer that cannot be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("an answer to request {found} came where {expected} is due")]
pub struct RequestsFault {
    /// The number answered.
    pub found: u64,
    /// The number that is due, one more than was ever sent if none is.
    pub expected: u64,
}

#[derive(Clone, Debug)]
struct Pending {
    submission: Submission,
    request: Command,
    repeated: bool,
}

/// The requests of one client.
///
/// Entries before `written` wait for an answer, in order of number from `due` on; the others wait to be written.
#[derive(Clone, Debug)]
pub struct Requests {
    pending: VecDeque<Pending>,
    /// Sent away by a server that is going; due on the next connection, before all others.
    deferred: VecDeque<Pending>,
    written: usize,
    due: u64,
    submitted: u64,
}

impl Default for Requests {
    fn default() -> Self {
        Self::new()
    }
}

impl Requests {
    /// No requests.
    pub fn new() -> Self {
        Self {
            pending: VecDeque::new(),
            deferred: VecDeque::new(),
            written: 0,
            due: 1,
            submitted: 0,
        }
    }

    /// Whether one more may be submitted: at most [`REQUESTS_IN_FLIGHT_MAX`] are held.
    pub fn has_room(&self) -> bool {
        self.pending.len() + self.deferred.len() < REQUESTS_IN_FLIGHT_MAX
    }

    /// Whether none is unanswered.
    pub fn is_empty(&self) -> bool {
        self.pending.is_empty() && self.deferred.is_empty()
    }

    /// How many were written on this connection and are not answered.
    pub fn in_flight(&self) -> usize {
        self.written
    }

    /// Takes a request on.
    ///
    /// # Panics
    /// If there is no room, because the caller must ask first.
    pub fn submit(&mut self, request: Command) -> Submission {
        self.take_on(request, false)
    }

    /// Takes on a request that was made before, by a process that did not learn what became of it.
    ///
    /// # Panics
    /// As [`Requests::submit`].
    pub fn submit_again(&mut self, request: Command) -> Submission {
        self.take_on(request, true)
    }

    fn take_on(&mut self, request: Command, repeated: bool) -> Submission {
        assert!(self.has_room(), "more requests were submitted than there is room for");
        self.submitted += 1;
        let submission = Submission(self.submitted);
        self.pending.push_back(Pending { submission, request, repeated });
        submission
    }

    /// There is a new connection: everything unanswered is due again, numbered from 1.
    pub fn connected(&mut self) {
        self.pending.iter_mut().take(self.written).for_each(|pending| pending.repeated = true);
        while let Some(deferred) = self.deferred.pop_back() {
            self.pending.push_front(deferred);
        }
        self.written = 0;
        self.due = 1;
    }

    /// The request to be written next.
    pub fn unwritten(&self) -> Option<Submission> {
        self.pending.get(self.written).map(|next| next.submission)
    }

    /// The request that is answered next.
    pub fn due(&self) -> Option<Submission> {
        self.pending.front().filter(|_| self.written > 0).map(|due| due.submission)
    }

    /// Gives up the request to be written next.
    pub fn withdraw_next(&mut self) {
        self.pending.remove(self.written);
    }

    /// Whether the server may have done an unanswered request: it was written, and nothing says that it was not done.
    pub fn may_be_done(&self, submission: Submission) -> bool {
        let place = |held: &VecDeque<Pending>| {
            held.binary_search_by_key(&submission, |pending| pending.submission).ok()
        };
        let deferred = place(&self.deferred).is_some_and(|place| self.deferred[place].repeated);
        deferred
            || place(&self.pending)
                .is_some_and(|place| place < self.written || self.pending[place].repeated)
    }

    /// The server did nothing that was written on this connection, so that it is as if it had not been written; names it.
    pub fn take_back_written(&mut self) -> Vec<Submission> {
        let written = self.pending.iter().take(self.written).map(|pending| pending.submission);
        let taken_back = written.collect();
        self.written = 0;
        taken_back
    }

    /// Appends the frame of the next request to be written to `out`; returns its number, or `None` if there is none.
    pub fn write_next(&mut self, out: &mut Vec<u8>) -> Option<u64> {
        let number = self.due + self.written as u64;
        let next = self.pending.get(self.written)?;
        next.request.encode(number, out);
        self.written += 1;
        Some(number)
    }

    /// The server says that what was written to it broke the protocol, so it must not be repeated: gives up every
    /// request that was written and not answered, and names them.
    pub fn abandon_written(&mut self) -> Vec<Submission> {
        let written = self.pending.drain(..self.written).map(|pending| pending.submission);
        let abandoned = written.collect();
        self.written = 0;
        abandoned
    }

    /// The server answered `number`. `None` if it did not take the request because it is going away: then the
    /// request is due on the next connection.
    ///
    /// # Errors
    /// [`RequestsFault`] if answers are not in the order of the requests; the connection is of no more use.
    pub fn answered(
        &mut self,
        number: u64,
        result: Result<Answer, Refused>,
    ) -> Result<Option<Resolved>, RequestsFault> {
        let fault = RequestsFault { found: number, expected: self.due };
        if number != self.due || self.written == 0 {
            return Err(fault);
        }
        let pending = self.pending.pop_front().ok_or(fault)?;
        self.written -= 1;
        self.due += 1;
        if result.as_ref().is_err_and(|refused| refused.is(RefusalCode::GoingAway)) {
            self.deferred.push_back(pending);
            return Ok(None);
        }
        let result = done_before(&pending, result);
        Ok(Some(Resolved { submission: pending.submission, result }))
    }
}

/// A repeat that is refused because its first time was done is a success.
fn done_before(pending: &Pending, result: Result<Answer, Refused>) -> Result<Answer, Refused> {
    result.or_else(|refused| {
        let code = refused.code.filter(|_| pending.repeated);
        code.and_then(|code| pending.request.done_before(code)).ok_or(refused)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{ContentType, MessageId, OperationId, Payload, Receipts, Rights};
    use crate::protocol::{Grant, Send, Unsubscribe};

    fn send(id: u64) -> Command {
        let send = Send {
            sender: None,
            inbox: "im:b@localhost".parse().unwrap(),
            receipts: Receipts::NONE,
            id: MessageId::new(&id.to_string()).unwrap(),
            content_type: ContentType::new("text/plain").unwrap(),
            body: Payload::text("x"),
            lifetime: None,
        };
        send.into()
    }

    fn unsubscribe() -> Command {
        Unsubscribe {
            operation: OperationId::default(),
            presentity: "pres:b@localhost".parse().unwrap(),
        }
        .into()
    }

    fn refused(code: RefusalCode) -> Refused {
        let (number, message) = (code.number(), String::new());
        Refused { number, code: Some(code), message, retry_after: None }
    }

    fn write_all(requests: &mut Requests) -> Vec<u64> {
        let mut out = Vec::new();
        core::iter::from_fn(|| requests.write_next(&mut out)).collect()
    }

    const STORED: Result<Answer, Refused> = Ok(Answer::Sent { duplicate: false });

    #[test]
    fn unanswered_requests_are_written_again_in_order_under_fresh_numbers() {
        let mut requests = Requests::new();
        let submissions: Vec<Submission> = (0..3).map(|id| requests.submit(send(id))).collect();
        assert_eq!(write_all(&mut requests), [1, 2, 3]);
        let first = requests.answered(1, STORED).unwrap().unwrap();
        assert_eq!(first.submission, submissions[0]);
        requests.connected();
        assert_eq!(write_all(&mut requests), [1, 2]);
        let second = requests.answered(1, STORED).unwrap().unwrap();
        assert_eq!(second.submission, submissions[1]);
    }

    #[test]
    fn an_answer_out_of_order_or_to_nothing_is_a_fault() {
        let mut requests = Requests::new();
        assert!(requests.answered(1, STORED).is_err());
        requests.submit(send(1));
        assert!(requests.answered(1, STORED).is_err(), "it was not written yet");
        write_all(&mut requests);
        let fault = requests.answered(2, STORED).unwrap_err();
        assert_eq!(fault, RequestsFault { found: 2, expected: 1 });
    }

    #[test]
    fn a_request_that_a_leaving_server_did_not_take_is_kept_for_the_next_connection() {
        let mut requests = Requests::new();
        let first = requests.submit(send(1));
        let second = requests.submit(send(2));
        write_all(&mut requests);
        let going = || Err(refused(RefusalCode::GoingAway));
        assert_eq!(requests.answered(1, going()).unwrap(), None);
        assert_eq!(requests.answered(2, going()).unwrap(), None);
        assert_eq!(write_all(&mut requests), [] as [u64; 0], "not on this connection");
        requests.connected();
        assert_eq!(write_all(&mut requests), [1, 2]);
        assert_eq!(requests.answered(1, STORED).unwrap().unwrap().submission, first);
        assert_eq!(requests.answered(2, STORED).unwrap().unwrap().submission, second);
        assert!(requests.is_empty());
    }

    #[test]
    fn a_change_that_is_repeated_is_the_same_operation() {
        let request = Command::from(Grant {
            operation: OperationId([7; 16]),
            owner: None,
            grantee: "b@localhost".parse().unwrap(),
            rights: Rights::READ,
        });
        let mut requests = Requests::new();
        requests.submit(send(1));
        requests.submit(request.clone());
        write_all(&mut requests);
        requests.answered(1, STORED).unwrap();
        requests.connected();
        let (mut repeated, mut expected) = (Vec::new(), Vec::new());
        requests.write_next(&mut repeated);
        request.encode(1, &mut expected);
        assert_eq!(repeated, expected);
    }

    #[test]
    fn a_repeat_that_finds_its_work_done_succeeds_and_a_first_time_does_not() {
        let gone = || Err(refused(RefusalCode::NoSubscription));
        let mut requests = Requests::new();
        requests.submit(unsubscribe());
        write_all(&mut requests);
        assert!(requests.answered(1, gone()).unwrap().unwrap().result.is_err());
        requests.submit(unsubscribe());
        write_all(&mut requests);
        requests.connected();
        write_all(&mut requests);
        let repeat = requests.answered(1, gone()).unwrap().unwrap();
        assert_eq!(repeat.result, Ok(Answer::Unsubscribed));
        requests.submit_again(unsubscribe());
        write_all(&mut requests);
        let repeat = requests.answered(2, gone()).unwrap().unwrap();
        assert_eq!(repeat.result, Ok(Answer::Unsubscribed), "the first time was another process's");
    }

    #[test]
    fn what_broke_the_protocol_is_not_repeated_and_what_was_not_written_is_kept() {
        let mut requests = Requests::new();
        let first = requests.submit(send(1));
        write_all(&mut requests);
        let second = requests.submit(send(2));
        assert_eq!(requests.abandon_written(), [first]);
        requests.connected();
        assert_eq!(write_all(&mut requests), [1]);
        assert_eq!(requests.answered(1, STORED).unwrap().unwrap().submission, second);
    }

    #[test]
    fn what_may_be_done_was_written_and_not_denied() {
        let mut requests = Requests::new();
        let (first, second) = (requests.submit(send(1)), requests.submit(send(2)));
        assert!(!requests.may_be_done(first));
        requests.write_next(&mut Vec::new());
        assert!(requests.may_be_done(first) && !requests.may_be_done(second));
        assert_eq!((requests.due(), requests.unwritten()), (Some(first), Some(second)));
        assert_eq!(requests.take_back_written(), [first]);
        assert!(!requests.may_be_done(first), "the server let nobody in");
        write_all(&mut requests);
        let going = || Err(refused(RefusalCode::GoingAway));
        requests.answered(1, going()).unwrap();
        assert!(!requests.may_be_done(first) && requests.may_be_done(second));
        requests.connected();
        assert!(!requests.may_be_done(first) && requests.may_be_done(second), "nobody knows");
        write_all(&mut requests);
        requests.connected();
        write_all(&mut requests);
        requests.answered(1, going()).unwrap();
        assert!(requests.may_be_done(first), "an earlier connection may have done it");
    }

    #[test]
    fn what_is_withdrawn_is_not_written() {
        let mut requests = Requests::new();
        requests.submit(send(1));
        requests.submit(send(2));
        requests.withdraw_next();
        assert_eq!(write_all(&mut requests), [1]);
        assert!(requests.answered(1, STORED).unwrap().is_some() && requests.is_empty());
    }

    #[test]
    fn there_is_room_for_a_bounded_number() {
        let mut requests = Requests::new();
        for id in 0..REQUESTS_IN_FLIGHT_MAX as u64 {
            assert!(requests.has_room());
            requests.submit(send(id));
        }
        assert!(!requests.has_room());
    }

    #[derive(Clone, Copy, Debug)]
    enum Step {
        Submit,
        Write,
        Answer,
        GoingAway,
        Cut,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => Just(Step::Submit),
            4 => Just(Step::Write),
            4 => Just(Step::Answer),
            1 => Just(Step::GoingAway),
            1 => Just(Step::Cut),
        ]
    }

    proptest! {
        #[test]
        fn every_request_is_resolved_once_and_a_servers_first_sights_are_in_order(
            steps in proptest::collection::vec(step(), 1..200),
        ) {
            let mut requests = Requests::new();
            let (mut submitted, mut resolved) = (Vec::new(), Vec::new());
            // What lies at the server unanswered: the ids in the order they were written.
            let mut line: VecDeque<(u64, u64)> = VecDeque::new();
            let mut done: Vec<u64> = Vec::new();
            let mut going = false;
            for step in steps.into_iter().chain([Step::Cut]) {
                match step {
                    Step::Submit if requests.has_room() => {
                        submitted.push(requests.submit(send(submitted.len() as u64)));
                    }
                    Step::Write => write_to(&mut requests, &mut line),
                    Step::Answer | Step::GoingAway => {
                        let Some((number, id)) = line.pop_front() else { continue };
                        // A server that is going takes nothing more on this connection.
                        going |= matches!(step, Step::GoingAway);
                        let word = if going {
                            Err(refused(RefusalCode::GoingAway))
                        } else {
                            if !done.contains(&id) { done.push(id) }
                            STORED
                        };
                        resolved.extend(requests.answered(number, word).unwrap());
                    }
                    Step::Cut => {
                        // The server may have done some of what it can no longer answer.
                        for (_, id) in line.drain(..line.len() / 2).filter(|_| !going) {
                            if !done.contains(&id) { done.push(id) }
                        }
                        line.clear();
                        going = false;
                        requests.connected();
                    }
                    Step::Submit => {}
                }
            }
            while !requests.is_empty() {
                write_to(&mut requests, &mut line);
                let (number, id) = line.pop_front().unwrap();
                if !done.contains(&id) { done.push(id) }
                resolved.extend(requests.answered(number, STORED).unwrap());
            }
            let order: Vec<Submission> = resolved.iter().map(|one| one.submission).collect();
            prop_assert_eq!(order, submitted);
            prop_assert!(done.is_sorted());
        }
    }

    fn write_to(requests: &mut Requests, line: &mut VecDeque<(u64, u64)>) {
        let at = requests.written;
        let mut out = Vec::new();
        let Some(number) = requests.write_next(&mut out) else { return };
        let Command::Send(send) = &requests.pending[at].request else { unreachable!() };
        line.push_back((number, send.id.as_str().parse().unwrap()));
    }
}
