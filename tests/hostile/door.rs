//! Strangers: peers that have proven nothing, and perhaps never will.
//!
//! Must never hold: a peer that has proven who it is.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use adsum::model::limits::{
    HELLO_BYTES_MAX, UNPROVEN_BYTES_MAX, UNPROVEN_STREAMS_MAX, UNPROVEN_STREAMS_OPEN_MAX,
};
use adsum::server::ServerLimits;
use adsum::wire::{CloseCode, StreamType};
use quinn::{Connection, Endpoint};
use tokio::net::UdpSocket;

use crate::processes::{Staying, program};
use crate::support::child::Process;
use crate::support::http::count;
use crate::support::peer::{Device, Manner, Peer, Session, client_config};
use crate::support::server::{Running, any_port};
use crate::support::stream::{End, Stream};
use crate::support::{DOMAIN, until, within};

/// Connections that may have proven nothing at once.
const PLACES: usize = 384;
/// What a connection that has proven nothing may cost, and all of them.
const UNPROVEN_COST: u64 = 64 * 1024;
const UNPROVEN_COST_TOTAL: u64 = 32 * 1024 * 1024;

/// Connects `count` peers that share a socket.
async fn strangers(endpoint: &Endpoint, server: SocketAddr, count: usize) -> Vec<Connection> {
    let mut connections = Vec::new();
    for _ in 0..count {
        let connecting =
            endpoint.connect_with(client_config(Manner::default()), server, "adsum").unwrap();
        connections.push(within("a stranger connects", connecting).await.unwrap());
    }
    connections
}

/// How a stranger fills a stream: the first bytes, and then how many at once until nothing more is taken.
#[derive(Clone, Copy)]
struct Filling {
    name: &'static str,
    first: &'static [u8],
    at_once: usize,
}

const FILLINGS: [Filling; 4] = [
    Filling { name: "questions", first: &[1, 0, 1, 0, 0], at_once: 4_096 },
    Filling { name: "feeds, a few bytes a packet", first: &[2, 0, 1, 0, 0], at_once: 32 },
    Filling { name: "half a Hello", first: &[0, 0, 0, 16, 0], at_once: 512 },
    Filling { name: "streams for nothing yet", first: &[], at_once: 1_200 },
];

/// Opens as many streams as are allowed, up to 64, and fills each; counts the bytes that are taken.
async fn fill(connection: Connection, filling: Filling, taken: Arc<AtomicUsize>) {
    let mut streams = tokio::task::JoinSet::new();
    for _ in 0..64 {
        let opening = tokio::time::timeout(Duration::from_millis(200), connection.open_bi());
        let Ok(Ok((mut send, receive))) = opening.await else { break };
        let taken = Arc::clone(&taken);
        streams.spawn(async move {
            let _receive = receive;
            if send.write_all(filling.first).await.is_err() {
                return;
            }
            let garbage = vec![7; filling.at_once];
            for _ in 0..(64 * 1024 / filling.at_once) {
                match send.write(&garbage).await {
                    Ok(count) => taken.fetch_add(count, Ordering::Relaxed),
                    Err(_) => return,
                };
                tokio::task::yield_now().await;
            }
            std::future::pending::<()>().await;
        });
    }
    // Held until the connection is over.
    let _ = connection.closed().await;
}

/// Waits until `value` has not changed for half a second.
async fn settled(mut value: impl AsyncFnMut() -> u64) -> u64 {
    let (mut last, mut same) = (value().await, 0);
    until("it settles", async || {
        tokio::time::sleep(Duration::from_millis(40)).await;
        let now = value().await;
        same = if now == last { same + 1 } else { 0 };
        last = now;
        (same >= 12).then_some(now)
    })
    .await
}

/// Fills the buffers that the server's socket has for all.
pub(crate) fn touch_buffers(server: SocketAddr) {
    let socket = std::net::UdpSocket::bind(any_port()).unwrap();
    for _ in 0..512 {
        socket.send_to(&vec![0; 60_000], server).unwrap();
    }
}

/// As many connections as there are places, and then twice as many, which do all that they are let.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_cost_the_server_little_memory() {
    assert_eq!(ServerLimits::default().unproven_max, PLACES);
    for filling in FILLINGS {
        let folder = tempfile::tempdir().unwrap();
        let server = Process::start(folder.path());
        let endpoint = Endpoint::client(any_port()).unwrap();
        // What is allocated once, at the first connection, belongs to nobody.
        drop(Session::enter(server.address, "alice").await);
        touch_buffers(server.address);
        let before = server.memory();
        let (mut tasks, taken) = (tokio::task::JoinSet::new(), Arc::new(AtomicUsize::new(0)));
        for round in 1..=2 {
            for connection in strangers(&endpoint, server.address, PLACES).await {
                tasks.spawn(fill(connection, filling, Arc::clone(&taken)));
            }
            settled(async || taken.load(Ordering::Relaxed) as u64).await;
            let open = count(server.http, "adsum_connections").await;
            let (grown, name) = (server.memory().saturating_sub(before), filling.name);
            println!("{name}, round {round}: {open} connections, {} KiB", grown / 1024);
            assert!(open <= PLACES as u64, "{name}: {open} connections");
            assert!(grown <= UNPROVEN_COST_TOTAL, "{name}: {grown} bytes for {open}");
            if round == 1 {
                assert!(grown <= PLACES as u64 * UNPROVEN_COST, "{name}: {grown} bytes for {open}");
            }
        }
        Session::enter(server.address, "bob").await.publish("at my desk").await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_has_few_streams_and_little_on_its_way() {
    let running = Running::start().await;
    let peer = Peer::connect(running.address()).await;
    let mut streams = Vec::new();
    for _ in 0..UNPROVEN_STREAMS_OPEN_MAX {
        streams.push(Stream::open(&peer.connection, StreamType::Query).await.unwrap());
    }
    let short = Duration::from_millis(200);
    assert!(tokio::time::timeout(short, peer.connection.open_bi()).await.is_err());
    let mut taken = streams.len();
    while let Ok(written) = tokio::time::timeout(short, streams[0].send.write(&[7; 1_000])).await {
        taken += written.unwrap();
    }
    assert!(taken <= UNPROVEN_BYTES_MAX as usize, "{taken} bytes were taken");
    // What was read is one byte of each.
    assert!(taken + streams.len() >= UNPROVEN_BYTES_MAX as usize, "{taken} bytes were taken");
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_proves_who_it_is_gets_its_whole_share() {
    let running = Running::start().await;
    let alice = Session::enter(running.address(), "alice").await;
    let mut streams = Vec::new();
    for _ in 1..64 {
        streams.push(Stream::blank(&alice.peer.connection).await.unwrap());
    }
    // Of a stream that is not read, its window is taken; of two, both.
    for stream in &mut streams[..2] {
        let question = [&[1, 0, 1, 0, 0][..], &vec![7; 60_000]].concat();
        within("60,000 bytes are taken", stream.send.write_all(&question)).await.unwrap();
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn streams_opened_in_a_loop_before_hello_end_the_connection() {
    let running = Running::start().await;
    for kind in [Some(StreamType::Query), Some(StreamType::Feed), None] {
        let peer = Peer::connect(running.address()).await;
        let mut opened = 0;
        let end = loop {
            let Ok(mut stream) = Stream::blank(&peer.connection).await else {
                break peer.end().await;
            };
            stream.bytes(&[kind.map_or(0x77, StreamType::byte)]).await;
            let _ = stream.send.reset(7_u32.into());
            opened += 1;
            assert!(opened <= 4 * UNPROVEN_STREAMS_MAX, "{opened} streams were opened");
        };
        assert_eq!(end, End::closed(CloseCode::LimitExceeded), "{kind:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bytes_in_small_pieces_before_hello_end_the_connection() {
    let running = Running::start().await;
    for kind in [StreamType::Query, StreamType::Feed, StreamType::Control] {
        let peer = Peer::connect(running.address()).await;
        let mut stream = Stream::open(&peer.connection, kind).await.unwrap();
        // The length of a frame that is let in front of Hello.
        stream.bytes(&[0, 0, 16, 0]).await;
        let mut sent = 0;
        while stream.send.write_all(&[7]).await.is_ok() {
            sent += 1;
            assert!(sent <= HELLO_BYTES_MAX, "{sent} bytes were taken one by one");
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        assert_eq!(peer.end().await, End::closed(CloseCode::LimitExceeded), "{kind:?}");
    }
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn frames_in_front_of_hello_are_passed_over_up_to_a_bound() {
    let running = Running::start().await;
    let skipped = |body: usize| {
        let length = u32::try_from(body + 2).unwrap();
        [&length.to_be_bytes()[..], &[0x80, 0x99], &vec![7; body]].concat()
    };
    let peer = Peer::connect(running.address()).await;
    let mut control = peer.open(StreamType::Control).await;
    control.bytes(&skipped(HELLO_BYTES_MAX - 6)).await;
    control.write(&peer.hello(&Device::of("alice"))).await;
    control.read::<adsum::protocol::body::Welcome>().await;
    for body in [0, 100, HELLO_BYTES_MAX - 2] {
        let peer = Peer::connect(running.address()).await;
        let mut control = peer.open(StreamType::Control).await;
        let mut sent = 0;
        while control.send.write_all(&skipped(body)).await.is_ok() {
            sent += body + 6;
            assert!(sent < 1024 * 1024, "{sent} bytes in front of a Hello");
        }
        assert_eq!(peer.end().await, End::closed(CloseCode::FrameTooLarge), "{body}");
    }
    running.stop().await;
}

/// First packets of so many clients, each with a whole and right `ClientHello`, as a server gets them.
async fn first_packets(count: usize) -> Vec<Vec<u8>> {
    let sink = UdpSocket::bind(any_port()).await.unwrap();
    let endpoint = Endpoint::client(any_port()).unwrap();
    let mut found: BTreeMap<Vec<u8>, Vec<u8>> = BTreeMap::new();
    while found.len() < count {
        let config = client_config(Manner::default());
        let client = endpoint.connect_with(config, sink.local_addr().unwrap(), "adsum").unwrap();
        // Before it are those by which older clients say that they have gone.
        loop {
            let mut packet = vec![0; 2_048];
            let taken = within("a packet comes", sink.recv(&mut packet)).await.unwrap();
            packet.truncate(taken);
            // Flags, version, and then the length of the name that the client made up for the server, and the name.
            let name = packet[6..6 + usize::from(packet[5])].to_vec();
            if let Entry::Vacant(place) = found.entry(name) {
                place.insert(packet);
                break;
            }
        }
        drop(client);
    }
    found.into_values().collect()
}

/// Sends one of `packets` every 6 ms, each from a socket that answers nothing.
async fn flood(server: SocketAddr, packets: Vec<Vec<u8>>, sent: Arc<AtomicUsize>) {
    let mut sockets = Vec::new();
    for packet in packets {
        let socket = UdpSocket::bind(any_port()).await.unwrap();
        socket.send_to(&packet, server).await.unwrap();
        sockets.push(socket);
        sent.fetch_add(1, Ordering::Relaxed);
        tokio::time::sleep(Duration::from_millis(6)).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_come_in_while_others_flood_with_half_handshakes() {
    const FLOOD: usize = 900;
    let running = Running::start().await;
    let sent = Arc::new(AtomicUsize::new(0));
    let packets = first_packets(FLOOD).await;
    let flooding = tokio::spawn(flood(running.address(), packets, Arc::clone(&sent)));
    // More than would be held before anybody is told to prove its address.
    until("the flood has begun", async || (sent.load(Ordering::Relaxed) > 150).then_some(())).await;
    for number in 0..10 {
        Session::enter(running.address(), &format!("client-{number}")).await;
    }
    assert!(!flooding.is_finished(), "ten clients took longer than {FLOOD} half handshakes");
    let retried = "adsum_handshakes_total{outcome=\"retried\"}";
    assert!(count(running.http(), retried).await > 100, "addresses are to be proven");
    flooding.abort();
    running.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_its_share_and_no_more() {
    let other = Manner { from: [127, 0, 0, 2].into(), ..Manner::default() };
    let running = Running::start_with(|config| {
        config.limits.proxies = Vec::new();
        config.limits.address_connections_max = 3;
    })
    .await;
    let address = running.address();
    let mut sessions = Vec::new();
    for number in 0..3 {
        sessions.push(Session::enter(address, &format!("client-{number}")).await);
    }
    assert!(Peer::try_connect(address, Manner::default()).await.is_err(), "a fourth gets in");
    Peer::try_connect(address, other.clone()).await.unwrap();
    drop(sessions.pop());
    until("there is room again", async || Peer::try_connect(address, Manner::default()).await.ok())
        .await;
    running.stop().await;

    let running = Running::start_with(|config| {
        config.limits.proxies = Vec::new();
        // Ten are saved up.
        config.limits.address_handshakes_per_s_max = 1;
    })
    .await;
    let address = running.address();
    let mut let_in = 0;
    for _ in 0..40 {
        let peer = Peer::try_connect(address, Manner::default()).await;
        let Ok(peer) = peer else { break };
        let hello = peer.hello(&Device::of("alice"));
        let_in += usize::from(Session::begin(peer, "alice", &hello).await.is_ok());
    }
    assert!((1..40).contains(&let_in), "{let_in} of 40 were let in");
    Session::enter_as(address, &Device::of("bob"), other).await;
    running.stop().await;
}

/// Lines that `adsum serve` wrote to the file at `path`.
fn lines(path: &std::path::Path) -> Vec<String> {
    let text = String::from_utf8(std::fs::read(path).unwrap()).expect("lines are text");
    text.split('\n').map(str::to_owned).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn lines_that_strangers_cause_are_few_and_hold_nothing_raw() {
    const NASTY: &str = "\x1b]0;owned\x07\r\nERROR a line of its own \u{202e}\u{9b}31m";
    let folder = tempfile::tempdir().unwrap();
    let log = folder.path().join("stderr");
    let mut server = Staying::start(
        program()
            .args(["serve", "--json", "--listen", "127.0.0.1:0", "--no-http", "--log", "debug"])
            .args(["--domain", DOMAIN, "--data"])
            .arg(folder.path().join("store"))
            .stderr(std::fs::File::create(&log).unwrap()),
    );
    let address = server.object()["address"].as_str().unwrap().parse().unwrap();
    let began = std::time::Instant::now();
    for number in 0..200 {
        let peer = Peer::connect(address).await;
        if number >= 100 {
            let mut control = peer.say_hello(&peer.hello(&Device::of("stranger"))).await;
            control.refused().await;
        } else {
            peer.connection.close(7_u32.into(), NASTY.as_bytes());
            peer.connection.closed().await;
        }
    }
    let told = async || lines(&log).iter().any(|line| line.contains("owned")).then_some(());
    until("a close is told of", told).await;
    let most = usize::try_from(began.elapsed().as_secs()).unwrap() + 2;
    let all = lines(&log);
    for kind in ["a Hello was refused", "the connection ends", "no Hello came in time"] {
        let count = all.iter().filter(|line| line.contains(kind)).count();
        assert!(count <= most, "{count} lines say {kind}");
    }
    for line in all {
        let is_raw = |c: char| c.is_control() || "\u{202e}\u{9b}".contains(c);
        assert!(!line.contains(is_raw) && !line.starts_with("ERROR a line"), "{line:?}");
    }
    assert_eq!(server.stop("TERM"), Some(0));
}
