//! The requests of the load, written straight into a buffer without a new allocation for each.
//!
//! Must never hold: a connection.

use std::fmt::Write;
use std::sync::Arc;

use bytes::Bytes;

use crate::client::Credentials;
use crate::model::limits::DAY_MS;
use crate::model::{
    AccessRule, Basic, Document, Handling, Note, OperationId, Payload, Tuple, TupleId, Who,
};
use crate::protocol::{Field as _, body};
use crate::wire;

/// Lifetime of what the bench publishes: none runs out while it is measured.
pub(super) const PUBLICATION_MS: u64 = DAY_MS;
/// Bytes of a message body, as in every comparison with other servers.
pub(super) const BODY_BYTES: usize = 200;

/// Writes one request after the other.
pub(super) trait Requests {
    /// Appends the frame of request `number` to `out`. Each number is asked for once.
    fn write(&mut self, number: u64, out: &mut Vec<u8>);
}

/// Messages to one inbox after the other.
pub(super) struct Sends {
    inboxes: Arc<[String]>,
    offset: usize,
    frame: body::Send,
}

impl Sends {
    /// Messages to `inboxes`, beginning with number `offset` of them.
    pub(super) fn new(inboxes: Arc<[String]>, offset: usize) -> Self {
        let frame = body::Send {
            request: 0,
            inbox: String::new(),
            sender: String::new(),
            id: String::new(),
            content_type: "text/plain".to_owned(),
            body: Bytes::from_static(&[b'x'; BODY_BYTES]),
            lifetime_ms: None,
            receipts: None,
        };
        Self { inboxes, offset, frame }
    }
}

impl Requests for Sends {
    fn write(&mut self, number: u64, out: &mut Vec<u8>) {
        let count = self.inboxes.len() as u64;
        let index = usize::try_from(number % count).expect("it is below a length");
        let inbox = &self.inboxes[(self.offset + index) % self.inboxes.len()];
        self.frame.request = number;
        self.frame.inbox.clone_from(inbox);
        self.frame.id.clear();
        // As long as the 128 random bits that clients are advised to use.
        write!(self.frame.id, "{number:032x}").expect("writing to a string cannot fail");
        wire::encode(&self.frame, out);
    }
}

/// Changes of one person's own presentity, each under the number it has.
pub(super) struct Publishes {
    frame: body::Publish,
}

impl Publishes {
    /// Changes by `who`.
    pub(super) fn new(who: &Credentials) -> Self {
        let frame = body::Publish {
            request: 0,
            operation: [0; 16],
            presentity: who.principal().presentity().to_string(),
            name: String::new(),
            if_match: None,
            lifetime_ms: Some(PUBLICATION_MS),
            document: Some(document(0).to_wire()),
        };
        Self { frame }
    }
}

impl Requests for Publishes {
    fn write(&mut self, number: u64, out: &mut Vec<u8>) {
        self.frame.request = number;
        self.frame.operation = operation(number).0;
        let document = self.frame.document.as_mut().expect("it was put there");
        document.tuples[0].notes[0].text = Some(number.to_string().into());
        wire::encode(&self.frame, out);
    }
}

/// Subscriptions to one presentity after the other.
pub(super) struct Subscribes {
    presentities: Vec<String>,
    frame: body::Subscribe,
}

impl Subscribes {
    /// Subscriptions to `presentities`, the first under number 1.
    pub(super) fn new(presentities: Vec<String>) -> Self {
        let frame = body::Subscribe {
            request: 0,
            presentity: String::new(),
            mode: 0,
            lifetime_ms: None,
            operation: None,
        };
        Self { presentities, frame }
    }
}

impl Requests for Subscribes {
    fn write(&mut self, number: u64, out: &mut Vec<u8>) {
        let place = usize::try_from(number - 1).expect("it is below a length");
        self.frame.request = number;
        self.frame.operation = Some(Bytes::copy_from_slice(&operation(number).0));
        self.frame.presentity.clone_from(&self.presentities[place]);
        wire::encode(&self.frame, out);
    }
}

/// Changes of a presentity's rules about one after the other, to and fro.
pub(super) struct RuleChanges {
    about: Vec<Who>,
    named: u64,
    frame: body::ChangeRules,
}

impl RuleChanges {
    /// Changes of the rules of `who` about those in `about`, the first under number 1. What one device does has names of its own, which
    /// `named` sets apart from those that are plain numbers.
    pub(super) fn new(who: &Credentials, about: Vec<Who>, named: u64) -> Self {
        let frame = body::ChangeRules {
            request: 0,
            operation: [0; 16],
            owner: who.principal().presentity().to_string(),
            if_version: None,
            put: Vec::new(),
            remove: Vec::new(),
        };
        Self { about, named, frame }
    }

    /// All of them at once, as request 0.
    pub(super) fn all(&mut self, out: &mut Vec<u8>) {
        let rule = |who: &Who| AccessRule::plain(who.clone(), Handling::Allow).to_wire();
        self.frame.put = self.about.iter().map(rule).collect();
        self.encode(0, out);
    }

    fn encode(&mut self, number: u64, out: &mut Vec<u8>) {
        self.frame.request = number;
        self.frame.operation = (u128::from(self.named) << 64 | u128::from(number)).to_be_bytes();
        wire::encode(&self.frame, out);
    }
}

impl Requests for RuleChanges {
    fn write(&mut self, number: u64, out: &mut Vec<u8>) {
        let turn = usize::try_from(number - 1).expect("it is below a length");
        let who = self.about[turn % self.about.len()].clone();
        let is_back = (turn / self.about.len()).is_multiple_of(2);
        let handling = if is_back { Handling::PoliteBlock } else { Handling::Allow };
        self.frame.put = vec![AccessRule::plain(who, handling).to_wire()];
        self.encode(number, out);
    }
}

/// The name of operation `number` of a device.
pub(super) fn operation(number: u64) -> OperationId {
    OperationId(u128::from(number).to_be_bytes())
}

/// One open tuple whose note is `number`.
pub(super) fn document(number: u64) -> Document {
    let id = TupleId::new("bench").expect("it is short and printable");
    let mut tuple = Tuple::plain(id, Basic::Open);
    tuple.notes = vec![Note { language: String::new(), text: Payload::text(&number.to_string()) }];
    Document::new(vec![tuple], Vec::new(), Vec::new()).expect("it is far below every limit")
}

/// The number in the note of a [`document`] as a watcher is shown it.
pub(super) fn number_in(presence: &body::PresenceBody) -> Option<u64> {
    let text = presence.document.tuples.first()?.notes.first()?.text.as_ref()?;
    std::str::from_utf8(text).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Decoder;

    #[test]
    fn every_send_has_an_id_of_its_own_and_inboxes_take_turns() {
        let inboxes: Arc<[String]> = vec!["im:a@b".to_owned(), "im:c@d".to_owned()].into();
        let (mut sends, mut out) = (Sends::new(inboxes, 1), Vec::new());
        (0..3).for_each(|number| sends.write(number, &mut out));
        let mut decoder = Decoder::default();
        decoder.push(&out);
        let frames = std::iter::from_fn(|| decoder.next_frame().unwrap());
        let sends: Vec<body::Send> = frames.map(|frame| wire::decode(&frame).unwrap()).collect();
        let inboxes: Vec<&str> = sends.iter().map(|send| send.inbox.as_str()).collect();
        assert_eq!(inboxes, ["im:c@d", "im:a@b", "im:c@d"]);
        assert_eq!(sends[2].id, format!("{:032x}", 2));
        assert_eq!(sends[2].body.len(), BODY_BYTES);
    }

    #[test]
    fn a_watcher_reads_which_change_it_sees() {
        let document = document(77).to_wire();
        let presence =
            body::PresenceBody { presentity: "pres:a@b".into(), state: 1, reason: 0, document };
        assert_eq!(number_in(&presence), Some(77));
    }
}
