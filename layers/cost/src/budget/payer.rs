use std::{collections::BTreeMap, sync::Arc};

use tollway_core::{Allowed, Caller};

/// Whose money a request is, and what it asks.
#[derive(Clone, Copy, Debug, Default)]
pub struct Payer<'a> {
    /// The public id of the key.
    pub key: Option<&'a str>,
    /// The user.
    pub user: Option<&'a str>,
    /// The team.
    pub team: Option<&'a str>,
    /// The tags, if there are any.
    pub tags: Option<&'a BTreeMap<Arc<str>, Arc<str>>>,
    /// The model, as the client named it.
    pub model: Option<&'a str>,
    /// The provider that this leads to, and its name of the model.
    pub upstream: Option<(&'a str, &'a str)>,
}

impl<'a> Payer<'a> {
    /// Says the model.
    #[must_use]
    pub const fn asking(mut self, model: &'a str) -> Self {
        self.model = Some(model);
        self
    }

    /// Says where the model is, beside the name it was asked by.
    #[must_use]
    pub const fn at(mut self, provider: &'a str, model: &'a str) -> Self {
        self.upstream = Some((provider, model));
        self
    }

    /// Whether the model is allowed by one of its names: the one it was asked by, its provider's, or both as
    /// `provider/model`. Where a provider's name has a slash in it, as Groq's `openai/gpt-oss-120b`, it is not
    /// looked at alone: `openai/*` is not about it.
    pub(super) fn is_of_model(&self, models: &Allowed) -> bool {
        self.model.is_some_and(|model| models.allows(model))
            || self.upstream.is_some_and(|(provider, name)| {
                !name.contains('/') && models.allows(name) || models.allows(&format!("{provider}/{name}"))
            })
    }

    /// The value of a tag.
    pub fn tag(&self, name: &str) -> Option<&'a str> {
        self.tags?.get(name).map(|value| &**value)
    }
}

impl<'a> From<&'a Caller> for Payer<'a> {
    fn from(caller: &'a Caller) -> Self {
        Self {
            key: caller.key.as_deref(),
            user: caller.user.as_deref(),
            team: caller.team.as_deref(),
            tags: Some(&caller.tags),
            model: None,
            upstream: None,
        }
    }
}
