// A bot: publishes OPEN, watches those it is told to watch, and answers every message once, over restarts of itself and
// of the server. Enroll it first, then run it:
//
//   adsum enroll echo@localhost
//   cargo run --example bot -- echo@localhost pres:alice@localhost

#![expect(clippy::print_stdout, missing_docs, reason = "an example shows what it does")]

use adsum::client::{
    Client, ClientError, Home, InboxItem, InboxOptions, Outgoing, Presence, Profile,
    PublishOptions, WatchOptions,
};
use adsum::model::{Basic, Document, Message, MessageId, Presentity, Refusal, Tuple, TupleId};

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let who = arguments.next().ok_or("say as whom to answer")?.parse()?;
    let watched = arguments.map(|name| name.parse()).collect::<Result<Vec<Presentity>, _>>()?;

    let client = Client::open(Profile::new(Home::from_env()?.identity(&who)?))?;
    let presence = client.keep_published(open()?, PublishOptions::default()).await?;
    let mut watch = client.watch(WatchOptions::of(watched)).await?;
    let mut inbox = client.inbox(InboxOptions { follow: true, ..InboxOptions::default() }).await?;
    loop {
        // Both go on by themselves over lost connections, from where they were taken last.
        tokio::select! {
            Some(update) = watch.next() => {
                let update = update?;
                show(&update.presence);
                update.taken().await?;
            }
            Some(received) = inbox.next() => {
                let received = received?;
                if let InboxItem::Message(message) = &received.item {
                    answer(&client, message).await?;
                }
                // Only now does the position move: after a crash before this line the message is handed over again.
                received.taken().await?;
            }
            else => break,
        }
    }
    presence.remove().await?;
    client.close().await;
    Ok(())
}

fn open() -> Result<Document, Refusal> {
    let tuple = Tuple::plain(TupleId::new("bot")?, Basic::Open);
    Document::new(vec![tuple], Vec::new(), Vec::new())
}

fn show(presence: &Presence) {
    let open = presence.document.tuples().iter().any(|tuple| tuple.basic == Some(Basic::Open));
    println!("{} is {}", presence.presentity, if open { "open" } else { "closed" });
}

/// Answers under an id made from the question's, so that answering the same question again is the same message.
async fn answer(client: &Client, question: &Message) -> Result<(), ClientError> {
    let text = question.body.as_text().unwrap_or("something that is not text");
    let mut outgoing = Outgoing::text(question.sender.inbox(), &format!("you said: {text}"));
    let id = format!("answer-to-{}", question.sequence);
    outgoing.id = Some(MessageId::new(&id).map_err(ClientError::Invalid)?);
    let sent = client.send(outgoing).await?;
    println!("answered {} ({})", question.sender, if sent.duplicate { "again" } else { "new" });
    Ok(())
}
