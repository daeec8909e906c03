//! `adsum inbox`: the messages and receipts that wait.
//!
//! A message is acknowledged only after it has left this process, so that none is lost between here and whoever reads.
//! Must never hold: a message between two lines (the server keeps it), but to find the last ones.

mod chosen;

use std::fmt;
use std::time::Duration;

use serde::Serialize;

use self::chosen::Chosen;
use crate::cli::print::{
    composing::ComposingLine,
    cpim,
    message::MessageLine,
    output::{self, Output},
    receipt::ReceiptLine,
};
use crate::cli::run::{
    failure::Failure,
    invocation::Invocation,
    session::{self, Patience, Staying},
    signals::Interrupts,
};
use crate::client::{
    Client, ClientError, Inbox, InboxEvent, InboxItem, InboxOptions, Received, RequestId,
};
use crate::model::limits::DELETE_COUNT_MAX;
use crate::model::{InboxAddress, InboxSequence, Message, Principal, Receipt, RefusalCode};
use crate::protocol::Composing;

/// Arguments of `adsum inbox`.
#[derive(Debug, clap::Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a flag of the command line")]
pub(in crate::cli) struct Args {
    /// Stay and print messages as they come [default: print what waits, then end]
    #[arg(long)]
    follow: bool,
    /// Do not acknowledge: the next start prints the same again
    #[arg(long, conflicts_with = "delete")]
    keep: bool,
    /// Begin with the oldest message the inbox still holds [default: the first that this device has not acknowledged]
    #[arg(long)]
    from_start: bool,
    /// Delete what was printed, for all devices
    #[arg(long)]
    delete: bool,
    /// Say of each message printed that it was displayed, for senders that asked to be told
    #[arg(long)]
    displayed: bool,
    /// Print the messages that a delivery rule stored aside, and take none [default: those in the inbox]
    #[arg(
        long,
        conflicts_with_all = ["follow", "keep", "from_start", "delete", "displayed", "count"])]
    quarantine: bool,
    /// Print nothing, but delete all messages of this sender, those stored aside too, for all devices
    #[arg(
        long,
        value_name = "PRINCIPAL",
        conflicts_with_all = [
            "follow", "keep", "from_start", "delete", "displayed", "quarantine", "cpim", "since", "until", "from",
            "last", "count"])]
    drop_from: Option<Principal>,
    /// Which inbox, such as im:team@localhost; others than one's own are for those who were granted it [default: one's own]
    #[arg(long, value_name = "INBOX")]
    of: Option<InboxAddress>,
    /// Print each as message/cpim (RFC 3862) behind a header with its length; --json is then only for errors
    #[arg(long)]
    cpim: bool,
    #[command(flatten)]
    chosen: Chosen,
    /// Stop after this many messages [default: never]
    #[arg(long, value_name = "MESSAGES", value_parser = clap::value_parser!(u64).range(1..))]
    count: Option<u64>,
    #[command(flatten)]
    staying: Staying,
}

/// `{"type":"deleted", …}`.
#[derive(Debug, Serialize)]
#[serde(tag = "type", rename = "deleted")]
struct DeletedLine {
    inbox: String,
    count: u32,
}

impl fmt::Display for DeletedLine {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(to, "{}: {} deleted", self.inbox, self.count)
    }
}

/// How long the word about receipts is worth waiting for.
const RULES_WAIT: Duration = Duration::from_secs(2);
/// Messages printed before they are flushed and acknowledged together. One request deletes as many.
const MESSAGES_AT_ONCE_MAX: u64 = 256;
const _: () = assert!(MESSAGES_AT_ONCE_MAX <= DELETE_COUNT_MAX as u64);

/// Runs `adsum inbox`.
pub(super) fn run(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    if args.quarantine {
        return quarantine(args, invocation);
    }
    if let Some(sender) = &args.drop_from {
        return drop_from(args, sender, invocation);
    }
    let stay = args.staying.stay(args.follow);
    let patience = stay.patience(invocation)?;
    session::follow(invocation, stay, async |client, output, interrupts| {
        let receipts_checked = false;
        InboxReader { client, args, patience, receipts_checked, output, interrupts }.run().await
    })
}

fn quarantine(args: &Args, invocation: &mut Invocation) -> Result<(), Failure> {
    let of = args.of.as_ref();
    let messages = session::once(invocation, async |client| client.quarantine(of).await)?;
    let chosen = args.chosen.of(messages, |message| args.chosen.message(message));
    chosen.iter().try_for_each(|message| print(message, args.cpim, &mut invocation.output))
}

fn drop_from(args: &Args, sender: &Principal, invocation: &mut Invocation) -> Result<(), Failure> {
    let of = args.of.as_ref();
    let count = session::once(invocation, async |client| client.delete_from(of, sender).await)?;
    let inbox = invocation.or_own(of.cloned(), Principal::inbox)?.to_string();
    invocation.output.line(&DeletedLine { inbox, count })
}

fn print(message: &Message, cpim: bool, output: &mut Output) -> Result<(), Failure> {
    if !cpim {
        return output.line(&MessageLine::from(message));
    }
    if let Some(framed) = cpim::framed(message) {
        return output.bytes(&framed);
    }
    let text = format!("message {} was erased, so it is not printed", message.sequence.get());
    output::note(output.is_json(), "erased", &text);
    Ok(())
}

fn print_receipt(receipt: &Receipt, cpim: bool, output: &mut Output) -> Result<(), Failure> {
    let line = ReceiptLine::from(receipt);
    if !cpim {
        return output.line(&line);
    }
    // Stdout then carries messages only.
    output::note(output.is_json(), "receipt", &line.to_string());
    Ok(())
}

/// What was printed since the last acknowledgement.
#[derive(Default)]
struct Printed {
    all: Vec<InboxSequence>,
    messages: Vec<InboxSequence>,
}

struct InboxReader<'a> {
    client: &'a Client,
    args: &'a Args,
    patience: Patience,
    receipts_checked: bool,
    output: &'a mut Output,
    interrupts: &'a mut Interrupts,
}

impl InboxReader<'_> {
    async fn run(mut self) -> Result<(), Failure> {
        let args = self.args;
        let options = InboxOptions {
            inbox: args.of.clone(),
            from_start: args.from_start || args.chosen.is_some(),
            keep: args.keep || args.chosen.is_some(),
            follow: args.follow,
        };
        let mut inbox = tokio::select! {
            inbox = self.client.inbox(options) => inbox?,
            () = self.interrupts.next() => return Ok(()),
        };
        if args.chosen.last.is_some() {
            return self.last(inbox).await;
        }
        let mut remaining = args.count.unwrap_or(u64::MAX);
        let mut failed = None;
        while remaining > 0 {
            let next = tokio::select! {
                next = self.patience.next(inbox.next_event()) => next,
                () = self.interrupts.next() => break,
            };
            let next = match next {
                Ok(next) => next,
                Err(silence) => return self.settle(&inbox, Duration::ZERO).await.and(Err(silence)),
            };
            match next {
                Some(Ok(InboxEvent::Composing(composing))) => self.composing(&composing)?,
                Some(Ok(InboxEvent::Received(received))) if !args.chosen.item(&received.item) => {}
                Some(Ok(InboxEvent::Received(received))) => {
                    let most = remaining.min(MESSAGES_AT_ONCE_MAX);
                    remaining -= self.take(received, &mut inbox, most).await?;
                    failed = None;
                }
                Some(Err(error)) => failed = session::remember(error, self.output)?.or(failed),
                None => break,
            }
        }
        match failed {
            Some(failure) => Err(failure),
            None => self.settle(&inbox, self.patience.bound()).await,
        }
    }

    /// Prints the last ones of those that are chosen, when all have arrived.
    async fn last(mut self, mut inbox: Inbox) -> Result<(), Failure> {
        let mut all = Vec::new();
        loop {
            let next = tokio::select! {
                next = self.patience.next(inbox.next()) => next?,
                () = self.interrupts.next() => return Ok(()),
            };
            let Some(received) = next else { break };
            all.push(received?);
        }
        let chosen = self.args.chosen.of(all, |received| self.args.chosen.item(&received.item));
        for batch in chosen.chunks(usize::try_from(MESSAGES_AT_ONCE_MAX).unwrap_or(1)) {
            let mut printed = Printed::default();
            batch.iter().try_for_each(|received| self.print(received, &mut printed))?;
            self.done_with(&printed, batch.last()).await?;
        }
        Ok(())
    }

    /// Tells who is composing, to people as it begins; with `--cpim` stdout carries messages only.
    fn composing(&mut self, composing: &Composing) -> Result<(), Failure> {
        let line = ComposingLine::of(composing).filter(|_| self.args.follow);
        let Some(line) = line else { return Ok(()) };
        if self.args.cpim {
            output::note(self.output.is_json(), "composing", &line.to_string());
            return Ok(());
        }
        self.output.line(&line)?;
        self.output.flush()
    }

    /// Waits until what was printed is acknowledged at the server, so that no later start prints it again.
    async fn settle(&mut self, inbox: &Inbox, within: Duration) -> Result<(), Failure> {
        let settled = tokio::select! {
            settled = tokio::time::timeout(within, inbox.settled()) => settled,
            () = self.interrupts.next() => {
                return Err(self.interrupts.failure(unacknowledged("it was interrupted")));
            }
        };
        match settled {
            Ok(Err(error @ (ClientError::Unreachable { .. } | ClientError::Lost { .. }))) => {
                Err(unacknowledged(&error.to_string()))
            }
            Ok(settled) => Ok(settled?),
            Err(_) => Err(unacknowledged("the server did not confirm it in time")),
        }
    }

    /// Prints `first` and what else has arrived, `most` in all, then acknowledges it. Returns how many.
    async fn take(
        &mut self,
        first: Received,
        inbox: &mut Inbox,
        most: u64,
    ) -> Result<u64, Failure> {
        let mut printed = Printed::default();
        self.print(&first, &mut printed)?;
        let (mut last, mut count) = (first, 1);
        while count < most {
            let Some(received) = inbox.next_ready() else { break };
            if !self.args.chosen.item(&received.item) {
                continue;
            }
            self.print(&received, &mut printed)?;
            (last, count) = (received, count + 1);
        }
        self.done_with(&printed, Some(&last)).await?;
        last.taken().await?;
        Ok(count)
    }

    /// Hands over what was printed, and does with it what is to be done beside acknowledging.
    async fn done_with(
        &mut self,
        printed: &Printed,
        last: Option<&Received>,
    ) -> Result<(), Failure> {
        self.output.flush()?;
        if self.args.displayed {
            self.displayed(&printed.messages).await?;
            self.tell_if_receipts_are_off().await;
        }
        match last {
            Some(last) if self.args.delete => self.delete(last, &printed.all).await,
            _ => Ok(()),
        }
    }

    fn print(&mut self, received: &Received, printed: &mut Printed) -> Result<(), Failure> {
        printed.all.push(received.item.sequence());
        match &received.item {
            InboxItem::Message(message) => {
                printed.messages.push(message.sequence);
                print(message, self.args.cpim, self.output)
            }
            InboxItem::Receipt(receipt) => print_receipt(receipt, self.args.cpim, self.output),
        }
    }

    /// Says that `messages` were displayed. What is gone meanwhile needs no word.
    async fn displayed(&mut self, messages: &[InboxSequence]) -> Result<(), Failure> {
        let tell = async || self.client.displayed(self.args.of.as_ref(), messages).await;
        let said = tokio::select! {
            said = until_known(tell, self.patience, self.output) => said,
            () = self.interrupts.next() => {
                return Err(self.interrupts.failure(interrupted("telling what was displayed")));
            }
        };
        match said {
            Err(ClientError::Refused(refused)) if refused.is(RefusalCode::NoMessage) => Ok(()),
            said => Ok(said?),
        }
    }

    /// Says once that no sender learns what was displayed, if the inbox gives no receipts.
    async fn tell_if_receipts_are_off(&mut self) {
        if std::mem::replace(&mut self.receipts_checked, true) {
            return;
        }
        let asked = self.client.delivery(self.args.of.as_ref());
        // Who may not read the rules of somebody's inbox cannot be told, and needs no error for it.
        if let Ok(Ok(delivery)) = tokio::time::timeout(RULES_WAIT, asked).await
            && !delivery.receipts
        {
            let text = "receipts are off in this inbox: no sender is told what was displayed; its owner can run \
                        `adsum delivery receipts on`";
            output::note(self.output.is_json(), "receipts-off", text);
        }
    }

    async fn delete(
        &mut self,
        last: &Received,
        sequences: &[InboxSequence],
    ) -> Result<(), Failure> {
        let delete = async || self.client.delete(self.args.of.as_ref(), sequences).await;
        let count = tokio::select! {
            count = until_known(delete, self.patience, self.output) => count?,
            () = self.interrupts.next() => {
                return Err(self.interrupts.failure(interrupted("deleting")));
            }
        };
        let inbox = match &last.item {
            InboxItem::Message(message) => message.inbox.to_string(),
            InboxItem::Receipt(receipt) => receipt.inbox.to_string(),
        };
        let line = DeletedLine { inbox, count };
        if self.args.cpim {
            // Stdout then carries messages only.
            output::note(self.output.is_json(), "deleted", &line.to_string());
            return Ok(());
        }
        self.output.line(&line)?;
        self.output.flush()
    }
}

/// Asks until it is known whether it was done, for a command that stays: it does no harm to ask again.
async fn until_known<T>(
    ask: impl AsyncFn() -> Result<T, ClientError>,
    patience: Patience,
    output: &Output,
) -> Result<T, ClientError> {
    loop {
        match ask().await {
            Err(error @ ClientError::OutcomeUnknown { .. }) if !patience.ends() => {
                output::note(output.is_json(), error.code(), &error.to_string());
            }
            answer => return answer,
        }
    }
}

fn interrupted(during: &str) -> Failure {
    let message = format!("interrupted while {during}; run the same command again");
    Failure::failed("interrupted", message)
}

/// What was printed may not be acknowledged, for `reason`.
fn unacknowledged(reason: &str) -> Failure {
    let reason = format!("{reason}; other devices may be shown it again");
    Failure::unknown("acknowledge", &RequestId::Itself, &reason)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interrupted_command_says_what_to_do() {
        let Failure::Error { message, .. } = interrupted("telling what was displayed") else {
            panic!()
        };
        let told = "interrupted while telling what was displayed; run the same command again";
        assert_eq!(message, told);
    }

    #[test]
    fn a_deleted_line_counts() {
        let line = DeletedLine { inbox: "im:bob@localhost".into(), count: 2 };
        assert_eq!(
            serde_json::to_string(&line).unwrap(),
            r#"{"type":"deleted","inbox":"im:bob@localhost","count":2}"#
        );
        assert_eq!(line.to_string(), "im:bob@localhost: 2 deleted");
    }
}
