use std::{borrow::Cow, collections::BTreeMap};

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use tollway_core::Dialect;

use super::{
    block::{Author, decode_content, parse},
    decode_tools::{TOOL_OPTIONS, decode_tool_choice, decode_tools},
    marked::restored,
    text::Str,
};
use crate::{
    Effort, Refusal,
    chat::{Chat, Content, Mark, Message, Part, ReasoningRequest, ResponseFormat, Role},
    unfit::Unfit,
};

/// Reads the body of `POST /v1/messages`.
///
/// Fields with no canonical place stay in [`Chat::extra`] by their own names; options of a tool
/// with no canonical place (`defer_loading`, …) stay there under `tool_options`, by tool name.
pub fn decode_request(body: &[u8]) -> Result<Chat, Refusal> {
    let fields: BTreeMap<String, &RawValue> = serde_json::from_slice(body)
        .map_err(|error| Refusal::whole(format!("body is not valid JSON: {error}")))?;
    let mut chat = Chat { dialect: Some(Dialect::Anthropic), ..Chat::default() };
    let mut seen_model = false;
    let (mut system, mut system_is_list) = (Vec::new(), false);
    for (name, raw) in fields {
        if raw.get() == "null" {
            continue;
        }
        let at = name.as_str();
        match at {
            "model" => {
                chat.model = field(at, raw)?;
                seen_model = true;
            }
            "messages" => decode_messages(raw, &mut chat)?,
            "system" => {
                system = decode_system(raw)?;
                system_is_list = raw.get().starts_with('[');
            }
            "max_tokens" => chat.max_tokens = Some(field(at, raw)?),
            "stop_sequences" => chat.stop = field(at, raw)?,
            "stream" => chat.stream = field(at, raw)?,
            "temperature" => chat.sampling.temperature = Some(field(at, raw)?),
            "top_p" => chat.sampling.top_p = Some(field(at, raw)?),
            "top_k" => chat.sampling.top_k = Some(field(at, raw)?),
            "tools" => {
                let (tools, options) = decode_tools(raw)?;
                chat.tools = tools;
                if !options.is_empty() {
                    chat.extra.insert(TOOL_OPTIONS.to_owned(), Value::Object(options));
                }
            }
            "tool_choice" => {
                (chat.tool_choice, chat.parallel_tool_calls) = decode_tool_choice(raw)?;
            }
            "thinking" => {
                let thinking = decode_thinking(raw)?;
                let effort = chat.reasoning.take().and_then(|reasoning| reasoning.effort);
                chat.reasoning = Some(ReasoningRequest { effort: thinking.effort.or(effort), ..thinking });
            }
            "output_config" => decode_output_config(raw, &mut chat)?,
            // The earlier, beta name of `output_config.format`.
            "output_format" => chat.response_format = decode_format(at, raw)?,
            "metadata" => decode_metadata(raw, &mut chat)?,
            "service_tier" => {
                let tier: Str<'_> = field(at, raw)?;
                let tier = if tier.0 == "standard_only" { Cow::Borrowed("default") } else { tier.0 };
                chat.service_tier = Some(tier.into_owned());
            }
            _ => {
                chat.extra.insert(name.clone(), field(at, raw)?);
            }
        }
    }
    if !seen_model {
        return Err(Refusal::at("model", "field is required: model"));
    }
    if !system.is_empty() {
        chat.messages.insert(0, Message { role: Role::System, name: None, content: system });
        chat.origins.instructed(system_is_list);
    }
    Ok(chat)
}

/// Reads `thinking`, here and where an OpenAI client sends it as an extra field.
pub(super) fn decode_thinking(raw: &RawValue) -> Result<ReasoningRequest, Refusal> {
    #[derive(Deserialize)]
    struct Thinking<'a> {
        #[serde(rename = "type", borrow)]
        kind: Str<'a>,
        #[serde(default)]
        budget_tokens: Option<u64>,
        #[serde(borrow, default)]
        display: Option<Str<'a>>,
    }
    let thinking: Thinking<'_> = field("thinking", raw)?;
    let include_thoughts = thinking.display.map(|display| display.0 != "omitted");
    match &*thinking.kind.0 {
        "disabled" => Ok(ReasoningRequest { effort: Some(Effort::None), ..ReasoningRequest::default() }),
        "enabled" if thinking.budget_tokens.is_none() => {
            Err(Refusal::at("thinking.budget_tokens", "field is required"))
        }
        "enabled" | "adaptive" => {
            Ok(ReasoningRequest { effort: None, budget_tokens: thinking.budget_tokens, include_thoughts })
        }
        other => Err(Refusal::at("thinking.type", format!("type of thinking is not known: {other}"))),
    }
}

fn field<'a, T: Deserialize<'a>>(name: &str, raw: &'a RawValue) -> Result<T, Refusal> {
    parse(raw).map_err(|unfit: Unfit| unfit.refusal(name))
}

fn decode_system(raw: &RawValue) -> Result<Vec<Part>, Refusal> {
    decode_content(raw, Author::Client).map_err(|unfit| unfit.refusal("system"))
}

#[derive(Deserialize)]
struct WireMessage<'a> {
    #[serde(borrow)]
    role: Str<'a>,
    #[serde(borrow)]
    content: &'a RawValue,
}

fn decode_messages(raw: &RawValue, chat: &mut Chat) -> Result<(), Refusal> {
    let Chat { messages, origins, .. } = chat;
    let wire: Vec<&RawValue> = field("messages", raw)?;
    messages.reserve(wire.len() + 1);
    for (at, raw) in wire.into_iter().enumerate() {
        let message: WireMessage<'_> =
            parse(raw).map_err(|unfit: Unfit| unfit.refusal(format_args!("messages[{at}]")))?;
        let content = decode_content(message.content, Author::Client)
            .map_err(|unfit| unfit.refusal(format_args!("messages[{at}].content")))?;
        let blocks = message.content.get().starts_with('[').then_some(content.len());
        let mark = Mark::at(messages);
        let role = match &*message.role.0 {
            "user" => {
                split_results(content, messages);
                origins.turn(messages, mark, at, blocks);
                continue;
            }
            "assistant" => Role::Assistant,
            "system" => Role::System,
            other => {
                return Err(Refusal::at(
                    format!("messages[{at}].role"),
                    format!("role is not known: {other}"),
                ));
            }
        };
        let content = if role == Role::Assistant { restored(content) } else { content };
        messages.push(Message { role, name: None, content });
        origins.turn(messages, mark, at, blocks);
    }
    Ok(())
}

/// A user turn holds results of tools and words of the user: two kinds of canonical messages.
fn split_results(content: Vec<Part>, messages: &mut Vec<Message>) {
    let first = messages.len();
    for part in content {
        let role = if matches!(part.content, Content::ToolResult(_)) { Role::Tool } else { Role::User };
        match messages.get_mut(first..).and_then(<[_]>::last_mut) {
            Some(last) if last.role == role => last.content.push(part),
            _ => messages.push(Message { role, name: None, content: vec![part] }),
        }
    }
    if messages.len() == first {
        messages.push(Message { role: Role::User, name: None, content: Vec::new() });
    }
}

/// Takes effort and format out of `output_config`; the rest stays in `extra`.
fn decode_output_config(raw: &RawValue, chat: &mut Chat) -> Result<(), Refusal> {
    let config: BTreeMap<String, &RawValue> = field("output_config", raw)?;
    let mut rest = Map::new();
    for (name, raw) in config {
        match name.as_str() {
            _ if raw.get() == "null" => {}
            "effort" => {
                let word: Str<'_> = field("output_config.effort", raw)?;
                let effort = Effort::from_wire(&word.0).ok_or_else(|| {
                    Refusal::at("output_config.effort", format!("effort is not known: {}", word.0))
                })?;
                chat.reasoning.get_or_insert_default().effort.get_or_insert(effort);
            }
            "format" => chat.response_format = decode_format("output_config.format", raw)?,
            _ => {
                let value = field(&format!("output_config.{name}"), raw)?;
                rest.insert(name, value);
            }
        }
    }
    if !rest.is_empty() {
        chat.extra.insert("output_config".to_owned(), Value::Object(rest));
    }
    Ok(())
}

fn decode_format(at: &str, raw: &RawValue) -> Result<Option<ResponseFormat>, Refusal> {
    #[derive(Deserialize)]
    struct Format<'a> {
        #[serde(rename = "type", borrow)]
        kind: Str<'a>,
        #[serde(default)]
        schema: Value,
    }
    let format: Format<'_> = field(at, raw)?;
    match &*format.kind.0 {
        "json_schema" => Ok(Some(ResponseFormat::JsonSchema {
            name: None,
            description: None,
            schema: format.schema,
            strict: Some(true),
        })),
        other => Err(Refusal::at(format!("{at}.type"), format!("format is not known: {other}"))),
    }
}

fn decode_metadata(raw: &RawValue, chat: &mut Chat) -> Result<(), Refusal> {
    let mut metadata: Map<String, Value> = field("metadata", raw)?;
    match metadata.remove("user_id") {
        Some(Value::String(user)) => chat.user = Some(user),
        Some(Value::Null) | None => {}
        Some(other) => {
            return Err(Refusal::at("metadata.user_id", format!("user id is not a string: {other}")));
        }
    }
    if !metadata.is_empty() {
        chat.metadata = Some(metadata);
    }
    Ok(())
}
