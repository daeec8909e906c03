//! Looks at the state of a running server, for a command of its own user that compares it with what the log folds to.
//!
//! Asked and answered at the socket of `copy`, in postcard: both are the same program. Must never hold: an answer to another
//! user of the machine.

use serde::{Deserialize, Serialize};
use tokio::sync::oneshot;

use super::desk::Desk;
use crate::commit::Commit;
use crate::event::EntityKey;
use crate::model::Sequence;
use crate::view::EntityDigest;

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Asked {
    /// Digests of some of the entities behind this one.
    Digests(Option<EntityKey>),
    /// One entity as it is.
    Fields(EntityKey),
}

/// What is told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Told {
    /// The last event that the state holds.
    pub(super) position: Sequence,
    /// What was asked for.
    pub(super) what: What,
}

/// What was seen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum What {
    /// Entities in order.
    Digests(Vec<EntityDigest>),
    /// An entity in JSON.
    Fields(String),
}

/// Has the writer look, and returns the answer's bytes; `None` if there is no writer any more, or nobody knows what is asked.
pub(super) async fn answer(desk: &Desk, asked: &[u8]) -> Option<Vec<u8>> {
    let asked: Asked = postcard::from_bytes(asked).ok()?;
    let (tell, told) = oneshot::channel();
    let look = move |commit: &mut Commit| {
        // Whoever asked may be gone.
        let _ = tell.send(look(commit, &asked));
    };
    desk.send(Box::new(look)).ok()?;
    let told = told.await.ok()?;
    Some(postcard::to_stdvec(&told).expect("numbers, names and texts have a form in postcard"))
}

fn look(commit: &mut Commit, asked: &Asked) -> Told {
    let what = match asked {
        Asked::Digests(after) => What::Digests(commit.digests_after(after.as_ref())),
        Asked::Fields(entity) => What::Fields(fields(commit, entity).to_string()),
    };
    Told { position: commit.head(), what }
}

fn fields(commit: &mut Commit, entity: &EntityKey) -> serde_json::Value {
    commit.put_back(entity);
    let fields = commit.views().fields_of(entity, serde_json::value::Serializer);
    fields.expect("all that views are made of has a form in JSON")
}
