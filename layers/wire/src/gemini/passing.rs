use tollway_core::Usage;

use super::{
    finish, tier,
    usage::{Counters, Tally},
    words::{EnumWord, Words},
};

/// The most candidates whose searches are told apart.
const MOST: usize = 128;

/// Usage of an answer that is relayed, as its frames tell it one after the other.
#[derive(Debug, Default)]
pub(crate) struct Passing {
    tally: Tally,
    /// Searches by candidate. Frames may tell the same ones again.
    searches: Vec<(u32, u64)>,
}

impl Passing {
    /// Takes in `usageMetadata`; gives the tier it tells, in the canonical words.
    pub(crate) fn take(&mut self, counters: &[u8]) -> Option<&'static str> {
        let counters: Counters<'_> = serde_json::from_slice(counters).ok()?;
        self.tally.update(&counters);
        tier::tier(&counters)
    }

    /// How many searches `webSearchQueries` tells.
    pub(crate) fn queries(queries: &[u8]) -> u64 {
        let queries: Vec<Words<'_>> = serde_json::from_slice(queries).unwrap_or_default();
        u64::try_from(queries.iter().filter(|query| !query.is_empty()).count()).unwrap_or_default()
    }

    /// Takes in how many searches a frame tells of a candidate.
    pub(crate) fn searched(&mut self, candidate: u32, searches: u64) {
        if searches == 0 {
            return;
        }
        if let Some((_, known)) = self.searches.iter_mut().find(|(of, _)| *of == candidate) {
            *known = searches.max(*known);
        } else if self.searches.len() < MOST {
            self.searches.push((candidate, searches));
        }
        self.tally.web_searches = self.searches.iter().map(|(_, searches)| searches).sum();
    }

    /// The canonical count, once anything was counted.
    pub(crate) fn usage(&self) -> Option<Usage> {
        self.tally.usage()
    }
}

/// Whether a raw `finishReason` says that its candidate is at its end.
pub(crate) fn is_final_reason(raw: &[u8]) -> bool {
    serde_json::from_slice::<EnumWord<'_>>(raw).is_ok_and(|reason| finish::is_final(&reason))
}

/// Whether a raw `blockReason` says that the prompt was held back.
pub(crate) fn is_block_reason(raw: &[u8]) -> bool {
    serde_json::from_slice::<EnumWord<'_>>(raw).is_ok_and(|reason| finish::decode_block(&reason).is_some())
}
