//! What people wrote, made safe for a terminal.
//!
//! A note, a label or a message comes from somebody else: it must not move the cursor, change colours or the title,
//! reverse what is read, or look like a line of ours.
//! Must never hold: a way to print the text of others that does not pass through here.

/// `text` with everything that could steer a terminal made visible. Line breaks and tabs stay.
pub(in crate::cli) fn visible(text: &str) -> String {
    escaped(text, |character| matches!(character, '\n' | '\t'))
}

/// As [`visible`], on one line.
pub(in crate::cli) fn visible_line(text: &str) -> String {
    escaped(text, |_| false)
}

/// As [`visible_line`], in quotes, so that its end can be seen.
pub(in crate::cli) fn quoted(text: &str) -> String {
    format!("\"{}\"", visible_line(text).replace('"', "\\\""))
}

/// As [`visible`], each line behind two blanks, so that none can pass for a line of ours.
pub(in crate::cli) fn indented(text: &str) -> String {
    let lines: Vec<String> = visible(text).split('\n').map(|line| format!("  {line}")).collect();
    lines.join("\n")
}

fn escaped(text: &str, stays: impl Fn(char) -> bool) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            _ if stays(character) => safe.push(character),
            '\0'..='\x1f' => safe.push(picture(0x2400 + u32::from(character))),
            '\x7f' => safe.push('\u{2421}'),
            _ if is_steering(character) => {
                safe.extend(format!("<U+{:04X}>", u32::from(character)).chars());
            }
            _ => safe.push(character),
        }
    }
    safe
}

/// The picture Unicode has for a control character, such as `␛`.
fn picture(code: u32) -> char {
    char::from_u32(code).expect("U+2400 to U+241F are characters")
}

/// C1 controls, line and paragraph separators, and the marks that reorder or hide what is read.
fn is_steering(character: char) -> bool {
    matches!(character, '\u{80}'..='\u{9f}' | '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}'
        | '\u{2066}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_escape_sequence_is_shown_and_not_obeyed() {
        assert_eq!(visible("a\u{1b}[2Jb\u{7}\r"), "a␛[2Jb␇␍");
        assert_eq!(visible("\u{9b}31m"), "<U+009B>31m");
        assert_eq!(visible("\u{202e}txt.exe"), "<U+202E>txt.exe");
    }

    #[test]
    fn ordinary_text_of_any_script_stays_as_it_is() {
        for text in ["lunch?", "déjà vu", "お昼", "👩‍💻", "tab\there", "two\nlines"] {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn a_line_cannot_be_broken_out_of() {
        assert_eq!(visible_line("a\nadsum: b"), "a␊adsum: b");
        assert_eq!(quoted("a\" b"), "\"a\\\" b\"");
        assert_eq!(indented("a\n#2 from bob"), "  a\n  #2 from bob");
    }

    proptest! {
        #[test]
        fn nothing_that_steers_comes_through(text in any::<String>()) {
            let safe = visible_line(&text);
            prop_assert!(!safe.chars().any(|character| character.is_control() || is_steering(character)));
        }
    }
}
