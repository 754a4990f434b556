use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tollway_core::{Allowed, Caller};

use super::ClaimPath;
use super::claims::Claims;
use crate::TokenFault;

/// Which claims say who a caller is and what it may. A claim that is there stands in the place of what the
/// issuer's [grant](super::Issuer::grant) says.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// Who it is: the first of these claims that is there.
    pub user: Vec<ClaimPath>,
    /// For which team, likewise.
    pub team: Vec<ClaimPath>,
    /// What it may do than ask models: all of these claims, beside the grant's. Words with spaces between
    /// them, or an array.
    pub scopes: Vec<ClaimPath>,
    /// The models it may ask, as words or an array. Where the claim is there and empty: none.
    pub models: Option<ClaimPath>,
    /// The providers it may be served by, likewise.
    pub providers: Option<ClaimPath>,
    /// The paths it may use, likewise.
    pub routes: Option<ClaimPath>,
    /// Words for reports, by the name they get.
    pub tags: BTreeMap<String, ClaimPath>,
}

impl Mapping {
    /// Who says `claims`, where `template` is what holds for all.
    pub(super) fn caller(&self, claims: &Claims, template: &Caller) -> Result<Caller, TokenFault> {
        let mut caller = template.clone();
        if let Some(user) = first(&self.user, claims)? {
            caller.user = Some(user);
        }
        if let Some(team) = first(&self.team, claims)? {
            caller.team = Some(team);
        }
        if !self.scopes.is_empty() {
            let mut scopes = caller.scopes.to_vec();
            for path in &self.scopes {
                let given = words(path, claims)?.unwrap_or_default();
                scopes.extend(given.into_iter().map(Arc::from));
            }
            caller.scopes = scopes.into();
        }
        let lists = [
            (&self.models, &mut caller.models),
            (&self.providers, &mut caller.providers),
            (&self.routes, &mut caller.routes),
        ];
        for (path, list) in lists {
            if let Some(path) = path
                && let Some(patterns) = words(path, claims)?
            {
                *list = allowed(&patterns);
            }
        }
        for (tag, path) in &self.tags {
            if let Some(value) = text(path, claims)? {
                caller.tags.insert(tag.as_str().into(), value);
            }
        }
        Ok(caller)
    }
}

/// An empty list would allow everything. Nothing has an empty name.
fn allowed(patterns: &[&str]) -> Allowed {
    if patterns.is_empty() { Allowed::new([""]) } else { Allowed::new(patterns.iter().copied()) }
}

fn first(paths: &[ClaimPath], claims: &Claims) -> Result<Option<Arc<str>>, TokenFault> {
    for path in paths {
        if let Some(text) = text(path, claims)? {
            return Ok(Some(text));
        }
    }
    Ok(None)
}

/// A claim as a word. An empty one is none.
fn text(path: &ClaimPath, claims: &Claims) -> Result<Option<Arc<str>>, TokenFault> {
    match claims.at(path) {
        None => Ok(None),
        Some(Value::String(text)) if text.is_empty() => Ok(None),
        Some(Value::String(text)) if is_clean(text) => Ok(Some(text.as_str().into())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string().into())),
        Some(_) => Err(fault(path)),
    }
}

/// A claim as a list of words.
fn words<'c>(path: &ClaimPath, claims: &'c Claims) -> Result<Option<Vec<&'c str>>, TokenFault> {
    let word = |value: &'c Value| value.as_str().filter(|text| is_clean(text)).ok_or_else(|| fault(path));
    match claims.at(path) {
        None => Ok(None),
        Some(Value::Array(all)) => all.iter().map(word).collect::<Result<_, _>>().map(Some),
        Some(one) => Ok(Some(word(one)?.split_ascii_whitespace().collect())),
    }
}

/// Whether a text can be logged and put into headers.
fn is_clean(text: &str) -> bool {
    !text.contains(char::is_control)
}

fn fault(path: &ClaimPath) -> TokenFault {
    TokenFault::Claim(path.to_string().into())
}

#[cfg(test)]
mod tests {
    use super::super::strict;
    use super::*;

    fn path(path: &str) -> ClaimPath {
        path.parse().unwrap()
    }

    fn caller(mapping: &Mapping, json: &str) -> Result<Caller, TokenFault> {
        let mut template = Caller::anonymous();
        template.team = Some("all".into());
        template.scopes = ["base".into()].into();
        template.models = Allowed::new(["gpt-*"]);
        mapping.caller(&Claims::new(strict::object(json.as_bytes()).unwrap()), &template)
    }

    fn mapping() -> Mapping {
        Mapping {
            user: vec![path("email"), path("sub")],
            team: vec![path("org.team")],
            scopes: vec![path("scope"), path("realm_access.roles")],
            models: Some(path("models")),
            tags: [("cost".to_owned(), path("org.cost"))].into(),
            ..Mapping::default()
        }
    }

    #[test]
    fn claims_say_who_it_is() {
        let json = r#"{"sub":"7","email":"","org":{"team":"blue","cost":42},"scope":"a b",
            "realm_access":{"roles":["c d"]},"models":["claude-*"]}"#;
        let caller = caller(&mapping(), json).unwrap();
        assert_eq!((caller.user.as_deref(), caller.team.as_deref()), (Some("7"), Some("blue")));
        assert_eq!(&*caller.scopes, ["base", "a", "b", "c d"].map(Arc::from));
        assert!(caller.models.allows("claude-5") && !caller.models.allows("gpt-5"));
        assert_eq!(caller.tags.get("cost").map(|cost| &**cost), Some("42"));
    }

    #[test]
    fn where_a_claim_is_missing_the_grant_holds() {
        let caller = caller(&mapping(), r#"{"models":null}"#).unwrap();
        assert_eq!((caller.user, caller.team.as_deref()), (None, Some("all")));
        assert_eq!(&*caller.scopes, ["base".into()]);
        assert!(caller.models.allows("gpt-5") && !caller.models.allows("claude-5"));
    }

    #[test]
    fn an_empty_list_allows_nothing() {
        for json in [r#"{"models":[]}"#, r#"{"models":""}"#, r#"{"models":" "}"#] {
            let caller = caller(&mapping(), json).unwrap();
            assert!(!caller.models.is_everything() && !caller.models.allows("gpt-5"), "{json}");
        }
    }

    #[test]
    fn what_a_claim_cannot_be_is_refused() {
        for (json, at) in [
            (r#"{"email":{"a":1}}"#, "email"),
            (r#"{"email":"a\nb"}"#, "email"),
            (r#"{"models":7}"#, "models"),
            (r#"{"models":["a",7]}"#, "models"),
            (r#"{"realm_access":{"roles":{}}}"#, "realm_access.roles"),
            (r#"{"org":{"cost":[]}}"#, "org.cost"),
        ] {
            assert_eq!(caller(&mapping(), json), Err(TokenFault::Claim(at.into())), "{json}");
        }
    }
}
