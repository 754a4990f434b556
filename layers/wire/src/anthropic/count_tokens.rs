//! `POST /v1/messages/count_tokens`.

use serde::{Deserialize, Serialize};

use crate::{
    ApiError, Encoded, Refusal, Target,
    chat::Chat,
    count_tokens::{TokenCount, bare, only, unreadable},
};

/// The fields that are counted; others are refused.
const COUNTED: [&str; 10] = [
    "model",
    "messages",
    "system",
    "tools",
    "tool_choice",
    "thinking",
    "output_config",
    "cache_control",
    "context_management",
    "mcp_servers",
];

/// Reads a request: one for a message, in which nothing more is demanded than in that one.
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
    // Writing a number to memory cannot fail.
    serde_json::to_vec(&Count { input_tokens: count.input }).unwrap_or_default()
}

#[derive(Deserialize, Serialize)]
struct Count {
    input_tokens: u64,
}
