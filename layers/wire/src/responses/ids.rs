//! Ids of answers and items that another provider's answer has none of.

use crate::call_ids::{fnv1a, push_hex};

/// Makes ids, the same ones for the same request and place.
#[derive(Clone, Debug)]
pub(super) struct Ids {
    /// What all of them share: 32 hexadecimal digits.
    shared: String,
}

impl Ids {
    /// Ids of the answer to a request.
    pub(super) fn new(request: &str) -> Self {
        let seed = fnv1a(request.as_bytes());
        // Twice as many digits, as long as the API's own.
        let other = seed.rotate_left(32) ^ 0x9e37_79b9_7f4a_7c15;
        let mut shared = String::with_capacity(32);
        push_hex(&mut shared, seed, 16);
        push_hex(&mut shared, other, 16);
        Self { shared }
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
        let mut id = String::with_capacity(prefix.len() + 1 + self.shared.len() + 8);
        id.extend([prefix, "_", &self.shared]);
        push_hex(&mut id, place as u64, 8);
        id
    }
}
