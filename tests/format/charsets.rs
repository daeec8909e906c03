//! Presence documents in the character sets that deployed systems write, and what becomes of them.
//!
//! Must never hold: a document whose label and bytes agree by luck.

use adsum::format::pidf;
use adsum::model::limits::DOCUMENT_BYTES_MAX;

/// A document that says to be in `encoding`, with a note.
fn document(declared: &str, note: &str) -> String {
    format!(
        "<?xml version=\"1.0\"{declared}?>\n<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" \
         entity=\"pres:alice@localhost\"><note>{note}</note></presence>"
    )
}

fn utf_16(text: &str, bytes_of: fn(u16) -> [u8; 2]) -> Vec<u8> {
    text.encode_utf16().flat_map(bytes_of).collect()
}

fn note_of(bytes: &[u8]) -> Result<String, String> {
    let read = pidf::parse(bytes).map_err(|fault| fault.to_string())?;
    let written = pidf::write(&read.entity, &read.document);
    assert!(written.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"), "{written}");
    assert_eq!(pidf::parse(written.as_bytes()).as_ref(), Ok(&read), "written on as UTF-8");
    Ok(read.document.notes()[0].text.as_text().unwrap().to_owned())
}

#[test]
fn a_document_is_read_in_the_character_set_that_it_names() {
    for (declared, note, expected) in [
        ("", &b"caf\xc3\xa9"[..], "café"),
        (" encoding='utf-8'", b"caf\xc3\xa9", "café"),
        (" encoding=\"UTF8\"", b"caf\xc3\xa9", "café"),
        (" encoding=\"ISO-8859-1\"", b"caf\xe9", "café"),
        (" encoding = 'iso-8859-1' standalone='yes'", b"caf\xe9", "café"),
        (" encoding=\"latin1\"", b"caf\xe9", "café"),
        (" encoding=\"ISO-8859-1\"", b"Ready", "Ready"),
        (" encoding=\"US-ASCII\"", b"Ready", "Ready"),
        (" encoding=\"ascii\"", b"Ready &#233;", "Ready é"),
        (" encoding=\"Windows-1252\"", b"\x80 5", "€ 5"),
        (" encoding=\"koi8-r\"", b"\xc1", "а"),
        (" encoding=\"Shift_JIS\"", b"\x82\xa0", "あ"),
        (" encoding=\"gb2312\"", b"\xc4\xe3", "你"),
    ] {
        let (before, after) = document(declared, "|").split_once('|').map(owned).unwrap();
        let bytes = [before.as_bytes(), note, after.as_bytes()].concat();
        assert_eq!(note_of(&bytes).as_deref(), Ok(expected), "{declared}");
    }
}

fn owned((before, after): (&str, &str)) -> (String, String) {
    (before.to_owned(), after.to_owned())
}

#[test]
fn two_bytes_a_character_are_read_with_a_mark_or_a_label() {
    for declared in ["", " encoding=\"UTF-16\"", " encoding=\"utf-16LE\""] {
        let text = format!("\u{feff}{}", document(declared, "café"));
        assert_eq!(note_of(&utf_16(&text, u16::to_le_bytes)).as_deref(), Ok("café"), "{declared}");
    }
    let text = document(" encoding=\"UTF-16\"", "café");
    assert_eq!(note_of(&utf_16(&text, u16::to_be_bytes)).as_deref(), Ok("café"));
    assert_eq!(note_of(&utf_16(&text, u16::to_le_bytes)).as_deref(), Ok("café"));
}

#[test]
fn bytes_that_their_label_does_not_fit_are_refused_and_never_guessed() {
    let utf_8_inside_16 = utf_16(&document(" encoding=\"UTF-8\"", "x"), u16::to_le_bytes);
    let latin_in = |declared| {
        let text = document(declared, "caf|");
        text.bytes().map(|byte| if byte == b'|' { 0xe9 } else { byte }).collect::<Vec<u8>>()
    };
    for (bytes, part) in [
        (latin_in(""), "line 2, column 86: the bytes are not UTF-8"),
        (latin_in(" encoding=\"US-ASCII\""), "line 2, column 86: the bytes are not US-ASCII"),
        (document(" encoding=\"us-ascii\"", "é").into_bytes(), "the bytes are not us-ascii"),
        (latin_in(" encoding=\"EUC-JP\""), "the bytes are not EUC-JP"),
        (
            document(" encoding=\"UTF-16\"", "x").into_bytes(),
            "called UTF-16, and the bytes are something else",
        ),
        (utf_8_inside_16, "called UTF-8, and the bytes are something else"),
        (
            document(" encoding=\"UTF-7\"", "x").into_bytes(),
            "the encoding \"UTF-7\" is wrong: it is not known",
        ),
        (document(" encoding=\"\"", "x").into_bytes(), "the encoding \"\" is wrong"),
        (document(" encoding=\"ISO-8859-1\" x='y'", "x").into_bytes(), "not in its order"),
    ] {
        let fault = note_of(&bytes).unwrap_err();
        assert!(fault.contains(part) && fault.contains("; "), "{fault}");
    }
}

#[test]
fn the_limit_holds_for_a_document_as_it_came_and_in_utf_8() {
    let declared = " encoding=\"ISO-8859-1\"";
    let latin = |count: usize| {
        let text = document(declared, &"|".repeat(count));
        text.bytes().map(|byte| if byte == b'|' { 0xe9 } else { byte }).collect::<Vec<u8>>()
    };
    assert!(note_of(&latin(DOCUMENT_BYTES_MAX / 2 - 500)).is_ok());
    for too_large in [latin(DOCUMENT_BYTES_MAX / 2), latin(DOCUMENT_BYTES_MAX)] {
        assert!(note_of(&too_large).unwrap_err().contains("the most is 65536"));
    }
}

#[test]
fn one_note_too_many_is_named_where_it_stands() {
    let notes = |count: usize| "<note>x</note>".repeat(count);
    let tuple = |notes: &str| {
        let status = "<status><basic>open</basic></status>";
        document("", "").replace("<note>", &format!("<tuple id='a'>{status}{notes}</tuple><note>"))
    };
    assert!(note_of(tuple(&notes(16)).as_bytes()).is_ok());
    for text in [tuple(&notes(17)), document("", "").replace("<note></note>", &notes(17))] {
        let fault = note_of(text.as_bytes()).unwrap_err();
        assert!(
            fault.starts_with("line 2, ")
                && fault.contains("more than 16 notes in one place; send less"),
            "{fault}"
        );
    }
}
