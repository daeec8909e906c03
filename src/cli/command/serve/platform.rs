//! Variables of our prefix that are set by a platform: what Kubernetes tells every container of a Service called `adsum`,
//! or of one whose name begins so, and what container links tell of an alias.
//!
//! Must never hold: a setting.

/// Whether a platform sets `name` to `value`. No setting is called so, and a mistyped one hardly ever.
///
/// Source: Kubernetes, "Discovering services"; Docker, "Legacy container links".
pub(super) fn sets(name: &str, value: &str) -> bool {
    let link = name.starts_with("ADSUM_ENV_") || name == "ADSUM_NAME" && value.starts_with('/');
    link || is_service(name) || is_port(name, value)
}

/// `…_SERVICE_HOST`, `…_SERVICE_PORT`, and `…_SERVICE_PORT_…` for a port with a name.
fn is_service(name: &str) -> bool {
    name.ends_with("_SERVICE_HOST")
        || name.ends_with("_SERVICE_PORT")
        || name.contains("_SERVICE_PORT_")
}

/// `…_PORT` with an address behind a protocol, and `…_PORT_<number>_<protocol>` with what follows it.
fn is_port(name: &str, value: &str) -> bool {
    if name.ends_with("_PORT") && value.split_once("://").is_some_and(|(word, _)| is_protocol(word))
    {
        return true;
    }
    name.match_indices("_PORT_").any(|(at, mark)| {
        let mut words = name[at + mark.len()..].split('_');
        let numbered = words.next().is_some_and(|word| word.parse::<u16>().is_ok());
        numbered && words.next().is_some_and(is_protocol)
    })
}

fn is_protocol(word: &str) -> bool {
    ["tcp", "udp", "sctp"].iter().any(|protocol| protocol.eq_ignore_ascii_case(word))
}

#[cfg(test)]
mod tests {
    use super::super::setting::{SETTINGS, Setting};
    use super::*;

    #[test]
    fn what_kubernetes_and_links_tell_is_known_and_what_is_mistyped_is_not() {
        for (name, value) in [
            ("ADSUM_PORT", "tcp://10.0.0.1:2778"),
            ("ADSUM_PORT", "udp://[fd00::1]:2778"),
            ("ADSUM_SERVICE_HOST", "10.0.0.1"),
            ("ADSUM_SERVICE_PORT", "2778"),
            ("ADSUM_SERVICE_PORT_QUIC", "2778"),
            ("ADSUM_PORT_2778_UDP", "udp://10.0.0.1:2778"),
            ("ADSUM_PORT_2778_UDP_PROTO", "udp"),
            ("ADSUM_PORT_2778_UDP_PORT", "2778"),
            ("ADSUM_PORT_2778_UDP_ADDR", "10.0.0.1"),
            ("ADSUM_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("ADSUM_PORT_9_SCTP_ADDR", "10.0.0.1"),
            ("ADSUM_HTTP_SERVICE_HOST", "10.0.0.1"),
            ("ADSUM_HTTP_PORT", "tcp://10.0.0.1:2780"),
            ("ADSUM_HTTP_PORT_2780_TCP_ADDR", "10.0.0.1"),
            ("ADSUM_LOG_SERVICE_PORT_HTTP_METRICS", "2780"),
            ("ADSUM_NAME", "/web/adsum"),
            ("ADSUM_ENV_PATH", "/bin"),
        ] {
            assert!(sets(name, value), "{name}={value}");
        }
        for (name, value) in [
            ("ADSUM_PORT", "2778"),
            ("ADSUM_SERVER_PORT", "2778"),
            ("ADSUM_PORT", "http://10.0.0.1:2778"),
            ("ADSUM_PORT_99999_TCP", "tcp://10.0.0.1:99999"),
            ("ADSUM_PORT_2778", "2778"),
            ("ADSUM_SERVER_LISTN", "tcp://10.0.0.1:2778"),
            ("ADSUM_SERVICE_LISTEN", "[::]:1"),
            ("ADSUM_NAME", "adsum"),
        ] {
            assert!(!sets(name, value), "{name}={value}");
        }
    }

    #[test]
    fn no_setting_is_called_as_a_platform_calls_something() {
        for name in SETTINGS.iter().map(Setting::variable) {
            assert!(!sets(&name, "tcp://10.0.0.1:1"), "{name}");
        }
    }
}
