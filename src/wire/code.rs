//! Why a connection is closed or a stream reset. Numbers of 32 bits, because WebTransport carries no more.
//!
//! Must never hold: a code whose number means something else elsewhere; 0 never carries meaning on a stream.

use crate::model::words;

words! {
    /// Why a connection was closed.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    CloseCode: u32, u64 {
        /// All is well.
        NoError = 0x00, "no-error";
        /// The server failed; connect again later.
        Internal = 0x01, "internal";
        /// The peer broke the protocol; do not repeat what was sent.
        ProtocolViolation = 0x02, "protocol-violation";
        /// A frame was longer than allowed.
        FrameTooLarge = 0x03, "frame-too-large";
        /// A feature was used that `Welcome` did not grant.
        UnsupportedFeature = 0x04, "unsupported-feature";
        /// The identity was not proven; the `Refused` frame before it says why.
        AuthFailed = 0x05, "auth-failed";
        /// The key was revoked while connected, its principal suspended or its domain removed.
        AuthExpired = 0x06, "auth-expired";
        /// A limit for connections was reached; connect again later.
        LimitExceeded = 0x08, "limit-exceeded";
        /// No `Hello` came in time.
        HelloTimeout = 0x09, "hello-timeout";
        /// The server is going away; connect again as `Goaway` said.
        GoingAway = 0x10, "going-away";
        /// The server has no room; connect again later.
        Overloaded = 0x11, "overloaded";
    }
}

words! {
    /// Why a stream was reset or ended.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
    #[non_exhaustive]
    ResetCode: u32, u64 {
        /// The opener lost interest.
        Cancelled = 0x100, "cancelled";
        /// Nothing was done; safe to repeat.
        Rejected = 0x101, "rejected";
        /// The feed fell too far behind; open it again.
        TooFarBehind = 0x102, "too-far-behind";
        /// The server is going away; open it again on the next connection.
        GoingAway = 0x103, "going-away";
        /// The server failed.
        Internal = 0x104, "internal";
        /// A frame did not decode.
        Malformed = 0x105, "malformed";
        /// A frame was longer than allowed.
        FrameTooLarge = 0x106, "frame-too-large";
        /// The stream type or frame kind is unknown.
        Unsupported = 0x107, "unsupported";
    }
}
