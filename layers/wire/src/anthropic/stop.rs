use crate::chat::{Finish, FinishReason};

/// The canonical end of an answer by Anthropic's `stop_reason`.
pub(super) fn decode_stop(reason: &str, stop_sequence: Option<String>) -> Finish {
    let (canonical, exact) = match reason {
        "end_turn" => (FinishReason::Stop, true),
        "stop_sequence" => (FinishReason::StopSequence, true),
        "max_tokens" => (FinishReason::Length, true),
        "tool_use" => (FinishReason::ToolCalls, true),
        "refusal" => (FinishReason::ContentFilter, true),
        "pause_turn" => (FinishReason::Pause, true),
        "model_context_window_exceeded" | "compaction" => (FinishReason::Length, false),
        _ => (FinishReason::Stop, false),
    };
    Finish { reason: canonical, stop_sequence, native: (!exact).then(|| reason.to_owned()) }
}

/// Anthropic's `stop_reason` for the canonical end of an answer.
pub(super) fn encode_stop(finish: &Finish) -> &'static str {
    match (finish.reason, finish.native.as_deref()) {
        (FinishReason::Length, Some("model_context_window_exceeded")) => "model_context_window_exceeded",
        (FinishReason::Length, Some("compaction")) => "compaction",
        (FinishReason::Length, _) => "max_tokens",
        (FinishReason::Stop, _) => "end_turn",
        (FinishReason::StopSequence, _) => "stop_sequence",
        (FinishReason::ToolCalls, _) => "tool_use",
        (FinishReason::ContentFilter, _) => "refusal",
        (FinishReason::Pause, _) => "pause_turn",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_stop_reason_survives_a_round_trip() {
        for reason in [
            "end_turn",
            "stop_sequence",
            "max_tokens",
            "tool_use",
            "refusal",
            "pause_turn",
            "model_context_window_exceeded",
            "compaction",
        ] {
            assert_eq!(encode_stop(&decode_stop(reason, None)), reason);
        }
    }

    #[test]
    fn a_word_we_do_not_know_is_kept_as_the_providers_own() {
        assert_eq!(decode_stop("new_thing", None).native.as_deref(), Some("new_thing"));
    }
}
