//! A principal at one device, frame by frame.
//!
//! Must never hold: a part of the client library, or a check of a requirement.

use std::net::SocketAddr;

use adsum::model::RefusalCode;
use adsum::protocol::body::{
    AccessRule, Body, ChangeDelivery, ChangeRules, Changed, DeliveryRule, Displayed,
    End as EndOfRows, EndSubscription, FeedOpen, Fetch, Grant, Hello, ListSubscriptions,
    ListWatchers, Presence, PresenceBody, Publish, Published, Refused, Send, Sent, Subscribe,
    Subscribed, Subscription, Unsubscribe, Unsubscribed, Watcher, WatcherBody, Welcome,
};
use adsum::wire::StreamType;
use bytes::Bytes;

use crate::feed::Feed;
pub use crate::requests::{
    ALLOW, Act, BLOCK, POLITE_BLOCK, REFUSE, delivery_rule, feed_of_inbox, feed_of_presence, local,
    rule, said, send_of, state,
};
use crate::support::peer::{Device, Manner, Peer, document};
use crate::support::stream::{End, Stream, known};
use crate::world::{full, im, pres};

/// How often somebody comes again by a way on which much is lost.
const ATTEMPTS: usize = 5;

/// What was answered, or the word of the refusal.
pub type Answer<T> = Result<T, &'static str>;

/// The word of a refusal's number.
pub fn word(code: u16) -> &'static str {
    RefusalCode::from_number(code).expect("the code is one of the protocol's").as_str()
}

/// Bytes that name an operation, others at each call.
pub fn operation() -> [u8; 16] {
    fastrand::u128(1..).to_be_bytes()
}

/// A connection that may act.
pub struct Person {
    pub peer: Peer,
    pub control: Stream,
    pub welcome: Welcome,
    /// Who it is, as the server says.
    pub principal: String,
    requests: u64,
    tag: Option<[u8; 16]>,
}

impl Person {
    /// Connects and introduces itself, enrolling if that was not done before.
    pub async fn enter(server: SocketAddr, device: &Device, manner: Manner) -> Self {
        Self::try_enter(server, device, manner).await.unwrap()
    }

    /// As [`Person::enter`], by a way on which the handshake may take longer than the server waits: then it comes again, as
    /// any client does.
    pub async fn enter_at_last(server: SocketAddr, device: &Device, manner: Manner) -> Self {
        for _ in 1..ATTEMPTS {
            if let Ok(person) = Self::try_enter(server, device, manner.clone()).await {
                return person;
            }
        }
        Self::enter(server, device, manner).await
    }

    async fn try_enter(server: SocketAddr, device: &Device, manner: Manner) -> Result<Self, End> {
        let peer = Peer::try_connect(server, manner).await?;
        let hello = peer.hello(device);
        Self::try_introduced(peer, device, &hello).await
    }

    /// Says `hello`, which the server must welcome.
    pub async fn introduced(peer: Peer, device: &Device, hello: &Hello) -> Self {
        Self::try_introduced(peer, device, hello).await.unwrap()
    }

    async fn try_introduced(peer: Peer, device: &Device, hello: &Hello) -> Result<Self, End> {
        let mut control = Stream::open(&peer.connection, StreamType::Control).await?;
        control.write(hello).await;
        let frame = control.next().await?;
        let name = &device.principal;
        assert_ne!(frame.kind, Refused::KIND, "{name} is refused: {frame:?}");
        let welcome: Welcome = known(&frame);
        let principal = welcome.principal.clone();
        Ok(Self { peer, control, welcome, principal, requests: 0, tag: None })
    }

    /// Makes a request under the next number and reads the answer.
    pub async fn ask<Q: Body, A: Body>(&mut self, request: impl FnOnce(u64) -> Q) -> Answer<A> {
        let number = self.number();
        self.control.write(&request(number)).await;
        self.answer().await
    }

    /// A number for the next request.
    pub fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// The answer that comes next.
    pub async fn answer<A: Body>(&mut self) -> Answer<A> {
        let frame = self.control.next().await.unwrap();
        if frame.kind == Refused::KIND {
            return Err(word(known::<Refused>(&frame).code));
        }
        Ok(known(&frame))
    }

    // Presence of one's own.

    /// Publishes one open tuple with a note.
    pub async fn publish(&mut self, note: &str) {
        self.publish_document(document(note)).await;
    }

    /// Publishes a document as one's own presence.
    pub async fn publish_document(&mut self, document: adsum::protocol::body::Document) {
        self.publish_as(|publish| publish.document = Some(document)).await.unwrap();
    }

    /// Publishes as one's own presence whatever `change` makes of the request.
    pub async fn publish_as(&mut self, change: impl FnOnce(&mut Publish)) -> Answer<Published> {
        let presentity = pres(&self.principal);
        let operation = operation();
        let published = self
            .ask(|request| {
                let mut publish = Publish {
                    request,
                    operation,
                    presentity,
                    name: String::new(),
                    if_match: None,
                    lifetime_ms: None,
                    document: None,
                };
                change(&mut publish);
                publish
            })
            .await;
        if let Ok(Published { tag, .. }) = &published {
            self.tag = Some(*tag);
        }
        published
    }

    /// Takes back what was published last.
    pub async fn remove(&mut self) {
        let if_match = self.tag;
        let removed = self.publish_as(|publish| {
            (publish.if_match, publish.lifetime_ms) = (if_match, Some(0));
        });
        removed.await.unwrap();
    }

    /// The tag of what was published last.
    pub fn tag(&self) -> [u8; 16] {
        self.tag.expect("something was published")
    }

    // Presence of others.

    pub async fn fetch(&self, of: &str) -> Answer<PresenceBody> {
        let question = Fetch { presentity: pres(of) };
        self.question::<_, Presence>(&question).await.map(|answer| answer.presence)
    }

    /// What a fetch shows, in short; see [`said`].
    pub async fn sees(&self, of: &str) -> String {
        self.fetch(of).await.map_or_else(str::to_owned, |presence| said(&presence))
    }

    pub async fn subscribe(&mut self, to: &str) -> Answer<Subscribed> {
        self.subscribe_as(to, |_| ()).await
    }

    /// Subscribes to every change.
    pub async fn subscribe_to_all(&mut self, to: &str) -> Answer<Subscribed> {
        self.subscribe_as(to, |subscribe| subscribe.mode = 1).await
    }

    pub async fn subscribe_as(
        &mut self,
        to: &str,
        change: impl FnOnce(&mut Subscribe),
    ) -> Answer<Subscribed> {
        let value = Bytes::copy_from_slice(&operation());
        self.ask(|request| {
            let (presentity, operation) = (pres(to), Some(value));
            let mut subscribe =
                Subscribe { request, presentity, mode: 0, lifetime_ms: None, operation };
            change(&mut subscribe);
            subscribe
        })
        .await
    }

    pub async fn unsubscribe(&mut self, from: &str) -> Answer<Unsubscribed> {
        self.ask(|request| Unsubscribe { operation: None, request, presentity: pres(from) }).await
    }

    /// One's subscriptions, such as `bob: active`, in order of name.
    pub async fn subscriptions(&self) -> Vec<String> {
        let rows = self.rows::<_, Subscription>(&ListSubscriptions {}).await;
        let mut rows: Vec<String> = rows
            .unwrap()
            .iter()
            .map(|row| format!("{}: {}", local(&row.presentity), state(row.state, row.reason)))
            .collect();
        rows.sort_unstable();
        rows
    }

    /// Opens the feed of all subscriptions from the start.
    pub async fn watch(&self) -> Feed {
        self.watch_from(Bytes::new()).await
    }

    /// Opens the feed of all subscriptions where it stood.
    pub async fn watch_from(&self, cursor: Bytes) -> Feed {
        self.feed(&feed_of_presence(cursor)).await.unwrap()
    }

    /// Opens a feed of all subscriptions, with watcher information of the presentities one controls.
    pub async fn watch_watchers(&self, cursor: Bytes) -> Feed {
        let watchers = Some(Bytes::from_static(&[1]));
        self.feed(&FeedOpen { watchers, ..feed_of_presence(cursor) }).await.unwrap()
    }

    // Messages.

    /// Sends text under an id.
    pub async fn send(&mut self, to: &str, id: &str, text: &str) -> Answer<Sent> {
        self.send_as(to, id, |send| send.body = Bytes::copy_from_slice(text.as_bytes())).await
    }

    pub async fn send_as(
        &mut self,
        to: &str,
        id: &str,
        change: impl FnOnce(&mut Send),
    ) -> Answer<Sent> {
        self.ask(|request| {
            let mut send = send_of(request, to, id);
            change(&mut send);
            send
        })
        .await
    }

    /// The feed of one's own inbox from its oldest message on.
    pub async fn inbox(&self) -> Feed {
        self.inbox_of(&self.principal).await.unwrap()
    }

    /// The feed of anybody's inbox from its oldest message on.
    pub async fn inbox_of(&self, of: &str) -> Answer<Feed> {
        self.feed(&feed_of_inbox(of)).await
    }

    /// The bodies of all messages in one's inbox, as text.
    pub async fn read(&self) -> Vec<String> {
        self.inbox().await.texts_until_caught_up().await
    }

    /// Deletes messages by their positions and tells how many were there.
    pub async fn delete(&mut self, of: &str, sequences: Vec<u64>) -> Answer<u32> {
        let deleted = self.ask(|request| adsum::protocol::body::Delete {
            operation: None,
            sender: None,
            request,
            inbox: im(of),
            sequences,
        });
        deleted.await.map(|deleted: adsum::protocol::body::Deleted| deleted.count)
    }

    pub async fn displayed(&mut self, of: &str, sequence: u64) -> Answer<Changed> {
        self.ask(|request| Displayed { operation: None, request, inbox: im(of), sequence }).await
    }

    // Rules.

    /// Sets access rules of one's own presentity.
    pub async fn rules(&mut self, put: Vec<AccessRule>) -> Answer<Changed> {
        self.change_rules(&pres(&self.principal.clone()), put, &[]).await
    }

    /// Sets and removes access rules of a presentity or `@domain`.
    pub async fn change_rules(
        &mut self,
        owner: &str,
        put: Vec<AccessRule>,
        remove: &[&str],
    ) -> Answer<Changed> {
        let operation = operation();
        self.ask(|request| ChangeRules {
            request,
            operation,
            owner: owner.to_owned(),
            if_version: None,
            put,
            remove: remove.iter().map(|name| (*name).to_owned()).collect(),
        })
        .await
    }

    /// Lets `who` fetch and subscribe.
    pub async fn allow(&mut self, who: &str) {
        self.rules(vec![rule(who, ALLOW)]).await.unwrap();
    }

    /// Lets `who` neither fetch nor subscribe.
    pub async fn block(&mut self, who: &str) {
        self.rules(vec![rule(who, BLOCK)]).await.unwrap();
    }

    /// Lets `who` believe that it watches.
    pub async fn block_politely(&mut self, who: &str) {
        self.rules(vec![rule(who, POLITE_BLOCK)]).await.unwrap();
    }

    /// Changes the delivery rules of one's own inbox.
    pub async fn delivery(&mut self, change: impl FnOnce(&mut ChangeDelivery)) -> Answer<Changed> {
        let (operation, inbox) = (operation(), im(&self.principal));
        self.ask(|request| {
            let (put, remove) = (Vec::new(), Vec::new());
            let mut changed = ChangeDelivery {
                request,
                operation,
                inbox,
                if_version: None,
                put,
                remove,
                when_closed: 0,
                receipts: 0,
            };
            change(&mut changed);
            changed
        })
        .await
    }

    /// Sets one delivery rule of one's own inbox.
    pub async fn deliver(&mut self, rule: DeliveryRule) {
        self.delivery(|change| change.put = vec![rule]).await.unwrap();
    }

    /// Grants exactly these rights.
    pub async fn grant(&mut self, grantee: &str, rights: u8) -> Answer<Changed> {
        let (operation, grantee) = (operation(), full(grantee));
        let owner = String::new();
        self.ask(|request| Grant { request, operation, owner, grantee, rights }).await
    }

    /// Who watches a presentity.
    pub async fn watchers(&self, of: &str) -> Answer<Vec<WatcherBody>> {
        let question = ListWatchers { presentity: pres(of) };
        let rows = self.rows::<_, Watcher>(&question).await?;
        Ok(rows.into_iter().map(|row| row.watcher).collect())
    }

    pub async fn end_subscription(&mut self, watcher: &str, to: &str) -> Answer<Changed> {
        let (watcher, presentity) = (full(watcher), pres(to));
        self.ask(|request| EndSubscription { operation: None, request, watcher, presentity }).await
    }

    /// An act on a domain or principal; see [`Administer`].
    pub async fn administer(&mut self, act: Act) -> Answer<Changed> {
        let operation = operation();
        self.ask(|request| act.body(request, operation)).await
    }

    // Questions.

    /// Asks a question that has one answer.
    pub async fn question<Q: Body, A: Body>(&self, question: &Q) -> Answer<A> {
        let mut query = self.peer.open(StreamType::Query).await;
        query.write(question).await;
        query.finish();
        let frame = query.next().await.unwrap();
        if frame.kind == Refused::KIND {
            return Err(word(known::<Refused>(&frame).code));
        }
        Ok(known(&frame))
    }

    /// Asks a question that is answered by rows; rows of another kind before them are passed over.
    pub async fn rows<Q: Body, A: Body>(&self, question: &Q) -> Answer<Vec<A>> {
        let mut query = self.peer.open(StreamType::Query).await;
        query.write(question).await;
        query.finish();
        let mut rows = Vec::new();
        loop {
            let frame = query.next().await.unwrap();
            match frame.kind {
                Refused::KIND => return Err(word(known::<Refused>(&frame).code)),
                EndOfRows::KIND => return Ok(rows),
                kind if kind == A::KIND => rows.push(known(&frame)),
                _ => {}
            }
        }
    }

    /// Opens a feed, or tells why it is refused.
    pub async fn feed(&self, open: &FeedOpen) -> Answer<Feed> {
        let mut stream = self.peer.open(StreamType::Feed).await;
        stream.write(open).await;
        Feed::opened(stream).await
    }

    /// Says good-bye.
    pub fn leave(self) {
        self.peer.connection.close(0_u32.into(), b"done");
    }
}
