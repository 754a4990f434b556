//! `POST /v1/responses/input_tokens`.

use serde::{Deserialize, Serialize};

use crate::{
    ApiError, Encoded, Refusal, Target,
    chat::Chat,
    count_tokens::{TokenCount, bare, only, unreadable},
};

/// The fields that are counted.
const COUNTED: [&str; 11] = [
    "model",
    "input",
    "instructions",
    "tools",
    "tool_choice",
    "parallel_tool_calls",
    "text",
    "reasoning",
    "truncation",
    "conversation",
    "previous_response_id",
];

/// Reads a request: one for a response, in which nothing more is demanded than in that one.
pub fn decode_request(body: &[u8]) -> Result<Chat, Refusal> {
    super::decode_request(body)
}

/// Writes a request.
pub fn encode_request(chat: &mut Chat, target: &Target) -> Result<Encoded, Refusal> {
    only(super::encode_request(bare(chat), target)?, &COUNTED)
}

/// Reads a count.
pub fn decode_response(body: &[u8]) -> Result<TokenCount, ApiError> {
    let count: Count = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(TokenCount { input: count.input_tokens, cached: 0 })
}

/// Writes a count.
pub fn encode_response(count: TokenCount) -> Vec<u8> {
    let count = CountOut { object: "response.input_tokens", input_tokens: count.input };
    // Writing a number to memory cannot fail.
    serde_json::to_vec(&count).unwrap_or_default()
}

#[derive(Deserialize)]
struct Count {
    input_tokens: u64,
}

#[derive(Serialize)]
struct CountOut {
    object: &'static str,
    input_tokens: u64,
}
