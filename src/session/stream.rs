//! One stream of a connection: told what happens on it, it says what to do next.
//!
//! Methods called `handle_…` tell it something; [`Stream::poll_step`] and [`Stream::poll_note`] say what it wants done
//! and what is worth counting. Must never hold: a wait. Whoever drives it waits.

use std::sync::Arc;

use super::connection::Connection;
use super::control::Control;
use super::feed::Feed;
use super::lane::{Lane, Letter};
use super::query::Questioning;
use super::step::{End, Found, Heard, NotFound, Note, Parting, Step};
use crate::model::Timestamp;
use crate::protocol::body::FeedOpen;
use crate::wire::{CloseCode, Decoder, Frame, FrameFault, ResetCode, StreamType, decode};

/// A stream, from its first byte on.
pub struct Stream {
    kind: Kind,
    notes: Vec<Note>,
    /// A write is under way.
    is_writing: bool,
}

enum Kind {
    Control(Box<Control>),
    /// A query or feed whose first frame has not come.
    FirstFrame(FirstFrame),
    Query(Box<Questioning>),
    Feed(Box<Feed>),
    Over(End),
}

/// What waits for the first frame of a query or feed.
struct FirstFrame {
    is_feed: bool,
    connection: Arc<Connection>,
    lane: Lane,
    decoder: Decoder,
}

impl Stream {
    /// The stream whose first byte is `byte`, `None` if it ended before or none came in time.
    pub fn new(connection: &Arc<Connection>, lane: Lane, byte: Option<u8>) -> Self {
        let connection = Arc::clone(connection);
        let kind = match byte.map(StreamType::from_byte) {
            Some(Some(StreamType::Control)) if connection.take_control() => {
                Kind::Control(Box::new(Control::new(connection, lane)))
            }
            Some(Some(StreamType::Control)) => {
                let reason = "there is a CONTROL stream already".to_owned();
                let close = (CloseCode::ProtocolViolation, reason);
                Kind::Over(End::closing(Parting::Silent, close))
            }
            Some(Some(kind @ (StreamType::Query | StreamType::Feed))) => {
                let is_feed = kind == StreamType::Feed;
                Kind::FirstFrame(FirstFrame {
                    is_feed,
                    connection,
                    lane,
                    decoder: Decoder::default(),
                })
            }
            Some(None) => reset(ResetCode::Unsupported),
            None => reset(ResetCode::Rejected),
        };
        Self { kind, notes: Vec::new(), is_writing: false }
    }

    /// Where the bytes that are read go.
    ///
    /// # Panics
    /// If no bytes are wanted.
    pub fn decoder(&mut self) -> &mut Decoder {
        match &mut self.kind {
            Kind::Control(control) => &mut control.decoder,
            Kind::FirstFrame(awaited) => &mut awaited.decoder,
            Kind::Feed(feed) => feed.decoder(),
            Kind::Query(_) | Kind::Over(_) => panic!("nothing more is read from this stream"),
        }
    }

    /// Whether bytes of the peer are to be read now.
    pub fn wants_bytes(&self) -> bool {
        match &self.kind {
            // A peer that takes no answers is not read either.
            Kind::Control(control) => !self.is_writing && control.wants_bytes(),
            // Nothing but CONTROL is read of a peer that has proven nothing.
            Kind::FirstFrame(awaited) => awaited.connection.is_proven(),
            Kind::Feed(feed) => feed.wants_bytes(),
            Kind::Query(_) | Kind::Over(_) => false,
        }
    }

    /// Whether [`Heard::Identity`] is of interest.
    pub fn awaits_identity(&self) -> bool {
        matches!(&self.kind, Kind::FirstFrame(awaited) if awaited.connection.identity().is_none())
    }

    /// Whether the peer must write its first frame in time: from the moment on when it is read.
    pub fn awaits_first_frame(&self) -> bool {
        matches!(self.kind, Kind::FirstFrame(_)) && self.wants_bytes()
    }

    /// Bytes were pushed into the decoder, or nothing follows any more.
    pub fn handle_bytes(&mut self, more: bool) {
        match &mut self.kind {
            Kind::Control(_) if more => {}
            Kind::Control(control) => control.handle_finish(),
            Kind::FirstFrame(_) => self.open(more),
            Kind::Feed(feed) => feed.handle_bytes(more),
            Kind::Query(_) | Kind::Over(_) => {}
        }
    }

    /// The first frame did not come in time.
    pub fn handle_silence(&mut self) {
        self.kind = reset(ResetCode::Rejected);
    }

    /// The stream is gone.
    pub fn handle_gone(&mut self) {
        self.is_writing = false;
        match &mut self.kind {
            Kind::Control(control) => control.handle_gone(),
            Kind::Query(query) => query.handle_gone(),
            Kind::Feed(feed) => feed.handle_gone(),
            Kind::FirstFrame(_) | Kind::Over(_) => self.kind = Kind::Over(End::of(Parting::Silent)),
        }
    }

    /// All of the last [`Step::Write`] was written.
    pub fn handle_written(&mut self) {
        self.is_writing = false;
    }

    /// Whether the proof asked for holds.
    pub fn handle_proof(&mut self, holds: bool) {
        if let Kind::Control(control) = &mut self.kind {
            control.handle_proof(holds);
        }
    }

    /// What the log told when it was asked.
    pub fn handle_found(&mut self, found: Result<Found, NotFound>) {
        match &mut self.kind {
            Kind::Query(query) => query.handle_found(found, &mut self.notes),
            Kind::Feed(feed) => feed.handle_found(found, &mut self.notes),
            Kind::Control(control) => control.handle_found(found),
            Kind::FirstFrame(_) | Kind::Over(_) => {}
        }
    }

    /// Something was heard at `now`.
    pub fn handle(&mut self, heard: Heard, now: Timestamp) {
        match (&mut self.kind, heard) {
            (_, Heard::Letters(letters)) => self.handle_letters(letters, now),
            (Kind::Feed(feed), Heard::Overrun) => feed.handle_overrun(),
            (Kind::Control(control), Heard::Ending(ending)) => control.handle_ending(ending),
            (Kind::Feed(feed), Heard::Ending(ending)) => feed.handle_ending(ending),
            // That it is known who the connection is, a stream that waits for it looks up by itself.
            (_, Heard::Identity | Heard::Overrun | Heard::Ending(_)) => {}
        }
    }

    fn handle_letters(&mut self, letters: Vec<Letter>, now: Timestamp) {
        match &mut self.kind {
            Kind::Control(control) => control.handle_letters(letters, now),
            Kind::Query(query) => query.handle_letters(letters, now, &mut self.notes),
            Kind::Feed(feed) => feed.handle_letters(letters),
            Kind::FirstFrame(_) | Kind::Over(_) => {}
        }
    }

    /// What to do next.
    pub fn poll_step(&mut self) -> Step {
        let step = match &mut self.kind {
            Kind::Control(control) => control.poll_step(&mut self.notes),
            Kind::Query(query) => query.poll_step(),
            Kind::Feed(feed) => feed.poll_step(&mut self.notes),
            Kind::FirstFrame(awaited) => match awaited.connection.identity() {
                Some(None) => Step::End(End::of(Parting::Silent)),
                _ => Step::Wait,
            },
            Kind::Over(end) => Step::End(end.clone()),
        };
        self.is_writing = matches!(step, Step::Write(_));
        step
    }

    /// The next thing that is worth counting or writing down.
    pub fn poll_note(&mut self) -> Option<Note> {
        // Their order among each other is of no meaning to a counter.
        self.notes.pop()
    }

    /// Reads the first frame of a query or feed once it is there.
    fn open(&mut self, more: bool) {
        let Kind::FirstFrame(awaited) = &mut self.kind else { return };
        let first = match awaited.first_frame() {
            Ok(Some(frame)) => Ok(frame),
            Ok(None) if more => return,
            Ok(None) => {
                self.kind = reset(match awaited.decoder.finish() {
                    Ok(()) => ResetCode::Malformed,
                    Err(fault) => fault.reset_code(),
                });
                return;
            }
            Err(fault) => Err(fault),
        };
        let end = Kind::Over(End::of(Parting::Silent));
        let Kind::FirstFrame(awaited) = core::mem::replace(&mut self.kind, end) else { return };
        let begun = first.and_then(|frame| awaited.begin(&frame, &mut self.notes));
        self.kind = begun.unwrap_or_else(|fault| reset(fault.reset_code()));
    }
}

impl FirstFrame {
    /// The first frame that is not to be passed over.
    fn first_frame(&mut self) -> Result<Option<Frame>, FrameFault> {
        loop {
            match self.decoder.next_frame()? {
                Some(frame) if frame.is_ignorable() => {}
                first => return Ok(first),
            }
        }
    }

    /// What the first frame begins. Who writes it is known: nobody else's is read.
    fn begin(self, first: &Frame, notes: &mut Vec<Note>) -> Result<Kind, FrameFault> {
        let Self { is_feed, connection, lane, decoder } = self;
        let actor = connection.identity().flatten().expect("only who has proven itself is read");
        if is_feed {
            let opening = (decode::<FeedOpen>(first)?, decoder);
            let feed = Feed::new(&connection, (lane, actor), opening, notes);
            return Ok(Kind::Feed(Box::new(feed)));
        }
        let query = Questioning::new(connection, lane, actor, first, notes)?;
        Ok(Kind::Query(Box::new(query)))
    }
}

fn reset(code: ResetCode) -> Kind {
    Kind::Over(End::of(Parting::Reset(code)))
}
