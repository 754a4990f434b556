//! `finishReason` ⇄ [`Finish`].

use super::words::EnumWord;
use crate::chat::{Finish, FinishReason};

/// The reasons in the order of Vertex's numbers, the only endpoint seen to send numbers.
const REASONS: &[&str] = &[
    "FINISH_REASON_UNSPECIFIED",
    "STOP",
    "MAX_TOKENS",
    "SAFETY",
    "RECITATION",
    "OTHER",
    "BLOCKLIST",
    "PROHIBITED_CONTENT",
    "SPII",
    "MALFORMED_FUNCTION_CALL",
    "MODEL_ARMOR",
];

/// Reads why a candidate ended. A model that called a function says `STOP`, as if it were done.
pub(super) fn decode(reason: &EnumWord<'_>, called: bool) -> Finish {
    let word = reason.name(REASONS);
    let reason = match word {
        "MAX_TOKENS" => FinishReason::Length,
        "SAFETY" | "RECITATION" | "LANGUAGE" | "BLOCKLIST" | "PROHIBITED_CONTENT" | "SPII"
        | "MODEL_ARMOR" => FinishReason::ContentFilter,
        _ if word.starts_with("IMAGE_") => FinishReason::ContentFilter,
        _ if called => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    };
    let says_less = !matches!(word, "" | "STOP" | "MAX_TOKENS" | "FINISH_REASON_UNSPECIFIED");
    Finish { reason, stop_sequence: None, native: says_less.then(|| word.to_owned()) }
}

/// Whether a reason says that the candidate is at its end.
pub(super) fn is_final(reason: &EnumWord<'_>) -> bool {
    !matches!(reason.name(REASONS), "" | "FINISH_REASON_UNSPECIFIED")
}

/// Reads why a prompt was held back.
pub(super) fn decode_block(reason: &EnumWord<'_>) -> Option<Finish> {
    const BLOCKS: &[&str] =
        &["BLOCK_REASON_UNSPECIFIED", "SAFETY", "OTHER", "BLOCKLIST", "PROHIBITED_CONTENT"];
    let word = reason.name(BLOCKS);
    if matches!(word, "" | "BLOCK_REASON_UNSPECIFIED" | "BLOCKED_REASON_UNSPECIFIED") {
        return None;
    }
    Some(Finish { reason: FinishReason::ContentFilter, stop_sequence: None, native: Some(word.to_owned()) })
}

/// Writes why a candidate ended: Gemini's own word where it was Gemini's, else the nearest.
pub(super) fn encode(finish: &Finish) -> &str {
    match (&finish.native, finish.reason) {
        (Some(native), _) if is_gemini(native) => native,
        (_, FinishReason::Length) => "MAX_TOKENS",
        (_, FinishReason::ContentFilter) => "SAFETY",
        _ => "STOP",
    }
}

/// Gemini's words are capitals; those of other formats (`end_turn`, `refusal`) are not.
fn is_gemini(word: &str) -> bool {
    !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(word: &str) -> EnumWord<'_> {
        EnumWord::Name(word.into())
    }

    #[test]
    fn a_stop_after_a_call_waits_for_its_result() {
        assert_eq!(decode(&name("STOP"), true), FinishReason::ToolCalls.into());
        assert_eq!(decode(&name("STOP"), false), FinishReason::Stop.into());
        assert_eq!(decode(&name("MAX_TOKENS"), true), FinishReason::Length.into());
    }

    #[test]
    fn held_back_answers_are_filtered_and_keep_the_word() {
        for word in ["SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII"]
            .into_iter()
            .chain(["IMAGE_SAFETY", "IMAGE_PROHIBITED_CONTENT", "IMAGE_RECITATION", "MODEL_ARMOR"])
        {
            let finish = decode(&name(word), false);
            assert_eq!(finish.reason, FinishReason::ContentFilter, "{word}");
            assert_eq!(encode(&finish), word);
        }
    }

    #[test]
    fn a_malformed_call_is_a_stop_that_says_so() {
        let finish = decode(&name("MALFORMED_FUNCTION_CALL"), false);
        assert_eq!(finish.reason, FinishReason::Stop);
        assert_eq!(finish.native.as_deref(), Some("MALFORMED_FUNCTION_CALL"));
    }

    #[test]
    fn numbers_are_read_as_vertex_sends_them() {
        assert_eq!(decode(&EnumWord::Number(1), false).reason, FinishReason::Stop);
        assert_eq!(decode(&EnumWord::Number(2), false).reason, FinishReason::Length);
        assert_eq!(decode(&EnumWord::Number(3), false).reason, FinishReason::ContentFilter);
        assert_eq!(decode(&EnumWord::Number(u64::MAX), false).reason, FinishReason::Stop);
    }

    #[test]
    fn the_words_of_other_formats_are_translated() {
        let finish = Finish { native: Some("end_turn".into()), ..FinishReason::Stop.into() };
        assert_eq!(encode(&finish), "STOP");
        assert_eq!(encode(&FinishReason::Length.into()), "MAX_TOKENS");
        assert_eq!(encode(&FinishReason::ContentFilter.into()), "SAFETY");
        assert_eq!(encode(&FinishReason::ToolCalls.into()), "STOP");
    }
}
