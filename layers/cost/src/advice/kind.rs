/// What kind of thing is advised. The most pressing of those that save nothing comes first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Kind {
    /// A model goes away.
    RetiringModel,
    /// Another model does the same for less.
    CheaperModel,
    /// The provider's prompt cache would read what is paid for as new.
    ProviderCache,
    /// Answers to the same prompts were paid for again.
    OwnCache,
    /// What can wait costs less at another tier.
    Batch,
    /// Far more output is asked for at most than ever comes.
    LongOutputLimit,
    /// A key is not used.
    IdleKey,
}

impl Kind {
    /// The name in reports and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RetiringModel => "retiring_model",
            Self::CheaperModel => "cheaper_model",
            Self::ProviderCache => "provider_cache",
            Self::OwnCache => "own_cache",
            Self::Batch => "batch",
            Self::LongOutputLimit => "long_output_limit",
            Self::IdleKey => "idle_key",
        }
    }
}
