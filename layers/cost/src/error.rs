/// What is wrong with a price list, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{path}: {what}\nhint: {hint}")]
#[non_exhaustive]
pub struct BookError {
    /// Where: `providers.openai.models.gpt-5.prices[0].rates.input`.
    pub path: String,
    /// What is wrong.
    pub what: String,
    /// What to do.
    pub hint: String,
}
