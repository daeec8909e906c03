//! Whether words for people are coloured, and how.
//!
//! A colour never says what the words do not. What programs read has none.
//! Must never hold: what is said.

use std::ffi::OsStr;
use std::sync::atomic::{AtomicU8, Ordering};

use clap::ColorChoice;
use clap::builder::styling::{AnsiColor, Style};

/// When words are coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub(in crate::cli) enum When {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Also into a pipe or a file
    Always,
    /// Never
    Never,
}

/// What was decided, as the number of its variant.
static DECIDED: AtomicU8 = AtomicU8::new(When::Auto as u8);

/// Says when words are coloured from now on: as was asked, and else as `NO_COLOR` and `TERM` of the environment tell.
pub(in crate::cli) fn decide(asked: When) {
    let decided = decided(asked, |name| std::env::var_os(name));
    DECIDED.store(decided as u8, Ordering::Relaxed);
}

fn decided<Text: AsRef<OsStr>>(asked: When, variable: impl Fn(&str) -> Option<Text>) -> When {
    // See https://no-color.org: a value that is empty says nothing.
    let is_unwanted = variable("NO_COLOR").is_some_and(|value| !value.as_ref().is_empty());
    let is_dumb = variable("TERM").is_some_and(|value| value.as_ref() == "dumb");
    if asked == When::Auto && (is_unwanted || is_dumb) { When::Never } else { asked }
}

/// Whether what goes to a terminal, or not to one, is coloured.
pub(in crate::cli) fn is_on(is_terminal: bool) -> bool {
    match DECIDED.load(Ordering::Relaxed) {
        decided if decided == When::Always as u8 => true,
        decided if decided == When::Never as u8 => false,
        _ => is_terminal,
    }
}

/// As clap takes it, for what it says by itself. It looks at the environment, too.
pub(in crate::cli) fn for_clap(asked: When) -> ColorChoice {
    match asked {
        When::Auto => ColorChoice::Auto,
        When::Always => ColorChoice::Always,
        When::Never => ColorChoice::Never,
    }
}

/// What was asked for in `arguments` that may be wrong elsewhere, so that this is told in the right colours.
pub(in crate::cli) fn asked_in(arguments: impl IntoIterator<Item = String>) -> When {
    let read = |word: &str| <When as clap::ValueEnum>::from_str(word, false).ok();
    let mut arguments = arguments.into_iter();
    let mut asked = None;
    while let Some(argument) = arguments.next().filter(|argument| argument != "--") {
        asked = match argument.strip_prefix("--color") {
            Some("") => arguments.next().and_then(|word| read(&word)),
            Some(rest) => rest.strip_prefix('=').and_then(read),
            None => asked,
        };
    }
    asked.unwrap_or_default()
}

/// What is well.
pub(in crate::cli) const GOOD: Style = AnsiColor::Green.on_default();
/// What somebody should look at.
pub(in crate::cli) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
/// What does not work.
pub(in crate::cli) const BAD: Style = AnsiColor::Red.on_default().bold();

/// `word` in a style, if `is_coloured`.
pub(in crate::cli) fn painted(word: &str, style: Style, is_coloured: bool) -> String {
    if is_coloured { format!("{style}{word}{style:#}") } else { word.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_wins_over_the_environment_and_that_over_the_terminal() {
        let with = |asked, variables: &'static [(&str, &str)]| {
            decided(asked, |name| {
                variables.iter().find(|(known, _)| *known == name).map(|(_, value)| *value)
            })
        };
        assert_eq!(with(When::Auto, &[]), When::Auto);
        assert_eq!(with(When::Auto, &[("NO_COLOR", "1")]), When::Never);
        assert_eq!(with(When::Auto, &[("NO_COLOR", "")]), When::Auto);
        assert_eq!(with(When::Auto, &[("TERM", "dumb")]), When::Never);
        assert_eq!(with(When::Always, &[("NO_COLOR", "1")]), When::Always);
        assert_eq!(with(When::Never, &[]), When::Never);
    }

    #[test]
    fn what_is_asked_for_is_found_among_arguments_that_are_wrong() {
        let asked = |text: &str| asked_in(text.split(' ').map(str::to_owned));
        assert_eq!(asked("adsum pubish --color never"), When::Never);
        assert_eq!(asked("adsum --color=always pubish"), When::Always);
        assert_eq!(asked("adsum --color sometimes"), When::Auto);
        assert_eq!(asked("adsum --colour=always"), When::Auto);
        assert_eq!(asked("adsum send im:a@b -- --color=always"), When::Auto);
    }

    #[test]
    fn a_word_stands_between_its_colour_and_the_end_of_it() {
        assert_eq!(painted("ok", GOOD, true), "\u{1b}[32mok\u{1b}[0m");
        assert_eq!(painted("ok", GOOD, false), "ok");
    }
}
