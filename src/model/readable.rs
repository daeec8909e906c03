//! How bytes are written where people read: those of a fixed number as hexadecimal digits, what somebody wrote as text.
//!
//! A format says of itself whether people read it (`is_human_readable`, see serde). JSON does; postcard, in which events,
//! frames and checkpoints are stored, does not, and is told the same bytes as ever.
//! Must never hold: a type of the model.

use core::fmt;

/// The bytes as hexadecimal digits.
struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(to, "{byte:02x}"))
    }
}

fn decoded(text: &str) -> Result<Vec<u8>, &'static str> {
    let wrong = "no hexadecimal digits, two a byte";
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    let (pairs, []) = text.as_bytes().as_chunks::<2>() else { return Err(wrong) };
    let byte = |pair: &[u8; 2]| Some((digit(pair[0])? << 4) | digit(pair[1])?);
    pairs.iter().map(byte).collect::<Option<_>>().ok_or(wrong)
}

/// Bytes of a fixed number: an id, a key, a digest.
pub(crate) mod hex {
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    use super::{Hex, decoded};

    pub(crate) fn serialize<S: Serializer, const N: usize>(
        bytes: &[u8; N],
        to: S,
    ) -> Result<S::Ok, S::Error>
    where
        [u8; N]: Serialize,
    {
        if to.is_human_readable() { to.collect_str(&Hex(bytes)) } else { bytes.serialize(to) }
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>, const N: usize>(
        from: D,
    ) -> Result<[u8; N], D::Error>
    where
        [u8; N]: Deserialize<'de>,
    {
        if !from.is_human_readable() {
            return <[u8; N]>::deserialize(from);
        }
        let bytes = decoded(&String::deserialize(from)?).map_err(D::Error::custom)?;
        let found = bytes.len();
        bytes
            .try_into()
            .map_err(|_| D::Error::custom(format!("{found} bytes where there must be {N}")))
    }
}

/// What somebody wrote: `{"text": …}` if it is UTF-8, else `{"hex": …}`.
pub(crate) mod written {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

    use super::{Hex, decoded};

    #[derive(Serialize, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Written {
        Text(String),
        Hex(String),
    }

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        if !to.is_human_readable() {
            return bytes.serialize(to);
        }
        let written = match core::str::from_utf8(bytes) {
            Ok(text) => Written::Text(text.to_owned()),
            Err(_) => Written::Hex(Hex(bytes).to_string()),
        };
        written.serialize(to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        if !from.is_human_readable() {
            return Bytes::deserialize(from);
        }
        match Written::deserialize(from)? {
            Written::Text(text) => Ok(text.into()),
            Written::Hex(digits) => decoded(&digits).map(Bytes::from).map_err(D::Error::custom),
        }
    }
}

/// What is stored sealed: it is told, but nobody can write it down.
pub(crate) mod sealed {
    use bytes::Bytes;
    use serde::{Deserialize, Deserializer, Serializer, de::Error as _};

    pub(crate) fn serialize<S: Serializer>(bytes: &Bytes, to: S) -> Result<S::Ok, S::Error> {
        super::written::serialize(bytes, to)
    }

    pub(crate) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Bytes, D::Error> {
        if from.is_human_readable() {
            return Err(D::Error::custom("what is sealed can be stored by nobody but its store"));
        }
        Bytes::deserialize(from)
    }
}

/// A map whose keys are no text: a list of pairs.
pub(crate) mod pairs {
    use std::collections::BTreeMap;

    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    pub(crate) fn serialize<S: Serializer, K: Serialize, V: Serialize>(
        map: &BTreeMap<K, V>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        if to.is_human_readable() { to.collect_seq(map) } else { map.serialize(to) }
    }

    pub(crate) fn deserialize<'de, D, K, V>(from: D) -> Result<BTreeMap<K, V>, D::Error>
    where
        D: Deserializer<'de>,
        K: Deserialize<'de> + Ord,
        V: Deserialize<'de>,
    {
        if from.is_human_readable() {
            return Ok(Vec::<(K, V)>::deserialize(from)?.into_iter().collect());
        }
        BTreeMap::deserialize(from)
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{DeviceId, Payload, VisibilityRules, Who};

    #[track_caller]
    fn both_ways<T>(value: &T, readable: &str, stored: &[u8])
    where
        T: serde::Serialize + serde::de::DeserializeOwned + PartialEq + core::fmt::Debug,
    {
        assert_eq!(serde_json::to_string(value).unwrap(), readable);
        assert_eq!(&serde_json::from_str::<T>(readable).unwrap(), value);
        assert_eq!(postcard::to_stdvec(value).unwrap(), stored);
        assert_eq!(&postcard::from_bytes::<T>(stored).unwrap(), value);
    }

    #[test]
    fn people_read_digits_and_text_and_what_is_stored_stays_as_it_was() {
        both_ways(&DeviceId([0xab; 8]), r#""abababababababab""#, &[0xab; 8]);
        both_ways(&Payload::text("hé"), r#"{"Present":{"text":"hé"}}"#, b"\0\x03h\xc3\xa9");
        let binary = Payload::Present(vec![0xff, 0].into());
        both_ways(&binary, r#"{"Present":{"hex":"ff00"}}"#, b"\0\x02\xff\0");
        both_ways(&Payload::Erased, r#""Erased""#, &[1]);
        let rules = VisibilityRules([(Who::Everyone, false)].into());
        both_ways(&rules, r#"[["Everyone",false]]"#, &[1, 0, 0]);
    }

    #[test]
    fn what_is_no_hexadecimal_is_refused() {
        for wrong in ["abab", "xbababababababab", "+babababababab00", "ababababababab0"] {
            assert!(serde_json::from_str::<DeviceId>(&format!("{wrong:?}")).is_err(), "{wrong}");
        }
        assert!(serde_json::from_str::<Payload>(r#"{"Present":{"hex":"f"}}"#).is_err());
        assert!(serde_json::from_str::<Payload>(r#"{"Sealed":{"hex":"ff"}}"#).is_err());
    }
}
