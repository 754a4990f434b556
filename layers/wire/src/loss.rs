use serde_json::Value;
use tollway_core::Dialect;

use crate::Refusal;
use crate::chat::Chat;

/// Whether a field without a place says no more than its absence would.
pub(crate) fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Refuses, for encoders of other formats, a request in OpenAI's Responses format that names what is kept
/// at OpenAI: the conversation before it, or that its answer is to be fetched later.
pub(crate) fn check_stateless(chat: &Chat) -> Result<(), Refusal> {
    const STATE: [&str; 5] = ["previous_response_id", "conversation", "background", "prompt", "moderation"];
    if chat.dialect != Some(Dialect::Responses) {
        return Ok(());
    }
    let is_state =
        |name: &str| STATE.contains(&name) || name.starts_with("input[") && name.ends_with("].type");
    match chat.extra.iter().find(|(name, value)| is_state(name) && !is_unset(value)) {
        None => Ok(()),
        Some((name, Value::String(kind))) if name.starts_with("input[") => {
            Err(Refusal::at(name, format!("only OpenAI's Responses can carry an item of this type: {kind}")))
        }
        Some((name, _)) => Err(Refusal::at(
            name,
            format!("only OpenAI's Responses keeps state: send the conversation, not {name}"),
        )),
    }
}

/// A request encoded for a target, and what could not be carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The request body.
    pub body: Vec<u8>,
    /// Fields of the client's request that the target has no word for and that may be left out
    /// without changing what the answer means, by path (`seed`, `messages[0].name`). README lists
    /// them; the gateway names them in a response header.
    pub dropped: Vec<String>,
    /// Tool names as sent → as the client gave them, where they had to change.
    pub renamed_tools: Vec<(String, String)>,
}
