//! Rust source as words and signs, without comments, strings and numbers: as much as reading imports needs.
//!
//! Must never hold: what the words mean.

/// A piece of source.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Token {
    /// A name or a keyword.
    Word(String),
    /// `::`.
    Colons,
    /// Any other sign.
    Sign(char),
}

impl Token {
    pub(crate) fn is(&self, sign: char) -> bool {
        *self == Self::Sign(sign)
    }

    pub(crate) fn word(&self) -> Option<&str> {
        match self {
            Self::Word(word) => Some(word),
            _ => None,
        }
    }
}

/// The tokens of `text` in front of its unit tests.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let lines: Vec<&str> = text.lines().take_while(|line| !line.ends_with("mod tests {")).collect();
    let text: Vec<char> = lines.join("\n").chars().collect();
    let (mut found, mut rest) = (Vec::new(), &text[..]);
    while let Some(first) = rest.first() {
        let length = skipped(rest);
        if length > 0 {
            rest = &rest[length..];
        } else if first.is_alphabetic() || *first == '_' {
            let word: String = rest.iter().take_while(|c| is_of_word(**c)).collect();
            rest = &rest[word.chars().count()..];
            found.push(Token::Word(word));
        } else if rest.starts_with(&[':', ':']) {
            found.push(Token::Colons);
            rest = &rest[2..];
        } else {
            found.push(Token::Sign(*first));
            rest = &rest[1..];
        }
    }
    found
}

fn is_of_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// How many characters at the begin of `rest` say nothing about imports.
fn skipped(rest: &[char]) -> usize {
    let until = |end: &[char]| rest.windows(end.len()).position(|part| part == end);
    match rest {
        ['/', '/', ..] => until(&['\n']).unwrap_or(rest.len()),
        ['/', '*', ..] => until(&['*', '/']).map_or(rest.len(), |end| end + 2),
        ['"', ..] | ['b' | 'c', '"', ..] => string(rest),
        ['r', '"' | '#', ..] | ['b', 'r', '"' | '#', ..] => raw(rest),
        ['\'', '\\', ..] => 3 + rest[3..].iter().position(|c| *c == '\'').unwrap_or(0) + 1,
        ['\'', _, '\'', ..] => 3,
        // A lifetime or a label.
        ['\'', ..] => 1 + rest[1..].iter().take_while(|c| is_of_word(**c)).count(),
        [first, ..] if first.is_whitespace() => 1,
        [first, ..] if first.is_ascii_digit() => {
            rest.iter().take_while(|c| is_of_word(**c)).count()
        }
        _ => 0,
    }
}

/// The length of a string with escapes.
fn string(rest: &[char]) -> usize {
    let mut place = rest.iter().position(|c| *c == '"').expect("it begins with a quote") + 1;
    while let Some(c) = rest.get(place) {
        match c {
            '\\' => place += 2,
            '"' => return place + 1,
            _ => place += 1,
        }
    }
    rest.len()
}

/// The length of a raw string, or of the mark in front of a raw name.
fn raw(rest: &[char]) -> usize {
    let begin = rest.iter().position(|c| *c == 'r').expect("it begins with r") + 1;
    let hashes = rest[begin..].iter().take_while(|c| **c == '#').count();
    if rest.get(begin + hashes) != Some(&'"') {
        return begin + hashes;
    }
    let end: Vec<char> = core::iter::once('"').chain(core::iter::repeat_n('#', hashes)).collect();
    let body = begin + hashes + 1;
    let length = rest[body..].windows(end.len()).position(|part| part == end);
    length.map_or(rest.len(), |length| body + length + end.len())
}

#[test]
fn strings_comments_and_characters_are_left_out() {
    let text = "a // use b\n/* use c */ \"use \\\" d\" 'e' '\\'' 'f: r#\"use \" g\"# b\"h\" r#type 0x1f::i\n\
                mod tests {\nj";
    let words: Vec<_> =
        tokens(text).iter().filter_map(|token| token.word().map(str::to_owned)).collect();
    assert_eq!(words, ["a", "type", "i"]);
}
