use serde_json::Value;

use super::ClaimPath;
use super::claims::Claims;
use crate::TokenFault;

/// A claim that decides whether a token is accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequiredClaim {
    path: ClaimPath,
    values: Vec<String>,
    may_be_absent: bool,
}

impl RequiredClaim {
    /// The claim must be there, and be one of `values`, or an array with one of them. Numbers and booleans
    /// are compared as they are written. Without values it must only be there.
    pub fn new<V: Into<String>>(path: ClaimPath, values: impl IntoIterator<Item = V>) -> Self {
        Self { path, values: values.into_iter().map(Into::into).collect(), may_be_absent: false }
    }

    /// A token without the claim is accepted too.
    #[must_use]
    pub const fn if_present(mut self) -> Self {
        self.may_be_absent = true;
        self
    }

    pub(super) fn check(&self, claims: &Claims) -> Result<(), TokenFault> {
        let is_right = |value: &Value| match value {
            Value::String(text) => self.values.contains(text),
            Value::Bool(_) | Value::Number(_) => self.values.contains(&value.to_string()),
            _ => false,
        };
        let accepted = match claims.at(&self.path) {
            None => self.may_be_absent,
            Some(_) if self.values.is_empty() => true,
            Some(Value::Array(all)) => all.iter().any(is_right),
            Some(one) => is_right(one),
        };
        if accepted { Ok(()) } else { Err(TokenFault::Claim(self.path.to_string().into())) }
    }
}

#[cfg(test)]
mod tests {
    use super::super::strict;
    use super::*;

    #[test]
    fn a_claim_must_be_what_is_asked_for() {
        let json =
            br#"{"hd":"a.example","groups":["x","y"],"email_verified":true,"level":3,"none":null,"o":{}}"#;
        let claims = Claims::new(strict::object(json).unwrap());
        let accepts = |path: &str, values: &[&str]| {
            let required = RequiredClaim::new(path.parse().unwrap(), values.iter().copied());
            (required.check(&claims).is_ok(), required.if_present().check(&claims).is_ok())
        };
        for (path, values, expected) in [
            ("hd", &["b.example", "a.example"][..], (true, true)),
            ("hd", &["A.example"], (false, false)),
            ("hd", &["b.example"], (false, false)),
            ("hd", &[], (true, true)),
            ("groups", &["y"], (true, true)),
            ("groups", &["z"], (false, false)),
            ("email_verified", &["true"], (true, true)),
            ("level", &["3"], (true, true)),
            ("o", &["{}"], (false, false)),
            ("none", &[], (false, true)),
            ("missing", &["a"], (false, true)),
        ] {
            assert_eq!(accepts(path, values), expected, "{path} {values:?}");
        }
    }
}
