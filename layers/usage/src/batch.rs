use std::fmt;

use ring::rand::{SecureRandom as _, SystemRandom};
use serde::{Deserialize, Serialize};

use crate::row::RequestRow;
use crate::words::Words;
use crate::{Record, UserHash};

/// Records that are written together: all of them or none, and once, however often it is tried.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Batch {
    pub(crate) id: BatchId,
    pub(crate) requests: Vec<RequestRow>,
}

impl Batch {
    /// Makes a batch of records, with users hashed where that is wanted. Its id is new.
    pub fn new(records: &[Record], users: Option<&UserHash>) -> Self {
        let mut words = Words::default();
        let requests = records.iter().map(|record| RequestRow::new(record, users, &mut words)).collect();
        Self { id: BatchId::random(), requests }
    }

    /// By what it is known again.
    pub const fn id(&self) -> BatchId {
        self.id
    }

    /// How many requests it has.
    pub const fn len(&self) -> usize {
        self.requests.len()
    }

    /// Whether it has none.
    pub const fn is_empty(&self) -> bool {
        self.requests.is_empty()
    }
}

/// The name of a [`Batch`], by which a store knows that it has it: 128 random bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct BatchId(pub(crate) [u8; 16]);

impl BatchId {
    fn random() -> Self {
        let mut id = [0; 16];
        // Where the system has no randomness, which it has on every system that starts, time must do.
        if SystemRandom::new().fill(&mut id).is_err() {
            let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
            id = now.as_nanos().to_be_bytes();
        }
        Self(id)
    }
}

impl fmt::Display for BatchId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
