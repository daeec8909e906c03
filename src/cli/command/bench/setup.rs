//! Where a run of a workload takes place: a fresh store, its server, and who takes part.
//!
//! Must never hold: what is measured there.

use std::fs;
use std::net::SocketAddr;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::folder::Folder;
use super::link::{Dialer, Link};
use super::offline::Offline;
use super::online::{self, Host};
use super::over::Over;
use super::participants::{Participant, Principals};
use super::pump::Pump;
use super::requests::Requests;
use super::scale::scaled;
use super::site::Site;
use crate::cli::run::failure::Failure;
use crate::client::{Credentials, ServerAddress};
use crate::model::{Domain, PastKind};

/// What the workloads know of the flags that all of them share.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) domain: Domain,
    pub(super) scale: f64,
    pub(super) target: Target,
    /// What carries the load.
    pub(super) over: Over,
}

/// The server under test.
#[derive(Clone, Debug)]
pub(super) enum Target {
    /// One that the bench starts.
    Own,
    /// One that runs already.
    Running { server: ServerAddress, http: Option<SocketAddr>, host: Option<Host> },
}

/// Where a run takes place.
pub(super) struct Setup<'a> {
    options: &'a Options,
    path: PathBuf,
    principals: Principals,
}

impl<'a> Setup<'a> {
    /// An empty setup in `folder` for principals that no server knows yet.
    pub(super) fn clear(options: &'a Options, folder: &'a Folder) -> Result<Self, Failure> {
        folder.clear()?;
        let (path, principals) =
            (folder.path().to_owned(), Principals::new(options.domain.clone()));
        Ok(Self { options, path, principals })
    }

    /// The same with an empty store of its own, in the folder `name` of this one's.
    pub(super) fn beside(&self, name: &str) -> Result<Self, Failure> {
        let path = self.path.join(name);
        fs::create_dir_all(&path).map_err(|error| Failure::io("make", &path, &error))?;
        Ok(Self { options: self.options, path, principals: self.principals.clone() })
    }

    /// `count` as it is asked to be scaled.
    pub(super) fn scaled(&self, count: usize) -> usize {
        scaled(count, self.options.scale)
    }

    /// `time` as it is asked to be scaled, but long enough for a server to get to work.
    pub(super) fn scaled_time(&self, time: Duration) -> Duration {
        time.mul_f64(self.options.scale.clamp(0.2, 1.0))
    }

    pub(super) fn principals(&self, role: &str, count: usize) -> Result<Vec<Credentials>, Failure> {
        self.principals.principals(role, count)
    }

    /// Principals called `role` and the `numbers`.
    pub(super) fn principals_from(
        &self,
        role: &str,
        numbers: Range<usize>,
    ) -> Result<Vec<Credentials>, Failure> {
        self.principals.principals_from(role, numbers)
    }

    pub(super) fn store(&self) -> &Path {
        &self.path
    }

    /// A server whose store holds `participants`.
    pub(super) async fn set(
        &self,
        participants: &[Participant],
    ) -> Result<(Site, Dialer), Failure> {
        match &self.options.target {
            Target::Own => {
                self.offline()?.furnish(participants).await?;
                self.start().await
            }
            Target::Running { server, http, host } => {
                let site = Site::running(server.clone(), *http);
                let dialer = Dialer::to(site.server.clone(), self.options.over).await?;
                online::furnish(&dialer, participants, host.as_ref()).await?;
                Ok((site, dialer))
            }
        }
    }

    pub(super) fn offline(&self) -> Result<Offline, Failure> {
        Offline::open(self.store(), self.principals.domain().clone())
    }

    /// A server of our own on the store as it is.
    pub(super) async fn start(&self) -> Result<(Site, Dialer), Failure> {
        self.start_with(&[]).await
    }

    /// As [`Setup::start`], one that keeps what is over for so long, and looks so often.
    pub(super) async fn start_keeping(
        &self,
        keep: Duration,
        check: Duration,
    ) -> Result<(Site, Dialer), Failure> {
        let [keep, check] = [keep, check].map(|time| format!("{}ms", time.as_millis()));
        let kinds =
            PastKind::ALL.map(|kind| format!("ADSUM_RETENTION_{}", kind.as_str().to_uppercase()));
        let kept = kinds.iter().map(|name| (name.as_str(), keep.clone()));
        let variables: Vec<_> = kept.chain([("ADSUM_RETENTION_CHECK", check)]).collect();
        self.start_with(&variables).await
    }

    async fn start_with(&self, variables: &[(&str, String)]) -> Result<(Site, Dialer), Failure> {
        let site = Site::start(self.store(), self.principals.domain(), variables).await?;
        let dialer = Dialer::to(site.server.clone(), self.options.over).await?;
        Ok((site, dialer))
    }

    pub(super) fn is_own(&self) -> bool {
        matches!(self.options.target, Target::Own)
    }

    /// Refuses a server that is not the bench's own; `why` says what is done with it.
    pub(super) fn must_be_own(&self, why: &str) -> Result<(), Failure> {
        let refused = || Failure::usage(format!("{why}; leave --server out"));
        self.is_own().then_some(()).ok_or_else(refused)
    }
}

/// A pump for each of `people`, who must be enrolled.
pub(super) async fn pumps<R: Requests>(
    dialer: &Dialer,
    people: &[Credentials],
    requests: impl Fn(usize, &Credentials) -> R,
) -> Result<Vec<Pump<R>>, Failure> {
    let mut pumps = Vec::with_capacity(people.len());
    for (index, who) in people.iter().enumerate() {
        let link: Link = dialer.enter(who).await?;
        pumps.push(Pump::new(link, requests(index, who)));
    }
    Ok(pumps)
}
