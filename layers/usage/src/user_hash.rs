use std::fmt;
use std::sync::Arc;

use ring::hmac;

/// Hides who a user is: the same user has the same name in all reports, and nobody without the secret can
/// tell whose it is, or try.
#[derive(Clone)]
pub struct UserHash(hmac::Key);

/// The secret that users are hashed with is too short.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the secret that users are hashed with must have at least {MIN_BYTES} bytes")]
pub struct UserHashError;

const MIN_BYTES: usize = 16;

impl UserHash {
    /// Takes the secret, of at least 16 bytes. All replicas need the same one.
    pub fn new(secret: &[u8]) -> Result<Self, UserHashError> {
        let is_long_enough = secret.len() >= MIN_BYTES;
        is_long_enough.then(|| Self(hmac::Key::new(hmac::HMAC_SHA256, secret))).ok_or(UserHashError)
    }

    /// What stands in the place of a user: `u-` and the first 128 bits of an HMAC-SHA-256 in hexadecimal.
    pub fn hash(&self, user: &str) -> Arc<str> {
        let tag = hmac::sign(&self.0, user.as_bytes());
        let digits = tag.as_ref().iter().take(16).map(|byte| format!("{byte:02x}"));
        Arc::from(["u-".to_owned()].into_iter().chain(digits).collect::<String>())
    }
}

impl fmt::Debug for UserHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserHash")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 4231, test case 6.
    #[test]
    fn the_hash_is_an_hmac_of_sha_256() {
        let hash = UserHash::new(&[0xaa; 131]).unwrap();
        let user = "Test Using Larger Than Block-Size Key - Hash Key First";
        assert_eq!(&*hash.hash(user), "u-60e431591ee0b67f0d8a26aacbf5b77f");
        assert_eq!(UserHash::new(&[7; 15]).unwrap_err(), UserHashError);
    }
}
