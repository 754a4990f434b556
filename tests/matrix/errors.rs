//! What a client hears of failures: the dialect's error, and never a complete answer.

use crate::answer::Answer;
use crate::cell::{Cell, Step};
use crate::check::ensure;
use crate::dialect::Dialect;
use crate::feature::Feature;

/// Holds the answer to a request that a provider fails to what its feature promises.
pub(crate) fn check(cell: Cell, step: &Step, reference: Option<&Answer>) -> Result<(), String> {
    let (raw, answer) = (&step.raw, &step.answer);
    let text = String::from_utf8_lossy(&raw.body);
    ensure!(!answer.complete, "looks complete: {text:.400}");
    match cell.feature {
        Feature::Status(status) => refused(cell, step, status, reference),
        Feature::NoBody => {
            // The head of a stream may be on its way before the body is found to be none.
            let streams = cell.mode.is_stream() && raw.status == 200;
            ensure!(streams || raw.status == 502, "status {}: {text:.400}", raw.status);
            ensure!(answer.error.is_some(), "no error: {text:.400}");
            Ok(())
        }
        // A whole answer is not begun before it is all there, or else breaks off.
        Feature::Cut if !cell.mode.is_stream() => {
            ensure!(raw.status == 502 || !raw.whole, "status {}: {text:.400}", raw.status);
            Ok(())
        }
        _ => {
            ensure!(raw.status == 200, "status {}: {text:.400}", raw.status);
            let begun = "the road goes ever on and on again".repeat(5);
            let said = answer.text.replace("again the", "againthe");
            ensure!(!said.is_empty() && begun.starts_with(&said), "says {:?}", answer.text);
            ensure!(answer.stop.is_empty(), "ends by {:?}", answer.stop);
            ensure!(answer.error.is_some(), "ends without an error: …{:.400}", tail(&text));
            Ok(())
        }
    }
}

fn refused(cell: Cell, step: &Step, status: u16, reference: Option<&Answer>) -> Result<(), String> {
    let (raw, answer) = (&step.raw, &step.answer);
    let text = String::from_utf8_lossy(&raw.body);
    // 529 is Anthropic's; elsewhere an overloaded provider is a 503.
    let overload = status == 529 && raw.status == 503 && cell.client != Dialect::Messages;
    let same = raw.status == status || overload;
    ensure!(same, "status {}: {text:.400}", raw.status);
    let Some(error) = &answer.error else { return Err(format!("no error: {text:.400}")) };
    let kinds = kinds(cell.client, status);
    ensure!(kinds.contains(&error.kind.as_str()), "an error of type {:?}, and not of {kinds:?}", error.kind);
    let own = reference.and_then(|reference| reference.error.as_ref()).map(|error| error.message.as_str());
    ensure!(
        own.is_none_or(|own| error.message.contains(own)),
        "says {:?}, the provider {own:?}",
        error.message
    );
    ensure!(status != 429 || raw.headers.contains_key("retry-after"), "a 429 without retry-after");
    Ok(())
}

/// What each dialect calls an error of a status.
fn kinds(client: Dialect, status: u16) -> &'static [&'static str] {
    match (client, status) {
        (Dialect::Chat | Dialect::Responses, 400) => &["invalid_request_error"],
        (Dialect::Chat | Dialect::Responses, 401) => &["invalid_request_error", "authentication_error"],
        (Dialect::Chat | Dialect::Responses, 403) => &["permission_error"],
        (Dialect::Chat | Dialect::Responses, 404) => &["invalid_request_error", "not_found_error"],
        (Dialect::Chat | Dialect::Responses, 429) => &["rate_limit_exceeded", "rate_limit_error"],
        (Dialect::Chat | Dialect::Responses, _) => &["server_error", "api_error", "overloaded_error"],
        (Dialect::Messages, 400) => &["invalid_request_error"],
        (Dialect::Messages, 401) => &["authentication_error"],
        (Dialect::Messages, 403) => &["permission_error"],
        (Dialect::Messages, 404) => &["not_found_error"],
        (Dialect::Messages, 429) => &["rate_limit_error"],
        (Dialect::Messages, 529) => &["overloaded_error"],
        (Dialect::Messages, _) => &["api_error"],
        (Dialect::Gemini, 400) => &["INVALID_ARGUMENT", "FAILED_PRECONDITION"],
        (Dialect::Gemini, 401) => &["UNAUTHENTICATED"],
        (Dialect::Gemini, 403) => &["PERMISSION_DENIED"],
        (Dialect::Gemini, 404) => &["NOT_FOUND"],
        (Dialect::Gemini, 429) => &["RESOURCE_EXHAUSTED"],
        (Dialect::Gemini, 529) => &["UNAVAILABLE"],
        (Dialect::Gemini, _) => &["INTERNAL"],
    }
}

fn tail(text: &str) -> &str {
    let from = text.len().saturating_sub(300);
    (from..=text.len()).find_map(|from| text.get(from..)).unwrap_or_default()
}
