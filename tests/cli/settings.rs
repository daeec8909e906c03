//! The settings of `adsum serve`: what its help, a printed configuration and every refusal say, word for word.
//!
//! `ADSUM_GOLDEN=write` writes the golden file if it is missing.
//! Must never hold: a server that starts.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use crate::processes::{Ended, program};

/// One start: a file of settings unless it is empty, variables, and flags.
type Start<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a [&'a str]);

const EVERY_FLAG: &[&str] = &[
    "--data=d",
    "--listen=127.0.0.1:1",
    "--domain=a.example",
    "--domain=b.example",
    "--open-enrollment",
    "--anonymous",
    "--default-access=polite-block",
    "--request-lifetime=2d",
    "--no-presence",
    "--no-messaging",
    "--http=127.0.0.1:2",
    "--certificate=c.pem",
    "--key=k.pem",
    "--rebuild-views",
    "--log=debug",
    "--log-format=json",
    "--print-config",
];

const EVERY_KEY: &str = "[server]\ndata = \"d\"\nlisten = \"127.0.0.1:1\"\ndomains = [\"a.example\", \"b.example\"]\n\
    open_enrollment = true\ndefault_access = \"block\"\nrequest_lifetime = \"1500ms\"\npresence = false\nmessaging = false\n\
    certificate = \"c.pem\"\nkey = \"k.pem\"\n[http]\nlisten = \"off\"\n[log]\nfilter = \"warn\"\nformat = \"json\"\n\
    [limits]\nconnections_max = 1\nhandshakes_max = 2\nhandshakes_waiting_max = 3\nqueue_bundles_max = 4\n\
    round_inputs_max = 5\ncache_bytes_max = 6\nsocket_buffer_bytes = 7\n[timeouts]\nhello = \"1s\"\nstream = \"2s\"\n\
    idle = \"3s\"\ndrain = \"4s\"\nreconnect_spread = \"5s\"\ncertificate_poll = \"6s\"\n";

const EVERY_VARIABLE: &[(&str, &str)] = &[
    ("ADSUM_SERVER_DATA", "v"),
    ("ADSUM_SERVER_LISTEN", "[::1]:1"),
    ("ADSUM_SERVER_DOMAINS", "a.example, b.example"),
    ("ADSUM_SERVER_OPEN_ENROLLMENT", "true"),
    ("ADSUM_SERVER_DEFAULT_ACCESS", "allow"),
    ("ADSUM_SERVER_REQUEST_LIFETIME", "90m"),
    ("ADSUM_SERVER_PRESENCE", "false"),
    ("ADSUM_SERVER_MESSAGING", "false"),
    ("ADSUM_SERVER_CERTIFICATE", "vc.pem"),
    ("ADSUM_SERVER_KEY", "vk.pem"),
    ("ADSUM_HTTP_LISTEN", "off"),
    ("ADSUM_LOG", "error"),
    ("ADSUM_LOG_FILTER", "trace"),
    ("ADSUM_LOG_FORMAT", "json"),
    ("ADSUM_LIMITS_CONNECTIONS_MAX", "11"),
    ("ADSUM_LIMITS_SOCKET_BUFFER_BYTES", "17"),
    ("ADSUM_TIMEOUTS_HELLO", "1d"),
    ("ADSUM_TIMEOUTS_RECONNECT_SPREAD", "250ms"),
    ("ADSUM_HOME", "h"),
];

const PRINT: &[&str] = &["--print-config"];

/// What is in force.
const ACCEPTED: &[Start<'_>] = &[
    ("", &[], &["--help"]),
    ("", &[], PRINT),
    ("", &[], EVERY_FLAG),
    (EVERY_KEY, &[], PRINT),
    ("", EVERY_VARIABLE, PRINT),
    (EVERY_KEY, EVERY_VARIABLE, PRINT),
    (EVERY_KEY, EVERY_VARIABLE, EVERY_FLAG),
    (EVERY_KEY, &[("ADSUM_HTTP_LISTEN", "127.0.0.1:3")], &["--no-http", "--print-config"]),
    ("", &[("ADSUM_LOG", "debug")], PRINT),
    (
        "[retention]\ndomains = [\"a.example messages=7d log_bytes_max=1073741824\", \"b.example log_bytes_max=1048576\"]",
        &[],
        PRINT,
    ),
    ("", &[("ADSUM_RETENTION_DOMAINS", "a.example log_bytes_max=1048576")], PRINT),
];

/// What is refused.
const REFUSED: &[Start<'_>] = &[
    ("[server]\nlisen = \"[::]:1\"", &[], PRINT),
    ("[servr]\nlisten = \"[::]:1\"", &[], PRINT),
    ("[limits]\nconnection_max = 1", &[], PRINT),
    ("data = \"x\"", &[], PRINT),
    ("server = 1", &[], PRINT),
    ("[xyzzy]\na = 1", &[], PRINT),
    ("[server]\nxyzzy = 1", &[], PRINT),
    ("[server\n", &[], PRINT),
    ("[server]\ndata = 1", &[], PRINT),
    ("[server]\ndata = \"\"", &[], PRINT),
    ("[server]\nlisten = \"2778\"", &[], PRINT),
    ("[server]\nlisten = 2778", &[], PRINT),
    ("[server]\ndomains = []", &[], PRINT),
    ("[server]\ndomains = [1]", &[], PRINT),
    ("[server]\ndomains = [\"a b\"]", &[], PRINT),
    ("[server]\nopen_enrollment = \"yes\"", &[], PRINT),
    ("[server]\ndefault_access = \"deny\"", &[], PRINT),
    ("[server]\nrequest_lifetime = 30", &[], PRINT),
    ("[server]\nrequest_lifetime = \"soon\"", &[], PRINT),
    ("[http]\nlisten = \"on\"", &[], PRINT),
    ("[log]\nformat = \"xml\"", &[], PRINT),
    ("[limits]\nhandshakes_max = 0", &[], PRINT),
    ("[limits]\nhandshakes_max = 4294967296", &[], PRINT),
    ("[timeouts]\nhello = 10", &[], PRINT),
    ("[retention]\ndomains = [\"a.example log_bytes_max=1048575\"]", &[], PRINT),
    ("[retention]\ndomains = [\"a.example log_bytes_max=10GiB\"]", &[], PRINT),
    ("[retention]\ndomains = [\"a.example log_bytes=1048576\"]", &[], PRINT),
    ("", &[("ADSUM_SERVER_LISTN", "x")], PRINT),
    ("", &[("ADSUM_XYZZY", "x")], PRINT),
    ("", &[("ADSUM_SERVER_LISTEN", "x")], PRINT),
    ("", &[("ADSUM_HTTP_LISTEN", "x")], PRINT),
    ("", &[("ADSUM_SERVER_DATA", "")], PRINT),
    ("", &[("ADSUM_SERVER_DOMAINS", "")], PRINT),
    ("", &[("ADSUM_LIMITS_CONNECTIONS_MAX", "many")], PRINT),
    ("", &[("ADSUM_TIMEOUTS_HELLO", "10")], PRINT),
    ("", &[("ADSUM_LIMITS_CONNECTIONS_MAX", "many")], &["--json"]),
    ("", &[], &["--config", "/nowhere/adsum.toml"]),
    ("", &[], &["--listen", "2778"]),
    ("", &[], &["--http", "x"]),
    ("", &[], &["--data", ""]),
    ("", &[], &["--domain", "a b"]),
    ("", &[], &["--default-access", "deny"]),
    ("", &[], &["--request-lifetime", "30"]),
    ("", &[], &["--log-format", "xml"]),
    ("", &[], &["--http", "127.0.0.1:1", "--no-http"]),
    ("", &[], &["--no-http", "--http", "127.0.0.1:1"]),
    ("", &[], &["--data", "a", "--data", "b"]),
    ("", &[], &["--open-enrolment"]),
    ("", &[], &["--listn", "x"]),
    ("", &[], &["--certificate", "c.pem"]),
    ("", &[], &["--key", "k.pem"]),
    ("", &[], &["--log", "a=b=c"]),
    ("", &[("ADSUM_LOG", "")], &[]),
    ("", &[], &["--log", " , "]),
];

fn told(start: &Start<'_>) -> String {
    let (file, variables, flags) = start;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adsum.toml");
    let mut command = program();
    command.arg("serve").envs(variables.iter().copied()).current_dir(folder.path());
    if !file.is_empty() {
        fs::write(&path, file).unwrap();
        command.arg("--config").arg(&path);
    }
    let Ended { exit, mut stdout, stderr } = Ended::of(command.args(*flags).output().unwrap());
    if !(file.is_empty() && variables.is_empty()) {
        // What each setting means is told once.
        stdout = stdout.split_inclusive('\n').filter(|line| !line.starts_with("# ")).collect();
    }
    let mut text = String::new();
    file.lines().for_each(|line| writeln!(text, "| {line}").unwrap());
    variables.iter().for_each(|(name, value)| writeln!(text, "{name}={value}").unwrap());
    writeln!(text, "$ serve {}\n{stdout}{stderr}exit {exit}\n", flags.join(" ")).unwrap();
    text.replace(path.to_str().unwrap(), "adsum.toml")
}

#[track_caller]
fn check(name: &str, starts: &[Start<'_>]) {
    let found: String = starts.iter().map(told).collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/settings").join(name);
    if !path.exists() && std::env::var("ADSUM_GOLDEN").is_ok_and(|value| value == "write") {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    let expected = fs::read_to_string(&path).unwrap();
    for (found, expected) in found.split("\n\n").zip(expected.split("\n\n")) {
        assert_eq!(found, expected);
    }
    assert_eq!(found, expected);
}

#[test]
fn what_is_in_force_is_told_word_for_word_as_ever() {
    check("accepted.txt", ACCEPTED);
}

#[test]
fn what_is_refused_is_told_word_for_word_as_ever() {
    check("refused.txt", REFUSED);
}
