//! How the answer is to look and how the model is to think.

use serde_json::Value;

use crate::chat::{Chat, ReasoningRequest, ResponseFormat};
use crate::openai::json::{Fields, Node};
use crate::openai::path::Path;
use crate::{Effort, Refusal};

/// The included data that asks for sealed thinking.
pub(super) const SEALED: &str = "reasoning.encrypted_content";

/// The included data that asks for log probabilities.
pub(super) const LOGPROBS: &str = "message.output_text.logprobs";

/// Reads `text`: the format of the answer, and its verbosity, which Chat has at the top level.
pub(super) fn text(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    let Some(node) = fields.take("text") else { return Ok(()) };
    let path = Path::ROOT.key("text");
    let mut text = path.object(node)?;
    if let Some(node) = text.take("format") {
        chat.response_format = Some(format(node, &path.key("format"), chat)?);
    }
    if let Some(verbosity) = text.string(&path, "verbosity")? {
        chat.extra.insert("verbosity".to_owned(), verbosity.into());
    }
    text.keep_rest(&path, &mut chat.extra);
    Ok(())
}

fn format(node: Node<'_>, path: &Path<'_>, chat: &mut Chat) -> Result<ResponseFormat, Refusal> {
    let mut fields = path.object(node)?;
    let kind = fields.require_string(path, "type")?;
    let format = match kind.as_str() {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => ResponseFormat::JsonSchema {
            name: fields.string(path, "name")?,
            description: fields.string(path, "description")?,
            schema: Value::Object(fields.require_object(path, "schema")?.into_map()),
            strict: fields.boolean(path, "strict")?,
        },
        other => return Err(path.key("type").wrong_value("one of text, json_object, json_schema", other)),
    };
    fields.keep_rest(path, &mut chat.extra);
    Ok(format)
}

/// Reads `reasoning`. That a summary is wanted is canonical, how long it should be is not.
pub(super) fn reasoning(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    let Some(node) = fields.take("reasoning") else { return Ok(()) };
    let path = Path::ROOT.key("reasoning");
    let mut reasoning = path.object(node)?;
    let mut request = ReasoningRequest::default();
    if let Some(word) = reasoning.string(&path, "effort")? {
        let expected = "one of none, minimal, low, medium, high, xhigh, max";
        let effort = Effort::from_wire(&word);
        request.effort = Some(effort.ok_or_else(|| path.key("effort").wrong_value(expected, &word))?);
    }
    let summary = reasoning.string(&path, "summary")?;
    // The earlier name.
    let summary = summary.or(reasoning.string(&path, "generate_summary")?);
    if let Some(summary) = summary {
        request.include_thoughts = Some(true);
        if summary != "auto" {
            chat.extra.insert("reasoning.summary".to_owned(), summary.into());
        }
    }
    reasoning.keep_rest(&path, &mut chat.extra);
    chat.reasoning = (request != ReasoningRequest::default()).then_some(request);
    Ok(())
}

/// Reads `include`. Sealed thinking is always asked for where it is needed; log probabilities have a
/// canonical place; the rest is kept.
pub(super) fn include(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    let Some(node) = fields.take("include") else { return Ok(()) };
    let path = Path::ROOT.key("include");
    let mut rest = Vec::new();
    for (index, node) in path.array(node)?.into_iter().enumerate() {
        match path.at(index).string(node)?.as_str() {
            SEALED => {}
            LOGPROBS => chat.logprobs = Some(true),
            other => rest.push(Value::from(other)),
        }
    }
    if !rest.is_empty() {
        chat.extra.insert("include".to_owned(), Value::Array(rest));
    }
    Ok(())
}

/// Reads whether the client wants a stream. Its usage is always told.
pub(super) fn stream(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    chat.stream = fields.boolean(&Path::ROOT, "stream")?.unwrap_or(false);
    chat.include_usage = chat.stream;
    if let Some(node) = fields.take("stream_options") {
        let path = Path::ROOT.key("stream_options");
        let mut options = path.object(node)?;
        // Padding against those who listen to the length of chunks: ours to leave out.
        options.boolean(&path, "include_obfuscation")?;
        options.keep_rest(&path, &mut chat.extra);
    }
    Ok(())
}
