//! How an address is taken, and why it cannot be.
//!
//! Must never hold: what is done with a socket.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use tokio::net::TcpListener;
use tracing::warn;

/// What a kernel without IPv6 says when it is asked for an IPv6 socket: on Linux, on BSD and macOS, on Windows.
const FAMILY_NOT_SUPPORTED: [i32; 3] = [97, 47, 10_047];

/// Takes `address` by `bind`, or tells which address could not be taken and why. Where it stands for all addresses and
/// this machine has no IPv6, all of IPv4 are taken.
pub(super) fn take<T>(
    transport: &'static str,
    address: SocketAddr,
    bind: impl Fn(SocketAddr) -> io::Result<T>,
) -> Result<T, (SocketAddr, io::Error)> {
    let fault = |address| move |source| (address, source);
    match bind(address) {
        Err(source) if address.ip().is_unspecified() && lacks_ipv6(address, &source) => {
            let instead = SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port()));
            warn!(transport, %address, %instead, "this machine has no IPv6; only IPv4 is served");
            bind(instead).map_err(fault(instead))
        }
        bound => bound.map_err(fault(address)),
    }
}

/// Listens for TCP at `address`, as [`take`] does; tells where, with the port that was taken.
pub(super) fn tcp(
    address: SocketAddr,
) -> Result<(TcpListener, SocketAddr), (SocketAddr, io::Error)> {
    take("TCP", address, |address| {
        let listener = std::net::TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let bound = listener.local_addr()?;
        Ok((listener, bound))
    })
}

/// Whether `source` says that the machine has no IPv6, or that it is switched off.
fn lacks_ipv6(address: SocketAddr, source: &io::Error) -> bool {
    let of_its_own = address.ip().is_loopback() || address.ip().is_unspecified();
    let absent = source.kind() == ErrorKind::AddrNotAvailable && of_its_own;
    let unknown = source.raw_os_error().is_some_and(|code| FAMILY_NOT_SUPPORTED.contains(&code));
    address.is_ipv6() && (absent || unknown)
}

/// Why `address` could not be taken, and what to do; the name of a setting may follow.
pub(super) fn why(address: &SocketAddr, source: &io::Error) -> String {
    match source.kind() {
        _ if lacks_ipv6(*address, source) => {
            "this machine has no IPv6; choose an IPv4 address such as 127.0.0.1 or 0.0.0.0".into()
        }
        ErrorKind::AddrInUse => format!("{source}; stop what uses it, or choose another"),
        ErrorKind::AddrNotAvailable => {
            "no interface of this machine has that address; choose one of its own, or [::] for all"
                .into()
        }
        ErrorKind::PermissionDenied => format!(
            "{source}; give this program the right to use ports below 1024, or choose a higher one"
        ),
        ErrorKind::InvalidInput if lacks_zone(address.ip()) => {
            "a link-local address needs its zone; write it such as [fe80::1%2]:2778".into()
        }
        _ => format!("{source}; choose another"),
    }
}

fn lacks_zone(ip: IpAddr) -> bool {
    matches!(ip, IpAddr::V6(ip) if ip.is_unicast_link_local())
}

#[cfg(test)]
mod tests {
    use super::super::ServerError;
    use super::*;

    /// Takes `address` on a machine that says `errno` to each IPv6 address; returns what was taken.
    fn without_ipv6(address: &str, errno: i32) -> Result<SocketAddr, ServerError> {
        take("UDP", address.parse().unwrap(), |address| match address {
            SocketAddr::V6(_) => Err(io::Error::from_raw_os_error(errno)),
            SocketAddr::V4(_) => Ok(address),
        })
        .map_err(ServerError::listen("UDP"))
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn all_addresses_are_all_of_ipv4_where_there_is_no_other() {
        const EAFNOSUPPORT: i32 = 97;
        const EADDRNOTAVAIL: i32 = 99;
        const EADDRINUSE: i32 = 98;
        let all = "0.0.0.0:2778".parse().unwrap();
        assert_eq!(without_ipv6("[::]:2778", EAFNOSUPPORT).unwrap(), all);
        assert_eq!(without_ipv6("[::]:2778", EADDRNOTAVAIL).unwrap(), all);
        assert!(without_ipv6("[::]:2778", EADDRINUSE).unwrap_err().to_string().contains("in use"));
        for errno in [EAFNOSUPPORT, EADDRNOTAVAIL] {
            let told = without_ipv6("[::1]:2778", errno).unwrap_err().to_string();
            let expected =
                "cannot listen on UDP [::1]:2778: this machine has no IPv6; choose an IPv4 address";
            assert!(told.starts_with(expected), "{told}");
        }
        let told = without_ipv6("[2001:db8::1]:1", EADDRNOTAVAIL).unwrap_err().to_string();
        assert!(told.contains("no interface of this machine has that address; choose"), "{told}");
    }

    #[test]
    fn the_cure_suits_the_cause() {
        for (address, kind, cure) in [
            ("127.0.0.1:1", ErrorKind::AddrInUse, "stop what uses it, or choose another"),
            ("127.0.0.1:1", ErrorKind::PermissionDenied, "choose a higher one"),
            ("192.0.2.1:9999", ErrorKind::AddrNotAvailable, "or [::] for all"),
            ("[fe80::1]:9999", ErrorKind::InvalidInput, "such as [fe80::1%2]:2778"),
            ("127.0.0.1:1", ErrorKind::OutOfMemory, "choose another"),
        ] {
            let told = why(&address.parse().unwrap(), &kind.into());
            assert!(told.ends_with(cure) && told.contains("; "), "{told}");
        }
    }
}
