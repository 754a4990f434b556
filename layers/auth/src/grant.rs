//! What a grant comes to where no key brings it along.

use std::sync::Arc;

use tollway_core::{Allowed, Caller};

use crate::Limit;
use crate::keys::Grant;

/// The caller that a grant describes, and the limits it brings along.
pub(crate) fn caller(grant: &Grant) -> (Caller, Option<Arc<[Limit]>>) {
    let allowed = |patterns: &[String]| Allowed::new(patterns.iter().map(String::as_str));
    let word = |word: &String| Arc::<str>::from(word.as_str());
    let mut caller = Caller::anonymous();
    caller.user = grant.user.as_ref().map(word);
    caller.team = grant.team.as_ref().map(word);
    caller.scopes = grant.scopes.iter().map(word).collect();
    caller.models = allowed(&grant.models);
    caller.providers = allowed(&grant.providers);
    caller.routes = allowed(&grant.routes);
    caller.tags = grant.tags.iter().map(|(tag, value)| (word(tag), word(value))).collect();
    caller.priority = grant.priority;
    (caller, (!grant.limits.is_empty()).then(|| grant.limits.clone().into()))
}
