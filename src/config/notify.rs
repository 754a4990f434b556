//! Who is told when something happens.

use http::Uri;
use schemars::JsonSchema;
use serde::Deserialize;

use super::{
    Path, Secret,
    context::Context,
    document::Short,
    error::Problem,
    secret::{Found, SecretFile, find},
};

/// Who is told when something happens.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Notify {
    /// Where a JSON object is posted to, if anywhere. Its URL is often a secret.
    pub webhook: Option<Secret>,
}

/// Who is told when something happens, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct NotifyFile {
    /// A URL to which a JSON object is posted when a budget reaches a threshold.
    webhook: Option<SecretFile>,
}

impl NotifyFile {
    pub(super) fn validate(&self, context: &Context<'_>) -> Result<Notify, Problem> {
        let path = Path::of(&["notify", "webhook"]);
        let webhook = match &self.webhook {
            // `${WEBHOOK:-}` is none where the variable is not set.
            Some(Short::Text(text)) if text.trim().is_empty() => None,
            None => None,
            Some(place) => match find(place, &path, context)? {
                Found::Key(url) => Some(url),
                Found::Unset(_) => None,
            },
        };
        if let Some(url) = &webhook {
            let is_url = url.expose().parse::<Uri>().is_ok_and(|url| {
                matches!(url.scheme_str(), Some("http" | "https")) && url.authority().is_some()
            });
            if !is_url {
                return Err(Problem::plain(path, "not a URL").hint("as in https://hooks.example.com/budgets"));
            }
        }
        Ok(Notify { webhook })
    }
}
