use crate::QueryError;

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was asked for cannot be answered.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// What the store holds is not what was written into it.
    #[error("the store holds something that cannot be read: {0}")]
    Unreadable(String),
    /// The store did not answer in time.
    #[error("the store did not answer within {} s", .0.as_secs_f32())]
    Timeout(std::time::Duration),
    /// The store cannot be reached, or failed.
    #[error("the store of usage failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
