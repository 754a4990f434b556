use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    UnparsedPublicKey, VerificationAlgorithm,
};
use serde_json::{Map, Value};

use super::Algorithm;

/// A public key by which signatures are verified (RFC 7517 §4).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Jwk {
    pub(super) kid: Option<Box<str>>,
    /// The only algorithm that it is for, where that is said.
    algorithm: Option<Algorithm>,
    material: Material,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Material {
    Rsa { modulus: Box<[u8]>, exponent: Box<[u8]> },
    P256(Box<[u8]>),
    P384(Box<[u8]>),
    Ed25519(Box<[u8]>),
}

impl Jwk {
    /// Reads a key. `None`: it is not for signatures, or of a kind that is not known, or too weak.
    pub(super) fn read(jwk: &Map<String, Value>) -> Option<Self> {
        let text = |name: &str| jwk.get(name).map(|value| value.as_str());
        let bytes = |name: &str| URL_SAFE_NO_PAD.decode(text(name)??).ok();
        if text("use").is_some_and(|purpose| purpose != Some("sig")) {
            return None;
        }
        if let Some(operations) = jwk.get("key_ops")
            && !operations.as_array()?.iter().any(|operation| operation == "verify")
        {
            return None;
        }
        let material = match (text("kty")??, text("crv").flatten()) {
            ("RSA", _) => {
                let (modulus, exponent) = (without_zeros(&bytes("n")?), without_zeros(&bytes("e")?));
                let is_safe = RSA_BYTES.contains(&modulus.len()) && (1..=8).contains(&exponent.len());
                is_safe.then_some(Material::Rsa { modulus, exponent })?
            }
            ("EC", Some("P-256")) => Material::P256(point(&bytes("x")?, &bytes("y")?, 32)?),
            ("EC", Some("P-384")) => Material::P384(point(&bytes("x")?, &bytes("y")?, 48)?),
            ("OKP", Some("Ed25519")) => Material::Ed25519(bytes("x").filter(|x| x.len() == 32)?.into()),
            // Keys of HMAC (`oct`) among them: what is published is no secret.
            _ => return None,
        };
        let algorithm = match text("alg") {
            None => None,
            // One for encryption, or one that is not known.
            Some(name) => Some(Algorithm::of_name(name?)?),
        };
        let kid = match text("kid") {
            None => None,
            Some(kid) => Some(kid?.into()),
        };
        let jwk = Self { kid, algorithm, material };
        algorithm.is_none_or(|algorithm| jwk.fits(algorithm)).then_some(jwk)
    }

    /// Whether the key can be of a signature by `algorithm`. It is the key that says which: were it the
    /// token, a token could have one key taken for another.
    pub(super) fn fits(&self, algorithm: Algorithm) -> bool {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        let of_kind = match self.material {
            Material::Rsa { .. } => matches!(algorithm, Rs256 | Rs384 | Rs512 | Ps256 | Ps384 | Ps512),
            Material::P256(_) => algorithm == Es256,
            Material::P384(_) => algorithm == Es384,
            Material::Ed25519(_) => algorithm == EdDsa,
        };
        of_kind && self.algorithm.is_none_or(|only| only == algorithm)
    }

    /// Whether the key's owner has signed `signed` by `algorithm`, which must fit.
    pub(super) fn has_signed(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        let by = |with: &'static dyn VerificationAlgorithm, key: &[u8]| {
            UnparsedPublicKey::new(with, key).verify(signed, signature).is_ok()
        };
        match &self.material {
            Material::Rsa { modulus, exponent } => rsa(algorithm).is_some_and(|parameters| {
                let key = RsaPublicKeyComponents { n: modulus, e: exponent };
                key.verify(parameters, signed, signature).is_ok()
            }),
            Material::P256(point) => algorithm == Algorithm::Es256 && by(&ECDSA_P256_SHA256_FIXED, point),
            Material::P384(point) => algorithm == Algorithm::Es384 && by(&ECDSA_P384_SHA384_FIXED, point),
            Material::Ed25519(key) => algorithm == Algorithm::EdDsa && by(&ED25519, key),
        }
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    match algorithm {
        Algorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
        Algorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
        Algorithm::Rs512 => Some(&RSA_PKCS1_2048_8192_SHA512),
        Algorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
        Algorithm::Ps384 => Some(&RSA_PSS_2048_8192_SHA384),
        Algorithm::Ps512 => Some(&RSA_PSS_2048_8192_SHA512),
        Algorithm::Es256 | Algorithm::Es384 | Algorithm::EdDsa => None,
    }
}

/// Numbers have none in front (RFC 7518 §6.3.1), and some issuers put one there.
fn without_zeros(bytes: &[u8]) -> Box<[u8]> {
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    bytes.get(zeros..).unwrap_or_default().into()
}

/// A point of a curve, uncompressed (SEC 1 §2.3.3).
fn point(x: &[u8], y: &[u8], bytes: usize) -> Option<Box<[u8]>> {
    (x.len() == bytes && y.len() == bytes).then(|| [&[4], x, y].concat().into())
}

/// 2,048 bits are safe, and with more than 8,192 a verification takes too long.
const RSA_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;

#[cfg(test)]
mod tests {
    use super::super::strict;
    use super::*;

    fn read(json: &str) -> Option<Jwk> {
        let bytes = |bytes| URL_SAFE_NO_PAD.encode(vec![0xab; bytes]);
        let mut json = json.to_owned();
        for size in [31, 32, 48, 128, 256, 1025] {
            json = json.replace(&format!("#{size}#"), &bytes(size));
        }
        Jwk::read(&strict::object(json.as_bytes()).unwrap())
    }

    #[test]
    fn a_key_is_for_its_own_algorithms() {
        use Algorithm::{EdDsa, Es256, Es384, Ps256, Ps384, Ps512, Rs256, Rs384, Rs512};
        for (json, fitting) in [
            (r##"{"kty":"RSA","n":"#256#","e":"AQAB"}"##, &[Rs256, Rs384, Rs512, Ps256, Ps384, Ps512][..]),
            (r##"{"kty":"RSA","n":"#256#","e":"AQAB","alg":"PS256","use":"sig"}"##, &[Ps256]),
            (r##"{"kty":"EC","crv":"P-256","x":"#32#","y":"#32#","key_ops":["verify"]}"##, &[Es256]),
            (r##"{"kty":"EC","crv":"P-384","x":"#48#","y":"#48#"}"##, &[Es384]),
            (r##"{"kty":"OKP","crv":"Ed25519","x":"#32#"}"##, &[EdDsa]),
        ] {
            let key = read(json).unwrap();
            let found: Vec<_> = Algorithm::ALL.into_iter().filter(|one| key.fits(*one)).collect();
            assert_eq!(found, fitting, "{json}");
            assert!(!Algorithm::ALL.into_iter().any(|one| key.has_signed(one, b"text", &[0; 64])), "{json}");
        }
    }

    #[test]
    fn what_is_not_for_signatures_or_weak_is_no_key() {
        for json in [
            "{}",
            r#"{"kty":"oct","k":"c2VjcmV0","alg":"HS256"}"#,
            r##"{"kty":"RSA","n":"#256#","e":"AQAB","use":"enc"}"##,
            r##"{"kty":"RSA","n":"#256#","e":"AQAB","key_ops":["encrypt"]}"##,
            r##"{"kty":"RSA","n":"#256#","e":"AQAB","alg":"RSA-OAEP"}"##,
            r##"{"kty":"RSA","n":"#256#","e":"AQAB","alg":"ES256"}"##,
            r##"{"kty":"RSA","n":"#256#","e":"AQAB","alg":"HS256"}"##,
            r##"{"kty":"RSA","n":"#256#","e":"AQAB","kid":7}"##,
            r##"{"kty":"RSA","n":"#256#"}"##,
            r##"{"kty":"RSA","n":"#128#","e":"AQAB"}"##,
            r##"{"kty":"RSA","n":"#1025#","e":"AQAB"}"##,
            r##"{"kty":"EC","crv":"P-256","x":"#31#","y":"#32#"}"##,
            r##"{"kty":"EC","crv":"P-256","x":"#32#","y":"#48#"}"##,
            r##"{"kty":"EC","crv":"secp256k1","x":"#32#","y":"#32#"}"##,
            r##"{"kty":"OKP","crv":"X25519","x":"#32#"}"##,
        ] {
            assert_eq!(read(json), None, "{json}");
        }
    }

    /// RFC 7515 §A.3, and RFC 8037 §A.4 with the key of §A.2.
    #[test]
    fn the_examples_of_the_standards_are_verified() {
        for (algorithm, key, signed, signature) in [
            (
                Algorithm::Es256,
                r#"{"kty":"EC","crv":"P-256","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
                    "y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}"#,
                concat!(
                    "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFt",
                    "cGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
                ),
                "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q",
            ),
            (
                Algorithm::EdDsa,
                r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
                "eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc",
                "hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg",
            ),
        ] {
            let key = read(key).unwrap();
            let signature = URL_SAFE_NO_PAD.decode(signature).unwrap();
            assert!(key.has_signed(algorithm, signed.as_bytes(), &signature), "{algorithm}");
            assert!(!key.has_signed(algorithm, &signed.as_bytes()[1..], &signature), "{algorithm}");
        }
    }
}
