use std::{fmt, sync::Arc};

use rustls::{
    SignatureAlgorithm, SignatureScheme, crypto::ring::sign::any_supported_type, pki_types::PrivateKeyDer,
    pki_types::pem::PemObject, sign::SigningKey,
};

use super::Secret;

/// An RSA key that signs. Known to be one from the moment it is read, shown to nobody.
#[derive(Clone)]
pub struct RsaKey {
    pem: Secret,
    key: Arc<dyn SigningKey>,
}

impl RsaKey {
    /// Reads a key in PEM, as PKCS#8 or PKCS#1. The error says what the text is instead.
    pub fn from_pem(pem: Secret) -> Result<Self, &'static str> {
        let der =
            PrivateKeyDer::from_pem_slice(pem.expose().as_bytes()).map_err(|_| "no private key in PEM")?;
        let key = any_supported_type(&der).map_err(|_| "not a private key that can be used")?;
        if key.algorithm() != SignatureAlgorithm::RSA {
            return Err("not an RSA key");
        }
        Ok(Self { pem, key })
    }

    /// Signs by RSASSA-PKCS1-v1_5 with SHA-256, which JWTs call `RS256`. None where that fails.
    pub fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        self.key.choose_scheme(&[SignatureScheme::RSA_PKCS1_SHA256])?.sign(message).ok()
    }

    /// Where it came from, in words.
    pub fn origin(&self) -> &str {
        self.pem.origin()
    }

    /// The text it was read from, for the one place that takes it out of what others say.
    pub fn expose(&self) -> &str {
        self.pem.expose()
    }
}

impl PartialEq for RsaKey {
    fn eq(&self, other: &Self) -> bool {
        self.pem == other.pem
    }
}

impl Eq for RsaKey {}

impl fmt::Debug for RsaKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaKey({})", self.origin())
    }
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring::default_provider;

    use super::*;

    const KEY: &str = include_str!("../../tests/support/rsa_test_key.b64");

    #[test]
    fn signs_as_the_key_it_is() {
        let pem = format!("-----BEGIN PRIVATE KEY-----\n{KEY}-----END PRIVATE KEY-----\n");
        let key = RsaKey::from_pem(Secret::new(pem, "of this test")).unwrap();
        let signature = key.sign(b"a message").unwrap();
        // The head of a 2048 bit key's SubjectPublicKeyInfo is as long for all of them.
        let public = key.key.public_key().unwrap();
        let public = &public.as_ref()[24..];
        let checked = |message: &[u8]| {
            let scheme = SignatureScheme::RSA_PKCS1_SHA256;
            let all = default_provider().signature_verification_algorithms;
            let (_, algorithms) = all.mapping.iter().find(|(known, _)| *known == scheme).unwrap();
            algorithms[0].verify_signature(public, message, &signature).is_ok()
        };
        assert!(checked(b"a message") && !checked(b"another message"));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let elliptic = rcgen::KeyPair::generate().unwrap().serialize_pem();
        for (text, says) in [
            (elliptic.as_str(), "not an RSA key"),
            ("", "no private key in PEM"),
            (
                "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
                "not a private key that can be used",
            ),
        ] {
            assert_eq!(RsaKey::from_pem(Secret::new(text, "x")).unwrap_err(), says);
        }
    }
}
