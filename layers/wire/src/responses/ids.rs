//! Ids of answers and items that another provider's answer has none of.

use crate::call_ids::fnv1a;

/// Makes ids, the same ones for the same request and place.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    seed: u64,
}

impl Ids {
    /// Ids of the answer to a request.
    pub(super) fn new(request: &str) -> Self {
        Self { seed: fnv1a(request.as_bytes()) }
    }

    /// The answer's id: the provider's, if it is one of this API.
    pub(super) fn answer(&self, provider: Option<&str>) -> String {
        match provider.filter(|id| id.starts_with("resp_")) {
            Some(id) => id.to_owned(),
            None => self.id("resp", 0),
        }
    }

    /// The id of the item at a place of the output.
    pub(super) fn item(&self, prefix: &str, place: usize) -> String {
        self.id(prefix, place)
    }

    fn id(&self, prefix: &str, place: usize) -> String {
        // Twice as many digits, as long as the API's own.
        let other = self.seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
        format!("{prefix}_{:016x}{other:016x}{place:08x}", self.seed)
    }
}
