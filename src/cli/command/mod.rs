//! What the user asks: a file or a folder for each command, named like it.
//!
//! Must never hold: how something is printed that two commands print (`print`), or how a command reaches its server (`run`).

mod backup;
#[cfg(feature = "bench")]
mod bench;
mod check_config;
mod completions;
mod delivery;
mod demo;
mod doctor;
mod domain;
mod enroll;
mod erase;
mod explain;
mod export;
mod fetch;
mod grant;
mod history;
mod inbox;
mod invite;
mod invites;
mod keys;
mod log;
mod man;
mod principals;
mod publications;
mod publish;
mod quota;
mod recovery;
mod requests;
mod restore;
mod rules;
mod send;
mod serve;
mod unwatch;
mod visibility;
mod watch;
mod watchers;

use clap::Subcommand;

pub(super) use self::serve::settings_of;
use crate::cli::run::{failure::Failure, invocation::Invocation};

/// A command with its arguments.
#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Run a server on a store
    Serve(serve::Args),
    /// Check a file of settings, and the files that it names, before a server is started or reloaded with it
    CheckConfig(check_config::Args),
    /// Show everything once on a temporary store: publish, watch, kill -9, restart, resume, offline inbox
    Demo(demo::Args),
    /// Enroll this device for a principal and pin the server's key
    Enroll(enroll::Args),
    /// Make an invite for a principal or for another device of one's own
    Invite(invite::Args),
    /// List the invites that are open, or take one back
    Invites(invites::Args),
    /// See which recoveries of names run, and refuse that of one's own
    Recovery(recovery::Args),
    /// List or revoke the keys of a principal's devices
    Keys(keys::Args),
    /// Publish presence, refresh it, or remove it
    Publish(publish::Args),
    /// List what is published with which devices, or remove one of whichever device
    Publications(publications::Args),
    /// Fetch the presence of presentities once
    Fetch(fetch::Args),
    /// Watch presentities: first the current state, then changes; the next start goes on where this one stopped
    Watch(watch::Args),
    /// End the subscription to a presentity
    Unwatch(unwatch::Args),
    /// Send an instant message to an inbox
    Send(send::Args),
    /// Print what waits in one's inbox and acknowledge it
    Inbox(inbox::Args),
    /// Say who may fetch and watch, and what they are shown
    Rules(rules::Args),
    /// See who waits to be let watch, and let or refuse them
    Requests(requests::Args),
    /// See who watches, or end a subscription
    Watchers(watchers::Args),
    /// Say to whom one is shown as a watcher
    Visibility(visibility::Args),
    /// Say which messages become part of one's inbox
    Delivery(delivery::Args),
    /// Let others publish, read, or act as a group
    Grant(grant::Args),
    /// See what a presentity published in the past
    History(history::Args),
    /// Tell by which rules a watcher is or was answered
    Explain(explain::Args),
    /// Manage domains, services and suspensions as an administrator, and see what administrators did
    Domain(domain::Args),
    /// List who has a name in a domain, as its administrator
    Principals(principals::Args),
    /// See how much of what all share one may take and has taken, and set that as an administrator
    Quota(quota::Args),
    /// Make what a principal wrote unreadable for good, or check the certificate of that
    Erase(erase::Args),
    /// Write all that is kept about a principal into a folder, as files that a person can read
    Export(export::Args),
    /// Look into a store's log while no server runs on it
    #[command(subcommand)]
    Log(log::Command),
    /// Make a backup of a store, whether or not a server runs on it, or prove one
    Backup(backup::Args),
    /// Make a store of a backup
    Restore(restore::Args),
    /// Measure a server against yardsticks of the same machine
    #[cfg(feature = "bench")]
    Bench(bench::Args),
    /// Check this machine's identities, the way to the server, and a store
    Doctor(doctor::Args),
    /// Print what a shell needs to complete commands and flags
    Completions(completions::Args),
    /// Write the manual pages into a folder
    Man(man::Args),
}

impl Command {
    /// Runs it.
    pub(super) fn run(self, invocation: &mut Invocation) -> Result<(), Failure> {
        match self {
            Self::Serve(args) => serve::run(&args, invocation),
            Self::CheckConfig(args) => check_config::run(&args, invocation),
            Self::Demo(args) => demo::run(&args, invocation),
            Self::Enroll(args) => enroll::run(args, invocation),
            Self::Invite(args) => invite::run(args, invocation),
            Self::Invites(args) => invites::run(args, invocation),
            Self::Recovery(args) => recovery::run(args, invocation),
            Self::Keys(args) => keys::run(args, invocation),
            Self::Publish(args) => publish::run(&args, invocation),
            Self::Publications(args) => publications::run(args, invocation),
            Self::Fetch(args) => fetch::run(&args, invocation),
            Self::Watch(args) => watch::run(args, invocation),
            Self::Unwatch(args) => unwatch::run(&args, invocation),
            Self::Send(args) => send::run(args, invocation),
            Self::Inbox(args) => inbox::run(&args, invocation),
            Self::Rules(args) => rules::run(&args, invocation),
            Self::Requests(args) => requests::run(args, invocation),
            Self::Watchers(args) => watchers::run(args, invocation),
            Self::Visibility(args) => visibility::run(args, invocation),
            Self::Delivery(args) => delivery::run(args, invocation),
            Self::Grant(args) => grant::run(&args, invocation),
            Self::History(args) => history::run(args, invocation),
            Self::Explain(args) => explain::run(args, invocation),
            Self::Domain(args) => domain::run(args, invocation),
            Self::Principals(args) => principals::run(&args, invocation),
            Self::Quota(args) => quota::run(args, invocation),
            Self::Export(args) => export::run(&args, invocation),
            Self::Erase(args) => erase::run(&args, invocation),
            Self::Log(command) => log::run(command, invocation),
            Self::Backup(args) => backup::run(&args, invocation),
            Self::Restore(args) => restore::run(&args, invocation),
            #[cfg(feature = "bench")]
            Self::Bench(args) => bench::run(args, invocation),
            Self::Doctor(args) => doctor::run(&args, invocation),
            Self::Completions(args) => completions::run(&args, invocation),
            Self::Man(args) => man::run(&args, invocation),
        }
    }
}
