//! The fields of the dialects that are not Chat Completions.

use tollway_core::{Endpoint, Operation};

use super::{fields::Fields, read::Read};
use crate::{Refusal, scan::Kind};

/// Anthropic's `/v1/messages` and `/v1/messages/count_tokens`.
pub(super) fn anthropic(read: &Read<'_>, endpoint: Endpoint) -> Result<Fields, Refusal> {
    let model = Some(read.model(read.find("model"))?);
    read.messages("messages", read.told("messages"))?;
    if endpoint == Endpoint::CountTokens {
        return Ok(Fields { model, ..Fields::default() });
    }
    let limit = read.told("max_tokens").ok_or_else(|| read.words.missing("max_tokens"))?;
    if read.whole_number("max_tokens", limit)?.starts_with('-') {
        return Err(read.words.invalid("max_tokens", "input should be greater than or equal to 0"));
    }
    let stream = read.bool("stream", read.told("stream"))?.unwrap_or(false);
    Ok(Fields { model, stream, ..Fields::default() })
}

/// OpenAI's `/v1/responses` and `/v1/responses/input_tokens`.
///
/// What goes in may also stand at OpenAI: an earlier answer, a conversation, a prompt. A prompt may
/// name the model, too; but the provider is chosen by the model, so here it must be told.
pub(super) fn responses(read: &Read<'_>, endpoint: Endpoint) -> Result<Fields, Refusal> {
    const KEPT: [&str; 3] = ["previous_response_id", "conversation", "prompt"];
    let model = Some(read.model(read.find("model"))?);
    match read.told("input") {
        None if KEPT.into_iter().all(|name| read.told(name).is_none()) => {
            let message = "missing required parameter: one of 'input', 'previous_response_id', \
                           'conversation' and 'prompt' must be given";
            return Err(Refusal::at("input", message));
        }
        Some(input) if !matches!(input.kind, Kind::String | Kind::Array) => {
            return Err(read.words.wrong_type("input", "a string or an array", input.kind, read.raw(input)));
        }
        _ => {}
    }
    if endpoint == Endpoint::CountTokens {
        return Ok(Fields { model, ..Fields::default() });
    }
    let stream = read.bool("stream", read.told("stream"))?.unwrap_or(false);
    Ok(Fields { model, stream, ..Fields::default() })
}

/// Gemini's methods. Model and stream stand in the path; fields are read in `camelCase` and in
/// `snake_case`.
pub(super) fn gemini(read: &Read<'_>, operation: &Operation) -> Result<Fields, Refusal> {
    match operation.endpoint {
        Endpoint::Embeddings => read.messages("requests", read.told("requests"))?,
        Endpoint::Embedding => {
            let content = read.told("content").ok_or_else(|| read.words.missing("content"))?;
            read.object("content", content)?;
        }
        Endpoint::CountTokens => count_tokens(read)?,
        _ => read.messages("contents", read.told("contents"))?,
    }
    // An embedding's request may name the model once more.
    let model = if operation.model.is_some() { None } else { Some(read.model(read.find("model"))?) };
    Ok(Fields { model, stream: operation.stream.unwrap_or(false), ..Fields::default() })
}

/// `countTokens`: of `contents`, or of a whole request.
fn count_tokens(read: &Read<'_>) -> Result<(), Refusal> {
    let names = ["generateContentRequest", "generate_content_request"];
    let Some((name, request)) = names.into_iter().find_map(|name| Some((name, read.told(name)?))) else {
        return read.messages("contents", read.told("contents"));
    };
    read.object(name, request)?;
    let contents = read.inner(request, "contents").filter(|contents| contents.kind != Kind::Null);
    read.messages(&format!("{name}.contents"), contents.as_ref())
}

#[cfg(test)]
mod tests;
