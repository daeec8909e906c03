//! A page: the protocol in a session of WebTransport, whatever carries that, without the client library.
//!
//! It proves itself over the challenge, because a browser has no exporter. Must never hold: how a session is opened.

use adsum::protocol::body::{
    Body, Challenge, ChallengeAnswer, Enroll, FeedOpen, Hello, Published, Refused, Sent,
    Subscribed, Welcome,
};
use adsum::wire::{CHALLENGE_CONTEXT, Decoder, Frame, StreamType};
use bytes::Bytes;
use web_transport_quinn::generic::{Error, RecvStream, SendStream, Session};

use super::peer::{Device, answer_in, message, publish, subscribe};
use super::stream::{frame, known};
use super::within;

/// One stream of a page.
pub struct PageStream<S: Session> {
    pub send: S::SendStream,
    pub receive: S::RecvStream,
    decoder: Decoder,
}

/// How a stream of a page ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PageEnd {
    Finished,
    /// The server reset it with this code.
    Reset(u32),
    /// The session is over.
    Over(String),
}

impl<S: Session> PageStream<S> {
    pub async fn open(session: &S, kind: StreamType) -> Self {
        let (send, receive) = within("a stream opens", session.open_bi()).await.unwrap();
        let mut stream = Self::of(send, receive);
        stream.bytes(&[kind.byte()]).await;
        stream
    }

    /// A stream that has not said what it is for.
    pub fn of(send: S::SendStream, receive: S::RecvStream) -> Self {
        Self { send, receive, decoder: Decoder::default() }
    }

    /// Writes bytes. A server that does not want them says so when it is read.
    pub async fn bytes(&mut self, bytes: &[u8]) {
        let _ = within("bytes are written", self.send.write_all(bytes)).await;
    }

    pub async fn write<B: Body>(&mut self, body: &B) {
        self.bytes(&frame(body)).await;
    }

    pub async fn next(&mut self) -> Result<Frame, PageEnd> {
        loop {
            if let Some(frame) = self.decoder.next_frame().expect("the server writes frames") {
                return Ok(frame);
            }
            let mut bytes = [0; 4_096];
            match within("a frame or an end comes", self.receive.read(&mut bytes)).await {
                Ok(Some(count)) => self.decoder.push(&bytes[..count]),
                Ok(None) => return Err(PageEnd::Finished),
                Err(error) => {
                    let over = PageEnd::Over(error.to_string());
                    return Err(error.stream_error().map_or(over, PageEnd::Reset));
                }
            }
        }
    }

    pub async fn read<B: Body>(&mut self) -> B {
        let frame =
            self.next().await.unwrap_or_else(|end| panic!("{end:?} instead of {}", B::NAME));
        known(&frame)
    }

    /// How it ends. Frames that come before are passed over.
    pub async fn end(&mut self) -> PageEnd {
        loop {
            if let Err(end) = self.next().await {
                return end;
            }
        }
    }
}

/// A page that may act.
pub struct Page<S: Session> {
    pub session: S,
    pub control: PageStream<S>,
    pub welcome: Welcome,
    name: String,
    requests: u64,
}

impl<S: Session> Page<S> {
    /// Enters as the first device of `name`, enrolling it if that was not done before.
    pub async fn enter(session: S, server_key: &[u8; 32], name: &str) -> Self {
        let device = Device::of(name);
        let mut control = PageStream::open(&session, StreamType::Control).await;
        control.write(&hello(&device)).await;
        let challenge: Challenge = control.read().await;
        let signature = device.sign(CHALLENGE_CONTEXT, server_key, &challenge.nonce);
        control.write(&ChallengeAnswer { signature }).await;
        let welcome = control.read().await;
        Self { session, control, welcome, name: name.to_owned(), requests: 0 }
    }

    pub fn number(&mut self) -> u64 {
        self.requests += 1;
        self.requests
    }

    /// Sends a request and reads what is answered.
    pub async fn request<B: Body, A: Body>(&mut self, request: &B) -> A {
        self.control.write(request).await;
        let frame = self.control.next().await.unwrap();
        answer_in(&frame).unwrap_or_else(|code| panic!("refused with {code}"))
    }

    pub async fn publish(&mut self, note: &str) -> Published {
        let number = self.number();
        let body = publish(&self.name, number, note);
        self.request(&body).await
    }

    pub async fn subscribe(&mut self, to: &str, mode: u8) -> Subscribed {
        let body = subscribe(self.number(), to, mode);
        self.request(&body).await
    }

    pub async fn send(&mut self, to: &str, id: &str, body: &[u8]) -> Sent {
        let body = message(self.number(), to, id, body);
        self.request(&body).await
    }

    /// Opens a feed; its first frame has not been read.
    pub async fn feed(&self, open: &FeedOpen) -> PageStream<S> {
        let mut feed = PageStream::open(&self.session, StreamType::Feed).await;
        feed.write(open).await;
        feed
    }

    /// Asks something that is answered by one frame.
    pub async fn query<B: Body, A: Body>(&self, question: &B) -> A {
        let mut query = PageStream::<S>::open(&self.session, StreamType::Query).await;
        query.write(question).await;
        query.read().await
    }
}

/// A `Hello` that asks for a challenge, for open enrolment.
pub fn hello(device: &Device) -> Hello {
    Hello {
        version: 1,
        features: 0,
        principal: device.principal.clone(),
        key: device.key,
        proof: 0,
        signature: Bytes::new(),
        enroll: Some(Enroll { token: Bytes::new(), label: "a page".to_owned() }),
        client: "a page".to_owned(),
    }
}

/// The code of the refusal that comes next.
pub async fn refused<S: Session>(stream: &mut PageStream<S>) -> u16 {
    stream.read::<Refused>().await.code
}
