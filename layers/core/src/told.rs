/// What an answer tells of how it was served, beside its usage. What it does not tell is `None`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Told {
    /// The model that served, as the provider names it.
    pub model: Option<Box<str>>,
    /// The service tier that served, which prices hang on.
    pub tier: Option<Box<str>>,
    /// The region it was served in, where prices hang on it (Anthropic's `inference_geo`).
    pub region: Option<Box<str>>,
    /// The speed it was served at, where prices hang on it (Anthropic's `speed`).
    pub speed: Option<Box<str>>,
    /// Why the answer ended, in the word of the provider's own format; the first choice's.
    pub finish: Option<Box<str>>,
}

impl Told {
    /// Nothing was told.
    pub const NONE: Self = Self { model: None, tier: None, region: None, speed: None, finish: None };
}
