//! As whom a command acts that also works without an identity.
//!
//! Must never hold: a key on disk for an anonymous command.

use crate::cli::run::{failure::Failure, invocation::Invocation};
use crate::client::{Identity, KeyHash, ServerAddress, anonymous};

/// Flags of commands that work without an identity.
#[derive(Clone, Debug, clap::Args)]
pub(in crate::cli) struct AnonymousArgs {
    /// Act as nobody in particular, under a pseudonym for this once [default: as one's identity]
    #[arg(long)]
    anonymous: bool,
    /// With --anonymous: the server, as host:port; UDP port 2778 if none is given [default: 127.0.0.1:2778]
    #[arg(long, value_name = "HOST:PORT", requires = "anonymous")]
    server: Option<ServerAddress>,
    /// With --anonymous: the hash of the server's key, 64 hexadecimal digits [default: the key it shows is trusted]
    #[arg(long, value_name = "HASH", requires = "anonymous")]
    server_key: Option<KeyHash>,
}

impl AnonymousArgs {
    /// Whether the command acts as nobody in particular.
    pub(in crate::cli) fn is_anonymous(&self) -> bool {
        self.anonymous
    }

    /// As whom to act, once it is known which key the server shows.
    pub(in crate::cli) fn as_whom(&self, invocation: &Invocation) -> Result<AsWhom, Failure> {
        if !self.anonymous {
            return Ok(AsWhom::Identity(Box::new(invocation.identity()?)));
        }
        if invocation.globals.acting_as.is_some() {
            return Err(Failure::usage("--anonymous and --as exclude each other; choose one"));
        }
        let server = match &self.server {
            Some(server) => server.clone(),
            None => "127.0.0.1".parse()?,
        };
        Ok(AsWhom::Nobody { server, key: self.server_key })
    }
}

/// As whom to act.
pub(in crate::cli) enum AsWhom {
    /// An identity of this machine.
    Identity(Box<Identity>),
    /// Nobody in particular, at this server.
    Nobody {
        /// Where.
        server: ServerAddress,
        /// The key it must show.
        key: Option<KeyHash>,
    },
}

impl AsWhom {
    /// The server's address.
    pub(in crate::cli) fn server(&self) -> &ServerAddress {
        match self {
            Self::Identity(identity) => &identity.server,
            Self::Nobody { server, .. } => server,
        }
    }

    /// The identity to connect with.
    pub(in crate::cli) async fn identity(self) -> Result<Identity, Failure> {
        match self {
            Self::Identity(identity) => Ok(*identity),
            Self::Nobody { server, key } => Ok(anonymous(server, key).await?),
        }
    }
}
