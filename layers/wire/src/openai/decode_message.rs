//! A message of a request from OpenAI's format.

use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::decode_part::{decode_content, decode_content_into};
use super::json::{Fields, Node};
use super::path::Path;
use super::reasoning::Thinking;
use crate::Refusal;
use crate::chat::{Audio, Content, Message, Part, Role, Signature, ToolCall, ToolResult};

/// What later messages need of earlier ones.
#[derive(Debug, Default)]
pub(super) struct Earlier {
    /// How many legacy function calls were seen: they carry no id, so one is made of the count.
    function_calls: usize,
}

impl Earlier {
    fn function_call_id(&self) -> String {
        format!("call_function_{}", self.function_calls)
    }
}

/// Reads one message.
pub(super) fn decode_message(
    node: Node<'_>,
    path: &Path<'_>,
    earlier: &mut Earlier,
    extra: &mut Map<String, Value>,
) -> Result<Message, Refusal> {
    let mut fields = path.object(node)?;
    let word = fields.require_string(path, "role")?;
    let role = match word.as_str() {
        "system" => Role::System,
        "developer" => Role::Developer,
        "user" => Role::User,
        "assistant" => Role::Assistant,
        "tool" | "function" => Role::Tool,
        other => {
            let expected = "one of system, developer, user, assistant, tool, function";
            return Err(path.key("role").wrong_value(expected, other));
        }
    };
    let mut name = fields.string(path, "name")?;
    let content = match role {
        Role::Assistant => decode_assistant(&mut fields, path, earlier, extra)?,
        Role::Tool => {
            let call_id = if word == "function" {
                earlier.function_call_id()
            } else {
                fields.require_string(path, "tool_call_id")?
            };
            let content = decode_content(fields.require(path, "content")?, &path.key("content"), extra)?;
            vec![
                Content::ToolResult(ToolResult { call_id, name: name.take(), content, is_error: false })
                    .into(),
            ]
        }
        _ => decode_content(fields.require(path, "content")?, &path.key("content"), extra)?,
    };
    fields.keep_rest(path, extra);
    Ok(Message { role, name, content })
}

fn decode_assistant(
    fields: &mut Fields<'_>,
    path: &Path<'_>,
    earlier: &mut Earlier,
    extra: &mut Map<String, Value>,
) -> Result<Vec<Part>, Refusal> {
    let thinking = decode_thinking(fields, path)?;
    let mut parts = Vec::new();
    if let Some(node) = fields.take("content") {
        decode_content_into(node, &path.key("content"), extra, &mut parts)?;
    }
    // A model says nothing by an empty text, and some formats refuse one.
    parts.retain(|part| !matches!(&part.content, Content::Text(text) if text.text.is_empty()));
    if let Some(seal) = decode_seal(fields)
        && let Some(text) = parts.iter_mut().rfind(|part| matches!(part.content, Content::Text(_)))
    {
        text.signature = Some(seal);
    }
    if let Some(node) = fields.take("annotations") {
        let annotations = path.key("annotations").array(node)?;
        let text = parts.iter_mut().rev().find_map(|part| match &mut part.content {
            Content::Text(text) => Some(text),
            _ => None,
        });
        if let Some(text) = text {
            text.annotations = annotations.into_iter().map(Node::into_value).collect();
        }
    }
    if let Some(refusal) = fields.string(path, "refusal")? {
        parts.push(Content::Refusal(refusal).into());
    }
    if let Some(node) = fields.take("audio") {
        let path = path.key("audio");
        let id = path.object(node)?.require_string(&path, "id")?;
        parts.push(Content::Audio(Audio { id: Some(id), ..Audio::default() }).into());
    }
    if let Some(node) = fields.take("function_call") {
        let path = path.key("function_call");
        let mut function = path.object(node)?;
        earlier.function_calls += 1;
        let call = ToolCall {
            id: earlier.function_call_id(),
            name: function.require_string(&path, "name")?,
            arguments: decode_arguments(&mut function, &path, "arguments")?,
            custom: false,
        };
        parts.push(Content::ToolCall(call).into());
    }
    if let Some(node) = fields.take("tool_calls") {
        let path = path.key("tool_calls");
        for (index, node) in path.array(node)?.into_iter().enumerate() {
            parts.push(decode_tool_call(node, &path.at(index), extra)?);
        }
    }
    Ok(thinking.interleave(parts))
}

fn decode_thinking(fields: &mut Fields<'_>, path: &Path<'_>) -> Result<Thinking, Refusal> {
    let plain = fields.string(path, "reasoning_content")?;
    // OpenRouter's and Groq's word for the same.
    let plain = plain.or(fields.string(path, "reasoning")?);
    let details = match fields.take("reasoning_details") {
        Some(node) => path.key("reasoning_details").array(node)?,
        None => Vec::new(),
    };
    Ok(Thinking::decode(plain, details))
}

fn decode_tool_call(
    node: Node<'_>,
    path: &Path<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Part, Refusal> {
    let mut fields = path.object(node)?;
    let kind = fields.string(path, "type")?.unwrap_or_else(|| "function".to_owned());
    let id = fields.require_string(path, "id")?;
    let inner = path.key(&kind);
    let (name, arguments, custom) = match kind.as_str() {
        "function" => {
            let mut function = fields.require_object(path, "function")?;
            let arguments = decode_arguments(&mut function, &inner, "arguments")?;
            (function.require_string(&inner, "name")?, arguments, false)
        }
        "custom" => {
            let mut custom = fields.require_object(path, "custom")?;
            let input = custom.string(&inner, "input")?.unwrap_or_default();
            (custom.require_string(&inner, "name")?, input, true)
        }
        other => return Err(path.key("type").wrong_value("one of function, custom", other)),
    };
    let signature = decode_seal(&mut fields);
    // Its place among the calls, which some servers put into whole messages too.
    fields.take("index");
    fields.keep_rest(path, extra);
    let content = Content::ToolCall(ToolCall { id, name, arguments, custom });
    Ok(Part { content, cache_control: None, signature })
}

/// Reads arguments: JSON text, or from some clients the object itself.
fn decode_arguments(function: &mut Fields<'_>, path: &Path<'_>, name: &str) -> Result<String, Refusal> {
    match function.take(name) {
        None => Ok(String::new()),
        Some(Node::String(text)) => Ok(text.into_owned()),
        Some(node @ Node::Object(_)) => Ok(node.into_value().to_string()),
        Some(other) => Err(path.key(name).wrong_type("a string", &other)),
    }
}

/// Reads Gemini's seal where Google's OpenAI endpoint puts it: `extra_content.google`.
pub(super) fn decode_seal(fields: &mut Fields<'_>) -> Option<Signature> {
    let mut google = fields.take("extra_content")?.into_fields()?.take("google")?.into_fields()?;
    let value = google.take("thought_signature")?.into_words()?;
    Some(Signature { dialect: Dialect::Gemini, value })
}
