//! What people wrote, made safe for whoever reads it.
//!
//! A note, a label or a message comes from somebody else: it must not move the cursor, change colours or the title,
//! or look like a line of ours; and on a terminal not reorder or hide what is read. A pipe gets all but control characters.
//! Must never hold: a way to print the text of others that does not pass through here.

use std::sync::atomic::{AtomicBool, Ordering};

use super::direction;

/// Whether a terminal shows what is printed.
static ON_TERMINAL: AtomicBool = AtomicBool::new(false);

/// Says whether a terminal shows what is printed from now on.
pub(in crate::cli) fn shown_on_terminal(is_terminal: bool) {
    ON_TERMINAL.store(is_terminal, Ordering::Relaxed);
}

/// `text` with everything that could steer a terminal made visible. Line ends and tabs stay, CR LF as a line end.
pub(in crate::cli) fn visible(text: &str) -> String {
    visible_for(text, ON_TERMINAL.load(Ordering::Relaxed))
}

/// As [`visible`], for a terminal or for a pipe.
pub(in crate::cli) fn visible_for(text: &str, is_terminal: bool) -> String {
    let text = text.replace("\r\n", "\n");
    let steady = if is_terminal { direction::steady(&text) } else { text };
    escaped(&steady, |character| matches!(character, '\n' | '\t'))
}

/// As [`visible`], on one line.
pub(in crate::cli) fn visible_line(text: &str) -> String {
    escaped(&visible(text), |_| false)
}

/// As [`visible_line`], in quotes, so that its end can be seen.
pub(in crate::cli) fn quoted(text: &str) -> String {
    format!("\"{}\"", visible_line(text).replace('"', "\\\""))
}

/// As [`visible`], each line behind two blanks, so that none can pass for a line of ours. The end of the last line is no
/// line of its own.
pub(in crate::cli) fn indented(text: &str) -> String {
    let text = visible(text);
    let text = text.strip_suffix('\n').unwrap_or(&text);
    let lines: Vec<String> = text.split('\n').map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

/// JSON for a terminal or for a pipe: on a terminal, what could steer it is written as an escape, so that it stays the same
/// value. Such a character stands inside strings only, never behind a backslash.
pub(in crate::cli) fn json_for(json: String, is_terminal: bool) -> String {
    if !is_terminal || !json.contains(direction::acts) {
        return json;
    }
    let mut safe = String::with_capacity(json.len());
    for character in json.chars() {
        if direction::acts(character) {
            let units = character.encode_utf16(&mut [0; 2]).to_vec();
            safe.extend(units.iter().map(|unit| format!("\\u{unit:04x}")));
        } else {
            safe.push(character);
        }
    }
    safe
}

/// Makes control characters visible.
fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if stays(character) => safe.push(character),
            '\0'..='\x1f' => safe.push(picture(0x2400 + u32::from(character))),
            '\x7f' => safe.push('\u{2421}'),
            '\u{80}'..='\u{9f}' => safe.push_str(&direction::named(character)),
            _ => safe.push(character),
        }
    }
    safe
}

/// The picture Unicode has for a control character, such as `␛`.
fn picture(code: u32) -> char {
    char::from_u32(code).expect("U+2400 to U+241F are characters")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escape_sequence_is_shown_and_not_obeyed() {
        assert_eq!(visible("a\u{1b}[2Jb\u{7}\r"), "a␛[2Jb␇␍");
        assert_eq!(visible("\u{9b}31m"), "<U+009B>31m");
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in ["lunch?", "déjà vu", "お昼", "👩‍💻", "tab\there", "two\nlines"] {
            assert_eq!(visible_for(text, true), text);
        }
    }

    #[test]
    fn a_pipe_gets_everything_but_control_characters() {
        for text in ["\u{202e}txt.exe", "a\u{2067}b", "\u{feff}x", "a\u{2028}b", "\u{e0041}"] {
            assert_eq!(visible_for(text, false), text);
            assert!(visible_for(text, true).contains("<U+"), "{text:?}");
        }
    }

    #[test]
    fn lines_end_as_lines() {
        for (text, shown) in [
            ("one\r\ntwo\r\n", "  one\n  two"),
            ("one\ntwo\n", "  one\n  two"),
            ("one\r\n\r\ntwo", "  one\n  \n  two"),
            ("one\rtwo", "  one␍two"),
            ("one\r\r\n", "  one␍"),
            ("", "  "),
        ] {
            assert_eq!(indented(text), shown, "{text:?}");
        }
        assert_eq!(visible_line("one\r\ntwo"), "one␊two");
    }

    #[test]
    fn a_line_cannot_be_broken_out_of() {
        assert_eq!(visible_line("a\nadsum: b"), "a␊adsum: b");
        assert_eq!(quoted("a\" b"), "\"a\\\" b\"");
        assert_eq!(indented("a\n#2 from bob"), "  a\n  #2 from bob");
    }

    proptest! {
        #[test]
        fn json_on_a_terminal_is_the_same_value_and_steers_nothing(
            text in "[\"\\\\a\u{1b}\u{7f}\u{80}-\u{9f}\u{61c}\u{200e}-\u{202e}\u{2066}-\u{206f}\u{feff}\u{e0041}é🦀]{0,12}",
        ) {
            let json = serde_json::to_string(&text).unwrap();
            prop_assert_eq!(json_for(json.clone(), false), json.clone());
            let shown = json_for(json, true);
            prop_assert!(!shown.contains(direction::acts), "{}", shown);
            prop_assert_eq!(serde_json::from_str::<String>(&shown).unwrap(), text);
        }

        #[test]
        fn no_control_character_comes_through(text in any::<String>(), is_terminal in any::<bool>()) {
            let safe = escaped(&visible_for(&text, is_terminal), |_| false);
            prop_assert!(!safe.chars().any(char::is_control));
        }
    }
}
