//! A server that says anything: the client's side of the protocol ends with a fault or with what was said, never with
//! more held than it may, an item handed out twice, or an answer to what was not asked.
//!
//! Input: the first byte says what the bytes come on, the second in what pieces; the rest is what the server writes.
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::client::exchange::{
    Admission, Answering, ControlEvent, FeedEvent, FeedItem, Frames, Heard, decode, hear,
};
use adsum::client::resume::{FeedKind, FeedResume, Position};
use adsum::model::InboxItem;
use adsum::protocol::{Presence, Shape, body};

/// Lets a server write `data`.
pub(crate) fn check(data: &[u8]) {
    let Some((&[stream, piece], written)) = data.split_first_chunk::<2>() else { return };
    let pieces = written.chunks(usize::from(piece) + 1);
    match stream % 5 {
        0 => control(pieces),
        1 => feed::<Presence>(FeedKind::Presence, pieces),
        2 => feed::<InboxItem>(FeedKind::Inbox, pieces),
        3 => feed::<InboxItem>(FeedKind::InboxKept, pieces),
        _ => rows(pieces),
    }
}

/// CONTROL: admission, then answers.
fn control<'a>(pieces: impl Iterator<Item = &'a [u8]>) {
    let (mut frames, mut is_welcome) = (Frames::default(), false);
    for piece in pieces {
        frames.push(piece);
        while !is_welcome {
            match Admission::next(&mut frames) {
                Ok(Some(admission)) => is_welcome = matches!(admission, Admission::Welcome(_)),
                Ok(None) => break,
                Err(_) => return,
            }
        }
        while let Some(event) = is_welcome.then(|| ControlEvent::next(&mut frames)) {
            match event {
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(_) => return,
            }
        }
    }
}

/// A feed that an application takes everything of.
fn feed<'a, T: FeedItem + Clone>(kind: FeedKind, pieces: impl Iterator<Item = &'a [u8]>) {
    let (mut frames, mut resume) =
        (Frames::default(), FeedResume::<T>::new(kind, Position::default()));
    let (mut received, mut handed) = (0_u32, 0_u32);
    resume.open();
    for piece in pieces {
        frames.push(piece);
        loop {
            let Ok(event) = FeedEvent::next(&mut frames) else { return };
            let Some(event) = event else { break };
            let Ok(heard) = hear(&mut resume, event) else { return };
            received += u32::from(heard == Heard::Received);
            while let Some(item) = resume.next_item() {
                handed += 1;
                resume.taken(item.number);
            }
            assert!(handed <= received, "{handed} items were handed out, {received} came");
            saved_then_acknowledged(&mut resume);
        }
    }
}

/// What was taken is saved, and only then acknowledged, with the cursor that was saved.
fn saved_then_acknowledged<T>(resume: &mut FeedResume<T>) {
    let Some(unsaved) = resume.unsaved() else { return };
    let cursor = unsaved.position.cursor.clone();
    resume.saved(unsaved);
    assert!(resume.unsaved().is_none(), "what was saved is to be saved again");
    if let Some(acknowledged) = resume.next_acknowledgement() {
        assert_eq!(acknowledged, cursor, "what was not saved is acknowledged");
        resume.acknowledged(&acknowledged);
    }
}

/// The answer to a question.
fn rows<'a>(pieces: impl Iterator<Item = &'a [u8]>) {
    let (mut frames, mut answering) = (Frames::default(), Answering::new(Shape::Rows));
    for piece in pieces {
        frames.push(piece);
        loop {
            let Ok(frame) = frames.next_answer() else { return };
            let Some(frame) = frame else { break };
            let _ = decode::<body::Watcher>(&frame);
            match answering.take(frame) {
                Ok(Some(_)) | Err(_) => return,
                Ok(None) => {}
            }
        }
    }
}
