use std::fmt;
use std::str::FromStr;

/// How an issuer signs: RFC 7518 §3.1, RFC 8037 §3.1.
///
/// What is not here is never accepted: `none`, and the keyed hashes (`HS256` and so on), which would
/// take an issuer's public key for a secret. Nor is `ES512` known: *ring* has no P-521.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-256. What most issuers use.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// Ed25519, which RFC 9864 calls by that name.
    EdDsa,
}

/// Nothing that an issuer may sign with.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an issuer may sign with RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384 or EdDSA, not {0}")]
pub struct AlgorithmError(Box<str>);

impl Algorithm {
    /// All there are.
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// Its name, as the header of a token says it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The one of a name, to the letter: names are case-sensitive (RFC 7515 §4.1.1).
    pub(super) fn of_name(name: &str) -> Option<Self> {
        let of_name = Self::ALL.into_iter().find(|algorithm| algorithm.name() == name);
        of_name.or_else(|| (name == "Ed25519").then_some(Self::EdDsa))
    }
}

impl FromStr for Algorithm {
    type Err = AlgorithmError;

    fn from_str(name: &str) -> Result<Self, AlgorithmError> {
        Self::of_name(name).ok_or_else(|| AlgorithmError(name.into()))
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_asymmetric_has_a_name() {
        for algorithm in Algorithm::ALL {
            assert_eq!(algorithm.name().parse(), Ok(algorithm));
        }
        for name in ["none", "None", "NONE", "nOnE", "", " none", "HS256", "HS384", "HS512", "rs256", "ES512"]
        {
            assert!(name.parse::<Algorithm>().is_err(), "{name}");
        }
        let error = "HS256".parse::<Algorithm>().unwrap_err();
        assert!(error.to_string().ends_with("not HS256"), "{error}");
    }
}
