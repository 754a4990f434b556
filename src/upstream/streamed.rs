//! What a stream has said, in case it ends before its provider tells what that was in tokens.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use memchr::memmem::Finder;
use tollway_core::{Attempt, Dialect, Outcome};
use tollway_wire::chat::Delta;

use crate::tokens::count;

/// Gathers what a stream says. When it ends without its provider's count, as when it breaks off or nobody reads
/// it any more, its tokens are counted here, and recorded in the attempt.
#[derive(Debug)]
pub(super) struct Streamed {
    attempt: Arc<Attempt>,
    /// The members whose values are said, where the bytes pass as they are.
    keys: &'static [Finder<'static>],
    /// Whether the last of them may repeat what another has said.
    says_twice: bool,
    text: Vec<u8>,
    /// How many bytes more were said than are kept.
    beyond: u64,
    is_settled: bool,
}

impl Streamed {
    /// Of a stream that is relayed in a dialect. Gemini's tells its usage all along.
    pub(super) fn relayed(attempt: Arc<Attempt>, dialect: Dialect) -> Self {
        let keys: &[Finder<'_>] = match dialect {
            Dialect::OpenAi => &*OPENAI,
            Dialect::Responses => &*RESPONSES,
            Dialect::Anthropic => &*ANTHROPIC,
            _ => &[],
        };
        Self {
            attempt,
            keys,
            says_twice: dialect == Dialect::OpenAi,
            text: Vec::new(),
            beyond: 0,
            is_settled: false,
        }
    }

    /// Of an answer that is no stream, in its provider's format.
    pub(super) fn whole(attempt: Arc<Attempt>) -> Self {
        let dialect = attempt.upstream().dialect;
        let keys: &[Finder<'_>] = match dialect {
            Dialect::OpenAi => &*OPENAI,
            Dialect::Responses => &*RESPONSE,
            Dialect::Anthropic => &*ANTHROPIC,
            Dialect::Gemini => &*GEMINI,
            _ => &[],
        };
        let mut whole = Self::decoded(attempt);
        whole.keys = keys;
        whole.says_twice = dialect == Dialect::OpenAi;
        whole
    }

    /// Of a stream that is decoded.
    pub(super) const fn decoded(attempt: Arc<Attempt>) -> Self {
        Self { attempt, keys: &[], says_twice: false, text: Vec::new(), beyond: 0, is_settled: false }
    }

    /// Events pass. A text is cut out by the quotes around it, and stays escaped.
    pub(super) fn frame(&mut self, events: &[u8]) {
        let before = self.said();
        for key in self.keys {
            // The last one is of completions of old, and of what elsewhere says a thing twice.
            if self.says_twice && key.needle() == TEXT && self.said() > before {
                return;
            }
            for at in key.find_iter(events) {
                let value = events.get(at + key.needle().len()..).unwrap_or_default().trim_ascii_start();
                if let Some(text) = value.strip_prefix(b"\"") {
                    self.say(text.get(..closing(text)).unwrap_or_default());
                }
            }
        }
    }

    /// A piece of the answer.
    pub(super) fn delta(&mut self, delta: &Delta) {
        match delta {
            Delta::Text(text) | Delta::Refusal(text) | Delta::Reasoning(text) => self.say(text.as_bytes()),
            Delta::ToolArguments { fragment, .. } => self.say(fragment.as_bytes()),
            Delta::ToolCall { name, .. } => self.say(name.as_bytes()),
            _ => {}
        }
    }

    /// What passed was `seen` bytes of `all`, and the rest is taken to be like it.
    pub(super) fn goes_on(&mut self, seen: u64, all: u64) {
        let rest = u128::from(self.said()) * u128::from(all.saturating_sub(seen)) / u128::from(seen.max(1));
        self.beyond = self.beyond.saturating_add(u64::try_from(rest).unwrap_or(u64::MAX));
    }

    fn said(&self) -> u64 {
        self.text.len() as u64 + self.beyond
    }

    fn say(&mut self, text: &[u8]) {
        let room = MOST_KEPT.saturating_sub(self.text.len()).min(text.len());
        let (kept, rest) = text.split_at(room);
        self.text.extend_from_slice(kept);
        self.beyond += rest.len() as u64;
    }

    /// The stream has ended, as its attempt says.
    pub(super) fn settle(&mut self) {
        if std::mem::replace(&mut self.is_settled, true) {
            return;
        }
        let is_told = self.attempt.usage().is_some() && self.attempt.outcome() == Some(Outcome::Complete);
        if is_told || self.text.is_empty() {
            return;
        }
        let text = String::from_utf8_lossy(&self.text);
        let text = if self.keys.is_empty() { Cow::Borrowed(&*text) } else { unescaped(&text) };
        let tokens = count(&self.attempt.upstream().model, &text);
        // The rest is taken to be like the beginning.
        let rest = tokens.saturating_mul(self.beyond).div_ceil(self.text.len().max(1) as u64);
        self.attempt.set_counted_output(tokens.saturating_add(rest));
    }
}

/// However it is let go of.
impl Drop for Streamed {
    fn drop(&mut self) {
        self.settle();
    }
}

/// Some four thousand tokens, which take a few milliseconds to count. The rest of a longer answer will be
/// like them.
pub(super) const MOST_KEPT: usize = 16 * 1024;

/// The key of OpenAI's completions of old.
const TEXT: &[u8] = b"\"text\":";

static OPENAI: LazyLock<[Finder<'static>; 5]> = LazyLock::new(|| {
    ["\"content\":", "\"reasoning_content\":", "\"reasoning\":", "\"arguments\":", "\"text\":"]
        .map(Finder::new)
});
static RESPONSES: LazyLock<[Finder<'static>; 1]> = LazyLock::new(|| ["\"delta\":"].map(Finder::new));
static RESPONSE: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| ["\"text\":", "\"arguments\":"].map(Finder::new));
static GEMINI: LazyLock<[Finder<'static>; 1]> = LazyLock::new(|| ["\"text\":"].map(Finder::new));
static ANTHROPIC: LazyLock<[Finder<'static>; 3]> =
    LazyLock::new(|| ["\"thinking\":", "\"partial_json\":", "\"text\":"].map(Finder::new));

/// Where a text ends whose opening quote has passed.
fn closing(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'"', b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text.get(at) == Some(&b'"') {
            return at;
        }
        at += 2;
    }
    text.len()
}

/// A text without its escapes, of which the last may have been cut.
fn unescaped(text: &str) -> Cow<'_, str> {
    let plain = |text: &str| serde_json::from_str::<String>(&format!("\"{text}\"")).ok();
    let without_last = || plain(text.get(..text.rfind('\\')?)?);
    plain(text).or_else(without_last).map_or(Cow::Borrowed(text), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use tollway_core::{Upstream, Usage};

    use super::*;

    fn attempt(model: &str) -> Arc<Attempt> {
        let upstream = Upstream { provider: "p".into(), dialect: Dialect::OpenAi, model: model.into() };
        Arc::new(Attempt::new(Arc::new(upstream)))
    }

    fn counted(dialect: Dialect, frames: &[&str], ends: impl FnOnce(&Attempt)) -> Option<u64> {
        let attempt = attempt("claude-sonnet-4-5");
        let mut streamed = Streamed::relayed(attempt.clone(), dialect);
        for frame in frames {
            streamed.frame(frame.as_bytes());
        }
        ends(&attempt);
        drop(streamed);
        attempt.counted_output()
    }

    const WORDS: &str = "The quick brown fox jumps over the lazy dog.";

    #[test]
    fn what_is_said_is_counted_where_nobody_told() {
        let expected = Some(count("claude-sonnet-4-5", &WORDS.repeat(2)));
        for (dialect, frame) in [
            (
                Dialect::OpenAi,
                format!("data: {{\"choices\":[{{\"delta\":{{\"content\": \"{WORDS}\"}}}}]}}\n\n"),
            ),
            (
                Dialect::Responses,
                format!("data: {{\"type\":\"response.output_text.delta\",\"delta\":\"{WORDS}\"}}\n\n"),
            ),
            (
                Dialect::Anthropic,
                format!("data: {{\"delta\":{{\"type\":\"text_delta\",\"text\":\"{WORDS}\"}}}}\n\n"),
            ),
        ] {
            let cut = |attempt: &Attempt| attempt.set_outcome(Outcome::Cancelled);
            assert_eq!(counted(dialect, &[&frame, &frame], cut), expected, "{dialect:?}");
            // Two events in one frame.
            assert_eq!(counted(dialect, &[&frame.repeat(2)], cut), expected, "{dialect:?}");
            let told = |attempt: &Attempt| {
                attempt.set_usage(Usage { output: 3, ..Usage::default() });
                attempt.set_outcome(Outcome::Complete);
            };
            assert_eq!(counted(dialect, &[&frame], told), None);
        }
    }

    #[test]
    fn escapes_are_one_sign_each_and_a_long_answer_is_bounded() {
        let cut = |attempt: &Attempt| attempt.set_outcome(Outcome::Broken);
        let frame = r#"data: {"delta":{"text":"a\nb \"c\" \u00e9"}}"#;
        assert_eq!(
            counted(Dialect::Anthropic, &[frame], cut),
            Some(count("claude-sonnet-4-5", "a\nb \"c\" é"))
        );
        let attempt = attempt("m");
        let mut streamed = Streamed::decoded(attempt.clone());
        streamed.delta(&Delta::Text("word ".repeat(40_000)));
        assert_eq!(streamed.text.len(), MOST_KEPT);
        streamed.settle();
        assert!(
            (30_000..90_000).contains(&attempt.counted_output().unwrap()),
            "{:?}",
            attempt.counted_output()
        );
    }
}
