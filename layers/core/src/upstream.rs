use std::sync::Arc;

use crate::Dialect;

/// Where a request goes: a provider, the format it speaks, and the model's name there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upstream {
    /// The provider's name in the configuration.
    pub provider: Arc<str>,
    /// The format the provider speaks.
    pub dialect: Dialect,
    /// The model's name at the provider.
    pub model: Arc<str>,
}
