use std::time::UNIX_EPOCH;

use super::token::{is_token, looks_ours};
use super::{Digest, Grant, Key, KeyId, Pepper};
use crate::keys::method::MOST_BYTES;

/// A key that stands in a configuration, so that no store is needed.
#[derive(Clone, Debug)]
pub struct DeclaredKey {
    pub(super) key: Key,
    pub(super) guessable: bool,
    pub(super) is_foreign: bool,
}

/// Why a token cannot be declared: nobody could present it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DeclaredKeyError {
    /// It is empty, or too long.
    #[error("a key must have 1 to {MOST_BYTES} characters, not {0}")]
    Length(usize),
    /// It holds something that headers and queries do not carry as it is.
    #[error("a key may only hold visible characters of ASCII")]
    Character,
}

impl DeclaredKey {
    /// A key by its token, which may be any 1 to 256 visible characters of ASCII. One that is not made
    /// like ours might be guessed, so that [failed attempts](crate::Settings::failures) hold it back.
    pub fn plain(name: &str, token: &str, grant: Grant, pepper: &Pepper) -> Result<Self, DeclaredKeyError> {
        if token.is_empty() || token.len() > MOST_BYTES {
            return Err(DeclaredKeyError::Length(token.len()));
        }
        if !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(DeclaredKeyError::Character);
        }
        let key = Self::key(name, pepper.hash(token.as_bytes()), grant);
        let guessable = !is_token(token.as_bytes());
        Ok(Self { key, guessable, is_foreign: !looks_ours(token.as_bytes()) })
    }

    /// A key by the hash of a token that was made here, and so begins with `tw-`.
    pub fn hashed(name: &str, digest: Digest, grant: Grant) -> Self {
        Self { key: Self::key(name, digest, grant), guessable: false, is_foreign: false }
    }

    /// The key as it will be known.
    pub fn id(&self) -> KeyId {
        self.key.id
    }

    fn key(name: &str, digest: Digest, mut grant: Grant) -> Key {
        if grant.name.is_empty() {
            name.clone_into(&mut grant.name);
        }
        Key::new(KeyId::of_name(name), digest, grant, UNIX_EPOCH)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_nobody_could_present_is_no_key() {
        let pepper = Pepper::new(&[7; 32]).unwrap();
        let plain = |token: &str| DeclaredKey::plain("a", token, Grant::default(), &pepper);
        assert_eq!(plain("").unwrap_err(), DeclaredKeyError::Length(0));
        assert_eq!(plain(&"x".repeat(257)).unwrap_err(), DeclaredKeyError::Length(257));
        assert_eq!(plain(" padded").unwrap_err(), DeclaredKeyError::Character);
        assert_eq!(plain("größe").unwrap_err(), DeclaredKeyError::Character);
        assert_eq!(plain("password").unwrap().id(), KeyId::of_name("a"));
    }
}
