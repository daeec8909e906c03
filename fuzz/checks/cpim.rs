//! Messages: bytes stay what they are, and what was composed says what it was composed of.
//!
//! Must never hold: a panic of its own for any input, except when a promise is broken.

use adsum::format::cpim::{self, Cpim, Draft};
use adsum::format::mime;

/// Takes `data` for a message.
pub(crate) fn check(data: &[u8]) {
    let mended = cpim::mend(data);
    assert_eq!(mended.mends.is_empty(), mended.bytes == data, "every mend is told");
    if cpim::parse(data).is_ok() {
        let again = cpim::parse(&mended.bytes);
        assert!(again.is_ok(), "what is in form stays in form");
    }
    let Ok(read) = cpim::parse(data) else { return };
    let _ = mime::pieces_of(&read);
    assert!(data.ends_with(read.bytes()), "a message is the end of its file");
    assert!(read.bytes().ends_with(read.body()), "a body is the end of its message");
    assert_eq!(cpim::parse(read.bytes()).as_ref(), Ok(&read));
    for header in read.headers() {
        let _ = (header.text(), header.language(), header.name().to_string());
    }
    let _ = read.require_at_most(&[]);
    composes_again(&read);
}

fn composes_again(read: &Cpim) {
    let draft = Draft {
        from: read.from(),
        to: read.to(),
        cc: read.cc(),
        date_time: read.date_time(),
        subjects: read.subjects(),
        message_id: None,
        content_type: read.content_type(),
        body: read.body(),
    };
    // Escapes may make it too long, and a subject of escaped spaces cannot be written.
    let Ok(composed) = Cpim::compose(&draft) else { return };
    assert_eq!(
        (composed.from(), composed.to(), composed.cc()),
        (read.from(), read.to(), read.cc())
    );
    assert_eq!((composed.date_time(), composed.subjects()), (read.date_time(), read.subjects()));
    assert_eq!((composed.content_type(), composed.body()), (read.content_type(), read.body()));
}
