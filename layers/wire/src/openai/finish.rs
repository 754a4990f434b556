//! Finish reasons: OpenAI's words, and other servers' words in the same place.

use crate::chat::{Finish, FinishReason};
use crate::{ApiError, ErrorKind};

/// Reads a finish reason.
///
/// `calls` says whether the choice called tools: after a forced call OpenAI itself says `stop`, and
/// Gemini's OpenAI endpoint does so always. Words for a broken answer are an error: an answer that
/// broke must not look whole.
pub(super) fn decode_finish(
    word: &str,
    native: Option<String>,
    stop_sequence: Option<String>,
    calls: bool,
) -> Result<Finish, ApiError> {
    let plain = |reason| Finish { reason, stop_sequence: None, native: None };
    let mut finish = match word {
        "stop" if calls => Finish { native: Some(word.to_owned()), ..plain(FinishReason::ToolCalls) },
        "stop" => plain(FinishReason::Stop),
        "length" => plain(FinishReason::Length),
        "tool_calls" => plain(FinishReason::ToolCalls),
        "content_filter" => plain(FinishReason::ContentFilter),
        "error" => {
            return Err(broken(500, ErrorKind::Internal, "the provider ended the answer with an error"));
        }
        "insufficient_system_resource" => {
            return Err(broken(
                503,
                ErrorKind::Overloaded,
                "the provider ran out of resources in mid-answer",
            ));
        }
        other => {
            let reason = match other.to_ascii_lowercase().as_str() {
                "function_call" | "tool_use" | "tool_call" => FinishReason::ToolCalls,
                "max_tokens" | "model_length" | "max_length" => FinishReason::Length,
                "safety" | "refusal" | "recitation" => FinishReason::ContentFilter,
                "stop_sequence" => FinishReason::StopSequence,
                _ if calls => FinishReason::ToolCalls,
                _ => FinishReason::Stop,
            };
            Finish { native: Some(other.to_owned()), ..plain(reason) }
        }
    };
    if let Some(sequence) = stop_sequence
        && finish.reason == FinishReason::Stop
    {
        finish.reason = FinishReason::StopSequence;
        finish.stop_sequence = Some(sequence);
    }
    // OpenRouter names the word of the provider behind it; ours is kept where it decides the word.
    if finish.native.is_none() {
        finish.native = native.filter(|native| native != word);
    }
    Ok(finish)
}

/// OpenAI's word for a finish reason.
pub(super) fn encode_finish(finish: &Finish) -> &'static str {
    match finish.reason {
        FinishReason::Stop | FinishReason::StopSequence | FinishReason::Pause => "stop",
        FinishReason::Length => "length",
        FinishReason::ToolCalls if finish.native.as_deref() == Some("stop") => "stop",
        FinishReason::ToolCalls => "tool_calls",
        FinishReason::ContentFilter => "content_filter",
    }
}

fn broken(status: u16, kind: ErrorKind, message: &str) -> ApiError {
    ApiError { status, kind, message: message.to_owned(), code: None, param: None, retry_after: None }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_read_and_written() {
        for (word, calls, reason, written) in [
            ("stop", false, FinishReason::Stop, "stop"),
            ("stop", true, FinishReason::ToolCalls, "stop"),
            ("length", false, FinishReason::Length, "length"),
            ("model_length", false, FinishReason::Length, "length"),
            ("tool_calls", true, FinishReason::ToolCalls, "tool_calls"),
            ("function_call", true, FinishReason::ToolCalls, "tool_calls"),
            ("content_filter", false, FinishReason::ContentFilter, "content_filter"),
            ("eos", false, FinishReason::Stop, "stop"),
        ] {
            let finish = decode_finish(word, None, None, calls).unwrap();
            assert_eq!((finish.reason, encode_finish(&finish)), (reason, written), "{word}");
        }
    }

    #[test]
    fn a_broken_answer_is_an_error() {
        assert_eq!(decode_finish("error", None, None, false).unwrap_err().status, 500);
        let overloaded = decode_finish("insufficient_system_resource", None, None, false).unwrap_err();
        assert_eq!(overloaded.kind, ErrorKind::Overloaded);
    }

    #[test]
    fn a_stop_sequence_is_kept() {
        let finish = decode_finish("stop", Some("completed".into()), Some("##".into()), false).unwrap();
        assert_eq!(finish.reason, FinishReason::StopSequence);
        assert_eq!(finish.stop_sequence.as_deref(), Some("##"));
        assert_eq!(finish.native.as_deref(), Some("completed"));
    }
}
