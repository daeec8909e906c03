//! How a command is repeated whose outcome is not known: the id under which it is done once, and the line to type.
//!
//! Must never hold: what a command asks.

use std::ffi::OsString;

use crate::client::RequestId;
use crate::model::OperationId;

/// The flag of commands whose changes have a name.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct Operation {
    /// Make the change under this id, 32 hexadecimal digits; repeated under the same id it is made once [default: a random one]
    #[arg(long, global = true, value_name = "ID")]
    pub(in crate::cli) operation: Option<OperationId>,
}

/// The flag of commands whose changes need no name.
#[derive(Clone, Copy, Debug, clap::Args)]
pub(in crate::cli) struct Again {
    /// It was asked for before and is not known to be done: that nothing is left to do is then no error
    #[arg(long, global = true)]
    pub(in crate::cli) repeat: bool,
}

/// The requests of commands that take [`Again`].
const AGAIN: [&str; 4] = ["unsubscribe", "revoke-key", "end-subscription", "administer"];

/// What to tell of a change whose outcome is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::cli) struct Unknown {
    /// The id under which it is done once, if it has one.
    pub(in crate::cli) id: Option<String>,
    /// What to type to repeat it safely; `None` if that cannot be.
    pub(in crate::cli) command: Option<String>,
    /// The sentence for people.
    pub(in crate::cli) message: String,
}

/// What to tell of a command that sent `request` and got no answer, because of `reason`.
pub(in crate::cli) fn unknown(request: &str, id: &RequestId, reason: &str) -> Unknown {
    of_line(request, id, reason, &std::env::args_os().collect::<Vec<_>>())
}

fn of_line(request: &str, id: &RequestId, reason: &str, line: &[OsString]) -> Unknown {
    let done = match request {
        "send" => "it was stored",
        "acknowledge" => "what was printed is acknowledged",
        _ => "it was done",
    };
    let command = repeating(request, line, id);
    let same =
        if line.iter().any(|word| word == "-") { ", with the same standard input" } else { "" };
    let cure = match (id, &command) {
        (RequestId::Nothing, _) | (_, None) => {
            "look first whether it was: repeated it may be done twice, for --anonymous is somebody else each time".to_owned()
        }
        (RequestId::Itself, Some(command)) => format!("repeat it, it does no harm{same}: {command}"),
        (_, Some(command)) => format!("to repeat it safely{same}: {command}"),
    };
    let message = format!("not known whether {done} ({request}{id}): {reason}; {cure}");
    Unknown { id: id.text(), command, message }
}

/// The command line that asks for the same under the same id; `None` if there is none.
fn repeating(request: &str, line: &[OsString], id: &RequestId) -> Option<String> {
    let flag = match id {
        RequestId::Message(_) => "--id",
        RequestId::Operation(_) => "--operation",
        RequestId::Invite(_) => "--token",
        RequestId::Itself if AGAIN.contains(&request) => "--repeat",
        RequestId::Itself => "",
        _ => return None,
    };
    let mut words: Vec<String> = line.iter().map(|word| quoted(&word.to_string_lossy())).collect();
    let end = words.iter().position(|word| word == "--").unwrap_or(words.len());
    let is_flag = |word: &String| {
        word.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('='))
    };
    if !flag.is_empty() && !words[..end].iter().any(is_flag) {
        let id = id.text().map(|id| quoted(&id));
        words.splice(end..end, [flag.to_owned()].into_iter().chain(id));
    }
    Some(words.join(" "))
}

/// `word` as a shell reads it back.
fn quoted(word: &str) -> String {
    let is_plain =
        |character: char| character.is_ascii_alphanumeric() || "@%+=:,./_-".contains(character);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::MessageId;

    fn told(line: &[&str], id: &RequestId) -> (Option<String>, String) {
        let line: Vec<OsString> = line.iter().map(OsString::from).collect();
        let told = of_line("send", id, "no answer", &line);
        (told.command, told.message)
    }

    #[test]
    fn the_line_that_repeats_it_can_be_pasted() {
        let id = RequestId::Message(MessageId::new("a'1").unwrap());
        for (line, repeated) in [
            (
                &["adsum", "send", "im:b@d", "it's"][..],
                r"adsum send im:b@d 'it'\''s' --id 'a'\''1'",
            ),
            (
                &["./adsum", "send", "im:b@d", "--", "--id"],
                r"./adsum send im:b@d --id 'a'\''1' -- --id",
            ),
            (&["adsum", "send", "--id", "m1", "im:b@d", ""], "adsum send --id m1 im:b@d ''"),
            (&["adsum", "send", "--id=m1", "im:b@d", "x"], "adsum send --id=m1 im:b@d x"),
        ] {
            let (command, message) = told(line, &id);
            assert_eq!(command.as_deref(), Some(repeated));
            assert!(message.ends_with(&format!("; to repeat it safely: {repeated}")), "{message}");
        }
    }

    #[test]
    fn what_needs_no_id_or_has_none_is_told_as_such() {
        let (command, message) = told(&["adsum", "inbox", "--delete"], &RequestId::Itself);
        assert_eq!(command.as_deref(), Some("adsum inbox --delete"));
        let end = "; repeat it, it does no harm: adsum inbox --delete";
        assert!(message.ends_with(end), "{message}");
        let (command, message) = told(&["adsum", "send", "--anonymous"], &RequestId::Nothing);
        let end = "; look first whether it was: repeated it may be done twice, for --anonymous is somebody else each time";
        assert!(command.is_none() && message.ends_with(end), "{message}");
        let unwatch = ["adsum", "unwatch", "pres:b@d"].map(OsString::from);
        let repeated = repeating("unsubscribe", &unwatch, &RequestId::Itself);
        assert_eq!(repeated.as_deref(), Some("adsum unwatch pres:b@d --repeat"));
        let (_, message) = told(&["adsum", "inbox", "-"], &RequestId::Itself);
        assert!(message.contains("the same standard input"), "{message}");
    }
}
