use tollway_core::Usage;

use super::usage::WireUsage;

/// Usage of an answer that is relayed, as its events tell it one after the other.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    told: bool,
    usage: WireUsage,
}

impl Tally {
    /// Lays a later `usage` object over what was told before. One that cannot be read tells nothing.
    pub(crate) fn merge(&mut self, usage: &[u8]) {
        if let Ok(usage) = serde_json::from_slice::<WireUsage>(usage) {
            self.told |= usage.counts();
            self.usage.merge(usage);
        }
    }

    /// The canonical count, once anything was counted.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.told.then(|| self.usage.to_canonical())
    }

    /// The region it is served in, where prices hang on it.
    pub(crate) fn region(&self) -> Option<&str> {
        self.usage.region()
    }

    /// The speed it is served at, where prices hang on it.
    pub(crate) fn speed(&self) -> Option<&str> {
        self.usage.speed()
    }

    /// The tier that serves, in the canonical words.
    pub(crate) fn tier(&self) -> Option<String> {
        self.usage.canonical_tier()
    }
}
