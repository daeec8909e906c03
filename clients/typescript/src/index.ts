// A client for adsum, the presence and instant messaging store, in the browser.
//
//     const client = await connect({ server: "https://example.com/web.json", principal: "alice@example.com", invite });
//     for await (const shown of client.watch("pres:bob@example.com")) console.log(shown.isOpen, shown.notes);

export {
  Client,
  type Inviting,
  type Publishing,
  type Reading,
  type Sending,
  type Watching,
} from "./client.js";
export { type BodyOf, type FieldsOf, fromUtf8, make, toHex, utf8 } from "./codec.js";
export { connect, connectAnonymously, type Options, whoIsHere } from "./connect.js";
export type { Enrolment } from "./enrolment.js";
export type { Route } from "./enter.js";
export {
  AdsumError,
  Closed,
  ConnectionLost,
  Invalid,
  NotAuthenticated,
  OutcomeUnknown,
  ProtocolViolation,
  Refused,
  ServerKeyChanged,
  StateError,
  StreamEnded,
  Unreachable,
  VersionMismatch,
} from "./errors.js";
export type { Unfinished } from "./hub.js";
export { IndexedDbStore } from "./indexed-db.js";
export {
  type Composing,
  type Handling,
  Letter,
  type ReceiptKind,
  rule,
  type Sent,
  Shown,
  type Status,
  status,
} from "./items.js";
export type * as protocol from "./protocol.js";
export type { Publication } from "./publication.js";
export { isWebKit, type Ways } from "./reach.js";
export type { Server } from "./server.js";
export { SessionTransport } from "./session-transport.js";
export { MemoryStore, type Store } from "./store.js";
export { Audience, Inbox, Watch } from "./streams.js";
export { readToken, type Token } from "./token.js";
export type { ByteStream, Dial, Ending, Transport } from "./transport.js";
export { webSocket } from "./websocket.js";
export { webTransport } from "./webtransport.js";
