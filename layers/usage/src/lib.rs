#![doc = include_str!("../README.md")]
#![cfg_attr(
    not(any(feature = "sqlite", feature = "postgres")),
    expect(dead_code, reason = "without a store nothing is added up")
)]

mod batch;
mod day;
mod dimension;
mod export;
mod facts;
pub mod forecast;
pub mod metered;
mod page;
mod query;
mod queue;
mod record;
mod retention;
mod rollup;
mod row;
mod spill;
pub mod store;
mod sums;
mod time;
mod user_hash;
mod words;
mod writer;

pub use self::batch::{Batch, BatchId};
pub use self::day::{Day, ParseDayError};
pub use self::dimension::{Dimension, ParseDimensionError};
pub use self::export::{Export, Format};
pub use self::facts::{Facts, HourFacts, ModelFacts, PrefixFacts, PromptFacts};
pub use self::query::{Filter, Order, QueryError, UsageQuery, UsageRow};
pub use self::record::{AttemptRecord, Fingerprint, Record};
pub use self::retention::{Retention, Swept};
#[cfg(feature = "postgres")]
pub use self::store::PostgresStore;
#[cfg(feature = "sqlite")]
pub use self::store::SqliteStore;
pub use self::store::{StoreError, UsageStore};
pub use self::sums::Sums;
pub use self::user_hash::{UserHash, UserHashError};
pub use self::writer::{UsageWriter, WriterSettings};
