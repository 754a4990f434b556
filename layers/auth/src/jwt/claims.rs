use std::time::{Duration, SystemTime};

use serde_json::{Map, Number, Value};

use super::ClaimPath;
use crate::TokenFault;
use crate::time::millis;

/// What a token says (RFC 7519 §4). Not yet believed.
#[derive(Debug)]
pub(super) struct Claims(Map<String, Value>);

/// From when, until when a token is good, in milliseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) from: i64,
    pub(super) until: i64,
}

impl Claims {
    pub(super) const fn new(members: Map<String, Value>) -> Self {
        Self(members)
    }

    /// What stands at a path. A claim that is null is none.
    pub(super) fn at(&self, path: &ClaimPath) -> Option<&Value> {
        path.find(&self.0).filter(|value| !value.is_null())
    }

    pub(super) fn issuer(&self) -> Option<&str> {
        self.0.get("iss").and_then(Value::as_str)
    }

    /// Refuses a token that is meant for none of `audiences`.
    pub(super) fn check_audience(&self, audiences: &[String]) -> Result<(), TokenFault> {
        let is_ours = |value: &Value| audiences.iter().any(|ours| value.as_str() == Some(ours));
        let for_us = match self.0.get("aud") {
            Some(Value::Array(all)) => all.iter().all(Value::is_string) && all.iter().any(is_ours),
            Some(one) => is_ours(one),
            None => false,
        };
        if for_us { Ok(()) } else { Err(TokenFault::Audience) }
    }

    /// Refuses a token whose time is over or has not come. One that never expires is none.
    pub(super) fn check_time(&self, leeway: Duration, now: SystemTime) -> Result<Span, TokenFault> {
        let leeway = i64::try_from(leeway.as_millis()).unwrap_or(i64::MAX);
        let expires = self.moment("exp")?.ok_or_else(|| TokenFault::Claim("exp".into()))?;
        // What was issued in the future comes from a clock that cannot be trusted about the rest.
        let begins = self.moment("nbf")?.unwrap_or(i64::MIN).max(self.moment("iat")?.unwrap_or(i64::MIN));
        let span = Span { from: begins.saturating_sub(leeway), until: expires.saturating_add(leeway) };
        span.check(now).map(|()| span)
    }

    /// A moment in milliseconds, from seconds that may have a fraction.
    fn moment(&self, name: &str) -> Result<Option<i64>, TokenFault> {
        match self.0.get(name) {
            None => Ok(None),
            Some(Value::Number(seconds)) => Ok(Some(in_millis(seconds))),
            Some(_) => Err(TokenFault::Claim(name.into())),
        }
    }
}

impl Span {
    /// Refuses what is not good now.
    pub(super) fn check(self, now: SystemTime) -> Result<(), TokenFault> {
        let now = millis(now);
        match () {
            () if self.until <= now => Err(TokenFault::Expired),
            () if self.from > now => Err(TokenFault::NotYetValid),
            () => Ok(()),
        }
    }
}

#[expect(clippy::cast_possible_truncation, reason = "what is too large is the largest, and JSON has no NaN")]
fn in_millis(seconds: &Number) -> i64 {
    match seconds.as_i64() {
        Some(seconds) => seconds.saturating_mul(1000),
        None => (seconds.as_f64().unwrap_or_default() * 1000.0) as i64,
    }
}

#[cfg(test)]
mod tests {
    use std::time::UNIX_EPOCH;

    use super::super::strict;
    use super::*;

    fn claims(json: &str) -> Claims {
        Claims::new(strict::object(json.as_bytes()).unwrap())
    }

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn a_token_is_good_from_then_until_then() {
        let check = |json: &str, now| claims(json).check_time(Duration::from_secs(10), at(now)).map(|_| ());
        let token = r#"{"iat":90,"nbf":100,"exp":200}"#;
        assert_eq!(check(token, 89), Err(TokenFault::NotYetValid));
        assert_eq!(check(token, 90), Ok(()));
        assert_eq!(check(token, 209), Ok(()));
        assert_eq!(check(token, 210), Err(TokenFault::Expired));
        assert_eq!(check(r#"{"iat":120,"exp":200}"#, 100), Err(TokenFault::NotYetValid));
        assert_eq!(check(r#"{"exp":200.5}"#, 210), Ok(()));
        assert_eq!(check(r#"{"exp":1e300}"#, 210), Ok(()));
        assert_eq!(check(r#"{"exp":-1e300}"#, 210), Err(TokenFault::Expired));
        assert_eq!(check(r#"{"exp":9223372036854775807,"nbf":-9223372036854775808}"#, 210), Ok(()));
        for (json, name) in [("{}", "exp"), (r#"{"exp":"200"}"#, "exp"), (r#"{"exp":200,"nbf":null}"#, "nbf")]
        {
            assert_eq!(check(json, 0), Err(TokenFault::Claim(name.into())), "{json}");
        }
    }

    #[test]
    fn a_token_is_for_whom_it_says() {
        let ours = ["gateway".to_owned(), "https://gateway.example".to_owned()];
        for (json, expected) in [
            (r#"{"aud":"gateway"}"#, true),
            (r#"{"aud":["other","https://gateway.example"]}"#, true),
            (r#"{"aud":"Gateway"}"#, false),
            (r#"{"aud":"gateway "}"#, false),
            (r#"{"aud":[]}"#, false),
            (r#"{"aud":["gateway",1]}"#, false),
            (r#"{"aud":{"gateway":true}}"#, false),
            (r#"{"aud":null}"#, false),
            ("{}", false),
        ] {
            assert_eq!(claims(json).check_audience(&ours).is_ok(), expected, "{json}");
        }
    }
}
