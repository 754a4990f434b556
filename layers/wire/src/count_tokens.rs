//! How many tokens a conversation is, without an answer to it.
//!
//! A request is a chat's in the format's own words, less what has no part in the count, so it is read
//! into the same [`Chat`]. Anthropic, Gemini and OpenAI's Responses count; Chat Completions has no such
//! endpoint.

use tollway_core::Dialect;

use crate::{
    ApiError, Encoded, ErrorKind, Refusal, Target, anthropic,
    chat::{Chat, Sampling},
    gemini,
    peek::Peek,
    responses,
    splice::Splice,
};

/// How many tokens a conversation is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TokenCount {
    /// All of them.
    pub input: u64,
    /// Those of them that stand in a cache the request names.
    pub cached: u64,
}

/// Reads a request. The model is that of the path, for Gemini.
pub fn decode_request(dialect: Dialect, model: &str, body: &[u8]) -> Result<Chat, Refusal> {
    match dialect {
        Dialect::Anthropic => anthropic::count_tokens::decode_request(body),
        Dialect::Gemini => gemini::count_tokens::decode_request(model, body),
        Dialect::Responses => responses::count_tokens::decode_request(body),
        _ => Err(Refusal::whole("Chat Completions has no request to count tokens")),
    }
}

/// Writes a request. What is dropped is listed, but for what has no part in the count, which is taken out
/// of the chat.
pub fn encode_request(dialect: Dialect, chat: &mut Chat, target: &Target) -> Result<Encoded, Refusal> {
    match dialect {
        Dialect::Anthropic => anthropic::count_tokens::encode_request(chat, target),
        Dialect::Gemini => gemini::count_tokens::encode_request(chat, target),
        Dialect::Responses => responses::count_tokens::encode_request(chat, target),
        _ => Err(Refusal::at(
            "model",
            format!("the provider of this model counts no tokens: {}", target.model),
        )),
    }
}

/// Reads an answer.
pub fn decode_response(dialect: Dialect, body: &[u8]) -> Result<TokenCount, ApiError> {
    match dialect {
        Dialect::Anthropic => anthropic::count_tokens::decode_response(body),
        Dialect::Gemini => gemini::count_tokens::decode_response(body),
        Dialect::Responses => responses::count_tokens::decode_response(body),
        _ => Err(unreadable("Chat Completions has no count of tokens")),
    }
}

/// Writes an answer.
pub fn encode_response(dialect: Dialect, count: TokenCount) -> Vec<u8> {
    match dialect {
        Dialect::Gemini => gemini::count_tokens::encode_response(count),
        Dialect::Responses => responses::count_tokens::encode_response(count),
        _ => anthropic::count_tokens::encode_response(count),
    }
}

/// The chat without what has no part in the count, so that nothing of it is refused or listed.
pub(crate) fn bare(chat: &mut Chat) -> &Chat {
    chat.sampling = Sampling::default();
    chat.stop = Vec::new();
    chat.n = None;
    chat.logprobs = None;
    chat.top_logprobs = None;
    chat.stream = false;
    chat.include_usage = false;
    chat.user = None;
    chat.metadata = None;
    chat.service_tier = None;
    chat
}

/// Leaves only some members in a request of ours.
pub(crate) fn only(encoded: Encoded, names: &[&str]) -> Result<Encoded, Refusal> {
    let peek = Peek::of_members(encoded.body.into())?;
    let mut splice = Splice::new(&peek);
    for (place, member) in peek.parts().iter().enumerate() {
        if !names.iter().any(|name| member.is(peek.body(), name)) {
            splice.remove(place);
        }
    }
    Ok(Encoded { body: splice.finish().into_bytes().into(), ..encoded })
}

/// An answer that is no count.
pub(crate) fn unreadable(why: impl std::fmt::Display) -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: format!("the provider's count cannot be read: {why}"),
        code: None,
        param: None,
        retry_after: None,
    }
}

#[cfg(test)]
mod tests;
