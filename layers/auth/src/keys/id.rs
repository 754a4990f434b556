use std::fmt;
use std::str::FromStr;

use sha2::{Digest as _, Sha256};

use super::RandomnessError;

/// The public name of a key: `key_` and 16 hexadecimal digits. Says nothing about its token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(u64);

/// Not the id of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not the id of a key, which is `key_` and 16 hexadecimal digits")]
pub struct KeyIdError;

impl KeyId {
    /// Makes an id that nobody has yet, as far as chance allows.
    pub fn random() -> Result<Self, RandomnessError> {
        getrandom::u64().map(Self).map_err(|_| RandomnessError)
    }

    /// The id of a key that is declared under a name: the same in every replica, at every start.
    pub fn of_name(name: &str) -> Self {
        let hash = Sha256::digest(name);
        Self(hash.iter().take(8).fold(0, |id, byte| (id << 8) | u64::from(*byte)))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "key_{:016x}", self.0)
    }
}

impl FromStr for KeyId {
    type Err = KeyIdError;

    fn from_str(text: &str) -> Result<Self, KeyIdError> {
        let digits = text.strip_prefix("key_").filter(|digits| {
            digits.len() == 16 && digits.bytes().all(|digit| matches!(digit, b'0'..=b'9' | b'a'..=b'f'))
        });
        digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()).map(Self).ok_or(KeyIdError)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_read_as_it_is_written() {
        let id = KeyId::random().unwrap();
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!(KeyId(0xab).to_string(), "key_00000000000000ab");
        for wrong in ["", "key_", "key_00000000000000AB", "key_+0000000000000ab", "tw-00000000000000ab"] {
            assert_eq!(wrong.parse::<KeyId>(), Err(KeyIdError), "{wrong}");
        }
    }

    #[test]
    fn a_name_has_one_id() {
        assert_eq!(KeyId::of_name("laptop"), KeyId::of_name("laptop"));
        assert_ne!(KeyId::of_name("laptop"), KeyId::of_name("desktop"));
    }
}
