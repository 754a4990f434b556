//! Answers in pieces.

use std::collections::VecDeque;

use bytes::Bytes;

use super::upstream::Script;

impl Script {
    /// The same answer in pieces, cut at `places`.
    pub(crate) fn cut_at(mut self, places: impl IntoIterator<Item = usize>) -> Self {
        let mut rest: Bytes = self.pieces.into_iter().flatten().collect();
        let mut pieces = VecDeque::new();
        let mut done = 0;
        for place in places {
            if place > done && place - done < rest.len() {
                pieces.push_back(rest.split_to(place - done));
                done = place;
            }
        }
        pieces.push_back(rest);
        self.pieces = pieces;
        self
    }
}
