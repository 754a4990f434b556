//! A chat request from OpenAI's format.

use serde_json::Value;

use super::decode_message::{Earlier, decode_message};
use super::decode_tools::{decode_tool_choice, decode_tools};
use super::json::{Fields, Node};
use super::path::Path;
use crate::chat::{Chat, ReasoningRequest, ResponseFormat, Sampling};
use crate::{Effort, Refusal};

/// Reads the body of `POST /v1/chat/completions`.
///
/// `null` is as good as absent; of members with one name the last counts. Unknown fields go into
/// [`Chat::extra`]: those of the request itself under their name, those further down under their
/// path (`messages[0].prefix`), so that every encoder carries or lists them.
pub fn decode_request(body: &[u8]) -> Result<Chat, Refusal> {
    let path = &Path::ROOT;
    let mut fields = path.object(Node::parse(body)?)?;
    let mut chat = Chat { model: fields.require_string(path, "model")?, ..Chat::default() };
    decode_messages(&mut fields, &mut chat)?;
    decode_tools(&mut fields, &mut chat)?;
    chat.tool_choice = decode_tool_choice(&mut fields, &mut chat.extra)?;
    chat.parallel_tool_calls = fields.boolean(path, "parallel_tool_calls")?;
    if let Some(node) = fields.take("response_format") {
        chat.response_format = Some(decode_response_format(node, &mut chat)?);
    }
    decode_limits(&mut fields, &mut chat)?;
    chat.sampling = decode_sampling(&mut fields)?;
    chat.logprobs = fields.boolean(path, "logprobs")?;
    chat.top_logprobs = fields.small_count(path, "top_logprobs", 0)?;
    chat.reasoning = decode_reasoning(&mut fields, &mut chat)?;
    decode_stream(&mut fields, &mut chat)?;
    chat.user = fields.string(path, "user")?;
    chat.metadata = fields.map(path, "metadata")?;
    chat.service_tier = fields.string(path, "service_tier")?;
    fields.keep_rest(path, &mut chat.extra);
    Ok(chat)
}

fn decode_messages(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    let path = Path::ROOT.key("messages");
    let messages = path.array(fields.require(&Path::ROOT, "messages")?)?;
    if messages.is_empty() {
        return Err(Refusal::at("messages", "'messages' is too short: expected at least one message"));
    }
    let mut earlier = Earlier::default();
    chat.messages.reserve(messages.len());
    for (index, node) in messages.into_iter().enumerate() {
        chat.messages.push(decode_message(node, &path.at(index), &mut earlier, &mut chat.extra)?);
    }
    Ok(())
}

fn decode_response_format(node: Node<'_>, chat: &mut Chat) -> Result<ResponseFormat, Refusal> {
    let path = Path::ROOT.key("response_format");
    let mut fields = path.object(node)?;
    let kind = fields.require_string(&path, "type")?;
    let format = match kind.as_str() {
        "text" => ResponseFormat::Text,
        "json_object" => ResponseFormat::JsonObject,
        "json_schema" => {
            let inner = path.key("json_schema");
            let mut schema = fields.require_object(&path, "json_schema")?;
            let format = ResponseFormat::JsonSchema {
                name: schema.string(&inner, "name")?,
                description: schema.string(&inner, "description")?,
                schema: Value::Object(schema.map(&inner, "schema")?.unwrap_or_default()),
                strict: schema.boolean(&inner, "strict")?,
            };
            schema.keep_rest(&inner, &mut chat.extra);
            format
        }
        other => return Err(path.key("type").wrong_value("one of text, json_object, json_schema", other)),
    };
    fields.keep_rest(&path, &mut chat.extra);
    Ok(format)
}

fn decode_limits(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    let path = &Path::ROOT;
    let old = fields.count(path, "max_tokens", 1)?;
    let new = fields.count(path, "max_completion_tokens", 1)?;
    if old.is_some() && new.is_some() && old != new {
        let message = "'max_tokens' and 'max_completion_tokens' cannot both be set: use the latter";
        return Err(Refusal::at("max_tokens", message));
    }
    chat.max_tokens = new.or(old);
    chat.n = fields.small_count(path, "n", 1)?;
    chat.stop = decode_stop(fields)?;
    Ok(())
}

/// Reads `stop`: a text or an array of texts.
pub(super) fn decode_stop(fields: &mut Fields<'_>) -> Result<Vec<String>, Refusal> {
    let path = Path::ROOT.key("stop");
    match fields.take("stop") {
        None => Ok(Vec::new()),
        Some(Node::String(text)) => Ok(vec![text.into_owned()]),
        Some(Node::Array(texts)) => {
            texts.into_iter().enumerate().map(|(index, text)| path.at(index).string(text)).collect()
        }
        Some(other) => Err(path.wrong_type("a string or an array of strings", &other)),
    }
}

/// Reads how tokens are drawn. `top_k` is not OpenAI's, but many servers of its format take it.
pub(super) fn decode_sampling(fields: &mut Fields<'_>) -> Result<Sampling, Refusal> {
    let path = &Path::ROOT;
    Ok(Sampling {
        temperature: fields.float(path, "temperature")?,
        top_p: fields.float(path, "top_p")?,
        top_k: fields.count(path, "top_k", 0)?,
        frequency_penalty: fields.float(path, "frequency_penalty")?,
        presence_penalty: fields.float(path, "presence_penalty")?,
        seed: fields.signed(path, "seed")?,
        logit_bias: fields.map(path, "logit_bias")?,
    })
}

/// Reads OpenAI's `reasoning_effort` and OpenRouter's `reasoning` object, which goes further.
fn decode_reasoning(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<Option<ReasoningRequest>, Refusal> {
    let path = &Path::ROOT;
    let mut request = ReasoningRequest::default();
    if let Some(word) = fields.string(path, "reasoning_effort")? {
        request.effort = decode_effort(&path.key("reasoning_effort"), &word, chat)?;
    }
    if let Some(node) = fields.take("reasoning") {
        let path = path.key("reasoning");
        let mut inner = path.object(node)?;
        if let Some(word) = inner.string(&path, "effort")? {
            request.effort = decode_effort(&path.key("effort"), &word, chat)?;
        }
        request.budget_tokens = inner.count(&path, "max_tokens", 0)?;
        request.include_thoughts = inner.boolean(&path, "exclude")?.map(|exclude| !exclude);
        match inner.boolean(&path, "enabled")? {
            Some(false) => request.effort = Some(Effort::None),
            Some(true) if request.effort.is_none() && request.budget_tokens.is_none() => {
                request.effort = Some(Effort::Medium);
            }
            _ => {}
        }
        inner.keep_rest(&path, &mut chat.extra);
    }
    Ok((request != ReasoningRequest::default()).then_some(request))
}

fn decode_effort(path: &Path<'_>, word: &str, chat: &mut Chat) -> Result<Option<Effort>, Refusal> {
    // Groq's word for "as the model does by itself".
    if word == "default" {
        chat.extra.insert(path.to_string(), word.into());
        return Ok(None);
    }
    let effort = Effort::from_wire(word);
    let expected = "one of none, minimal, low, medium, high, xhigh, max";
    effort.map(Some).ok_or_else(|| path.wrong_value(expected, word))
}

/// Reads whether the client wants a stream, and its usage.
pub(super) fn decode_stream(fields: &mut Fields<'_>, chat: &mut Chat) -> Result<(), Refusal> {
    chat.stream = fields.boolean(&Path::ROOT, "stream")?.unwrap_or(false);
    if let Some(node) = fields.take("stream_options") {
        let path = Path::ROOT.key("stream_options");
        if !chat.stream {
            let message = "'stream_options' is only allowed when 'stream' is true";
            return Err(Refusal::at("stream_options", message));
        }
        let mut options = path.object(node)?;
        chat.include_usage = options.boolean(&path, "include_usage")?.unwrap_or(false);
        options.keep_rest(&path, &mut chat.extra);
    }
    Ok(())
}
