//! What of the past an input may be answered by, so that whoever keeps it elsewhere can put it back before.
//!
//! Must never hold: a way to get it.

use super::Input;
use crate::protocol::Command;
use crate::view::MessageKey;

impl Input {
    /// The message that `self` asks to send, by which it is known whether it was sent before.
    pub fn message_key(&self) -> Option<MessageKey> {
        let Self::Command { actor, command: Command::Send(send), .. } = self else { return None };
        let sender = send.sender.as_ref().unwrap_or(&actor.principal);
        (!send.is_composing()).then(|| MessageKey::of(sender, &send.id))
    }
}
