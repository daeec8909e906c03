//! An answering machine: publishes OPEN, answers every message once, survives restarts of itself and of the server.
//!
//! Enroll first, then run it:
//! ```text
//! adsum enroll echo@localhost
//! cargo run --example answering -- echo@localhost
//! ```
//!
//! Must never hold: a way round the public API.

use adsum::client::{
    Client, ClientError, Home, InboxItem, InboxOptions, Outgoing, Profile, PublishOptions,
};
use adsum::model::{Basic, Document, MessageId, Note, Payload, Principal, Tuple, TupleId};

#[tokio::main]
async fn main() -> Result<(), Box<dyn core::error::Error>> {
    let home = Home::from_env()?;
    let identity = match std::env::args().nth(1) {
        Some(name) => home.identity(&name.parse::<Principal>()?)?,
        None => home.only_identity()?,
    };
    let client = Client::open(Profile::new(identity))?;
    let presence =
        client.keep_published(open("ask me anything")?, PublishOptions::default()).await?;
    let mut inbox = client.inbox(InboxOptions { follow: true, ..InboxOptions::default() }).await?;
    while let Some(received) = inbox.next().await {
        let received = received?;
        if let InboxItem::Message(message) = &received.item {
            answer(&client, message).await?;
        }
        // Only now does the position move: after a crash before this line the message is handed over again.
        received.taken().await?;
    }
    presence.remove().await?;
    client.close().await;
    Ok(())
}

fn open(text: &str) -> Result<Document, adsum::model::Refusal> {
    let mut tuple = Tuple::plain(TupleId::new("answering")?, Basic::Open);
    tuple.notes = vec![Note { language: "en".into(), text: Payload::text(text) }];
    Document::new(vec![tuple], Vec::new(), Vec::new())
}

/// Answers under an id made from the question's, so that answering the same question again is the same message.
#[expect(clippy::print_stderr, reason = "an example shows what it does")]
async fn answer(client: &Client, question: &adsum::model::Message) -> Result<(), ClientError> {
    let text = question.body.as_text().unwrap_or("something that is not text");
    let mut outgoing = Outgoing::text(question.sender.inbox(), &format!("you said: {text}"));
    let id = format!("answer-to-{}", question.sequence);
    outgoing.id = Some(MessageId::new(&id).map_err(ClientError::Invalid)?);
    let sent = client.send(outgoing).await?;
    eprintln!("answered {} ({})", question.sender, if sent.duplicate { "again" } else { "new" });
    Ok(())
}
