//! Mosquitto: what is told at least once, and a session that persists for each inbox, by the crate `rumqttc`.
//!
//! Must never hold: a setting that is not the default, but those without which it would drop what waits.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Instant;

use bytes::Bytes;
use rumqttc::{
    AsyncClient, Event, EventLoop, Incoming, MqttOptions, NetworkOptions, Outgoing, PublishOptions,
    QoS,
};

use super::body::{BODY, number_of, numbered};
use super::daemon::Daemon;
use super::fanout::{Fan, Watcher};
use super::figures::Figures;
use super::kind::Sizes;
use super::sender::{Sender, Sending};
use crate::cli::command::bench::closed::{Work, run_all};
use crate::cli::command::bench::link::wrong;
use crate::cli::command::bench::sizes::STORE_WINDOW;
use crate::cli::run::failure::Failure;

/// What watchers hear.
const CHANGES: &str = "changes";
/// Of whom nothing was heard for so long, the server thinks that it is gone: longer than a bench takes.
const KEEP_ALIVE_SECS: u16 = 3_600;

/// A session, driven by whoever waits for something.
struct Session {
    client: AsyncClient,
    events: EventLoop,
}

impl Session {
    /// Begins one as `name`, anew or as it was left.
    async fn enter(address: SocketAddr, name: &str, is_new: bool) -> Result<Self, Failure> {
        let window = u16::try_from(STORE_WINDOW).expect("it is small");
        let mut options = MqttOptions::new(name, (address.ip().to_string(), address.port()));
        options.set_clean_session(is_new).set_keep_alive(KEEP_ALIVE_SECS).set_inflight(window);
        // Written at once, as many as may be unanswered: one by one they would take three times the processor.
        options.set_max_request_batch(STORE_WINDOW);
        let (client, mut events) = AsyncClient::builder(options).capacity(STORE_WINDOW).build();
        let mut network = NetworkOptions::new();
        network.set_tcp_nodelay(true);
        events.set_network_options(network);
        let mut session = Self { client, events };
        session.until(|event| matches!(event, Event::Incoming(Incoming::ConnAck(_)))).await?;
        Ok(session)
    }

    /// Waits for what `is_it` knows.
    async fn until(&mut self, is_it: impl Fn(&Event) -> bool) -> Result<(), Failure> {
        while !is_it(&self.events.poll().await.map_err(wrong)?) {}
        Ok(())
    }

    /// Subscribes, and waits until that was heard, and all before it.
    async fn subscribe(&mut self, topic: &str) -> Result<(), Failure> {
        self.client.try_subscribe(topic, QoS::AtLeastOnce).map_err(wrong)?;
        self.until(|event| matches!(event, Event::Incoming(Incoming::SubAck(_)))).await
    }

    fn publish(&self, topic: String, body: Bytes) -> Result<(), Failure> {
        let options = PublishOptions::new(QoS::AtLeastOnce);
        self.client.try_publish(topic, body, options).map_err(wrong)
    }

    async fn published(&mut self) -> Result<usize, Failure> {
        self.until(|event| matches!(event, Event::Incoming(Incoming::PubAck(_)))).await?;
        Ok(1)
    }

    /// The next message, which is acknowledged behind the client's back.
    async fn message(&mut self) -> Result<Bytes, Failure> {
        loop {
            if let Event::Incoming(Incoming::Publish(message)) =
                self.events.poll().await.map_err(wrong)?
            {
                return Ok(message.payload);
            }
        }
    }
}

/// Messages to one topic after the other.
struct Sends {
    session: Session,
    inboxes: usize,
    offset: usize,
}

impl Sender for Sends {
    async fn send(&mut self, number: u64) -> Result<(), Failure> {
        let place = usize::try_from(number).unwrap_or_default() + self.offset;
        self.session.publish(inbox(place % self.inboxes), Bytes::from_static(&BODY))
    }

    async fn answered(&mut self) -> Result<usize, Failure> {
        self.session.published().await
    }
}

/// Changes of one topic.
pub(super) struct Changes(Session);

impl Sender for Changes {
    async fn send(&mut self, number: u64) -> Result<(), Failure> {
        self.0.publish(CHANGES.to_owned(), Bytes::copy_from_slice(&numbered(number)))
    }

    async fn answered(&mut self) -> Result<usize, Failure> {
        self.0.published().await
    }
}

impl Watcher for Changes {
    async fn next(&mut self) -> Result<Option<u64>, Failure> {
        Ok(number_of(&self.0.message().await?))
    }
}

impl Fan for Changes {
    type Watcher = Self;

    async fn publisher(address: SocketAddr) -> Result<Self, Failure> {
        Session::enter(address, "publisher", true).await.map(Self)
    }

    async fn watcher(address: SocketAddr, number: usize) -> Result<Self, Failure> {
        let mut session = Session::enter(address, &format!("watcher-{number}"), true).await?;
        session.subscribe(CHANGES).await?;
        Ok(Self(session))
    }
}

fn inbox(number: usize) -> String {
    format!("inbox/{number}")
}

/// Starts one that keeps sessions, and all that waits in them.
pub(super) async fn start(program: &Path, beside: &Path) -> Result<Daemon, Failure> {
    Daemon::start(program, beside, |port, folder| {
        let settings = format!(
            "listener {port} 127.0.0.1\nallow_anonymous true\npersistence true\n\
             persistence_location {}/\nmax_queued_messages 0\n",
            folder.display()
        );
        // Started as root it would become somebody who may not write here.
        let settings = if is_root() { settings + "user root\n" } else { settings };
        let path = folder.join("mosquitto.conf");
        std::fs::write(&path, settings).map_err(|error| Failure::io("write", &path, &error))?;
        Ok(vec!["-c".to_owned(), path.display().to_string()])
    })
    .await
}

#[cfg(unix)]
fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

#[cfg(not(unix))]
fn is_root() -> bool {
    false
}

/// Gives each of `count` inboxes an owner, who goes away.
async fn make_owners(daemon: &Daemon, count: usize) -> Result<(), Failure> {
    for number in 0..count {
        let name = format!("owner-{number}");
        let mut owner = Session::enter(daemon.address, &name, false).await?;
        owner.subscribe(&inbox(number)).await?;
        owner.client.disconnect_now().await.map_err(wrong)?;
        owner.until(|event| matches!(event, Event::Outgoing(Outgoing::Disconnect))).await?;
    }
    Ok(())
}

async fn sending(
    daemon: &Daemon,
    (inboxes, offset): (usize, usize),
    name: &str,
) -> Result<Sending<Sends>, Failure> {
    let session = Session::enter(daemon.address, name, true).await?;
    Ok(Sending::new(Sends { session, inboxes, offset }))
}

/// As `store` and `ack`.
pub(super) async fn send(
    daemon: &Daemon,
    sizes: &Sizes,
    work: Work,
    connections: usize,
) -> Result<Figures, Failure> {
    make_owners(daemon, sizes.inboxes).await?;
    let step = (sizes.inboxes / connections).max(1);
    let mut all = Vec::with_capacity(connections);
    for index in 0..connections {
        let inboxes = (sizes.inboxes, index * step);
        all.push(sending(daemon, inboxes, &format!("sender-{index}")).await?);
    }
    let (all, ..) = run_all(all, work.warm_up(), "warming up").await?;
    let (_, time, samples) = run_all(all, work, "measuring").await?;
    Ok(Figures::answered(work.count, time, samples))
}

/// As `drain`: the owner of a full inbox comes back, takes all and acknowledges each; that the server has heard the last is shown by
/// its answer to what comes behind that.
pub(super) async fn drain(daemon: &Daemon, sizes: &Sizes) -> Result<Figures, Failure> {
    make_owners(daemon, 1).await?;
    let filling = vec![sending(daemon, (1, 0), "sender").await?];
    run_all(filling, Work { count: sizes.drain, window: 64 }, "filling the inbox").await?;
    let began = Instant::now();
    let mut owner = Session::enter(daemon.address, "owner-0", false).await?;
    for _ in 0..sizes.drain {
        owner.message().await?;
    }
    owner.subscribe("nothing").await?;
    Ok(Figures::drained(sizes.drain, began.elapsed()))
}
