//! RFC 2779 section 2.4: firewalls. The rows about proxies are open.
//!
//! Must never hold: a requirement of another section.

use std::net::UdpSocket;

use crate::person::Act;
use crate::world::{DOMAIN, World};

/// Administrators can switch protocol activity on and off at ordinary firewalls: one UDP port and one ALPN token say
/// what to filter, a blocked port is told as `unreachable`, and an administrator can switch messaging off in a domain
/// while presence goes on.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn r2_4_4_administrators_can_filter_and_switch_the_protocol() {
    let document = include_str!("../../docs/PROTOCOL.md");
    assert!(document.contains("UDP port 2778") && document.contains("ALPN is `adsum/1`"));
    assert!(
        document.contains("## Appendix D. Firewalls"),
        "the document says how it can be filtered"
    );
    assert_eq!(adsum::wire::ALPN, b"adsum/1");

    let mut world = World::open();
    let mut root = world.administrator().await;
    let (mut bob, mut alice) = (world.enter("bob").await, world.enter("alice").await);
    bob.allow("alice").await;
    root.administer(Act::SwitchDomain(DOMAIN.into(), 0, 1)).await.unwrap();
    bob.publish("here").await;
    assert_eq!(alice.sees("bob").await, "bob: here");
    assert_eq!(alice.send("bob", "m1", "hello").await.unwrap_err(), "service-off");
    root.administer(Act::SwitchDomain(DOMAIN.into(), 1, 2)).await.unwrap();
    alice.send("bob", "m1", "hello").await.unwrap();
    assert_eq!(alice.sees("bob").await, "service-off");

    // Who drops every packet is a port that hears and never answers.
    world.enroll("carol");
    world.site.kill();
    let _silent = UdpSocket::bind(world.server).unwrap();
    let ended = world.run("carol", &["fetch", "pres:bob@d.example"]);
    assert_eq!(ended.error(3), "unreachable");
}
