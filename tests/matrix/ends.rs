//! Why an answer ends, in each dialect's words.

use crate::answer::Answer;
use crate::cell::Cell;
use crate::check::ensure;
use crate::dialect::Dialect;

/// Why an answer ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// The model has said what it had to say.
    Done,
    Calls,
    /// A stop sequence was met.
    Sequence,
    Length,
    /// The model declines.
    Refusal,
    /// A filter of the provider stops it.
    Filter,
}

/// Holds the reason an answer gives to the one it has.
pub(crate) fn check(cell: Cell, answer: &Answer, end: End) -> Result<(), String> {
    let stop = answer.stop.as_str();
    // Where OpenAI's model declines, the words stand apart and the answer ends as any other.
    let declined = end == End::Refusal && !answer.refusal.is_empty();
    let due: &[&str] = match (cell.client, end) {
        (Dialect::Chat, End::Done | End::Sequence) => &["stop"],
        (Dialect::Chat, End::Refusal) if declined => &["stop"],
        (Dialect::Chat, End::Calls) => &["tool_calls"],
        (Dialect::Chat, End::Length) => &["length"],
        (Dialect::Chat, End::Refusal | End::Filter) => &["content_filter"],
        (Dialect::Responses, End::Refusal) if declined => &["completed"],
        (Dialect::Responses, End::Done | End::Calls | End::Sequence) => &["completed"],
        (Dialect::Responses, End::Length) => &["max_output_tokens"],
        (Dialect::Responses, End::Refusal | End::Filter) => &["content_filter"],
        // Only Anthropic tells that a stop sequence ended the text.
        (Dialect::Messages, End::Sequence) if cell.upstream == Dialect::Messages => &["stop_sequence"],
        (Dialect::Messages, End::Done | End::Sequence) => &["end_turn"],
        (Dialect::Messages, End::Calls) => &["tool_use"],
        (Dialect::Messages, End::Length) => &["max_tokens"],
        (Dialect::Messages, End::Refusal | End::Filter) => &["refusal"],
        (Dialect::Gemini, End::Done | End::Calls | End::Sequence) => &["STOP"],
        // A model that declines says so, as any text; only filters have a word at Gemini.
        (Dialect::Gemini, End::Refusal) if matches!(cell.upstream, Dialect::Chat | Dialect::Responses) => {
            &["STOP"]
        }
        (Dialect::Gemini, End::Length) => &["MAX_TOKENS"],
        (Dialect::Gemini, End::Refusal | End::Filter) => &["SAFETY", "PROHIBITED_CONTENT"],
    };
    ensure!(due.contains(&stop), "ends by {stop:?}, and not by {due:?}");
    Ok(())
}
