//! Why a connection is closed or a stream reset. Numbers of 32 bits, because WebTransport carries no more.
//!
//! Must never hold: a code whose number means something else elsewhere; 0 never carries meaning on a stream.

macro_rules! codes {
    ($(#[$type_doc:meta])* $name:ident { $($(#[$doc:meta])* $code:ident = $number:literal, $word:literal;)* }) => {
        $(#[$type_doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum $name { $($(#[$doc])* $code = $number,)* }

        impl $name {
            /// Every code, in order of number.
            pub const ALL: &'static [Self] = &[$(Self::$code,)*];

            /// The number on the wire.
            pub const fn number(self) -> u32 {
                self as u32
            }

            /// The code of `number`, if this version knows it.
            pub const fn from_number(number: u64) -> Option<Self> {
                match number { $($number => Some(Self::$code),)* _ => None }
            }

            /// The word for people and logs.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$code => $word,)* }
            }
        }
    };
}

codes! {
    /// Why a connection was closed.
    CloseCode {
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

codes! {
    /// Why a stream was reset or ended.
    ResetCode {
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
