use std::fmt;
use std::str::FromStr;

use serde_json::{Map, Value};

/// Where in a token a claim stands: names from the outermost inward, with dots between them.
///
/// `realm_access.roles` is the member `roles` of the claim `realm_access`. A dot that belongs to a name
/// has a backslash before it: `kubernetes\.io.namespace`. What begins with `https://` or `http://` is one
/// name, as issuers have them for claims of their own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPath(Box<[Box<str>]>);

/// A path with an empty name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the path of a claim needs names between its dots: {0:?}")]
pub struct ClaimPathError(Box<str>);

impl ClaimPath {
    pub(super) fn find<'c>(&self, claims: &'c Map<String, Value>) -> Option<&'c Value> {
        let (first, rest) = self.0.split_first()?;
        rest.iter().try_fold(claims.get(&**first)?, |value, name| value.as_object()?.get(&**name))
    }
}

impl FromStr for ClaimPath {
    type Err = ClaimPathError;

    fn from_str(path: &str) -> Result<Self, ClaimPathError> {
        if path.starts_with("https://") || path.starts_with("http://") {
            return Ok(Self(Box::new([path.into()])));
        }
        let mut names = vec![String::new()];
        let mut rest = path.chars();
        while let Some(char) = rest.next() {
            match (char, names.last_mut()) {
                ('.', _) => names.push(String::new()),
                ('\\', Some(name)) => name.extend(rest.next()),
                (char, Some(name)) => name.push(char),
                (_, None) => {}
            }
        }
        if names.iter().any(String::is_empty) {
            return Err(ClaimPathError(path.into()));
        }
        Ok(Self(names.into_iter().map(Into::into).collect()))
    }
}

impl fmt::Display for ClaimPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join("."))
    }
}

#[cfg(test)]
mod tests {
    use super::super::strict;
    use super::*;

    #[test]
    fn a_path_leads_inward() {
        let json = br#"{"a":{"b":{"c":1}},"a.b":2,"https://x.example/team":3,"kubernetes.io":{"pod":4}}"#;
        let claims = strict::object(json).unwrap();
        for (path, expected) in [
            ("a.b.c", Some(1)),
            (r"a\.b", Some(2)),
            ("https://x.example/team", Some(3)),
            (r"kubernetes\.io.pod", Some(4)),
            ("a.c", None),
            ("a.b.c.d", None),
            ("b", None),
        ] {
            let found = path.parse::<ClaimPath>().unwrap().find(&claims).and_then(Value::as_i64);
            assert_eq!(found, expected, "{path}");
        }
        for wrong in ["", ".", "a.", ".a", "a..b"] {
            assert!(wrong.parse::<ClaimPath>().is_err(), "{wrong:?}");
        }
    }
}
