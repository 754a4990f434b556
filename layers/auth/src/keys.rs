//! Virtual keys: made here, kept as keyed hashes, found in memory.

mod change;
mod declared;
mod digest;
mod entry;
mod feed;
mod id;
mod key;
mod keyring;
mod limit;
mod method;
mod pepper;
mod shard;
pub mod store;
mod table;
mod token;

#[cfg(feature = "postgres")]
pub use self::store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::store::SqliteStore;
pub(crate) use self::token::looks_ours;
pub use self::{
    change::{Change, ChangeError},
    declared::{DeclaredKey, DeclaredKeyError},
    digest::{Digest, DigestError},
    feed::{FeedStatus, FeedWatch, KeyFeed},
    id::{KeyId, KeyIdError},
    key::{Grant, Key, Previous, Standing},
    keyring::Keyring,
    limit::{KeyLimits, Limit, Measure},
    method::Keys,
    pepper::{Pepper, PepperError},
    store::{KeyStore, MemoryStore, StoreError},
    table::{Found, FoundKey, KeyTable},
    token::{RandomnessError, Token},
};
