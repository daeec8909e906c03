//! Where a server is, and which key it must show.
//!
//! Must never hold: a resolved address. A name is looked up again at each attempt, because servers move.

use core::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;

use data_encoding::HEXLOWER_PERMISSIVE;
use serde::{Deserialize, Serialize};

use crate::model::Refusal;
use crate::wire::PORT;

/// A server as it was given: host name or IP address, and UDP port.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ServerAddress {
    /// A DNS name or an IP address, without brackets.
    pub host: String,
    /// The UDP port; [`PORT`] when none was given.
    pub port: u16,
}

impl FromStr for ServerAddress {
    type Err = Refusal;

    /// Parses `host`, `host:port`, `192.0.2.1:2778`, `::1`, `[::1]:2778` or `[fe80::1%eth0]:2778`. A name in other letters than
    /// ASCII's is kept in its ASCII form (UTS 46).
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let (host, port) = split(text).ok_or_else(|| bad(text))?;
        let port = port.map_or(Some(PORT), |port| port.parse().ok()).filter(|port| *port != 0);
        // What is ASCII is left to the resolver as it is: names of interfaces tell capital letters from small ones.
        let host = if host.is_ascii() { Ok(host.to_owned()) } else { idna::domain_to_ascii(host) };
        let host = host.map_err(|_| bad(text))?;
        let plain = |byte: u8| byte.is_ascii_graphic() && !b"/@?#[]".contains(&byte);
        if host.is_empty() || host.len() > 253 || !host.bytes().all(plain) {
            return Err(bad(text));
        }
        Ok(Self { host, port: port.ok_or_else(|| bad(text))? })
    }
}

impl ServerAddress {
    /// Whether it is this machine, where nobody stands in between: `localhost`, or a loopback address in any spelling that
    /// systems read. Nothing is asked for it: a name that a resolver maps to this machine is not taken for it.
    pub fn is_loopback(&self) -> bool {
        let is_literal = self.literal().is_some_and(|it| it.to_canonical().is_loopback());
        is_literal || self.host.eq_ignore_ascii_case("localhost")
    }

    /// The address that it is, if it is no name and has no zone: never asked of a resolver.
    pub(super) fn literal(&self) -> Option<IpAddr> {
        self.host.parse().ok().or_else(|| inet_aton(&self.host))
    }
}

/// An IPv4 address as `inet_aton` reads it: one to four numbers, decimal, octal behind `0` or hexadecimal behind `0x`, of
/// which the last stands for all bytes that are left.
fn inet_aton(text: &str) -> Option<IpAddr> {
    let mut numbers = Vec::new();
    for part in text.split('.') {
        let (digits, radix) = match part.get(..2) {
            Some("0x" | "0X") => (&part[2..], 16),
            Some(_) if part.starts_with('0') => (&part[1..], 8),
            _ => (part, 10),
        };
        // `from_str_radix` would take a sign, too.
        let is_number = digits.starts_with(|first: char| first.is_digit(radix));
        numbers.push(u32::from_str_radix(digits, radix).ok().filter(|_| is_number)?);
    }
    let last = numbers.pop()?;
    let bits_left =
        32_u32.checked_sub(8 * u32::try_from(numbers.len()).ok()?).filter(|bits| *bits > 0)?;
    if numbers.iter().any(|number| *number > 0xff) || u64::from(last) >> bits_left > 0 {
        return None;
    }
    let leading = numbers.iter().zip([24, 16, 8]).map(|(number, shift)| number << shift);
    Some(IpAddr::V4(Ipv4Addr::from_bits(leading.fold(last, |all, bits| all | bits))))
}

/// Splits host and port; brackets protect the colons of an IPv6 address.
fn split(text: &str) -> Option<(&str, Option<&str>)> {
    if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        return match rest {
            "" => Some((host, None)),
            rest => rest.strip_prefix(':').map(|port| (host, Some(port))),
        };
    }
    match text.split_once(':') {
        Some((_, rest)) if rest.contains(':') => Some((text, None)),
        Some((host, port)) => Some((host, Some(port))),
        None => Some((text, None)),
    }
}

fn bad(text: &str) -> Refusal {
    let reason = format!("{text:?} is not host:port; write it like 127.0.0.1:2778 or [::1]:2778");
    Refusal::bad_field("server address", &reason)
}

impl fmt::Display for ServerAddress {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            return write!(formatter, "[{}]:{}", self.host, self.port);
        }
        write!(formatter, "{}:{}", self.host, self.port)
    }
}

impl TryFrom<String> for ServerAddress {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

impl From<ServerAddress> for String {
    fn from(address: ServerAddress) -> Self {
        address.to_string()
    }
}

/// SHA-256 over the `SubjectPublicKeyInfo` of a server's certificate, in DER. Shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyHash(pub [u8; 32]);

impl KeyHash {
    /// The hash of `public_key_info`.
    ///
    /// # Panics
    /// Never: SHA-256 has 32 bytes.
    pub fn of(public_key_info: &[u8]) -> Self {
        let digest = ring::digest::digest(&ring::digest::SHA256, public_key_info);
        Self(digest.as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }
}

impl fmt::Display for KeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&HEXLOWER_PERMISSIVE.encode(&self.0))
    }
}

impl fmt::Debug for KeyHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "KeyHash({self})")
    }
}

impl FromStr for KeyHash {
    type Err = Refusal;

    /// Parses 64 hexadecimal digits of either case.
    fn from_str(text: &str) -> Result<Self, Refusal> {
        let bytes = HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok();
        bytes.and_then(|bytes| bytes.try_into().ok()).map(Self).ok_or_else(|| {
            Refusal::bad_field(
                "server key",
                "is not the hash of a key; write the 64 hexadecimal digits of its SHA-256",
            )
        })
    }
}

impl TryFrom<String> for KeyHash {
    type Error = Refusal;

    fn try_from(text: String) -> Result<Self, Refusal> {
        text.parse()
    }
}

impl From<KeyHash> for String {
    fn from(hash: KeyHash) -> Self {
        hash.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_taken_for_it() {
        let is_here = |text: &str| text.parse::<ServerAddress>().unwrap().is_loopback();
        for here in [
            "localhost",
            "LOCALHOST:1",
            "127.0.0.1",
            "127.255.255.254",
            "127.1:2",
            "127.0.1",
            "127.0xffffff",
            "127.0.0.01",
            "0x7f.1",
            "0X7F.0.0.1",
            "0177.0.0.1",
            "017700000001",
            "2130706433",
            "0x7f000001",
            "::1",
            "[::1]:3",
            "[0:0:0:0:0:0:0:1]",
            "[::ffff:127.0.0.1]:1",
        ] {
            assert!(is_here(here), "{here}");
        }
        for elsewhere in [
            "192.0.2.1",
            "0.0.0.0",
            "0",
            "128.1",
            "1",
            "2130706432.1",
            "127.0.0.256",
            "127.16777216",
            "127.0.65536",
            "127.0.0.1.1",
            "127.0.0.",
            "127..1",
            "127.",
            "127.0.0.08",
            "127.0x",
            "127.+1",
            "127.-1",
            "127.1x",
            "4294967296",
            "[::]",
            "[::2]",
            "[fe80::1%1]",
            "[2001:db8::1]:1",
            "127.0.0.1.example",
            "localhost.example",
            "localhost.localdomain",
            "ip6-localhost",
            "example",
        ] {
            assert!(!is_here(elsewhere), "{elsewhere}");
        }
    }

    #[test]
    fn an_address_reads_with_and_without_a_port() {
        for (text, printed) in [
            ("localhost", "localhost:2778"),
            ("127.0.0.1:99", "127.0.0.1:99"),
            ("::1", "[::1]:2778"),
            ("[::1]:5", "[::1]:5"),
            ("[fe80::2]", "[fe80::2]:2778"),
            ("[fe80::1%lo]:43001", "[fe80::1%lo]:43001"),
            ("[fe80::1%2]", "[fe80::1%2]:2778"),
            ("127.1:43001", "127.1:43001"),
            ("adsum_server:1", "adsum_server:1"),
            ("Bücher.example:1", "xn--bcher-kva.example:1"),
            ("例え。テスト", "xn--r8jz45g.xn--zckzah:2778"),
        ] {
            assert_eq!(text.parse::<ServerAddress>().unwrap().to_string(), printed);
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_an_example() {
        for text in
            ["", ":1", "a:b", "a:0", "a:70000", "[::1", "[::1]x", "quic://a", "a b", "a\u{200b} b"]
        {
            let message = text.parse::<ServerAddress>().unwrap_err().to_string();
            assert!(message.contains("127.0.0.1:2778"), "{text}: {message}");
        }
    }

    #[test]
    fn a_key_hash_reads_back_as_it_prints() {
        let hash = KeyHash::of(b"key");
        assert_eq!(hash.to_string().parse::<KeyHash>().unwrap(), hash);
        assert!("ab".parse::<KeyHash>().is_err());
    }
}
