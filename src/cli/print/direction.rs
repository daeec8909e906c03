//! What reorders or hides text on a terminal, and what of that is harmless: marks that override nothing, isolates and
//! embeddings that end where they began, flags made of tags. UAX #9, UTS #51.
//!
//! Must never hold: a control character's picture (see `text`).

/// `text` with what reorders or hides it made visible, paragraph by paragraph, unless it is harmless.
pub(in crate::cli) fn steady(text: &str) -> String {
    text.split('\n').map(paragraph).collect::<Vec<_>>().join("\n")
}

/// The name of a character that is not shown as it is.
pub(in crate::cli) fn named(character: char) -> String {
    format!("<U+{:04X}>", u32::from(character))
}

fn paragraph(text: &str) -> String {
    let characters: Vec<char> = text.chars().collect();
    let mut harmless = balanced(&characters);
    flags(&characters, &mut harmless);
    let shown = |(character, harmless): (&char, &bool)| {
        if is_steering(*character) && !harmless { named(*character) } else { character.to_string() }
    };
    characters.iter().zip(&harmless).map(shown).collect()
}

/// Everything that can reorder or hide what is read. Marks of direction (LRM, RLM, ALM), joiners and variation selectors
/// only touch what stands beside them.
fn is_steering(character: char) -> bool {
    matches!(character, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{206f}' | '\u{feff}'
        | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// Whether a terminal may act on the character or reorder what stands around it, marks of direction included: what stands in
/// JSON is never read as text, so nothing of this is harmless there.
pub(in crate::cli) fn acts(character: char) -> bool {
    let is_mark = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}');
    character.is_control() || is_mark || is_steering(character)
}

/// Which characters begin or end an isolate or an embedding that has both. Overrides are never harmless.
fn balanced(characters: &[char]) -> Vec<bool> {
    let mut harmless = vec![false; characters.len()];
    let mut open: Vec<usize> = Vec::new();
    for (place, character) in characters.iter().enumerate() {
        let begins = |place: &usize| is_isolate(characters[*place]);
        match character {
            '\u{202a}' | '\u{202b}' | '\u{202d}' | '\u{202e}' | '\u{2066}'..='\u{2068}' => {
                open.push(place);
            }
            '\u{202c}' => {
                if let Some(begin) = open.pop_if(|begin| !begins(begin))
                    && matches!(characters[begin], '\u{202a}' | '\u{202b}')
                {
                    (harmless[begin], harmless[place]) = (true, true);
                }
            }
            '\u{2069}' => {
                if let Some(at) = open.iter().rposition(begins) {
                    // What is open inside ends here too, but without an end of its own.
                    let begin = open[at];
                    open.truncate(at);
                    (harmless[begin], harmless[place]) = (true, true);
                }
            }
            _ => {}
        }
    }
    harmless
}

fn is_isolate(character: char) -> bool {
    matches!(character, '\u{2066}'..='\u{2068}')
}

/// Marks the tags of flags as harmless: behind a pictograph, to their end.
fn flags(characters: &[char], harmless: &mut [bool]) {
    let mut place = 0;
    while place < characters.len() {
        let tags = characters[place..].iter().take_while(|one| is_tag(**one)).count();
        let is_ended = characters.get(place + tags) == Some(&'\u{e007f}');
        if tags > 0 && is_ended && has_pictograph(&characters[..place]) {
            harmless[place..=place + tags].fill(true);
        }
        place += tags.max(1);
    }
}

fn is_tag(character: char) -> bool {
    matches!(character, '\u{e0020}'..='\u{e007e}')
}

/// Whether `before` ends with a pictograph, perhaps with a variation selector.
fn has_pictograph(before: &[char]) -> bool {
    let last = before.iter().rev().find(|one| **one != '\u{fe0f}');
    last.is_some_and(|one| matches!(one, '\u{2600}'..='\u{27bf}' | '\u{1f000}'..='\u{1faff}'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_overrides_nothing_stays() {
        for text in [
            "\u{200f}שלום\u{200f} (\u{200e}adsum\u{200e})",
            "\u{61c}عربي",
            "می\u{200c}خواهم",
            "👩\u{200d}💻 ❤\u{fe0f}",
            "🏴\u{e0067}\u{e0062}\u{e0073}\u{e0063}\u{e0074}\u{e007f}!",
            "from \u{2068}שלום\u{2069} to \u{2067}a \u{2066}b\u{2069}\u{2069}",
            "\u{202b}שלום\u{202c}",
        ] {
            assert_eq!(steady(text), text);
        }
    }

    #[test]
    fn what_overrides_or_does_not_end_is_shown() {
        for (text, shown) in [
            ("\u{202e}txt.exe", "<U+202E>txt.exe"),
            ("\u{202d}abc\u{202c}", "<U+202D>abc<U+202C>"),
            ("\u{2067}abc", "<U+2067>abc"),
            ("abc\u{2069}", "abc<U+2069>"),
            ("\u{202b}abc\n\u{202c}", "<U+202B>abc\n<U+202C>"),
            ("\u{2067}\u{202e}abc\u{2069}\u{202c}", "\u{2067}<U+202E>abc\u{2069}<U+202C>"),
            ("\u{202b}\u{2067}\u{202c}", "<U+202B><U+2067><U+202C>"),
            ("a\u{e0067}\u{e007f}", "a<U+E0067><U+E007F>"),
            ("🏴\u{e0067}\u{e0062}", "🏴<U+E0067><U+E0062>"),
            ("\u{feff}\u{2028}\u{fff9}", "<U+FEFF><U+2028><U+FFF9>"),
        ] {
            assert_eq!(steady(text), shown);
        }
    }
}
