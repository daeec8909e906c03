//! Checks of the way from an identity to its server.
//!
//! Must never hold: a request that changes anything.

use std::time::{Duration, Instant};

use super::check::Check;
use crate::cli::print::recovery;
use crate::cli::print::time::{now, rfc3339, span};
use crate::cli::run::cure;
use crate::client::{Client, ClientError, Identity, InboxState, Profile, ServerAddress, Session};
use crate::model::limits::MESSAGES_WAITING_MAX;
use crate::model::{Ahead, Lifetime, QuotaRow, RefusalCode, Timestamp};
use crate::protocol::{Presence, ServerDescription};

/// Clocks further apart than this mislead whoever reads the times in presence and messages.
const CLOCK_DIFFERENCE_MAX: Lifetime = Lifetime::from_ms(5_000);
/// A server's clock that was set since then may still mislead.
const CLOCK_SET_RECENT: Lifetime = Lifetime::from_ms(24 * 60 * 60 * 1_000);
/// A connection that takes longer than this is told: three round trips to the other side of the world.
const CONNECT_USUAL: Duration = Duration::from_secs(1);

/// Connects as `identity`, and looks at the server's key, its clock and one's inbox.
pub(super) async fn check(identity: Identity) -> Vec<Check> {
    let name = identity.principal.to_string();
    let server = identity.server.to_string();
    let itself = identity.principal.presentity();
    let client = match Client::open(Profile::once(identity)) {
        Ok(client) => client,
        Err(error) => return vec![Check::fail(format!("{name} server"), cure::of_client(&error))],
    };
    let began = Instant::now();
    let checks = match client.connected().await {
        Ok(session) => {
            let mut checks = connected(&name, &server, &session, began.elapsed());
            checks.extend(recovery(&name, &session));
            checks.push(inbox(&name, client.inbox_status(None).await));
            checks.push(quotas(&name, client.quotas(None).await));
            checks.extend(presence(&name, client.fetch(&itself).await));
            let said = client.server_info().await;
            checks.extend(said.as_ref().ok().and_then(|said| past(&name, said)));
            checks.extend(
                said.as_ref().ok().and_then(|said| clock_set(&name, said, session.server_time)),
            );
            checks.push(says(&name, said));
            checks
        }
        Err(error) => vec![failed(&name, &error)],
    };
    client.close().await;
    checks
}

/// Connects to the server at `address` as far as whoever is not enrolled can: it answers, and shows a key.
pub(super) async fn answering(address: &ServerAddress) -> Check {
    let began = Instant::now();
    match crate::client::shown_key(address).await {
        Ok(key) => {
            let ms = began.elapsed().as_secs_f64() * 1_000.0;
            Check::ok("server", format!("{address} answers in {ms:.1} ms and shows the key {key}"))
        }
        Err(error) => Check::fail("server", cure::of_client(&error)),
    }
}

fn connected(name: &str, server: &str, session: &Session, took: Duration) -> Vec<Check> {
    let ms = took.as_secs_f64() * 1_000.0;
    let detail = format!(
        "{server} answers and shows the pinned key; connected and authenticated in {ms:.1} ms; answers are {}",
        session.durability.as_str()
    );
    let name_of = |what: &str| format!("{name} {what}");
    let reached = if took > CONNECT_USUAL {
        Check::warn(
            name_of("server"),
            detail,
            "look for loss on the way, or for a server under load",
        )
    } else {
        Check::ok(name_of("server"), detail)
    };
    vec![reached, clock(&name_of("clock"), session.server_time, now())]
}

fn clock(name: &str, server: Timestamp, here: Timestamp) -> Check {
    let (ahead, behind) = (server.until(here), here.until(server));
    let difference = ahead.max(behind);
    if difference <= CLOCK_DIFFERENCE_MAX {
        return Check::ok(name, format!("{} apart from the server's", span(difference)));
    }
    let word = if ahead > behind { "ahead of" } else { "behind" };
    let detail = format!("{} {word} the server's", span(difference));
    Check::warn(name, detail, "set the clocks of both machines by NTP")
}

/// A server whose wall clock was set tells it; whether that is long past depends on its time.
fn clock_set(name: &str, said: &ServerDescription, server: Timestamp) -> Option<Check> {
    let set = said.clock?;
    let (name, ago) = (format!("{name} server clock"), set.at.until(server));
    let (direction, by) = Ahead::ZERO.set_to(set.by);
    let detail = format!(
        "it was set {direction} by {}, {} ago; lifetimes went on by elapsed time",
        span(by),
        span(ago)
    );
    if ago > CLOCK_SET_RECENT {
        return Some(Check::ok(name, detail));
    }
    let cure = "keep the server's clock right by NTP, and start the server only once it is: times told meanwhile are wrong";
    Some(Check::warn(name, detail, cure))
}

/// Whether somebody else is about to get a device under one's name.
fn recovery(name: &str, session: &Session) -> Option<Check> {
    let running = session.recovery.as_ref()?;
    Some(Check::warn(format!("{name} recovery"), recovery::told(running), recovery::CURE))
}

fn inbox(name: &str, status: Result<InboxState, ClientError>) -> Check {
    let name = format!("{name} inbox");
    let status = match status {
        Ok(status) => status,
        Err(error) => return Check::fail(name, cure::of_client(&error)),
    };
    let detail = format!("{} waiting, {} kept", status.waiting, status.kept);
    if status.waiting * 10 >= MESSAGES_WAITING_MAX as u64 * 9 {
        let cure =
            format!("read it with `adsum inbox`: at {MESSAGES_WAITING_MAX} it takes no more");
        return Check::warn(name, detail, cure);
    }
    Check::ok(name, detail)
}

/// How much of what all share one has taken, and whether that is nearly all one may.
fn quotas(name: &str, rows: Result<Vec<QuotaRow>, ClientError>) -> Check {
    let name = format!("{name} quotas");
    let rows = match rows {
        Ok(rows) => rows,
        // A server before this question refuses it; all else works with it.
        Err(ClientError::Refused(refused)) if refused.is(RefusalCode::UnknownKind) => {
            return Check::ok(name, "the server tells of none: it is older than this command");
        }
        Err(error) => return Check::fail(name, cure::of_client(&error)),
    };
    let told = |row: &QuotaRow| match row.used {
        Some(used) => format!("{} {used} of {}", row.quota, row.max),
        None => format!("{} at most {}", row.quota, row.max),
    };
    let is_near = |row: &&QuotaRow| row.used.is_some_and(|used| used > row.max / 10 * 9);
    let near: Vec<&str> = rows.iter().filter(is_near).map(|row| row.quota.as_str()).collect();
    let detail = rows.iter().map(told).collect::<Vec<_>>().join(", ");
    if near.is_empty() {
        return Check::ok(name, detail);
    }
    let cure = format!(
        "do less of {}, or ask an administrator of your domain for more with `adsum quota set`",
        near.join(" and ")
    );
    Check::warn(name, detail, cure)
}

/// Whether one's devices publish more together than watchers can be shown. One may have no presence at all.
fn presence(name: &str, shown: Result<Presence, ClientError>) -> Option<Check> {
    let left_out = shown.ok()?.document.left_out();
    let cure =
        "publish less, or from fewer devices: see `adsum fetch` of yourself and `adsum history`";
    let told = || Check::warn(format!("{name} presence"), left_out.to_string(), cure);
    (!left_out.is_none()).then(told)
}

/// Whether this device has seen what the store does not have any more.
fn past(name: &str, said: &ServerDescription) -> Option<Check> {
    let (at, place) = said.noticed.as_ref()?;
    let detail = format!(
        "the server's store was put back to an earlier state, as this device noticed at {}: it had been told of {}",
        rfc3339(*at),
        place.told(rfc3339)
    );
    let cure =
        "ask the operator up to when; what was sent or published after that must be sent again";
    Some(Check::warn(format!("{name} past"), detail, cure))
}

fn says(name: &str, description: Result<ServerDescription, ClientError>) -> Check {
    let name = format!("{name} server says");
    let said = match description {
        Ok(said) => said,
        // A server before this question refuses it; all else works with it.
        Err(ClientError::Refused(refused)) if refused.is(RefusalCode::UnknownKind) => {
            return Check::ok(name, "nothing of itself: it is older than this command");
        }
        Err(error) => return Check::fail(name, cure::of_client(&error)),
    };
    let limits: Vec<String> =
        said.limits.iter().map(|(limit, most)| format!("{limit} {most}")).collect();
    let domains: Vec<String> = said.domains.iter().map(ToString::to_string).collect();
    let detail = format!(
        "{}, protocol {}, serves {}; limits: {}",
        said.software,
        said.version,
        domains.join(", "),
        limits.join(", ")
    );
    Check::ok(name, detail)
}

fn failed(name: &str, error: &ClientError) -> Check {
    let what = match error {
        ClientError::ServerKeyChanged { .. } => "pin",
        ClientError::Refused(_) | ClientError::NotAuthenticated { .. } => "identity",
        _ => "server",
    };
    Check::fail(format!("{name} {what}"), cure::of_client(error))
}

#[cfg(test)]
mod tests {
    use super::super::check::Verdict;
    use super::*;
    use crate::model::{InboxSequence, QuotaSource};
    use crate::protocol::ClockSet;

    fn at(ms: u64) -> Timestamp {
        Timestamp::from_ms(ms)
    }

    #[test]
    fn a_clock_that_is_far_off_is_told_with_its_direction() {
        assert_eq!(clock("c", at(10_000), at(10_300)).result, Verdict::Ok);
        let ahead = clock("c", at(10_000), at(100_000));
        assert_eq!(ahead.result, Verdict::Warn);
        assert_eq!(ahead.detail, "1m 30s ahead of the server's");
        assert_eq!(ahead.cure.as_deref(), Some("set the clocks of both machines by NTP"));
        assert_eq!(clock("c", at(100_000), at(10_000)).detail, "1m 30s behind the server's");
    }

    #[test]
    fn a_server_clock_that_was_set_is_told_and_a_warning_for_a_day() {
        let said = |by, set_at| ServerDescription {
            software: String::new(),
            version: 1,
            domains: Vec::new(),
            limits: Vec::new(),
            noticed: None,
            clock: Some(ClockSet { by: Ahead::from_ms(by), at: at(set_at) }),
        };
        let now = 3 * 86_400_000;
        let check = clock_set("c", &said(86_400_000, now - 5_000), at(now)).unwrap();
        assert_eq!(check.result, Verdict::Warn);
        let told = "it was set ahead by 1d, 5s ago; lifetimes went on by elapsed time";
        assert_eq!(check.detail, told);
        let cure = "keep the server's clock right by NTP, and start the server only once it is: times told meanwhile are wrong";
        assert_eq!(check.cure.as_deref(), Some(cure));
        let back = clock_set("c", &said(-120_000, 0), at(now)).unwrap();
        assert_eq!(back.result, Verdict::Ok);
        assert!(back.detail.starts_with("it was set back by 2m, 3d ago"), "{}", back.detail);
        assert!(
            clock_set("c", &ServerDescription { clock: None, ..said(0, 0) }, at(now)).is_none()
        );
    }

    #[test]
    fn an_inbox_that_is_nearly_full_is_to_be_read() {
        let waiting = MESSAGES_WAITING_MAX as u64;
        let status = |waiting| InboxState {
            head: InboxSequence::new(waiting),
            acknowledged: InboxSequence::new(0),
            waiting,
            kept: waiting,
        };
        assert_eq!(inbox("i", Ok(status(1))).result, Verdict::Ok);
        let full = inbox("i", Ok(status(waiting))).cure;
        assert_eq!(full.as_deref(), Some("read it with `adsum inbox`: at 10000 it takes no more"));
    }

    #[test]
    fn a_quota_that_is_nearly_taken_is_told() {
        let source = QuotaSource::Operator;
        let row = |used| QuotaRow { quota: "subscriptions".into(), max: 100, used, source };
        let check = quotas("q", Ok(vec![row(Some(90)), row(None)]));
        assert_eq!(check.result, Verdict::Ok);
        assert_eq!(check.detail, "subscriptions 90 of 100, subscriptions at most 100");
        let near = quotas("q", Ok(vec![row(Some(91)), row(None)]));
        assert_eq!(near.result, Verdict::Warn);
        assert!(near.cure.unwrap().starts_with("do less of subscriptions, or ask"));
    }

    #[test]
    fn a_changed_key_is_told_as_such() {
        let key = crate::client::KeyHash([0; 32]);
        let server: ServerAddress = "localhost".parse().unwrap();
        let error = ClientError::ServerKeyChanged { server, expected: key, found: key };
        let check = failed("alice@localhost", &error);
        assert_eq!((check.name.as_str(), check.result), ("alice@localhost pin", Verdict::Fail));
    }
}
