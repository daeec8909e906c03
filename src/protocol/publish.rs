//! Publishing presence, and fetching it. RFC 2778 PRESENCE INFORMATION, FETCHER.
//!
//! Must never hold: a check that the model's constructors do not make.

use super::asked::question;
use super::document::{Presence, full_document, plain_document};
use super::field::Field;
use super::framed::{Framed, framed};
use super::request::{Answer, NamedBy, Request, WEIGHT_BYTES};
use super::sample::{
    ALICE, BOBS, DEVICE, HOUR_MS, Sample, TAG, TIME_MS, answered, asked, operation, through,
};
use crate::model::{
    DeviceId, Document, Lifetime, OperationId, Presentity, Principal, PublicationName, Refusal,
    Tag, Timestamp,
};

/// Frozen bodies.
pub mod body {
    use crate::protocol::document::body::Document;

    crate::protocol::kind::bodies! {
        /// Makes, changes, refreshes or removes a publication.
        0x0010 Publish {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// `pres:` URI.
            presentity: String,
            /// The device's name for the publication, usually empty.
            name: String,
            /// The tag it must have.
            if_match: Option<[u8; 16]>,
            /// Lifetime asked for; 0 removes.
            lifetime_ms: Option<u64>,
            /// What to publish.
            document: Option<Document>,
        }
        /// Answer to `Publish`.
        0x0110 Published {
            /// The client's number.
            request: u64,
            /// The publication's tag from now on.
            tag: [u8; 16],
            /// Lifetime granted; 0 after a removal.
            granted_ms: u64,
        }
        /// Asks for the current presence of one presentity. Answer: `Presence`.
        0x0020 Fetch {
            /// `pres:` URI.
            presentity: String,
        }
        /// Removes a publication of whichever device. Answer: `Changed`.
        0x0033 RemovePublication {
            /// The client's number for the answer.
            request: u64,
            /// The device's name for the operation; the same on a repeat.
            operation: [u8; 16],
            /// `pres:` URI.
            presentity: String,
            /// Which device published it.
            device: [u8; 8],
            /// That device's name for it, usually empty.
            name: String,
        }
        /// Asks what is published for a presentity, and with which devices. Answer: any number of `LivePublication`, then
        /// `End`.
        0x0034 ListPublications {
            /// `pres:` URI.
            presentity: String,
        }
        /// One publication.
        0x0143 LivePublication {
            /// Which device published it.
            device: [u8; 8],
            /// That device's name for it, usually empty.
            name: String,
            /// When it runs out.
            expires_at_ms: u64,
        }
    }
}

/// Makes, changes, refreshes or removes a publication. Answer: [`Answer::Published`]. A repeat gets the first
/// answer, by its operation.
///
/// Document without tag: initial. Tag without document: refresh. Both: modify. Lifetime zero with tag: remove.
/// RFC 3903 §4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Whose presence.
    pub presentity: Presentity,
    /// The device's name for the publication.
    pub name: PublicationName,
    /// The device's name for this operation.
    pub operation: OperationId,
    /// The tag the publication must have.
    pub if_match: Option<Tag>,
    /// How long; `None` for the default, zero to remove.
    pub lifetime: Option<Lifetime>,
    /// What to publish.
    pub document: Option<Document>,
}

impl Framed for Publish {
    type Body = body::Publish;
}

impl Field<body::Publish> for Publish {
    fn to_wire(&self) -> body::Publish {
        body::Publish {
            request: 0,
            operation: self.operation.to_wire(),
            presentity: self.presentity.to_wire(),
            name: self.name.to_wire(),
            if_match: self.if_match.to_wire(),
            lifetime_ms: self.lifetime.to_wire(),
            document: self.document.to_wire(),
        }
    }

    fn from_wire(body: body::Publish) -> Result<Self, Refusal> {
        let presentity = Field::from_wire(body.presentity.clone())?;
        check_shape(&body)?;
        Ok(Self {
            presentity,
            name: Field::from_wire(body.name)?,
            operation: Field::from_wire(body.operation)?,
            if_match: Field::from_wire(body.if_match)?,
            lifetime: Field::from_wire(body.lifetime_ms)?,
            document: Field::from_wire(body.document)?,
        })
    }
}

impl Request for Publish {
    fn weight(&self) -> usize {
        self.document.as_ref().map_or(0, Document::payload_bytes) / WEIGHT_BYTES
    }
}

/// What can mean nothing, whatever is published there.
fn check_shape(body: &body::Publish) -> Result<(), Refusal> {
    match (body.if_match, &body.document, body.lifetime_ms) {
        (None, None, _) | (None, _, Some(0)) => Err(Refusal::NothingToPublish),
        (Some(_), Some(_), Some(0)) => {
            Err(Refusal::bad_field("lifetime", "is zero, which removes; leave the document out"))
        }
        _ => Ok(()),
    }
}

/// Asks for the current presence of one presentity. Answer: [`Presence`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Whose.
    pub presentity: Presentity,
}

question! { Fetch -> Presence: presentity }

/// Removes a publication of whichever device. Answer: [`Answer::Changed`]. A repeat gets the first answer, by its operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RemovePublication {
    /// The device's name for the operation. Zero is no name.
    pub operation: OperationId,
    /// Whose presence.
    pub presentity: Presentity,
    /// Which device published it.
    pub device: DeviceId,
    /// That device's name for it.
    pub name: PublicationName,
}

framed! { request RemovePublication: operation, presentity, device, name }

impl Request for RemovePublication {
    fn operation(&self) -> Option<(NamedBy, OperationId)> {
        Some((NamedBy::Principal, self.operation))
    }

    fn subject(&self, _: &Principal) -> String {
        format!("{} {} {}", self.presentity, self.device, self.name.as_str())
    }
}

/// Asks what is published for a presentity: all of it whoever controls that, others what their own devices publish there.
/// Answer: any number of [`LivePublication`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListPublications {
    /// Whose.
    pub presentity: Presentity,
}

question! { ListPublications -> Vec<LivePublication>: presentity }

/// A publication that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LivePublication {
    /// Which device published it.
    pub device: DeviceId,
    /// That device's name for it.
    pub name: PublicationName,
    /// When it runs out.
    pub expires_at: Timestamp,
}

framed! { LivePublication in LivePublication: device, name; expires_at_ms = expires_at }

/// What the document shows of this noun.
pub(super) fn samples() -> Vec<Sample> {
    let make = body::Publish {
        request: 0,
        operation: operation(0),
        presentity: BOBS.into(),
        name: String::new(),
        if_match: None,
        lifetime_ms: None,
        document: Some(plain_document()),
    };
    let change = body::Publish {
        operation: operation(1),
        name: "phone".into(),
        if_match: Some(TAG),
        lifetime_ms: Some(HOUR_MS),
        document: Some(full_document()),
        ..make.clone()
    };
    let remove = body::Publish {
        operation: operation(2),
        if_match: Some(TAG),
        lifetime_ms: Some(0),
        document: None,
        ..make.clone()
    };
    let (device, name) = (DEVICE, "phone".to_owned());
    let live = body::LivePublication { device, name, expires_at_ms: TIME_MS + HOUR_MS };
    let gone = body::RemovePublication {
        request: 0,
        operation: operation(7),
        presentity: BOBS.into(),
        device,
        name: live.name.clone(),
    };
    let published = Answer::Published { tag: Tag(TAG), granted: Lifetime::from_ms(HOUR_MS) };
    vec![
        asked::<Publish>("Publish", 1, make),
        asked::<Publish>("Publish that changes a publication", 2, change),
        asked::<Publish>("Publish that removes a publication", 3, remove),
        answered("Published", 1, &published),
        through::<Fetch>("Fetch", body::Fetch { presentity: ALICE.into() }),
        asked::<RemovePublication>("RemovePublication", 18, gone),
        through::<ListPublications>(
            "ListPublications",
            body::ListPublications { presentity: BOBS.into() },
        ),
        through::<LivePublication>("LivePublication", live),
    ]
}
