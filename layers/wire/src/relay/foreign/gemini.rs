use super::{Format, Found, Member, Reading};
use crate::{
    gemini::{Passing, is_block_reason, is_final_reason},
    relay::chunk::keep,
};

/// Gemini's `generateContent`: whole answers, of which a stream has many.
///
/// Each tells all counts so far, and none is marked as the last: the answer is whole when every
/// candidate has told why it finished, or the prompt was held back.
#[derive(Debug, Default)]
pub(in crate::relay) struct Gemini {
    counts: Passing,
    candidate: Candidate,
    /// The place of the next candidate in its answer, which is its number where it tells none.
    place: u32,
    /// Which candidates there are, by number.
    seen: u128,
    /// Which have told why they finished, in this answer.
    finished: u128,
    /// Whether there is one that cannot be told apart.
    beyond: bool,
    block_told: bool,
    blocked: bool,
    /// Why the answer ends, until the piece that tells it has come whole: usage stands behind it.
    finish: Option<Box<str>>,
}

#[derive(Debug, Default)]
struct Candidate {
    index: Option<u32>,
    finished: bool,
    searches: u64,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::relay) enum Tag {
    Candidate,
    Index,
    Finish,
    Said,
    Searches,
    Block,
    Usage,
    Model,
    Id,
    Error,
}

const PARTS: &[Member<Tag>] = &[
    Member::sign("text", Tag::Said),
    Member::sign("functionCall", Tag::Said),
    Member::sign("inlineData", Tag::Said),
    Member::sign("fileData", Tag::Said),
    Member::sign("executableCode", Tag::Said),
    Member::sign("codeExecutionResult", Tag::Said),
];

const ANSWER: &[Member<Tag>] = &[
    Member::elements(
        "candidates",
        Tag::Candidate,
        &[
            Member::within("content", &[Member::within("parts", PARTS)]),
            Member::value("finishReason", Tag::Finish),
            Member::value("index", Tag::Index),
            Member::within("groundingMetadata", &[Member::value("webSearchQueries", Tag::Searches)]),
        ],
    ),
    Member::value("usageMetadata", Tag::Usage),
    Member::value("modelVersion", Tag::Model),
    Member::value("responseId", Tag::Id),
    Member::within("promptFeedback", &[Member::value("blockReason", Tag::Block)]),
    Member::value("error", Tag::Error),
];

impl Format for Gemini {
    type Tag = Tag;

    const EVENT: &'static [Member<Tag>] = ANSWER;
    const BODY: &'static [Member<Tag>] = ANSWER;

    fn passes(&mut self, _: &[u8], _: &Reading) -> bool {
        // Each tells what the answer has cost so far.
        false
    }

    fn found(&mut self, found: Found<'_, Tag>, reading: &mut Reading) {
        match found {
            Found::ElementEnd(_) => {
                let Candidate { index, finished, searches } = std::mem::take(&mut self.candidate);
                let index = index.unwrap_or(self.place);
                self.place = self.place.saturating_add(1);
                self.counts.searched(index, searches);
                let bit = 1_u128.checked_shl(index).unwrap_or(0);
                self.beyond |= bit == 0;
                self.seen |= bit;
                self.finished |= if finished { bit } else { 0 };
            }
            Found::Value(Tag::Index, index) => {
                let text = std::str::from_utf8(index).unwrap_or_default();
                self.candidate.index = text.parse().ok();
            }
            Found::Value(Tag::Finish, reason) => {
                keep(&mut self.finish, reason);
                self.candidate.finished = is_final_reason(reason);
            }
            Found::Value(Tag::Searches, queries) => self.candidate.searches = Passing::queries(queries),
            Found::Value(Tag::Block, reason) => self.block_told = is_block_reason(reason),
            Found::Value(Tag::Usage, counts) => {
                if let Some(tier) = self.counts.take(counts) {
                    reading.told.tier = Some(tier.into());
                }
            }
            Found::Value(Tag::Model, model) => keep(&mut reading.told.model, model),
            Found::Value(Tag::Id, id) => keep(&mut reading.id, id),
            Found::Value(Tag::Error, error) => reading.error |= error != b"null",
            Found::Sign(_) => reading.content = true,
            Found::Value(..) => {}
        }
    }

    fn end(&mut self, whole: bool, reading: &mut Reading) {
        reading.count(self.counts.usage());
        let finished = std::mem::take(&mut self.finished);
        let blocked = std::mem::take(&mut self.block_told);
        let finish = self.finish.take();
        if whole {
            reading.told.finish = finish.or_else(|| reading.told.finish.take());
            reading.finished |= finished;
            self.blocked |= blocked;
        }
        self.candidate = Candidate::default();
        self.place = 0;
    }

    fn is_whole(&self, reading: &Reading) -> bool {
        if self.seen == 0 {
            return self.blocked && !self.beyond;
        }
        !self.beyond && self.seen & !reading.finished == 0
    }
}
