use crate::audit::AuditError;
use crate::keys::{ChangeError, RandomnessError};

/// Why a store did not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// What was asked for cannot be done.
    #[error(transparent)]
    Refused(#[from] ChangeError),
    /// The keys in the store were hashed with another secret.
    #[error("the keys in the store were hashed with another secret than the one given")]
    OtherPepper,
    /// The log is not as it was written.
    #[error(transparent)]
    Audit(#[from] AuditError),
    /// What the store holds is not what was written into it.
    #[error("the store holds something that cannot be read: {0}")]
    Unreadable(String),
    /// The store did not answer in time.
    #[error("the store did not answer within {} s", .0.as_secs_f32())]
    Timeout(std::time::Duration),
    /// There is nothing to make a key of.
    #[error(transparent)]
    Randomness(#[from] RandomnessError),
    /// The store cannot be reached, or failed.
    #[error("the store of keys failed: {0}")]
    Failed(#[source] Box<dyn std::error::Error + Send + Sync>),
}
