//! Tokens of issuers: every attack, and how keys are fetched.
#![expect(clippy::unwrap_used, clippy::panic, reason = "helpers of tests")]

mod attacks;
mod chain;
mod refresh;
mod signer;
mod site;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::Request;
use tollway_auth::jwt::{Issuer, JwtSettings, KeySet, KeySource};
use tollway_auth::{Decision, Error, Jwt, Method, Presented, TokenFault};

use self::signer::Signer;
use self::site::Site;

/// Who signs in most tests.
const ISSUER: &str = "https://issuer.example";

/// When most tests take place.
fn noon() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(1_000_000)
}

/// Claims of a good token, and others.
fn claims(more: &str) -> String {
    format!(r#"{{"iss":"{ISSUER}","aud":"gateway","sub":"ada","iat":999900,"exp":1000600{more}}}"#)
}

/// An issuer whose keys are known beforehand.
fn issuer(signers: &[(&Signer, &str)]) -> Issuer {
    let mut issuer = Issuer::new(ISSUER, ["gateway"]);
    issuer.keys = KeySource::Fixed(KeySet::from_jwks(signer::jwks(signers).as_bytes()).unwrap());
    issuer
}

fn jwt(issuers: Vec<Issuer>) -> Jwt {
    Jwt::new(JwtSettings { issuers, ..JwtSettings::default() }, Site::new()).unwrap().0
}

fn bearer(token: &str) -> Request<()> {
    with("authorization", &format!("Bearer {token}"))
}

fn with(header: &str, value: &str) -> Request<()> {
    Request::builder().header(header, value).body(()).unwrap()
}

fn decide(jwt: &Jwt, request: &Request<()>, now: SystemTime) -> Decision {
    jwt.decide(&Presented::of(request), now)
}

/// The user whom a token names, or why it is refused.
fn outcome(decision: Decision) -> Result<String, Error> {
    match decision {
        Decision::Verified(verified) => Ok(verified.caller.user.as_deref().unwrap_or_default().to_owned()),
        Decision::Refused(error) => Err(error),
        other => panic!("{other:?}"),
    }
}

fn user(jwt: &Jwt, token: &str) -> Result<String, Error> {
    outcome(decide(jwt, &bearer(token), noon()))
}

fn fault(jwt: &Jwt, token: &str) -> TokenFault {
    match user(jwt, token) {
        Err(Error::Token(fault)) => fault,
        other => panic!("{other:?} for {token}"),
    }
}
