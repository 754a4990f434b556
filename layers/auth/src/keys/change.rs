use std::time::{Duration, SystemTime};

use super::{Digest, Grant, Key, KeyId, Previous};
use crate::time::whole;

/// What is done to a key.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Change {
    /// It is made.
    Create {
        /// The hash of its token.
        digest: Digest,
        /// What it says and allows.
        grant: Box<Grant>,
    },
    /// It says and allows something else.
    Update {
        /// What.
        grant: Box<Grant>,
        /// The revision of the key that this was made of; where it has changed since, nothing is done.
        /// Without one it does not matter.
        since: Option<i64>,
    },
    /// It gets a new token. The one it has stays good for a while; one that it had before that is good
    /// no longer.
    Rotate {
        /// The hash of the new token.
        digest: Digest,
        /// For how long the old one is good.
        overlap: Duration,
    },
    /// It is taken back, for good.
    Revoke,
}

/// Why a key cannot be changed so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// There is one of that id.
    #[error("there is such a key already: {0}")]
    Exists(KeyId),
    /// There is none of that id.
    #[error("no such key: {0}")]
    NotFound(KeyId),
    /// It is revoked, which is for good.
    #[error("the key is revoked: {0}")]
    Revoked(KeyId),
    /// Somebody else has changed it meanwhile.
    #[error("somebody else has just changed the key: {0}")]
    Changed(KeyId),
}

impl Change {
    /// What becomes of the key that `id` is, or is not yet.
    ///
    /// The store gives the new key its revision.
    pub fn apply(self, id: KeyId, before: Option<Key>, now: SystemTime) -> Result<Key, ChangeError> {
        let now = whole(now);
        let (mut key, change) = match (before, self) {
            (Some(_), Self::Create { .. }) => return Err(ChangeError::Exists(id)),
            (None, Self::Create { digest, grant }) => return Ok(Key::new(id, digest, tidy(*grant), now)),
            (None, _) => return Err(ChangeError::NotFound(id)),
            (Some(key), _) if key.revoked.is_some() => return Err(ChangeError::Revoked(id)),
            (Some(key), Self::Update { since: Some(since), .. }) if key.revision != since => {
                return Err(ChangeError::Changed(id));
            }
            (Some(key), change) => (key, change),
        };
        match change {
            Self::Update { grant, .. } => key.grant = tidy(*grant),
            Self::Rotate { digest, overlap } => {
                let until = now.checked_add(overlap).map(whole).filter(|_| !overlap.is_zero());
                key.previous = until.map(|until| Previous { digest: key.digest, until });
                key.digest = digest;
            }
            Self::Revoke => key.revoked = Some(now),
            Self::Create { .. } => return Err(ChangeError::Exists(id)),
        }
        Ok(key)
    }

    /// A word for it.
    pub const fn action(&self) -> &'static str {
        match self {
            Self::Create { .. } => "key.create",
            Self::Update { .. } => "key.update",
            Self::Rotate { .. } => "key.rotate",
            Self::Revoke => "key.revoke",
        }
    }

    /// What there is to say of it in the audit log, as JSON without anything secret.
    pub fn detail(&self) -> String {
        match self {
            Self::Create { grant, .. } | Self::Update { grant, .. } => {
                serde_json::to_string(grant).unwrap_or_default()
            }
            Self::Rotate { overlap, .. } => format!(r#"{{"overlap_ms":{}}}"#, overlap.as_millis()),
            Self::Revoke => "null".to_owned(),
        }
    }
}

/// A grant as it will be read again.
fn tidy(mut grant: Grant) -> Grant {
    grant.expires = grant.expires.map(whole);
    grant
}
