use serde_json::Value;

/// Whether a field without a place says no more than its absence would.
pub(crate) fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
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
