//! Calls and their results, in requests and answers.

use serde_json::{Map, Value};

use super::decode_part::decode_content;
use crate::Refusal;
use crate::chat::{ToolCall, ToolResult};
use crate::openai::json::{Fields, Node};
use crate::openai::path::Path;

/// The types of items that are calls of the client's tools.
pub(super) const CALLS: [&str; 2] = ["function_call", "custom_tool_call"];

/// The types of items that are their results.
pub(super) const RESULTS: [&str; 2] = ["function_call_output", "custom_tool_call_output"];

/// Reads a call of a request.
pub(super) fn decode_call(
    kind: &str,
    mut fields: Fields<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<ToolCall, Refusal> {
    let custom = kind == "custom_tool_call";
    let name = if custom { "input" } else { "arguments" };
    let arguments = match fields.take(name) {
        None => String::new(),
        Some(Node::String(text)) => text.into_owned(),
        Some(node @ Node::Object(_)) if !custom => node.into_value().to_string(),
        Some(other) => return Err(path.key(name).wrong_type("a string", &other)),
    };
    let call = ToolCall {
        id: fields.require_string(path, "call_id")?,
        name: fields.require_string(path, "name")?,
        arguments,
        custom,
    };
    keep_rest(fields, path, extra);
    Ok(call)
}

/// Reads a result.
pub(super) fn decode_result(
    mut fields: Fields<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<ToolResult, Refusal> {
    let call_id = fields.require_string(path, "call_id")?;
    let content = decode_content(fields.require(path, "output")?, &path.key("output"), extra)?;
    keep_rest(fields, path, extra);
    Ok(ToolResult { call_id, name: None, content, is_error: false })
}

/// Keeps what was not taken. Ids and status of an item are the item's own, and mean nothing elsewhere.
pub(super) fn keep_rest(mut fields: Fields<'_>, path: &Path<'_>, extra: &mut Map<String, Value>) {
    for own in ["type", "id", "status"] {
        fields.take(own);
    }
    fields.keep_rest(path, extra);
}
