//! What a server tells when it is ready.
//!
//! Must never hold: a secret except the first invite, which exists nowhere else.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use serde::Serialize;

use crate::client::{InviteToken, KeyHash};
use crate::server::{Server, ServerConfig};

/// `{"type":"serving", …}`: from this line on clients are served.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "serving")]
pub(super) struct ServingLine {
    /// The UDP address, with the port that was taken.
    address: String,
    /// The TCP address of health and metrics.
    http: Option<String>,
    domains: Vec<String>,
    data: String,
    server_key: String,
    pid: u32,
    #[serde(flatten)]
    first: Option<FirstInvite>,
}

/// An administrator invite, as long as nobody is enrolled.
#[derive(Debug, Serialize)]
struct FirstInvite {
    invite: String,
    /// What to run to use it.
    command: String,
    /// What to open in a browser instead, if the console is shown and pages may connect.
    #[serde(skip_serializing_if = "Option::is_none")]
    page: Option<String>,
}

impl ServingLine {
    /// The line for `server`, started with `config`.
    pub(super) fn new(server: &Server, config: &ServerConfig) -> Self {
        let key = KeyHash(server.server_key_hash());
        let domains: Vec<String> =
            config.domains.iter().map(|domain| domain.as_str().to_owned()).collect();
        let first = server.first_invite().map(|token| {
            let token = InviteToken::from_bytes(token).bound_to(key);
            let is_for_pages = config.web.webtransport || config.web.websocket.is_some();
            let http = server.http_addr().filter(|_| is_for_pages).map(reachable);
            FirstInvite::new(&token, (reachable(server.local_addr()), http), &domains[0])
        });
        Self {
            address: server.local_addr().to_string(),
            http: server.http_addr().map(|address| address.to_string()),
            domains,
            data: config.data.display().to_string(),
            server_key: key.to_string(),
            pid: std::process::id(),
            first,
        }
    }
}

impl FirstInvite {
    fn new(
        token: &InviteToken,
        (server, http): (SocketAddr, Option<SocketAddr>),
        domain: &str,
    ) -> Self {
        let command = format!("adsum enroll NAME@{domain} --server {server} --invite {token}");
        let page = http.map(|http| format!("http://{http}/#invite={token}"));
        Self { invite: token.to_string(), command, page }
    }
}

/// An address to connect to from this machine: one that stands for all is reached by loopback.
fn reachable(address: SocketAddr) -> SocketAddr {
    let loopback: IpAddr = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        // `[::]` takes IPv4 too, and more machines have an IPv4 loopback.
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip == Ipv6Addr::LOCALHOST => ip.into(),
        other => other,
    };
    SocketAddr::new(loopback, address.port())
}

impl fmt::Display for ServingLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(to, "adsum serves {}", self.domains.join(", "))?;
        writeln!(to, "  address     {} (QUIC, UDP)", self.address)?;
        let http = |path| self.http.as_ref().map(|http| format!("http://{http}{path}"));
        writeln!(to, "  console     {}", http("/").as_deref().unwrap_or("off"))?;
        writeln!(to, "  metrics     {}", http("/metrics").as_deref().unwrap_or("off"))?;
        writeln!(to, "  data        {}", self.data)?;
        write!(to, "  server key  {}", self.server_key)?;
        match &self.first {
            Some(first) => {
                write!(
                    to,
                    "\nNobody is enrolled yet. Become the administrator within 7 days:\n  {}\n",
                    first.command
                )?;
                if let Some(page) = &first.page {
                    write!(to, "or, in a browser:\n  {page}\n")?;
                }
                write!(to, "Each start tells this until somebody is enrolled.")
            }
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(first: Option<FirstInvite>) -> ServingLine {
        ServingLine {
            address: "[::]:2778".into(),
            http: Some("127.0.0.1:2780".into()),
            domains: vec!["localhost".into()],
            data: "./adsum-data".into(),
            server_key: "ab".into(),
            pid: 7,
            first,
        }
    }

    #[test]
    fn a_serving_line_tells_where_it_is_reached() {
        assert_eq!(
            serde_json::to_string(&line(None)).unwrap(),
            r#"{"type":"serving","address":"[::]:2778","http":"127.0.0.1:2780","domains":["localhost"],"data":"./adsum-data","server_key":"ab","pid":7}"#
        );
        assert!(!line(None).to_string().contains("enroll"));
    }

    #[test]
    fn the_first_start_tells_how_to_become_administrator() {
        let token = InviteToken::from_bytes([7; 32]).bound_to(KeyHash([1; 32]));
        let server = reachable("[::]:2778".parse().unwrap());
        let http = Some(reachable("0.0.0.0:2780".parse().unwrap()));
        let line = line(Some(FirstInvite::new(&token, (server, http), "localhost")));
        let command =
            format!("adsum enroll NAME@localhost --server 127.0.0.1:2778 --invite {token}");
        let page = format!("http://127.0.0.1:2780/#invite={token}");
        assert!(line.to_string().contains(&command) && line.to_string().contains(&page), "{line}");
        assert!(serde_json::to_string(&line).unwrap().contains(&format!(r#""invite":"{token}""#)));
    }

    #[test]
    fn an_address_that_stands_for_all_is_reached_by_loopback() {
        for (bound, reached) in [
            ("0.0.0.0:1", "127.0.0.1:1"),
            ("[::]:1", "127.0.0.1:1"),
            ("[::1]:1", "[::1]:1"),
            ("192.0.2.1:1", "192.0.2.1:1"),
        ] {
            assert_eq!(reachable(bound.parse().unwrap()).to_string(), reached);
        }
    }
}
