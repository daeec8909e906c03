//! How a server starts, in the order in which a fault is cheapest to find.
//!
//! Must never hold: anything that is needed after the start.

use std::net::UdpSocket;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tracing::{error, info};

use super::addresses::Addresses;
use super::cache::RecentMessages;
use super::clock::{self, Clock, SystemClock, Timekeeper};
use super::config::ServerConfig;
use super::desk::Desk;
use super::http::{self, Health, Phase};
use super::keeper::{self, KeeperParts};
use super::keys::Keys;
use super::known::Known;
use super::lanes::Lanes;
use super::metrics::{Expiries, Metrics};
use super::session::Shared;
use super::tls::{self, Certificates, ForPages};
use super::unproven::Unproven;
use super::web::socket::Listening;
use super::web::{self, Pages, Pinned, Web};
use super::writer::{self, WriterParts};
use super::{Server, ServerError, accept, certificate, copy, endpoint, files, guarded, keys};
use crate::commit::Commit;
use crate::disk;
use crate::event::{Event, InviteIssued};
use crate::log::{Entries, EventLog, LogFault, SledLog};
use crate::model::limits::{INVITE_MS_DEFAULT, ROUND_PART_MAX};
use crate::model::{Domain, EpochId, InviteId, Lifetime, Now, Role, Sequence};
use crate::random;
use crate::service::ServiceConfig;
use crate::session::Settings;

/// Between two counts of the data folder's bytes: it means a look at every file.
const DISK_BYTES_EVERY: Duration = Duration::from_mins(1);

/// Starts a server and returns once it serves clients. Health is answered from the first moment on.
///
/// Must run inside a tokio runtime with time and I/O.
///
/// # Errors
/// [`ServerError`] with the thing, the cause and the cure.
pub async fn start(config: ServerConfig) -> Result<Server, ServerError> {
    start_and_tell(config, |_, _| ()).await
}

/// As [`start`], with other clocks than the machine's.
///
/// # Errors
/// As [`start`].
pub async fn start_with_clock(
    config: ServerConfig,
    clock: Arc<dyn Clock>,
) -> Result<Server, ServerError> {
    open(config, clock, |_, _| ()).await
}

/// As [`start`], and tells `progress` how far the log is replayed: events folded so far, and how many there are to fold.
///
/// # Errors
/// As [`start`].
pub async fn start_and_tell(
    config: ServerConfig,
    progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<Server, ServerError> {
    open(config, Arc::new(SystemClock), progress).await
}

async fn open(
    config: ServerConfig,
    clock: Arc<dyn Clock>,
    progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<Server, ServerError> {
    let first_domain = config.domains.first().cloned().ok_or(ServerError::NoDomain)?;
    config.limits.check()?;
    disk::make_folder(&config.data)?;
    guarded::close(&config.data)?;
    let metrics = Arc::new(Metrics::default());
    let health = Arc::new(Health::new(&config.data, Arc::clone(&metrics)));
    let mut background = JoinSet::new();
    let http = match config.http {
        Some(address) => {
            let (bound, serving) = http::open(address, &config, Arc::clone(&health))?;
            background.spawn(serving);
            Some(bound)
        }
        None => None,
    };
    let opened = open_store(&config, (first_domain, clock), Arc::clone(&health), progress).await?;
    let certificates =
        Arc::new(Certificates::new(certificate_of(&config)?, metrics.certificates.clone()));
    keys::remember(&config.data, &certificates.key_hash())?;
    let socket = endpoint::bind(&config)?;
    let websocket = web::socket::bind(&config, &certificates)?;
    let listening = (&socket, websocket.as_ref());
    let web = web_of(&config, &certificates, listening, (&opened.time, &metrics.certificates))?;
    let shared_parts = SharedParts {
        metrics,
        certificates: Arc::clone(&certificates),
        web: web.clone(),
        time: opened.time.clone(),
    };
    let first_invite = opened.first_invite;
    let (shared, writer) = share(&config, opened.commit, &opened.keys, shared_parts)?;
    let idle = config.timeouts.idle;
    let shown = (Arc::clone(&certificates), for_pages(web.as_deref()));
    let endpoint = endpoint::open(socket, &opened.keys, shown, idle)?;
    let address = endpoint.local_addr().map_err(|source| ServerError::Listen {
        transport: "UDP",
        address: config.listen,
        source,
    })?;
    let (stop, stopped) = watch::channel(false);
    let websocket_address = websocket.as_ref().map(|listening| listening.address);
    let accepting =
        accept_all(&config, (endpoint.clone(), websocket), Arc::clone(&shared), stopped);
    background.spawn(count_disk(config.data.clone(), Arc::clone(&shared.metrics)));
    background.spawn(copy::serve(config.data.clone(), opened.entries, Arc::clone(&shared.desk)));
    health.serve_pages(web.clone());
    keep_certificates(&config, &mut background, (&certificates, web), opened.time);
    health.enter(Phase::Serving);
    info!(%address, "the server serves");
    Ok(Server {
        address,
        http,
        websocket: websocket_address,
        first_invite,
        certificate: config.certificate,
        endpoint,
        shared,
        health,
        stop,
        writer,
        accepting,
        background,
    })
}

/// Lets peers in, on every address.
fn accept_all(
    config: &ServerConfig,
    (udp, tcp): (quinn::Endpoint, Option<Listening>),
    shared: Arc<Shared>,
    stopped: watch::Receiver<bool>,
) -> JoinSet<()> {
    let mut accepting = JoinSet::new();
    if let (Some(listening), Some(web)) = (tcp, &shared.web) {
        let pages = Arc::clone(&web.pages);
        accepting.spawn(web::socket::run(listening, Arc::clone(&shared), pages, stopped.clone()));
    }
    accepting.spawn(accept::run(udp, shared, config.limits.clone(), stopped));
    accepting
}

struct Opened {
    commit: Commit,
    entries: Arc<dyn Entries + Send + Sync>,
    time: Timekeeper,
    keys: Keys,
    first_invite: Option<[u8; 32]>,
}

/// Locks the folder, reads the keys, replays the log, and makes the first invite if nobody is enrolled.
async fn open_store(
    config: &ServerConfig,
    (domain, clock): (Domain, Arc<dyn Clock>),
    health: Arc<Health>,
    mut progress: impl FnMut(u64, u64) + Send + 'static,
) -> Result<Opened, ServerError> {
    let config = config.clone();
    let opening = tokio::task::spawn_blocking(move || {
        // The log is first: it holds the lock that keeps a second process from making other keys.
        let mut log = SledLog::open(&config.data)?;
        log.keep_room(config.limits.disk_reserve_bytes);
        if config.rebuild_views {
            log.discard_checkpoint()?;
        }
        if log.head() > Sequence::ZERO {
            for fault in keys::key_faults(&config.data) {
                error!("{fault}");
            }
        }
        let keys = Keys::open(&config.data)?;
        let entries = log.entries();
        let mut replayed = |done, of| {
            health.enter(Phase::Replaying(done, of));
            progress(done, of);
        };
        let mut commit =
            Commit::open(service_config(&config, &keys), Box::new(log), &mut replayed)?;
        commit.limit_message_filter(config.limits.message_filter_bytes_max);
        let time = Timekeeper::open(clock, &config.data, commit.views())?;
        let happened = commit.review(time.now())?;
        happened.iter().flat_map(|batch| &batch.events).for_each(|(_, event)| clock::tell(event));
        let first_invite = first_invite(&mut commit, &domain, &keys, time.now())?;
        Ok(Opened { commit, entries, time, keys, first_invite })
    });
    opening.await.unwrap_or_else(|panic| {
        Err(ServerError::Writer { reason: format!("opening the store: {panic}") })
    })
}

/// What of the operator's decisions the service is told.
fn service_config(config: &ServerConfig, keys: &Keys) -> ServiceConfig {
    let request_ms = u64::try_from(config.request_lifetime.as_millis()).unwrap_or(u64::MAX);
    ServiceConfig {
        domains: config.domains.clone(),
        open_enrollment: config.open_enrollment,
        default_access: config.default_access,
        request_lifetime: Lifetime::from_ms(request_ms),
        presence: config.presence,
        messaging: config.messaging,
        anonymous_max: if config.anonymous { config.limits.anonymous_max } else { 0 },
        anonymous_of_origin_max: config.limits.address_anonymous_max,
        round_part: ROUND_PART_MAX,
        review_part: ROUND_PART_MAX,
        secret: keys.store,
        quotas: config.limits.quotas,
        epoch: EpochId(random::bytes()),
    }
}

/// An administrator invite, as long as nobody is enrolled who could make one: at each start the same, good again for a
/// whole week.
fn first_invite(
    commit: &mut Commit,
    domain: &Domain,
    keys: &Keys,
    now: Now,
) -> Result<Option<[u8; 32]>, LogFault> {
    if commit.sizes().principals > 0 {
        return Ok(None);
    }
    let token = keys.first_invite();
    let invite = InviteIssued {
        invite: InviteId::of(&token),
        principal: None,
        domain: domain.as_str().to_owned(),
        role: Role::Administrator,
        by: None,
        device: None,
        is_first: true,
        expires_at: now.elapsed.after(Lifetime::from_ms(INVITE_MS_DEFAULT)),
    };
    commit.record(now, vec![Event::InviteIssued(invite)])?;
    Ok(Some(token))
}

fn certificate_of(config: &ServerConfig) -> Result<certificate::ServerCertificate, ServerError> {
    if let Some(files) = &config.certificate {
        return certificate::load(files);
    }
    certificate::own(&config.data, &names_of(config))
}

/// What pages need, if they are served; told in a file of the data folder.
fn web_of(
    config: &ServerConfig,
    certificates: &Arc<Certificates>,
    (udp, tcp): (&UdpSocket, Option<&Listening>),
    (time, expiries): (&Timekeeper, &Expiries),
) -> Result<Option<Arc<Web>>, ServerError> {
    if !config.web.webtransport && tcp.is_none() {
        return Ok(None);
    }
    let pinned = match config.certificate {
        None if config.web.webtransport => {
            let (names, now) = (names_of(config), time.now().wall);
            Some(Arc::new(Pinned::open(&config.data, names, now, expiries.clone())?))
        }
        _ => None,
    };
    let port = udp.local_addr().map_or(config.listen.port(), |address| address.port());
    let port = config.web.webtransport.then_some(port);
    let socket = tcp.map(|tcp| (tcp.address.port(), tcp.is_encrypted()));
    let pages = Arc::new(Pages::new(config.web.origins.clone(), config.domains.clone()));
    let web = Web { pages, pinned, certificates: Arc::clone(certificates), port, socket };
    web.write(&config.data)?;
    Ok(Some(Arc::new(web)))
}

/// Has certificates renewed, each when it is time.
fn keep_certificates(
    config: &ServerConfig,
    background: &mut JoinSet<()>,
    (certificates, web): (&Arc<Certificates>, Option<Arc<Web>>),
    time: Timekeeper,
) {
    let every = config.timeouts.certificate_poll;
    if let Some(files) = config.certificate.clone() {
        background.spawn(tls::keep_fresh(Arc::clone(certificates), files, every));
    }
    if let Some(web) = web {
        background.spawn(web::keep_fresh(web, config.data.clone(), time, every));
    }
}

fn for_pages(web: Option<&Web>) -> ForPages {
    match web.filter(|web| web.port.is_some()).map(|web| web.pinned.clone()) {
        None => ForPages::Nothing,
        Some(None) => ForPages::TheSame,
        Some(Some(pinned)) => ForPages::Pinned(pinned),
    }
}

fn names_of(config: &ServerConfig) -> Vec<String> {
    config.domains.iter().map(|domain| domain.as_str().to_owned()).collect()
}

struct SharedParts {
    metrics: Arc<Metrics>,
    certificates: Arc<Certificates>,
    web: Option<Arc<Web>>,
    time: Timekeeper,
}

/// Starts the writer and puts together what all sessions share.
fn share(
    config: &ServerConfig,
    commit: Commit,
    keys: &Keys,
    parts: SharedParts,
) -> Result<(Arc<Shared>, writer::WriterThread), ServerError> {
    let lanes = Arc::new(Lanes::default());
    let recent = Arc::new(RecentMessages::new(config.limits.cache_bytes_max));
    let (reader, known) = (commit.reader(), Arc::new(Known::of(commit.views())));
    let desk = Desk::new(config.limits.queue_bundles_max);
    let keeper_parts = KeeperParts {
        reader: Arc::clone(&reader),
        cutter: commit.cutter().expect("sled cuts"),
        retention: config.retention.clone(),
        time: parts.time.clone(),
        data: config.data.clone(),
        metrics: Arc::clone(&parts.metrics),
    };
    let chores = keeper::start(keeper_parts, &desk)?;
    let writer_parts = WriterParts {
        commit,
        lanes: Arc::clone(&lanes),
        recent: Arc::clone(&recent),
        known: Arc::clone(&known),
        metrics: Arc::clone(&parts.metrics),
        time: parts.time.clone(),
        chores,
    };
    let thread = writer::start(writer_parts, &desk, &config.limits)?;
    let shared = Shared {
        timeouts: config.timeouts.clone(),
        lanes,
        unproven: Arc::new(Unproven::new(config.limits.unproven_max)),
        addresses: Arc::new(Addresses::new(&config.limits)),
        desk,
        known,
        settings: Arc::new(Settings {
            silence_max: config.timeouts.stream,
            store_secret: keys.store,
            cursor_secret: keys.cursor,
        }),
        web: parts.web,
        certificates: parts.certificates,
        recent,
        data: config.data.as_path().into(),
        reader,
        metrics: parts.metrics,
        time: parts.time,
    };
    Ok((Arc::new(shared), thread))
}

/// Counts the data folder's bytes now and then. Ends with the task it runs in.
async fn count_disk(data: PathBuf, metrics: Arc<Metrics>) {
    loop {
        let folder = data.clone();
        let counted = tokio::task::spawn_blocking(move || files::folder_bytes(Path::new(&folder)));
        if let Ok(bytes) = counted.await {
            metrics.disk_bytes.set(i64::try_from(bytes).unwrap_or(i64::MAX));
        }
        tokio::time::sleep(DISK_BYTES_EVERY).await;
    }
}
