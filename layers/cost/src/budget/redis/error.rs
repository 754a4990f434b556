/// Why a store could not be made from its settings. Tells no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("redis {field}: {what}")]
pub struct RedisStoreError {
    /// Which setting.
    pub field: &'static str,
    /// What is wrong.
    pub what: String,
}

impl RedisStoreError {
    pub(super) fn new(field: &'static str, what: impl Into<String>) -> Self {
        Self { field, what: what.into() }
    }
}
