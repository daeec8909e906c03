//! Publishing presence: once, or kept up for as long as an application runs.
//!
//! Must never hold: what others are shown (the server composes it).

use core::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::awake::Lease;
use super::client::{Client, blocking, mismatched};
use super::error::ClientError;
use super::link::current;
use super::session::Durability;
use super::state::TagFile;
use crate::model::{Document, Lifetime, Presentity, PublicationName, RefusalCode, Tag};
use crate::protocol::{Answer, Publish};

/// Which publication is meant, and for how long.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PublishOptions {
    /// Whose presence; one's own if `None`.
    pub presentity: Option<Presentity>,
    /// The device's name for the publication; usually empty.
    pub name: PublicationName,
    /// How long it is good; the server's default if `None`.
    pub lifetime: Option<Lifetime>,
}

/// A publication stands, or is gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Whose.
    pub presentity: Presentity,
    /// Its tag from now on.
    pub tag: Tag,
    /// How long it is good; zero when it was removed.
    pub granted: Lifetime,
    /// What this answer means.
    pub durability: Durability,
}

impl Published {
    fn lease(&self) -> Lease {
        Lease::new(Duration::from_millis(self.granted.as_ms()))
    }
}

/// What of a publication changes.
struct Change {
    if_match: Option<Tag>,
    lifetime: Option<Lifetime>,
    document: Option<Document>,
}

impl Client {
    /// Publishes `document` in the place of what this device published before under the same name.
    ///
    /// # Errors
    /// [`ClientError::Refused`], [`ClientError::State`] if the tag cannot be kept, and those of a connection that will
    /// not come back.
    pub async fn publish(
        &self,
        document: Document,
        options: &PublishOptions,
    ) -> Result<Published, ClientError> {
        let if_match = self.tag(options, TagFile::load).await?;
        let document = Some(document);
        let change =
            |if_match| Change { if_match, lifetime: options.lifetime, document: document.clone() };
        let first = self.change(options, change(if_match)).await;
        match first {
            // The publication ran out or another process changed it: the name says which one is replaced.
            Err(error) if if_match.is_some() && is_stale(&error) => {
                self.change(options, change(None)).await
            }
            result => result,
        }
    }

    /// Makes what is published good for longer.
    ///
    /// # Errors
    /// [`StateError::NothingPublished`](super::StateError::NothingPublished), and as [`Client::publish`].
    pub async fn refresh(&self, options: &PublishOptions) -> Result<Published, ClientError> {
        let tag = self.tag(options, TagFile::require).await?;
        let lifetime = options.lifetime;
        self.change(options, Change { if_match: Some(tag), lifetime, document: None }).await
    }

    /// Takes back what is published.
    ///
    /// # Errors
    /// As [`Client::refresh`].
    pub async fn remove(&self, options: &PublishOptions) -> Result<Published, ClientError> {
        let tag = self.tag(options, TagFile::require).await?;
        let lifetime = Some(Lifetime::ZERO);
        self.change(options, Change { if_match: Some(tag), lifetime, document: None }).await
    }

    /// Publishes `document` and keeps it good until the [`Publication`] is dropped or removed.
    ///
    /// # Errors
    /// As [`Client::publish`].
    pub async fn keep_published(
        &self,
        document: Document,
        options: PublishOptions,
    ) -> Result<Publication, ClientError> {
        let published = self.publish(document.clone(), &options).await?;
        let (state, watched) = watch::channel(Kept { document, lease: published.lease() });
        let (failure, failed) = watch::channel(None);
        let keeper = tokio::spawn(keep(self.lasting(), options.clone(), watched, failure));
        Ok(Publication { client: self.afresh(), options, state, failed, keeper })
    }

    fn presentity(&self, options: &PublishOptions) -> Presentity {
        options.presentity.clone().unwrap_or_else(|| self.identity().principal.presentity())
    }

    fn tag_file(&self, options: &PublishOptions) -> TagFile {
        TagFile::new(self.identity(), &self.presentity(options), &options.name)
    }

    async fn tag<T: Send + 'static>(
        &self,
        options: &PublishOptions,
        look: fn(&TagFile) -> Result<T, super::StateError>,
    ) -> Result<T, ClientError> {
        let file = self.tag_file(options);
        blocking(move || look(&file)).await
    }

    async fn change(
        &self,
        options: &PublishOptions,
        change: Change,
    ) -> Result<Published, ClientError> {
        let presentity = self.presentity(options);
        let removes = change.lifetime == Some(Lifetime::ZERO);
        let request = Publish {
            operation: self.operation(),
            presentity: presentity.clone(),
            name: options.name.clone(),
            if_match: change.if_match,
            lifetime: change.lifetime,
            document: change.document,
        };
        let file = self.tag_file(options);
        match self.request(request).await {
            Ok((Answer::Published { tag, granted }, durability)) => {
                blocking(move || if removes { file.forget() } else { file.store(tag) }).await?;
                Ok(Published { presentity, tag, granted, durability })
            }
            Ok((other, _)) => Err(mismatched(&other)),
            Err(error) => {
                if is_stale(&error) {
                    blocking(move || file.forget()).await?;
                }
                Err(error)
            }
        }
    }
}

fn is_stale(error: &ClientError) -> bool {
    matches!(error, ClientError::Refused(refused) if refused.is(RefusalCode::StaleTag))
}

#[derive(Debug)]
struct Kept {
    document: Document,
    lease: Lease,
}

/// A publication that is refreshed at half of its lifetime for as long as this is held.
///
/// Dropped, it runs out by itself; [`Publication::remove`] takes it back at once.
#[derive(Debug)]
pub struct Publication {
    client: Client,
    options: PublishOptions,
    state: watch::Sender<Kept>,
    failed: watch::Receiver<Option<ClientError>>,
    keeper: JoinHandle<()>,
}

impl Publication {
    /// Publishes another document in its place.
    ///
    /// # Errors
    /// As [`Client::publish`].
    pub async fn update(&self, document: Document) -> Result<Published, ClientError> {
        let published = self.client.publish(document.clone(), &self.options).await?;
        self.state.send_replace(Kept { document, lease: published.lease() });
        Ok(published)
    }

    /// Takes it back.
    ///
    /// # Errors
    /// As [`Client::remove`].
    pub async fn remove(self) -> Result<Published, ClientError> {
        self.keeper.abort();
        self.client.remove(&self.options).await
    }

    /// Waits until it cannot be kept up any more, and tells why.
    pub async fn failed(&self) -> ClientError {
        let mut failed = self.failed.clone();
        let reason = failed.wait_for(Option::is_some).await;
        reason.ok().and_then(|reason| reason.clone()).unwrap_or(ClientError::Closed)
    }
}

impl Drop for Publication {
    fn drop(&mut self) {
        self.keeper.abort();
    }
}

async fn keep(
    client: Client,
    options: PublishOptions,
    mut state: watch::Receiver<Kept>,
    failure: watch::Sender<Option<ClientError>>,
) {
    let mut links = client.links();
    let mut link = current(&links);
    let mut lease = state.borrow_and_update().lease;
    loop {
        tokio::select! {
            () = lease.due(&mut links, &mut link) => {}
            changed = state.changed() => {
                if changed.is_err() {
                    return;
                }
                lease = state.borrow_and_update().lease;
                continue;
            }
        }
        match refresh_or_publish(&client, &options, &state).await {
            Ok(published) => lease = published.lease(),
            Err(error) => {
                failure.send_replace(Some(error));
                return;
            }
        }
    }
}

/// A publication that ran out while there was no connection is published anew.
async fn refresh_or_publish(
    client: &Client,
    options: &PublishOptions,
    state: &watch::Receiver<Kept>,
) -> Result<Published, ClientError> {
    match client.refresh(options).await {
        Err(error) if is_stale(&error) => {
            let document = state.borrow().document.clone();
            client.publish(document, options).await
        }
        result => result,
    }
}
