//! What somebody may do, as written at keys, issuers and certificates.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_auth::keys::Grant;
use tollway_core::Priority;

use super::{KeyLimit, Path, document::Words, error::Problem, nearest::did_you_mean};

/// What whoever is known this way may do, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GrantFile {
    /// Who it is.
    pub(super) user: Option<String>,
    /// Of which team.
    pub(super) team: Option<String>,
    /// What may be done than ask models: `admin`.
    pub(super) scopes: Option<Words>,
    /// The models that may be asked, with `*` for any run of characters. Default: all.
    pub(super) models: Option<Words>,
    /// The providers that may serve. Default: all.
    pub(super) providers: Option<Words>,
    /// The paths that may be used. Default: all.
    pub(super) routes: Option<Words>,
    /// Words for reports, by name.
    pub(super) tags: BTreeMap<String, String>,
    /// How much requests matter when not all can be served: low, normal or high.
    pub(super) priority: Option<String>,
    /// Limits of its own, for each user.
    pub(super) limits: Vec<KeyLimit>,
}

impl GrantFile {
    pub(super) fn read(self, path: &Path) -> Result<Grant, Problem> {
        let words =
            |words: Option<Words>| -> Vec<String> { words.iter().flat_map(Words::iter).cloned().collect() };
        let limits = self.limits.iter().enumerate();
        let limits = limits.map(|(at, limit)| {
            let path = path.key("limits").index(at);
            limit.read().map_err(|(field, what)| {
                Problem::plain(if field.is_empty() { path.clone() } else { path.key(field) }, what)
            })
        });
        Ok(Grant {
            user: self.user,
            team: self.team,
            scopes: words(self.scopes),
            models: words(self.models),
            providers: words(self.providers),
            routes: words(self.routes),
            tags: self.tags,
            priority: priority(self.priority.as_deref(), &path.key("priority"))?,
            limits: limits.collect::<Result<_, _>>()?,
            ..Grant::default()
        })
    }
}

fn priority(word: Option<&str>, path: &Path) -> Result<Priority, Problem> {
    let word = word.unwrap_or("normal");
    priority_of(word).ok_or_else(|| {
        let hint = did_you_mean(word, ["low", "normal", "high"]);
        Problem::value(path.clone(), "not one of the words known here")
            .hint(hint.unwrap_or_else(|| "say `low`, `normal` or `high`".to_owned()))
    })
}

/// The priority of a word.
pub fn priority_of(word: &str) -> Option<Priority> {
    match word {
        "low" => Some(Priority::Low),
        "normal" => Some(Priority::Normal),
        "high" => Some(Priority::High),
        _ => None,
    }
}
