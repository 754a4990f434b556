//! Why an answer ended: `status` and what stands beside it.

use serde_json::Value;

use crate::ApiError;
use crate::chat::{Finish, FinishReason};
use crate::openai::error::{in_answer, unreadable};

/// Reads why an answer ended. `calls` says whether it calls the client's tools.
///
/// One that failed, was cancelled or goes on in the background is no answer.
pub(super) fn decode(response: &Value, calls: bool) -> Result<Finish, ApiError> {
    let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).map(str::to_owned);
    if let Some(error) = response.get("error").filter(|error| !error.is_null()) {
        return Err(in_answer(error));
    }
    let done = if calls { FinishReason::ToolCalls } else { FinishReason::Stop };
    match text(response, "status").as_deref() {
        // Some servers say `complete`, or nothing.
        None | Some("completed" | "complete") => Ok(done.into()),
        Some("incomplete") => {
            let reason = response.get("incomplete_details").and_then(|details| text(details, "reason"));
            Ok(match reason.as_deref() {
                Some("content_filter") => FinishReason::ContentFilter.into(),
                Some("max_output_tokens" | "max_tokens") | None => FinishReason::Length.into(),
                Some(_) => Finish { reason: FinishReason::Length, stop_sequence: None, native: reason },
            })
        }
        Some("failed") => Err(unreadable("it failed without a reason")),
        Some(other) => Err(unreadable(format_args!("it is not finished: {other}"))),
    }
}

/// The `status`, and the reason why it is incomplete.
pub(super) fn encode(finish: &Finish) -> (&'static str, Option<&'static str>) {
    match finish.reason {
        FinishReason::Length => ("incomplete", Some("max_output_tokens")),
        FinishReason::ContentFilter => ("incomplete", Some("content_filter")),
        _ => ("completed", None),
    }
}
