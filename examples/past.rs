//! How much memory a process takes whose store has many messages that were sent and read, and how long its start takes.
//!
//! ```text
//! cargo run --release --example past -- FOLDER MESSAGES      # sends so many, saves, and ends
//! cargo run --release --example past -- FOLDER 0             # starts on what is there
//! ```
//!
//! Must never hold: a way of sending that a server has not.

#![allow(clippy::unwrap_used, reason = "a measurement may end at the first surprise")]

#[path = "../tests/memory/mail.rs"]
mod mail;

use std::io::Write as _;
use std::path::Path;
use std::time::Instant;

use adsum::log::SledLog;
use mail::Mail;

/// Who sends and reads.
const PEOPLE: u32 = 10_000;
/// Messages between two lines.
const STEP: u64 = 500_000;

fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (folder, count) = arguments.next().zip(arguments.next()).ok_or("FOLDER MESSAGES")?;
    let mut left: u64 = count.parse()?;
    let began = Instant::now();
    let log = SledLog::open(Path::new(&folder))?;
    told(began, "the log is open")?;
    let mut mail = Mail::open(Box::new(log), PEOPLE);
    told(began, &format!("started, {:?}", mail.commit.sizes()))?;
    while left > 0 {
        let step = left.min(STEP);
        mail.send(step);
        left -= step;
        told(began, &format!("{left} messages are left to send"))?;
    }
    mail.save();
    told(began, &format!("saved, filter {} bytes", mail.commit.message_filter_bytes()))?;
    drop(mail);
    told(began, "closed")
}

fn told(began: Instant, what: &str) -> Result<(), Box<dyn core::error::Error>> {
    let pages = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    let resident: u64 = pages.split(' ').nth(1).and_then(|it| it.parse().ok()).unwrap_or_default();
    let (seconds, mib) = (began.elapsed().as_secs_f64(), resident * 4 / 1024);
    Ok(writeln!(std::io::stdout(), "{seconds:8.2} s {mib:6} MiB  {what}")?)
}
