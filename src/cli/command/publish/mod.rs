//! `adsum publish`: makes, changes, refreshes or removes one publication of this device.
//!
//! Must never hold: whether one may publish for somebody else (the service knows).

mod pidf;

use std::fmt;
use std::path::{Path, PathBuf};

use clap::ValueEnum;

use crate::cli::print::{
    line::line,
    output,
    time::{lifetime, now, span},
};
use crate::cli::run::{failure::Failure, invocation::Invocation, repeat::Operation, session};
use crate::client::{Client, PublishOptions, Published};
use crate::model::{
    Basic, Contact, Document, Lifetime, Note, Payload, Presentity, Priority, PublicationName,
    Timestamp, Tuple, TupleId,
};

/// Arguments of `adsum publish`.
#[derive(Debug, clap::Args)]
pub(in crate::cli) struct Args {
    /// The status to publish
    #[arg(
        value_enum,
        value_name = "open|closed",
        required_unless_present_any = ["remove", "refresh", "pidf"], conflicts_with_all = ["remove", "refresh"])]
    status: Option<Status>,
    /// Publish the document of this file, PIDF (RFC 3863) of at most 64 KiB about oneself; `-` reads standard input
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["status", "note", "contact", "tuple", "remove", "refresh"])]
    pidf: Option<PathBuf>,
    /// Refuse a document whose entity is no pres: URI [default: read sip:, sips:, tel:, mailto:, im:, xmpp: and bare
    /// names as the presentity published for, and say so]
    #[arg(long, requires = "pidf")]
    entity_as_is: bool,
    /// A note for people; may be given several times, once for each language [default: none]
    #[arg(long, value_name = "TEXT", conflicts_with_all = ["remove", "refresh"])]
    note: Vec<String>,
    /// The language of a note, such as fr; give one for each --note, in the same order [default: not told]
    #[arg(long, value_name = "TAG", requires = "note")]
    note_lang: Vec<String>,
    /// Where one can be reached, an absolute URI such as im:alice@localhost [default: not told]
    #[arg(long, value_name = "URI", conflicts_with_all = ["remove", "refresh"])]
    contact: Option<String>,
    /// How much the contact is preferred, from 0 to 1 with at most 3 decimals, such as 0.8 [default: not told]
    #[arg(long, value_name = "NUMBER", requires = "contact")]
    priority: Option<Priority>,
    /// The name of the presence tuple, at most 64 bytes
    #[arg(long, value_name = "ID", value_parser = TupleId::new, default_value = "main")]
    tuple: TupleId,
    /// The name of the publication; a device may have several side by side [default: the unnamed one]
    #[arg(long, value_name = "PUBLICATION", value_parser = PublicationName::new, default_value = "", hide_default_value = true)]
    name: PublicationName,
    /// Whose presence; others than one's own are for those who were granted it [default: one's own]
    #[arg(long = "for", value_name = "PRESENTITY")]
    of: Option<Presentity>,
    /// How long it stands unless refreshed, such as 30m, 1h or 2d, from 1s to 7d [default: 1h]
    #[arg(long, value_name = "SPAN", value_parser = lifetime, conflicts_with = "remove")]
    lifetime: Option<Lifetime>,
    /// Remove what this device published under the name
    #[arg(long, conflicts_with = "refresh")]
    remove: bool,
    /// Let what this device published under the name stand for another lifetime, unchanged
    #[arg(long)]
    refresh: bool,
    #[command(flatten)]
    repeat: Operation,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Status {
    /// Instant messages are read
    Open,
    /// Instant messages are not read now
    Closed,
}

line! {
    /// `{"type":"published", …}`.
    #[serde(tag = "type", rename = "published")]
    struct PublishedLine from published: &Published {
        presentity: String = published.presentity.to_string(),
        tag: String = published.tag.to_string(),
        /// 0 after a removal.
        expires_s: u64 = published.granted.as_secs(),
        durability: &'static str = published.durability.as_str(),
    }
}

impl fmt::Display for PublishedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.expires_s == 0 {
            return write!(to, "{}: removed ({})", self.presentity, self.durability);
        }
        let stands = span(Lifetime::from_ms(self.expires_s * 1_000));
        write!(to, "{}: published for {stands} ({})", self.presentity, self.durability)
    }
}

/// Runs `adsum publish`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    invocation.operation = args.repeat.operation;
    let document = match &args.pidf {
        Some(path) => Some(args.read(path, invocation)?),
        None => args.document(now())?,
    };
    let options = PublishOptions {
        presentity: args.of.clone(),
        name: args.name.clone(),
        lifetime: args.lifetime,
    };
    let published =
        session::once(invocation, async |client| args.perform(client, document, &options).await)?;
    invocation.output.line(&PublishedLine::from(&published))
}

impl Args {
    /// The document of a file, of whose mapping a note is told.
    fn read(&self, path: &Path, invocation: &Invocation) -> Result<Document, Failure> {
        let presentity = invocation.presentity(self.of.clone())?;
        let (document, note) = pidf::read(path, &presentity, self.entity_as_is)?;
        if let Some((word, note)) = note {
            output::note(invocation.is_json(), word, &note);
        }
        Ok(document)
    }

    async fn perform(
        &self,
        client: &Client,
        document: Option<Document>,
        options: &PublishOptions,
    ) -> Result<Published, Failure> {
        let published = match document {
            Some(document) => client.publish(document, options).await,
            None if self.remove => client.remove(options).await,
            None => client.refresh(options).await,
        };
        Ok(published?)
    }

    /// What to publish; `None` to refresh or remove.
    fn document(&self, at: Timestamp) -> Result<Option<Document>, Failure> {
        let Some(status) = self.status else { return Ok(None) };
        let basic = match status {
            Status::Open => Basic::Open,
            Status::Closed => Basic::Closed,
        };
        let mut tuple = Tuple::plain(self.tuple.clone(), basic);
        tuple.contact = self
            .contact
            .as_ref()
            .map(|uri| Contact { uri: Payload::text(uri), priority: self.priority });
        tuple.notes = self.notes()?;
        tuple.timestamp = Some(at);
        Ok(Some(Document::new(vec![tuple], Vec::new(), Vec::new())?))
    }

    fn notes(&self) -> Result<Vec<Note>, Failure> {
        let (texts, languages) = (self.note.len(), self.note_lang.len());
        if languages != 0 && languages != texts {
            return Err(Failure::usage(format!(
                "there are {texts} --note and {languages} --note-lang; give one --note-lang for each --note, or none"
            )));
        }
        let languages = self.note_lang.iter().cloned().chain(std::iter::repeat(String::new()));
        let notes = self.note.iter().zip(languages);
        Ok(notes.map(|(text, language)| Note { language, text: Payload::text(text) }).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::testing::parsed;

    fn document(arguments: &[&str]) -> Result<Option<Document>, Failure> {
        parsed::<Args>(arguments).unwrap().document(Timestamp::from_ms(5))
    }

    #[test]
    fn every_flag_reaches_the_document() {
        let words = "open --note away --note absent --note-lang en --note-lang fr --contact im:a@b --priority 0.8";
        let words: Vec<&str> = words.split(' ').chain(["--tuple", "desk"]).collect();
        let document = document(&words).unwrap().unwrap();
        let tuple = &document.tuples()[0];
        assert_eq!((tuple.id.as_str(), tuple.basic), ("desk", Some(Basic::Open)));
        assert_eq!(tuple.notes[1].language, "fr");
        assert_eq!(tuple.contact.as_ref().unwrap().priority.unwrap().thousandths(), 800);
        assert_eq!(tuple.timestamp, Some(Timestamp::from_ms(5)));
    }

    #[test]
    fn languages_that_do_not_match_the_notes_are_wrong_usage() {
        let failure = document(&["open", "--note", "a", "--note", "b", "--note-lang", "en"]);
        assert_eq!(failure.unwrap_err().exit(), 2);
    }

    #[test]
    fn a_contact_that_is_no_uri_is_wrong_usage() {
        let failure = document(&["open", "--contact", "alice"]).unwrap_err();
        assert_eq!(failure.exit(), 2);
        assert!(failure.message().contains("im:alice@example.com"), "{failure:?}");
    }

    #[test]
    fn a_document_of_a_file_says_everything_itself() {
        let parsed = |other: &[&str]| parsed::<Args>(&[&["--pidf", "-"], other].concat());
        assert!(parsed(&["--lifetime", "2h", "--name", "phone"]).is_ok());
        for other in [
            &["open"][..],
            &["--note", "x"],
            &["--contact", "im:a@b"],
            &["--tuple", "main"],
            &["--remove"],
            &["--refresh"],
        ] {
            let refused = parsed(other).unwrap_err().to_string();
            assert!(refused.contains("cannot be used with"), "{other:?}: {refused}");
        }
    }

    #[test]
    fn removing_and_refreshing_carry_no_document() {
        assert_eq!(document(&["--remove"]).unwrap(), None);
        assert_eq!(document(&["--refresh", "--lifetime", "2h"]).unwrap(), None);
    }

    #[test]
    fn a_published_line_has_the_promised_fields() {
        let mut line = PublishedLine {
            presentity: "pres:a@b".into(),
            tag: "00".into(),
            expires_s: 3_600,
            durability: "synced",
        };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"published","presentity":"pres:a@b","tag":"00","expires_s":3600,"durability":"synced"}"#
        );
        assert_eq!(line.to_string(), "pres:a@b: published for 1h (synced)");
        line.expires_s = 0;
        assert_eq!(line.to_string(), "pres:a@b: removed (synced)");
    }
}
