//! Where the program finds itself: variables that a platform sets, and the spellings of a server's address.
//!
//! Must never hold: a machine that has something other machines have not.

use std::process::Stdio;

use crate::processes::{Site, Staying, program};

/// What Kubernetes sets in every container for Services called `adsum` and `adsum-http`.
const OF_A_PLATFORM: [(&str, &str); 14] = [
    ("ADSUM_SERVICE_HOST", "10.0.0.1"),
    ("ADSUM_SERVICE_PORT", "2778"),
    ("ADSUM_SERVICE_PORT_QUIC", "2778"),
    ("ADSUM_PORT", "udp://10.0.0.1:2778"),
    ("ADSUM_PORT_2778_UDP", "udp://10.0.0.1:2778"),
    ("ADSUM_PORT_2778_UDP_PROTO", "udp"),
    ("ADSUM_PORT_2778_UDP_PORT", "2778"),
    ("ADSUM_PORT_2778_UDP_ADDR", "10.0.0.1"),
    ("ADSUM_HTTP_SERVICE_HOST", "fd00::1"),
    ("ADSUM_HTTP_SERVICE_PORT", "2780"),
    ("ADSUM_HTTP_PORT", "tcp://[fd00::1]:2780"),
    ("ADSUM_HTTP_PORT_2780_TCP", "tcp://[fd00::1]:2780"),
    ("ADSUM_HTTP_PORT_2780_TCP_ADDR", "fd00::1"),
    ("ADSUM_HTTP_PORT_2780_SCTP_PROTO", "sctp"),
];

#[test]
fn variables_of_a_platform_stop_neither_a_server_nor_a_command() {
    let site = Site::open();
    let folder = site.file("other");
    let mut command = program();
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--no-http"]).arg("--data");
    let mut server = Staying::start(command.arg(&folder).envs(OF_A_PLATFORM).stderr(Stdio::null()));
    assert_eq!(server.object()["type"], "serving");
    for arguments in
        [&["enroll", "alice@localhost", "--server", &site.address][..], &["inbox"], &["doctor"]]
    {
        let ended = site.command("alice", arguments).envs(OF_A_PLATFORM).output().unwrap();
        assert!(ended.status.success(), "{arguments:?}: {ended:?}");
    }
}

#[test]
fn a_mistyped_setting_still_stops_a_start_beside_variables_of_a_platform() {
    let mut command = program();
    command.args(["serve", "--print-config"]).envs(OF_A_PLATFORM);
    assert!(command.output().unwrap().status.success());
    let ended = command.env("ADSUM_SERVER_LISTN", "127.0.0.1:0").output().unwrap();
    let told = String::from_utf8(ended.stderr).unwrap();
    assert_eq!(ended.status.code(), Some(2));
    assert!(told.contains("did you mean ADSUM_SERVER_LISTEN?"), "{told}");
}

#[cfg(target_os = "linux")]
#[test]
fn a_server_is_reached_by_each_spelling_that_the_system_reads() {
    let site = Site::open();
    let port = site.address.rsplit_once(':').unwrap().1;
    for (number, host) in
        ["127.1", "127.0.0.1", "localhost", "LOCALHOST", "2130706433", "ｌocalhost"]
            .iter()
            .enumerate()
    {
        let who = format!("p{number}");
        let server = format!("{host}:{port}");
        let enrolled =
            site.run(&who, &["enroll", &format!("{who}@localhost"), "--server", &server]);
        assert_eq!(enrolled.exit, 0, "{host}: {}", enrolled.stderr);
        site.run(&who, &["inbox"]).lines();
    }
}

#[test]
fn an_address_that_leads_nowhere_is_told_with_what_to_write() {
    let site = Site::open();
    for (server, cure) in [
        ("[fe80::1%nowhere]:1", "check the address and its zone"),
        ("[fe80::1]:1", "write it such as [fe80::1%eth0]:2778"),
        ("0.0.0.0:1", "name one, on the server's own machine 127.0.0.1"),
        ("[::]:1", "name one, on the server's own machine 127.0.0.1"),
        ("nowhere.invalid:1", "check the spelling"),
    ] {
        let told = site.plain("t", &["enroll", "t@localhost", "--server", server]);
        assert_eq!(told.exit, 3, "{}", told.stderr);
        assert!(told.stderr.contains(server) && told.stderr.contains(cure), "{}", told.stderr);
    }
}
