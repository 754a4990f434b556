use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;

use super::Digest;

/// The deployment's secret, without which nobody can tell a key from what is kept of it.
#[derive(Clone)]
pub struct Pepper(Hmac<Sha256>);

/// The deployment's secret is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret that keys are hashed with must have at least {MIN_BYTES} bytes")]
pub struct PepperError;

/// As much as the hash gives: less would be the easier thing to guess.
const MIN_BYTES: usize = 32;

impl Pepper {
    /// Takes the secret, of at least 32 bytes. All replicas, and all that ever read the same keys, need
    /// the same one.
    pub fn new(secret: &[u8]) -> Result<Self, PepperError> {
        let hmac = Hmac::new_from_slice(secret).ok().filter(|_| secret.len() >= MIN_BYTES);
        hmac.map(Self).ok_or(PepperError)
    }

    /// The keyed hash of a token: HMAC-SHA-256.
    pub fn hash(&self, secret: &[u8]) -> Digest {
        let hmac = self.0.clone().chain_update(secret);
        Digest::from(<[u8; 32]>::from(hmac.finalize().into_bytes()))
    }

    /// By what it is known again whether keys were hashed with this secret.
    pub fn fingerprint(&self) -> Digest {
        self.hash(b"tollway: fingerprint of the secret that keys are hashed with")
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_rfc_4231() {
        let pepper = Pepper::new(&[0xaa; 131]).unwrap();
        let hash = pepper.hash(b"Test Using Larger Than Block-Size Key - Hash Key First");
        assert_eq!(hash.to_string(), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
    }

    #[test]
    fn a_short_secret_is_none() {
        assert_eq!(Pepper::new(&[7; 31]).unwrap_err(), PepperError);
        assert_ne!(
            Pepper::new(&[7; 32]).unwrap().fingerprint(),
            Pepper::new(&[8; 32]).unwrap().fingerprint()
        );
    }
}
