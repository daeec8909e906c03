//! Settings read again while a server serves, and files of settings that are checked before.
//!
//! Must never hold: a wait for time; what is told in the log says when something was done.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::processes::{Ended, Site, Staying, program, run, send};

/// How long anything may take that must happen.
const PATIENCE: Duration = Duration::from_mins(1);

/// A server with a file of settings, and the lines that it logs.
struct Served {
    site: tempfile::TempDir,
    server: Staying,
    address: String,
    heard: usize,
}

impl Served {
    fn start(settings: &str) -> Self {
        let site = tempfile::tempdir().unwrap();
        fs::write(site.path().join("adsum.toml"), settings).unwrap();
        let log = fs::File::create(site.path().join("log")).unwrap();
        let mut command = program();
        command.args(["serve", "--json", "--open-enrollment", "--no-http", "--log-format", "json"]);
        command.args(["--listen", "127.0.0.1:0"]).current_dir(site.path()).stderr(log);
        command.args(["--data", "data", "--config", "adsum.toml"]);
        let mut server = Staying::start(&mut command);
        let address = server.object()["address"].as_str().unwrap().to_owned();
        Self { site, server, address, heard: 0 }
    }

    fn path(&self) -> &Path {
        self.site.path()
    }

    /// Has the server read `settings`, and returns the lines that it logs up to the one that says `told`.
    #[track_caller]
    fn reload(&mut self, settings: &str, told: &str) -> Vec<Value> {
        fs::write(self.path().join("adsum.toml"), settings).unwrap();
        send(self.server.pid(), "HUP");
        let began = Instant::now();
        loop {
            let text = fs::read_to_string(self.path().join("log")).unwrap();
            let whole = text.rfind('\n').map_or(0, |end| end + 1);
            if text[self.heard..whole].contains(told) {
                let new = text[self.heard..whole].lines();
                let lines = new.map(|line| serde_json::from_str(line).unwrap()).collect();
                self.heard = whole;
                return lines;
            }
            assert!(began.elapsed() < PATIENCE, "{told} was not told: {text}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn command(&self, arguments: &[&str]) -> Ended {
        let mut command = program();
        command.args(arguments).arg("--json").env("ADSUM_HOME", self.path().join("home"));
        Ended::of(command.output().unwrap())
    }

    /// The most subscriptions that a principal may have.
    fn subscriptions_max(&self) -> u64 {
        let rows = self.command(&["quota", "list"]).lines();
        let row = rows.iter().find(|row| row["quota"] == "subscriptions").unwrap();
        row["max"].as_u64().unwrap()
    }
}

fn field<'a>(lines: &'a [Value], message: &str, name: &str) -> &'a str {
    let line = lines.iter().find(|line| line["fields"]["message"] == message);
    let line = line.unwrap_or_else(|| panic!("no {message:?} in {lines:?}"));
    line["fields"][name].as_str().unwrap()
}

const READ: &str = "the settings were read again";
const WAITS: &str = "these settings have changed; they hold from the next start on";

#[test]
fn what_can_be_taken_over_is_and_what_cannot_is_named() {
    let mut served = Served::start("[limits]\nsubscriptions_max = 7\n");
    served.command(&["enroll", "alice@localhost", "--server", &served.address]).line();
    assert_eq!(served.subscriptions_max(), 7);
    let text = "[limits]\nsubscriptions_max = 9\ncache_bytes_max = 5\n[server]\nanonymous = true\n";
    let lines = served.reload(text, READ);
    assert_eq!(field(&lines, READ, "changed"), "limits.subscriptions_max");
    assert_eq!(field(&lines, WAITS, "settings"), "server.anonymous, limits.cache_bytes_max");
    assert_eq!(served.subscriptions_max(), 9);
    // What waits is named again, and what was taken over is not.
    let lines = served.reload(text, READ);
    assert_eq!(field(&lines, READ, "changed"), "");
    assert_eq!(field(&lines, WAITS, "settings"), "server.anonymous, limits.cache_bytes_max");
}

#[test]
fn what_is_logged_changes_at_once() {
    let mut served = Served::start("[log]\nfilter = \"error\"");
    let lines = served.reload("[log]\nfilter = \"info\"", READ);
    assert_eq!(lines.len(), 1, "nothing of the start was told: {lines:?}");
    assert_eq!(field(&lines, READ, "changed"), "log.filter");
}

#[test]
fn settings_that_are_wrong_change_nothing() {
    let mut served = Served::start("[limits]\nsubscriptions_max = 7\n");
    served.command(&["enroll", "alice@localhost", "--server", &served.address]).line();
    let told = "the settings cannot be read again; those in force stay";
    let lines = served.reload("[limits]\nsubscriptions_max = 9\nlisen = 1\n", told);
    assert!(field(&lines, told, "reason").contains("limits.lisen"), "{lines:?}");
    assert_eq!(served.subscriptions_max(), 7);
}

#[test]
fn a_certificate_is_read_again_and_one_that_is_none_leaves_the_old_one() {
    let other = Site::open();
    let key = other.serving["server_key"].as_str().unwrap().to_owned();
    let first = Site::open();
    let pair = |site: &Site, name: &str| Path::new(&site.data()).join("keys").join(name);
    let folder = tempfile::tempdir().unwrap();
    let (chain, secret) = (folder.path().join("chain.pem"), folder.path().join("key.pem"));
    let put = |site: &Site| {
        fs::copy(pair(site, "server.pem"), &chain).unwrap();
        fs::copy(pair(site, "server-key.pem"), &secret).unwrap();
    };
    put(&first);
    let named = |path: &Path| path.display().to_string();
    let text = format!(
        "[server]\ncertificate = \"{}\"\nkey = \"{}\"\n[timeouts]\ncertificate_poll = \"1d\"\n",
        named(&chain),
        named(&secret)
    );
    let mut served = Served::start(&text);
    put(&other);
    served.reload(&text, READ);
    let shown = served.command(&["doctor", "--server", &served.address]).line();
    assert!(shown["detail"].as_str().unwrap().ends_with(&key), "{shown}");
    fs::write(&chain, "hello").unwrap();
    let stays = "not all can be taken over; what was in force before stays";
    let lines = served.reload(&text, stays);
    assert!(field(&lines, stays, "fault").contains("chain.pem"), "{lines:?}");
    let shown = served.command(&["doctor", "--server", &served.address]).line();
    assert!(shown["detail"].as_str().unwrap().ends_with(&key), "{shown}");
}

#[test]
fn nobody_need_be_enrolled_to_ask_whether_a_server_answers() {
    let mut site = Site::open();
    let told = site.run("nobody", &["doctor", "--server", &site.address]).line();
    assert_eq!((&told["name"], &told["result"]), (&"server".into(), &"ok".into()));
    let key = site.serving["server_key"].as_str().unwrap();
    assert!(told["detail"].as_str().unwrap().ends_with(key), "{told}");
    assert!(!site.home("nobody").exists(), "nothing is left behind");
    site.kill();
    let told = site.run("nobody", &["doctor", "--server", &site.address]);
    assert_eq!(told.error(1), "checks-failed");
}

fn checked(text: &str) -> Ended {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("adsum.toml");
    fs::write(&path, text).unwrap();
    run(&["--json", "check-config", path.to_str().unwrap()])
}

#[test]
fn a_file_of_settings_is_checked_with_the_files_that_it_names() {
    let right = checked("[limits]\nconnections_max = 9\n[log]\nfilter = \"debug\"").line();
    assert_eq!(right["sets"], serde_json::json!(["log.filter", "limits.connections_max"]));
    for (text, told) in [
        ("[limits]\nconnection_max = 9", "did you mean limits.connections_max?"),
        ("[log]\nfilter = \"a=b=c\"", "log filter"),
        ("[server]\ncertificate = \"/nowhere/c.pem\"", "--key"),
        ("[server]\ncertificate = \"/nowhere/c.pem\"\nkey = \"/nowhere/k.pem\"", "/nowhere/c.pem"),
        ("[http]\ntoken = \"/nowhere/token\"", "/nowhere/token"),
    ] {
        let ended = checked(text);
        assert!(ended.exit != 0 && ended.stderr.contains(told), "{text}: {}", ended.stderr);
    }
    // What only the service is handed cannot be looked at by anybody else.
    let text = "[server]\ncertificate = \"credential:c.pem\"\nkey = \"credential:k.pem\"";
    assert_eq!(checked(text).line()["sets"][0], "server.certificate");
}

#[test]
fn the_settings_of_the_package_are_right() {
    let shipped = concat!(env!("CARGO_MANIFEST_DIR"), "/deploy/adsum.toml");
    let told = run(&["--json", "check-config", shipped]).line();
    assert_eq!(told["sets"], serde_json::json!(["server.data"]));
    // What it shows behind a `#` may be switched on.
    let text = fs::read_to_string(shipped).unwrap();
    let whole: String = text
        .lines()
        .map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line))
        .fold(String::new(), |whole, line| whole + line + "\n");
    let sets = checked(&whole).line()["sets"].to_string();
    assert!(sets.contains("server.certificate") && sets.contains("server.key"), "{sets}");
}

#[test]
fn what_is_printed_is_right_and_sets_nothing_else() {
    let printed = run(&["serve", "--print-config"]).stdout;
    assert_eq!(checked(&printed).line()["sets"], serde_json::json!([]));
    let mut command = program();
    command.args(["serve", "--print-config", "--config", "-", "--json"]).stdin(Stdio::piped());
    let again = given(&mut command, &printed);
    assert_eq!(again.stdout, printed, "{}", again.stderr);
    let mut command = program();
    let told = given(command.args(["check-config", "-"]).stdin(Stdio::piped()), &printed);
    assert_eq!(told.stdout, "standard input is right; it sets nothing but defaults\n");
}

fn given(command: &mut Command, text: &str) -> Ended {
    use std::io::Write as _;
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    Ended::of(child.wait_with_output().unwrap())
}

#[test]
fn a_secret_may_be_handed_over_by_the_service_manager() {
    let site = Site::open();
    let key = site.serving["server_key"].as_str().unwrap().to_owned();
    let handed = Path::new(&site.data()).join("keys");
    let folder = tempfile::tempdir().unwrap();
    let mut command = program();
    command.args(["serve", "--json", "--listen", "127.0.0.1:0", "--no-http", "--data", "data"]);
    command.args(["--certificate", "credential:server.pem", "--key", "credential:server-key.pem"]);
    command.current_dir(folder.path()).stderr(Stdio::null());
    let mut server = Staying::start(command.env("CREDENTIALS_DIRECTORY", &handed));
    assert_eq!(server.object()["server_key"], *key);
    let command = command.env_remove("CREDENTIALS_DIRECTORY").stderr(Stdio::piped());
    let refused = Ended::of(command.output().unwrap());
    assert_eq!(refused.error(2), "usage");
    assert!(refused.stderr.contains("LoadCredential=server.pem:FILE"), "{}", refused.stderr);
}
