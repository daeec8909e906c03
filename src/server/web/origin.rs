//! Which pages may connect, by what a browser says of them.
//!
//! A browser says truly which page asks, so that a page that its visitor opened by chance reaches no server of the
//! visitor's own network. Whoever is no browser can say anything, or nothing.
//! Must never hold: who a person is; a page proves nothing about that.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};

use axum::http::Uri;
use axum::http::uri::PathAndQuery;

use crate::model::Domain;

/// Where a page comes from, as a browser writes it: scheme and host, and the port unless it is the scheme's own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PageOrigin {
    text: String,
    host: String,
}

impl FromStr for PageOrigin {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let uri: Uri = text.parse().map_err(|_| ())?;
        let (scheme, authority) = uri.scheme_str().zip(uri.authority()).ok_or(())?;
        let is_bare = matches!(uri.path_and_query().map(PathAndQuery::as_str), None | Some("/"));
        if !is_bare || authority.as_str().contains('@') || authority.host().is_empty() {
            return Err(());
        }
        let own = match scheme {
            "https" => Some(443),
            "http" => Some(80),
            _ => None,
        };
        let host = authority.host().to_ascii_lowercase();
        let port = authority.port_u16().filter(|port| Some(*port) != own);
        let port = port.map_or_else(String::new, |port| format!(":{port}"));
        Ok(Self { text: format!("{}://{host}{port}", scheme.to_ascii_lowercase()), host })
    }
}

impl fmt::Display for PageOrigin {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        to.write_str(&self.text)
    }
}

/// Which pages may connect.
pub(in crate::server) struct Pages {
    listed: RwLock<Vec<PageOrigin>>,
    domains: Vec<Domain>,
}

impl Pages {
    /// Those that are `listed`, and those of the host that is asked, if that is one of a server of `domains`.
    pub(in crate::server) fn new(listed: Vec<PageOrigin>, domains: Vec<Domain>) -> Self {
        Self { listed: RwLock::new(listed), domains }
    }

    /// Those that are `listed` from now on. Pages that are connected stay.
    pub(in crate::server) fn list(&self, listed: Vec<PageOrigin>) {
        *self.listed.write().unwrap_or_else(PoisonError::into_inner) = listed;
    }

    /// Whether a page from `origin` may connect, or whoever says of no page, when the server is asked by the name `host`.
    pub(in crate::server) fn admit(&self, origin: Option<&str>, host: &str) -> bool {
        let Some(origin) = origin else { return true };
        let Ok(origin) = origin.parse::<PageOrigin>() else { return false };
        let listed = self.listed.read().unwrap_or_else(PoisonError::into_inner);
        listed.contains(&origin) || (self.is_ours(host) && is_same(&origin.host, host))
    }

    /// Whether a server of these domains is asked by this name: anybody can lead a name of its own to any address.
    fn is_ours(&self, host: &str) -> bool {
        let is_below = |domain: &Domain| {
            let front = host.len().checked_sub(domain.as_str().len());
            let split = front.and_then(|front| host.split_at_checked(front));
            split.is_some_and(|(front, back)| {
                let is_whole = front.is_empty() || front.ends_with('.');
                is_whole && back.eq_ignore_ascii_case(domain.as_str())
            })
        };
        address(host).is_some() || is_loopback(host) || self.domains.iter().any(is_below)
    }
}

fn is_same(one: &str, other: &str) -> bool {
    one.eq_ignore_ascii_case(other) || (is_loopback(one) && is_loopback(other))
}

fn is_loopback(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost") || address(host).is_some_and(|ip| ip.is_loopback())
}

fn address(host: &str) -> Option<IpAddr> {
    host.trim_matches(['[', ']']).parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(listed: &[&str]) -> Pages {
        let listed = listed.iter().map(|text| text.parse().unwrap()).collect();
        Pages::new(listed, vec!["example.com".parse().unwrap()])
    }

    #[test]
    fn a_page_of_the_host_that_is_asked_may_connect() {
        for (origin, host) in [
            ("https://example.com", "example.com"),
            ("https://Presence.example.com:8443", "presence.example.com"),
            ("http://localhost:8080", "localhost"),
            ("http://localhost:8080", "127.0.0.1"),
            ("http://127.0.0.1:2780", "[::1]"),
            ("https://192.0.2.1", "192.0.2.1"),
        ] {
            assert!(pages(&[]).admit(Some(origin), host), "{origin} {host}");
        }
    }

    #[test]
    fn a_page_of_another_host_may_not_nor_one_that_hides() {
        for (origin, host) in [
            ("https://evil.example", "example.com"),
            ("https://evil.example", "127.0.0.1"),
            // Its author leads that name to any address.
            ("https://evil.example", "evil.example"),
            ("https://notexample.com", "notexample.com"),
            ("https://192.0.2.2", "192.0.2.1"),
            ("http://192.0.2.1", "127.0.0.1"),
            ("null", "localhost"),
            ("", "localhost"),
            ("https://", "localhost"),
            ("localhost", "localhost"),
            ("https://user@localhost", "localhost"),
            ("https://localhost/page", "localhost"),
        ] {
            assert!(!pages(&[]).admit(Some(origin), host), "{origin} {host}");
        }
    }

    #[test]
    fn a_page_that_is_listed_may_connect_by_any_name() {
        let pages = pages(&["https://App.example:443", "http://dev.example:3000"]);
        assert!(pages.admit(Some("https://app.example"), "192.0.2.1"));
        assert!(pages.admit(Some("http://dev.example:3000"), "elsewhere.example"));
        assert!(!pages.admit(Some("http://dev.example"), "192.0.2.1"), "another port");
        assert!(!pages.admit(Some("http://app.example"), "192.0.2.1"), "another scheme");
    }

    #[test]
    fn whoever_is_no_browser_says_of_no_page() {
        assert!(pages(&[]).admit(None, "example.com"));
    }
}
