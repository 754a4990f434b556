use std::{collections::BTreeMap, sync::Arc};

use tollway_core::Caller;

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
}

impl<'a> Payer<'a> {
    /// Says the model.
    #[must_use]
    pub const fn asking(mut self, model: &'a str) -> Self {
        self.model = Some(model);
        self
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
        }
    }
}
