use serde_json::Value;

use super::jwk::Jwk;
use super::{Algorithm, strict};

/// The keys of an issuer, for signatures: a JWK Set (RFC 7517 §5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeySet(Vec<Jwk>);

/// Why something is not an issuer's keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeySetError {
    /// It is not JSON with an array of `keys`.
    #[error("what the issuer publishes is not a JWK Set")]
    Malformed,
    /// It is longer than a set of keys can be.
    #[error("the issuer's JWK Set is longer than {MOST_BYTES} bytes")]
    TooLong,
    /// There are too many of them.
    #[error("the issuer publishes {0} keys, more than {MOST_KEYS}")]
    TooMany(usize),
    /// None is for signatures by an algorithm that is known.
    #[error("none of the {0} keys that the issuer publishes is for signatures that are known here")]
    NoneOfUse(usize),
}

impl KeySet {
    /// Reads a JWK Set. Keys that are not for signatures, or of other kinds, or too weak, are left out.
    pub fn from_jwks(json: &[u8]) -> Result<Self, KeySetError> {
        if json.len() > MOST_BYTES {
            return Err(KeySetError::TooLong);
        }
        let set = strict::object(json).ok_or(KeySetError::Malformed)?;
        let all = set.get("keys").and_then(Value::as_array).ok_or(KeySetError::Malformed)?;
        if all.len() > MOST_KEYS {
            return Err(KeySetError::TooMany(all.len()));
        }
        let keys: Vec<Jwk> = all.iter().filter_map(|jwk| Jwk::read(jwk.as_object()?)).collect();
        if keys.is_empty() { Err(KeySetError::NoneOfUse(all.len())) } else { Ok(Self(keys)) }
    }

    /// How many there are.
    #[expect(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is a key of an id.
    pub(super) fn has(&self, kid: &str) -> bool {
        self.0.iter().any(|key| key.kid.as_deref() == Some(kid))
    }

    /// The keys that a token may be signed with: those it names, or any where it names none. At most four,
    /// since each costs a verification.
    pub(super) fn fitting(&self, kid: Option<&str>, algorithm: Algorithm) -> impl Iterator<Item = &Jwk> {
        let named = self.0.iter().filter(move |key| kid.is_none() || key.kid.as_deref() == kid);
        named.filter(move |key| key.fits(algorithm)).take(4)
    }
}

/// Longer than the sets of all large issuers: Google's has 1.5 KB, Microsoft's 20.
pub(super) const MOST_BYTES: usize = 256 << 10;

const MOST_KEYS: usize = 100;

#[cfg(test)]
mod tests {
    use super::*;

    const X: &str = "q6urq6urq6urq6urq6urq6urq6urq6urq6urq6urq6s";

    fn set(keys: &[String]) -> Result<KeySet, KeySetError> {
        KeySet::from_jwks(format!(r#"{{"keys":[{}]}}"#, keys.join(",")).as_bytes())
    }

    fn key(kid: &str, purpose: &str) -> String {
        format!(r#"{{"kty":"OKP","crv":"Ed25519","x":"{X}","kid":"{kid}","use":"{purpose}"}}"#)
    }

    #[test]
    fn what_is_not_for_signatures_is_left_out() {
        let keys = set(&[key("a", "enc"), key("a", "sig"), "{}".to_owned(), "1".to_owned()]).unwrap();
        assert_eq!((keys.len(), keys.has("a"), keys.has("b")), (1, true, false));
        assert_eq!(set(&[key("a", "enc")]), Err(KeySetError::NoneOfUse(1)));
        assert_eq!(set(&[]), Err(KeySetError::NoneOfUse(0)));
    }

    #[test]
    fn a_huge_set_is_refused() {
        let many: Vec<String> = (0..101).map(|number| key(&number.to_string(), "sig")).collect();
        assert_eq!(set(&many), Err(KeySetError::TooMany(101)));
        assert_eq!(set(&many[1..]).unwrap().len(), 100);
        assert_eq!(KeySet::from_jwks(&vec![b' '; MOST_BYTES + 1]), Err(KeySetError::TooLong));
    }

    #[test]
    fn a_token_that_names_no_key_costs_no_more_than_four_verifications() {
        let many: Vec<String> = (0..50).map(|number| key(&number.to_string(), "sig")).collect();
        let keys = set(&many).unwrap();
        assert_eq!(keys.fitting(None, Algorithm::EdDsa).count(), 4);
        assert_eq!(keys.fitting(Some("7"), Algorithm::EdDsa).count(), 1);
        assert_eq!(keys.fitting(Some("7"), Algorithm::Es256).count(), 0);
    }

    #[test]
    fn what_is_not_a_set_is_said_so() {
        for json in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[],"keys":[]}"#, "<html>"] {
            assert_eq!(KeySet::from_jwks(json.as_bytes()), Err(KeySetError::Malformed), "{json}");
        }
    }
}
