/// Why a store could not be made from its settings. Tells no password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RedisStoreError {
    /// The address is not understood.
    #[error("redis url: {what}\nhint: {FORMS}")]
    Url {
        /// What is wrong.
        what: String,
    },
    /// Another setting cannot be used.
    #[error("redis {field}: {what}")]
    Setting {
        /// Which.
        field: &'static str,
        /// What is wrong.
        what: String,
    },
}

impl RedisStoreError {
    pub(super) fn url(what: impl Into<String>) -> Self {
        Self::Url { what: what.into() }
    }

    pub(super) fn setting(field: &'static str, what: impl Into<String>) -> Self {
        Self::Setting { field, what: what.into() }
    }
}

const FORMS: &str = "redis://user:password@host:6379/0, redis+cluster://host:6379,host:6379, \
                     redis+sentinel://host:26379,host:26379/master/0; rediss for TLS; \
                     what is special in user and password is percent-encoded";
