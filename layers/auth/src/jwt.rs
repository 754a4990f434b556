//! Tokens that OIDC issuers sign: JWTs, verified by keys that the issuers publish.

mod algorithm;
mod claims;
mod fetch;
mod held;
mod issuer;
mod judge;
mod jwk;
mod key_set;
mod mapping;
mod method;
mod path;
mod place;
mod refresh;
mod remembered;
mod required;
mod strict;
mod token;

pub use self::{
    algorithm::{Algorithm, AlgorithmError},
    fetch::{Fetch, FetchError, Fetched},
    held::IssuerStatus,
    issuer::{Freshness, Issuer, IssuerError, KeySource},
    key_set::{KeySet, KeySetError},
    mapping::Mapping,
    method::{Jwt, JwtSettings},
    path::{ClaimPath, ClaimPathError},
    place::Place,
    refresh::KeyRefresh,
    required::RequiredClaim,
};
