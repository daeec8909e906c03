//! What happens, and what must come of it.
//!
//! Must never hold: how a process is run.

use std::time::Instant;

use serde_json::Value;

use super::narrator::Narrator;
use super::stage::{STORE, Stage};
use crate::cli::run::failure::Failure;

/// Tells the story from the empty store to the verified log.
pub(super) async fn tell(stage: &mut Stage, narrator: &mut Narrator<'_>) -> Result<(), Failure> {
    narrator.say(&format!(
        "A server, Alice and Bob: real processes, each with files of its own below {}.\n",
        stage.folder()
    ))?;
    let mut story = Story { stage, narrator, port: String::new() };
    let first = story.server_starts().await?;
    story.people_enroll(&first).await?;
    story.bob_asks_to_watch().await?;
    story.alice_lets_him().await?;
    story.alice_writes_to_absent_bob().await?;
    story.the_server_is_killed().await?;
    story.the_watch_goes_on().await?;
    story.bob_is_killed_and_comes_back().await?;
    story.bob_reads_what_waited().await?;
    story.the_log_is_verified().await?;
    let elapsed = story.narrator.elapsed();
    story.narrator.say(&format!(
        "All of it came out as promised, in {elapsed}. Nothing was lost, nothing came twice."
    ))
}

struct Story<'a, 'b> {
    stage: &'a mut Stage,
    narrator: &'a mut Narrator<'b>,
    port: String,
}

impl Story<'_, '_> {
    async fn server_starts(&mut self) -> Result<String, Failure> {
        self.narrator.begin("A server starts on an empty store")?;
        let serving = self.serve("127.0.0.1:0").await?;
        let address = field(&serving, "address")?;
        address.rsplit_once(':').map_or(address, |(_, port)| port).clone_into(&mut self.port);
        let command = field(&serving, "command")?.to_owned();
        self.narrator.end()?;
        Ok(command)
    }

    async fn serve(&mut self, listen: &str) -> Result<Value, Failure> {
        let arguments = ["serve", "--data", STORE, "--listen", listen, "--no-http", "--json"];
        let began = Instant::now();
        let serving = self.stage.start_server(&arguments).await?;
        let took = began.elapsed();
        let ready = format!("ready in {} ms at {}", took.as_millis(), field(&serving, "address")?);
        self.narrator.show(&format!("$ adsum {}", arguments.join(" ")), &[ready], took)?;
        Ok(serving)
    }

    async fn people_enroll(&mut self, first: &str) -> Result<(), Failure> {
        self.narrator.begin("Alice takes the first invite, invites Bob, and Bob enrolls")?;
        let command = first.replace("NAME@", "alice@");
        let lines = self.pasted("alice", &command).await?;
        self.expect(&lines, &["alice@localhost is enrolled", "administrator"])?;
        let lines = self.done("alice", &["invite", "bob@localhost"]).await?;
        let command = lines.last().map(|line| line.trim().to_owned()).unwrap_or_default();
        let lines = self.pasted("bob", &command).await?;
        self.expect(&lines, &["bob@localhost is enrolled", "user"])?;
        self.narrator.end()
    }

    async fn bob_asks_to_watch(&mut self) -> Result<(), Failure> {
        self.narrator.begin(
            "Alice publishes, and Bob asks to watch her: without her word he sees nothing",
        )?;
        self.publish("back soon").await?;
        self.watch("bob", &["pres:alice@localhost: pending"]).await?;
        self.narrator.end()
    }

    async fn alice_lets_him(&mut self) -> Result<(), Failure> {
        self.narrator
            .begin("Alice sees who waits and lets him; Bob's watch, still running, sees her")?;
        let lines = self.done("alice", &["requests"]).await?;
        self.expect(&lines, &["bob@localhost", "pending"])?;
        let lines = self.done("alice", &["requests", "approve", "bob@localhost"]).await?;
        self.expect(&lines, &["the access rules are changed"])?;
        self.bob_is_told("back soon").await?;
        self.publish_and_bob_is_told("at my desk").await?;
        self.narrator.end()
    }

    async fn alice_writes_to_absent_bob(&mut self) -> Result<(), Failure> {
        self.narrator.begin("Bob reads no messages now; Alice writes to him, one of them twice")?;
        let first = ["send", "im:bob@localhost", "lunch?", "--id", "lunch-1"];
        let lines = self.done("alice", &first).await?;
        self.expect(&lines, &["stored lunch-1 (synced)"])?;
        let lines = self.done("alice", &first).await?;
        self.expect(&lines, &["stored lunch-1 (synced, as it was before)"])?;
        let second = ["send", "im:bob@localhost", "at twelve", "--id", "lunch-2"];
        let lines = self.done("alice", &second).await?;
        self.expect(&lines, &["stored lunch-2 (synced)"])?;
        self.narrator.end()
    }

    async fn the_server_is_killed(&mut self) -> Result<(), Failure> {
        self.narrator
            .begin("The server is killed without warning, and starts again on its store")?;
        let pid = self.stage.server_pid().unwrap_or_default();
        let began = Instant::now();
        self.stage.kill_server().await;
        self.narrator.show(&format!("$ kill -9 {pid}"), &[], began.elapsed())?;
        let listen = format!("127.0.0.1:{}", self.port);
        let serving = self.serve(&listen).await?;
        if serving.get("invite").is_some() {
            return Err(self.off("the server has forgotten who is enrolled"));
        }
        self.narrator.end()
    }

    async fn the_watch_goes_on(&mut self) -> Result<(), Failure> {
        self.narrator
            .begin("Bob's watch, still the same process, finds the server again by itself")?;
        // Had it been told the state before the crash once more, that line would come first.
        self.publish_and_bob_is_told("in a meeting").await?;
        self.narrator.end()
    }

    async fn bob_is_killed_and_comes_back(&mut self) -> Result<(), Failure> {
        self.narrator.begin("Bob's watch is killed; he misses two changes and gets just these")?;
        let began = Instant::now();
        let rest = self.stage.kill_watch().await;
        self.narrator.show("$ kill -9 (bob's watch)", &rest, began.elapsed())?;
        if !rest.is_empty() {
            return Err(self.off("the watch had told more than what happened"));
        }
        self.publish("on the phone").await?;
        self.publish("free again").await?;
        self.watch("bob", &["on the phone", "free again"]).await?;
        let rest = self.stage.kill_watch().await;
        if !rest.is_empty() {
            return Err(self.off(&format!("the watch told more than was missed: {rest:?}")));
        }
        self.narrator.end()
    }

    async fn bob_reads_what_waited(&mut self) -> Result<(), Failure> {
        self.narrator.begin("Bob reads his inbox, and finds each message once")?;
        let lines = self.done("bob", &["inbox"]).await?;
        let bodies: Vec<&str> = lines.iter().filter_map(|line| line.strip_prefix("  ")).collect();
        if bodies != ["lunch?", "at twelve"] {
            return Err(self.off(&format!("the inbox held {bodies:?}")));
        }
        let again = self.done("bob", &["inbox"]).await?;
        if !again.is_empty() {
            return Err(self.off("the inbox gave out again what was acknowledged"));
        }
        self.narrator.end()
    }

    async fn the_log_is_verified(&mut self) -> Result<(), Failure> {
        self.narrator.begin("The server stops in order, and its log is whole")?;
        let pid = self.stage.server_pid().unwrap_or_default();
        let began = Instant::now();
        let exit = self.stage.stop_server().await?;
        self.narrator.show(&format!("$ kill {pid}"), &[], began.elapsed())?;
        if exit != Some(0) {
            return Err(self.off(&format!("the server ended with {exit:?}")));
        }
        let lines = self.done("server", &["log", "verify", "--data", STORE]).await?;
        self.expect(&lines, &["verified ", " events in ", "chain "])?;
        self.narrator.end()
    }

    /// Alice publishes that she is there, with a note.
    async fn publish(&mut self, note: &str) -> Result<(), Failure> {
        let arguments = ["publish", "open", "--note", note, "--contact", "im:alice@localhost"];
        let lines = self.done("alice", &arguments).await?;
        self.expect(&lines, &["published for 1h (synced)"])
    }

    /// Starts a watch of `who` on Alice, which must tell `expected`, a line each, in this order.
    async fn watch(&mut self, who: &str, expected: &[&str]) -> Result<(), Failure> {
        let arguments = ["watch", "pres:alice@localhost", "--every", "--keep-alive", "1s"];
        let began = Instant::now();
        self.stage.start_watch(who, &arguments)?;
        let mut lines = Vec::new();
        for _ in expected {
            lines.push(self.stage.watched().await?);
        }
        self.narrator.show(&shown(who, &arguments), &lines, began.elapsed())?;
        for (line, part) in lines.iter().zip(expected) {
            self.expect(std::slice::from_ref(line), &[part])?;
        }
        Ok(())
    }

    /// Alice publishes; the next line of the running watch must tell just that.
    async fn publish_and_bob_is_told(&mut self, note: &str) -> Result<(), Failure> {
        let position = self.stage.position("bob");
        self.publish(note).await?;
        self.bob_is_told(note).await?;
        // A kill between the line and the position behind it would make the next watch repeat the line.
        self.stage.position_moved("bob", &position).await
    }

    /// The next line of the running watch must tell of Alice with this note.
    async fn bob_is_told(&mut self, note: &str) -> Result<(), Failure> {
        let began = Instant::now();
        let line = self.stage.watched().await?;
        self.narrator.show("bob is told", std::slice::from_ref(&line), began.elapsed())?;
        self.expect(&[line], &[note, "open", "at im:alice@localhost"])
    }

    /// Runs a command line as it was printed for people to paste.
    async fn pasted(&mut self, who: &str, command: &str) -> Result<Vec<String>, Failure> {
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        self.done(who, &words).await
    }

    /// Runs a command that must succeed, and shows it.
    async fn done(&mut self, who: &str, arguments: &[&str]) -> Result<Vec<String>, Failure> {
        let ended = self.stage.run(who, arguments).await?;
        self.narrator.show(&shown(who, arguments), &ended.lines, ended.took)?;
        if ended.exit != Some(0) {
            let (exit, errors) = (ended.exit, &ended.errors);
            return Err(
                self.off(&format!("{} ended with {exit:?}: {errors}", shown(who, arguments)))
            );
        }
        Ok(ended.lines)
    }

    /// Whether the lines, put together, hold every part.
    fn expect(&self, lines: &[String], parts: &[&str]) -> Result<(), Failure> {
        let text = lines.join("\n");
        match parts.iter().find(|part| !text.contains(*part)) {
            Some(part) => Err(self.off(&format!("expected {part:?} in {text:?}"))),
            None => Ok(()),
        }
    }

    fn off(&self, what: &str) -> Failure {
        let title = self.narrator.title();
        Failure::failed("demo", format!("the story went wrong at \"{title}\": {what}"))
    }
}

/// A command as somebody would type it.
fn shown(who: &str, arguments: &[&str]) -> String {
    let words: Vec<String> = arguments.iter().map(|word| typed(word)).collect();
    let prompt = if who == "server" { "$".to_owned() } else { format!("{who}$") };
    format!("{prompt} adsum {}", words.join(" "))
}

/// A word in quotes if a shell would take it apart; a long one, such as a token, shortened.
fn typed(word: &str) -> String {
    if word.len() > 40 && word.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return format!("{}…", &word[..8]);
    }
    if word.contains([' ', '?']) { format!("\"{word}\"") } else { word.to_owned() }
}

fn field<'a>(line: &'a Value, name: &str) -> Result<&'a str, Failure> {
    line.get(name).and_then(Value::as_str).ok_or_else(|| {
        Failure::failed("demo", format!("the server did not tell its {name}: {line}"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_shown_as_it_would_be_typed() {
        let arguments = ["send", "im:bob@localhost", "lunch?"];
        assert_eq!(shown("alice", &arguments), "alice$ adsum send im:bob@localhost \"lunch?\"");
        let token = "a".repeat(56);
        assert_eq!(shown("server", &["x", &token]), "$ adsum x aaaaaaaa…");
    }
}
