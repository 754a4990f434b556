use std::sync::Arc;

use bytes::Bytes;
use tollway_core::{Attempt, Outcome};

use super::streamed::{MOST_KEPT, Streamed};

/// Keeps the beginning of an answer that is no stream. Where its end never comes, and with it the provider's
/// count, the tokens of what it has said are counted here, and recorded in the attempt.
#[derive(Debug)]
pub(super) struct Beginning {
    attempt: Arc<Attempt>,
    kept: Vec<u8>,
    came: u64,
    /// How long the answer is, where that was told.
    length: Option<u64>,
}

impl Beginning {
    pub(super) const fn new(attempt: Arc<Attempt>, length: Option<u64>) -> Self {
        Self { attempt, kept: Vec::new(), came: 0, length }
    }

    /// A piece has come.
    pub(super) fn push(&mut self, data: &Bytes) {
        let room = MOST_KEPT.saturating_sub(self.kept.len()).min(data.len());
        self.kept.extend_from_slice(data.get(..room).unwrap_or_default());
        self.came += data.len() as u64;
    }

    /// All of it has come; it is for others to say what it says.
    pub(super) fn has_ended(mut self) {
        self.kept.clear();
    }

    /// No more will come, as the attempt says.
    pub(super) fn settle(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        let is_told = self.attempt.usage().is_some() || self.attempt.outcome() == Some(Outcome::Complete);
        if is_told || kept.is_empty() {
            return;
        }
        let mut said = Streamed::whole(self.attempt.clone());
        said.frame(&kept);
        said.goes_on(kept.len() as u64, self.length.unwrap_or(0).max(self.came));
    }
}

/// However it is let go of.
impl Drop for Beginning {
    fn drop(&mut self) {
        self.settle();
    }
}

#[cfg(test)]
mod tests {
    use tollway_core::{Dialect, Upstream, Usage};

    use super::*;
    use crate::tokens::count;

    const MODEL: &str = "claude-sonnet-4-5";

    fn attempt(dialect: Dialect) -> Arc<Attempt> {
        Arc::new(Attempt::new(Arc::new(Upstream { provider: "p".into(), dialect, model: MODEL.into() })))
    }

    #[test]
    fn what_a_cut_answer_has_said_is_counted_in_every_format() {
        let said = "The quick brown fox \\\"jumps\\\" over the lazy dog. ".repeat(20);
        let expected = count(MODEL, &said.replace('\\', ""));
        for (dialect, before) in [
            (Dialect::OpenAi, r#"{"choices":[{"message":{"role":"assistant","content":""#),
            (
                Dialect::Responses,
                r#"{"text":{"format":{}},"output":[{"content":[{"type":"output_text","text": ""#,
            ),
            (Dialect::Anthropic, r#"{"type":"message","content":[{"type":"text","text":""#),
            (Dialect::Gemini, r#"{"candidates":[{"content":{"parts":[{"text": ""#),
        ] {
            let attempt = attempt(dialect);
            let mut beginning = Beginning::new(attempt.clone(), None);
            beginning.push(&Bytes::from(before));
            beginning.push(&Bytes::from(said.clone()));
            drop(beginning);
            assert_eq!(attempt.counted_output(), Some(expected), "{dialect:?}");
        }
    }

    #[test]
    fn the_rest_is_like_the_beginning_as_far_as_its_length_is_known() {
        let text = format!(r#"{{"content":"{}"#, "word ".repeat(10_000));
        for (length, times) in [(None, 1), (Some(500_000), 10)] {
            let attempt = attempt(Dialect::OpenAi);
            let mut beginning = Beginning::new(attempt.clone(), length);
            beginning.push(&Bytes::from(text.clone()));
            assert_eq!(beginning.kept.len(), MOST_KEPT);
            drop(beginning);
            let counted = attempt.counted_output().unwrap();
            assert!((times * 9_000..times * 20_000).contains(&counted), "{length:?}: {counted}");
        }
    }

    #[test]
    fn nothing_is_counted_where_the_provider_told() {
        let attempt = attempt(Dialect::OpenAi);
        let mut beginning = Beginning::new(attempt.clone(), None);
        beginning.push(&Bytes::from(r#"{"content":"a"}"#));
        attempt.set_usage(Usage::default());
        drop(beginning);
        assert_eq!(attempt.counted_output(), None);
    }
}
