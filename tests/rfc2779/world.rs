//! A server process with the principals of the requirements: A who asks, B who is asked, C who should not.
//!
//! Must never hold: a check of a requirement.

use std::net::SocketAddr;
use std::time::Duration;

use adsum::client::InviteToken;
use adsum::protocol::body::{Enroll, Invite, Invited};
use bytes::Bytes;

use crate::person::Person;
use crate::processes::{Ended, Site, Staying};
use crate::support::peer::{Device, Manner, Peer};

/// The domain that every name without one is in.
pub use crate::support::DOMAIN;

/// `alice` or `alice@other.example` as a principal.
pub fn full(name: &str) -> String {
    if name.contains('@') { name.to_owned() } else { format!("{name}@{DOMAIN}") }
}

/// The name as a presentity.
pub fn pres(name: &str) -> String {
    format!("pres:{}", full(name))
}

/// The name as an inbox.
pub fn im(name: &str) -> String {
    format!("im:{}", full(name))
}

/// One server process, which lets the first comer take a free name.
pub struct World {
    pub site: Site,
    /// Where it is reached.
    pub server: SocketAddr,
    flags: Vec<String>,
}

impl World {
    pub fn open() -> Self {
        Self::start(&[])
    }

    /// With more flags of `adsum serve`.
    pub fn start(flags: &[&str]) -> Self {
        let all =
            ["--open-enrollment", "--anonymous", "--domain", DOMAIN, "--default-access", "confirm"];
        let all = [&all, flags].concat();
        let site = Site::start(&all);
        let server = site.address.parse().unwrap();
        Self { site, server, flags: all.into_iter().map(str::to_owned).collect() }
    }

    /// With health and metrics.
    pub fn start_with_http() -> Self {
        Self::start(&["--http", "127.0.0.1:0"])
    }

    /// Where health and metrics are, if they are served.
    pub fn http(&self) -> SocketAddr {
        self.site.serving["http"].as_str().unwrap().parse().unwrap()
    }

    /// Starts the server again after it was stopped.
    pub fn start_again(&mut self) {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        self.site.start_again(&flags);
    }

    /// Ends the server with SIGKILL and starts it again on the same store.
    pub fn kill_and_restart(&mut self) {
        let flags: Vec<&str> = self.flags.iter().map(String::as_str).collect();
        self.site.kill_and_restart(&flags);
    }

    /// `name` at its first device.
    pub async fn enter(&self, name: &str) -> Person {
        Person::enter(self.server, &Device::of_principal(&full(name)), Manner::default()).await
    }

    /// `name` at its first device, from another address or through a relay.
    pub async fn enter_by(&self, server: SocketAddr, name: &str, manner: Manner) -> Person {
        Person::enter_at_last(server, &Device::of_principal(&full(name)), manner).await
    }

    /// Somebody who does not say who it is.
    pub async fn enter_anonymously(&self, label: &str) -> Person {
        Person::enter(self.server, &Device::anonymous(label), Manner::default()).await
    }

    /// The first administrator, enrolled with the invite that the server made when it had nobody.
    pub async fn administrator(&self) -> Person {
        let token: InviteToken = self.site.serving["invite"].as_str().unwrap().parse().unwrap();
        self.enrolled(&Device::of_principal(&full("root")), &token).await
    }

    /// A device that enrols with an invite.
    pub async fn enrolled(&self, device: &Device, token: &InviteToken) -> Person {
        let peer = Peer::connect(self.server).await;
        let mut hello = peer.hello(device);
        let token = Bytes::copy_from_slice(token.as_bytes());
        hello.enroll = Some(Enroll { token, label: "invited".to_owned() });
        Person::introduced(peer, device, &hello).await
    }

    /// A further device of a person.
    pub async fn second_device(&self, person: &mut Person) -> Person {
        let token = invite(person, Some(person.principal.clone()), 0).await;
        let name = person.principal.clone();
        self.enrolled(&Device::second_of(&name), &token).await
    }

    /// `name` at the device that [`World::second_device`] enrolled.
    pub async fn enter_second(&self, name: &str) -> Person {
        Person::enter(self.server, &Device::second_of(&full(name)), Manner::default()).await
    }

    /// Enrols `name` for the commands, which then act as its first device.
    pub fn enroll(&self, name: &str) {
        self.run(name, &["enroll", &full(name), "--server", &self.server.to_string()]).line();
    }

    /// Runs a command of `name` to its end, printing JSON.
    pub fn run(&self, name: &str, arguments: &[&str]) -> Ended {
        self.site.run(name, arguments)
    }

    /// As [`World::run`], with `input` on standard input.
    pub fn run_with(&self, name: &str, arguments: &[&str], input: &[u8]) -> Ended {
        self.site.run_with(name, arguments, input)
    }

    /// Runs a command of `name` to its end, printing words or documents.
    pub fn plain(&self, name: &str, arguments: &[&str]) -> Ended {
        self.site.plain(name, arguments)
    }

    /// Starts a command of `name` that stays, printing JSON.
    pub fn stay(&self, name: &str, arguments: &[&str]) -> Staying {
        self.site.stay(name, arguments)
    }

    /// A file beside the store.
    pub fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.site.file(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }

    /// The events of the log from the first on, as `adsum log cat` prints them. The server must not run.
    pub fn log(&self) -> Vec<serde_json::Value> {
        crate::processes::run(&["log", "cat", "--data", &self.site.data(), "--json"]).lines()
    }

    /// Every byte of every file of the store.
    pub fn stored(&self) -> Vec<u8> {
        let (mut bytes, mut folders) = (Vec::new(), vec![self.site.data().into()]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir::<std::path::PathBuf>(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    bytes.extend(std::fs::read(path).unwrap());
                }
            }
        }
        bytes
    }
}

/// Makes an invite as `person`: for a principal or any free name, with a role.
pub async fn invite(person: &mut Person, principal: Option<String>, role: u8) -> InviteToken {
    let token = InviteToken::generate();
    let made: Invited = person
        .ask(|request| Invite {
            request,
            invite: token.id().0,
            principal,
            role,
            lifetime_ms: None,
            recovers: None,
        })
        .await
        .unwrap();
    assert!(made.expires_at_ms > 0);
    token
}

/// Whether `part` stands anywhere in `bytes`.
pub fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

/// Lets a moment pass for what must be over by then, however slow the machine is.
pub async fn pause(time: Duration) {
    tokio::time::sleep(time).await;
}
