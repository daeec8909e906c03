//! The tags of what this device has published, so that the next command can change, refresh or remove it.
//!
//! Must never hold: the document. The server has it; a lost tag costs one publish anew under the same name.

use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use super::guarded::TAGS;
use super::{Identity, StateError, durable};
use crate::disk;
use crate::model::{Presentity, PublicationName, Tag};

const CURE: &str = "remove it; the next publish replaces what was published";

/// The file with the tag of one publication.
#[derive(Clone, Debug)]
pub(crate) struct TagFile {
    /// `None` for an identity that keeps nothing.
    path: Option<PathBuf>,
    presentity: Presentity,
    name: PublicationName,
}

#[derive(Serialize, Deserialize)]
struct Stored {
    presentity: String,
    name: String,
    tag: String,
}

impl TagFile {
    /// The file for the publication `name` of `presentity`.
    pub(crate) fn new(
        identity: &Identity,
        presentity: &Presentity,
        name: &PublicationName,
    ) -> Self {
        let digest = blake3::hash(format!("{presentity}\n{}", name.as_str()).as_bytes()).to_hex();
        let file = format!("{}.toml", &digest[..32]);
        let path = identity.folder().map(|folder| folder.join(TAGS).join(file));
        Self { path, presentity: presentity.clone(), name: name.clone() }
    }

    /// The tag, if one is known.
    pub(crate) fn load(&self) -> Result<Option<Tag>, StateError> {
        let Some(path) = &self.path else { return Ok(None) };
        let Some(stored) = durable::load::<Stored>(path, CURE)? else { return Ok(None) };
        let digits = stored.tag.len() == 32;
        let number = digits.then(|| u128::from_str_radix(&stored.tag, 16).ok()).flatten();
        let tag = number.map(|number| Tag(number.to_be_bytes()));
        tag.map(Some).ok_or_else(|| StateError::Damaged {
            path: path.clone(),
            reason: "its tag is not 32 hexadecimal digits".into(),
            cure: CURE,
        })
    }

    /// The tag, or the error that nothing is published.
    pub(crate) fn require(&self) -> Result<Tag, StateError> {
        self.load()?.ok_or_else(|| StateError::NothingPublished {
            presentity: self.presentity.to_string(),
            name: self.name.as_str().to_owned(),
        })
    }

    /// Remembers `tag`.
    pub(crate) fn store(&self, tag: Tag) -> Result<(), StateError> {
        let Some(path) = &self.path else { return Ok(()) };
        if let Some(folder) = path.parent() {
            disk::make_folder(folder)?;
        }
        let (presentity, name) = (self.presentity.to_string(), self.name.as_str().to_owned());
        durable::store(path, &Stored { presentity, name, tag: tag.to_string() })
    }

    /// Forgets the tag.
    pub(crate) fn forget(&self) -> Result<(), StateError> {
        Ok(self.path.as_ref().map_or(Ok(()), |path| disk::remove(path))?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::address::KeyHash;
    use crate::client::state::Home;

    #[test]
    fn a_tag_is_remembered_for_its_publication_only() {
        let folder = tempfile::tempdir().unwrap();
        let staged = Home::at(folder.path()).stage(&"a@localhost".parse().unwrap()).unwrap();
        let identity = staged.finish(&"localhost".parse().unwrap(), KeyHash([0; 32])).unwrap();
        let presentity: Presentity = "pres:a@localhost".parse().unwrap();
        let desk = TagFile::new(&identity, &presentity, &PublicationName::new("desk").unwrap());
        let other = TagFile::new(&identity, &presentity, &PublicationName::default());
        assert!(matches!(desk.require(), Err(StateError::NothingPublished { .. })));
        desk.store(Tag([0xab; 16])).unwrap();
        assert_eq!(desk.require().unwrap(), Tag([0xab; 16]));
        assert_eq!(other.load().unwrap(), None);
        desk.forget().unwrap();
        desk.forget().unwrap();
        assert_eq!(desk.load().unwrap(), None);
    }
}
