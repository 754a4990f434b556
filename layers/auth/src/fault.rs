/// Why a token is not accepted. Repeats nothing of it but the names of claims.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TokenFault {
    /// It is too long to be looked at.
    #[error("it is too long")]
    TooLong,
    /// It is not three parts in base64url, of which two are JSON objects without a member that comes twice.
    #[error("it is not a signed token")]
    Malformed,
    /// It is encrypted (JWE).
    #[error("it is encrypted")]
    Encrypted,
    /// What is signed is another token.
    #[error("it holds another token")]
    Nested,
    /// It is of another kind: one for logging out, say.
    #[error("it is a token of another kind")]
    Kind,
    /// It asks for extensions to be understood (RFC 7515 §4.1.11).
    #[error("it asks for extensions that are not known")]
    Critical,
    /// A platform has taken the signature off, as Cloud Run does from a token that it has checked itself.
    #[error("its signature was removed on the way")]
    SignatureRemoved,
    /// It is not signed in a way that its issuer may use, or not in that of the key it names.
    #[error("its algorithm is not allowed")]
    Algorithm,
    /// Nobody here trusts its issuer.
    #[error("its issuer is not trusted")]
    Issuer,
    /// Its issuer has no such key.
    #[error("its key is not known")]
    Key,
    /// The issuer has not signed it.
    #[error("its signature is wrong")]
    Signature,
    /// Its time is over.
    #[error("it has expired")]
    Expired,
    /// Its time has not come.
    #[error("it is not valid yet")]
    NotYetValid,
    /// It was made for somebody else.
    #[error("it is meant for another audience")]
    Audience,
    /// A claim is missing, or says something else than it must.
    #[error("its claim {0} is missing or not accepted")]
    Claim(Box<str>),
}

impl TokenFault {
    /// Whether no honest client sends such a token.
    pub const fn is_forgery(&self) -> bool {
        matches!(self, Self::TooLong | Self::Malformed | Self::Algorithm | Self::Critical | Self::Signature)
    }
}

/// Why a client's certificate, which TLS has verified, is not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum CertificateFault {
    /// It cannot be read.
    #[error("cannot be read")]
    Malformed,
    /// Its time is over, while the connection still stands.
    #[error("has expired")]
    Expired,
    /// Its time has not come.
    #[error("is not valid yet")]
    NotYetValid,
}
