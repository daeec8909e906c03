//! Devices, their keys, invites and roles.
//!
//! Must never hold: a private key, an invite's secret, or a signature check (that needs more than bytes).

use core::fmt;

use serde::{Deserialize, Serialize};

use super::limits::DEVICE_LABEL_BYTES_MAX;
use super::text::text;
use super::word::words;
use super::{Payload, Refusal};

/// An Ed25519 public key, RFC 8032 §5.1.5: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct PublicKey(#[serde(with = "crate::model::readable::hex")] pub [u8; 32]);

impl PublicKey {
    /// The device that holds this key: the first 8 bytes of BLAKE3 in key-derivation mode.
    pub fn device(&self) -> DeviceId {
        let digest = blake3::derive_key("adsum 2026 device id", &self.0);
        DeviceId(digest[..8].try_into().expect("a digest is longer than 8 bytes"))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "PublicKey({})", self.device())
    }
}

/// Names a device by its key. Shown as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct DeviceId(#[serde(with = "crate::model::readable::hex")] pub [u8; 8]);

impl fmt::Display for DeviceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:016x}", u64::from_be_bytes(self.0))
    }
}

impl fmt::Debug for DeviceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "DeviceId({self})")
    }
}

impl core::str::FromStr for DeviceId {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let plain = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
        let value = plain.then(|| u64::from_str_radix(text, 16).ok()).flatten();
        value.map(|value| Self(value.to_be_bytes())).ok_or_else(|| {
            Refusal::bad_field("device", "is not a device id; write its 16 hexadecimal digits")
        })
    }
}

/// Names an invite: BLAKE3 in key-derivation mode over its secret token, so that the log cannot be used to enroll.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct InviteId(#[serde(with = "crate::model::readable::hex")] pub [u8; 32]);

impl InviteId {
    /// The invite that `token` opens.
    pub fn of(token: &[u8]) -> Self {
        Self(blake3::derive_key("adsum 2026 invite id", token))
    }
}

/// Its first 16 hexadecimal digits, which people tell it by.
impl fmt::Display for InviteId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0[..8].iter().try_for_each(|byte| write!(formatter, "{byte:02x}"))
    }
}

impl fmt::Debug for InviteId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "InviteId({:02x}{:02x}..)", self.0[0], self.0[1])
    }
}

words! {
    /// What a principal may do beyond its own presentity and inbox.
    #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
    Role {
        /// Publishes, watches, sends and reads for itself.
        User = "user";
        /// Also invites principals of its own domain and revokes their devices. Cannot read bodies or speak for others.
        Administrator = "administrator";
    }
}

text! {
    /// A person's name for a device, such as `phone`: at most 64 bytes, no control characters, possibly empty.
    #[derive(Debug)]
    DeviceLabel(String)
}

impl DeviceLabel {
    /// Checks `text`.
    ///
    /// # Errors
    /// [`Refusal::BadField`] if it is too long or holds a control character.
    pub fn new(text: &str) -> Result<Self, Refusal> {
        if text.len() > DEVICE_LABEL_BYTES_MAX {
            return Err(Refusal::bad_field("label", "is longer than 64 bytes; shorten it"));
        }
        if text.chars().any(char::is_control) {
            return Err(Refusal::bad_field("label", "holds a control character; leave it out"));
        }
        Ok(Self(text.to_owned()))
    }

    /// The label that was recorded as `payload`; an empty one if that was erased.
    pub fn recorded(payload: &Payload) -> Self {
        let text = payload.as_text().unwrap_or_default().to_owned();
        Self::try_from(text).unwrap_or_else(|_| Self(String::new()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_device_id_reads_back_as_it_prints() {
        let device = PublicKey([7; 32]).device();
        assert_eq!(device.to_string().parse::<DeviceId>().unwrap(), device);
        assert!("+123456789abcdef".parse::<DeviceId>().is_err());
        assert!("short".parse::<DeviceId>().is_err());
    }

    #[test]
    fn a_label_is_short_and_printable() {
        assert!(DeviceLabel::new("phone").is_ok());
        assert!(DeviceLabel::new(&"x".repeat(65)).is_err());
        assert!(DeviceLabel::new("a\nb").is_err());
    }
}
