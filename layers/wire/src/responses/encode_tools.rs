//! Tools and tool choice in OpenAI's Responses format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use super::web_search;
use crate::chat::{Chat, Tool, ToolChoice, ToolKind};
use crate::openai::encode_request::Dropped;
use crate::openai::strict;
use crate::openai::tool_names::ToolNames;
use crate::{Refusal, Traits};

/// A tool on offer.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolOut<'a> {
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        parameters: Cow<'a, Value>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
    Custom {
        #[serde(rename = "type")]
        kind: &'static str,
        name: Cow<'a, str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'a str>,
        #[serde(skip_serializing_if = "Option::is_none")]
        format: Option<Cow<'a, Value>>,
    },
    Server(Cow<'a, Value>),
}

/// Writes the tools.
pub(super) fn encode_tools<'a>(
    chat: &'a Chat,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Vec<ToolOut<'a>>, Refusal> {
    let own = chat.dialect == Some(Dialect::Responses);
    let mut tools = Vec::with_capacity(chat.tools.len());
    for (index, tool) in chat.tools.iter().enumerate() {
        if tool.cache_control.is_some() {
            dropped.list("tools[].cache_control");
        }
        if let ToolKind::Server(native) = &tool.kind
            && native.dialect != Dialect::Responses
            && crate::portable::is_needless(native)
        {
            dropped.list(&format!("tools[{index}]"));
            continue;
        }
        tools.push(encode_tool(chat, tool, own, &format!("tools[{index}]"), names, dropped)?);
    }
    if let Some(options) = chat.extra.get("web_search_options").filter(|options| options.is_object()) {
        tools.push(ToolOut::Server(Cow::Owned(web_search::from_options(options, dropped))));
    }
    Ok(tools)
}

fn encode_tool<'a>(
    chat: &Chat,
    tool: &'a Tool,
    own: bool,
    path: &str,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<ToolOut<'a>, Refusal> {
    let name = names.sent(&tool.name);
    let description = tool.description.as_deref();
    Ok(match &tool.kind {
        ToolKind::Function { parameters } => {
            let nothing = || Cow::Owned(json!({ "type": "object", "properties": {} }));
            let parameters = parameters.as_ref().map_or_else(nothing, Cow::Borrowed);
            // Not to be told means to be strict here, and what is no strict schema would be refused.
            let asked = if own { tool.strict } else { Some(tool.strict.unwrap_or(false)) };
            let strict = strict::strict(chat, asked, Some(&parameters), "tools[].strict", dropped);
            ToolOut::Function { kind: "function", name, description, parameters, strict }
        }
        ToolKind::Custom { format } => {
            let format = format.as_ref().map(flat_format);
            ToolOut::Custom { kind: "custom", name, description, format }
        }
        ToolKind::Server(native) if native.dialect == Dialect::Responses => {
            ToolOut::Server(Cow::Borrowed(&native.value))
        }
        ToolKind::Server(native) => {
            let search = web_search::from_tool(native, path, dropped)?.ok_or_else(|| {
                let message = format!("the upstream cannot run this provider's own tool: {}", tool.name);
                Refusal::at(path, message)
            })?;
            ToolOut::Server(Cow::Owned(search))
        }
    })
}

/// A custom tool's format as it stands here: a grammar's members beside its type.
fn flat_format(format: &Value) -> Cow<'_, Value> {
    let Some(Value::Object(grammar)) = format.get("grammar") else { return Cow::Borrowed(format) };
    let mut flat = grammar.clone();
    flat.insert("type".to_owned(), json!("grammar"));
    Cow::Owned(Value::Object(flat))
}

/// Writes the tool choice.
pub(super) fn encode_choice(
    chat: &Chat,
    traits: &Traits,
    names: &ToolNames,
) -> Result<Option<Value>, Refusal> {
    let Some(choice) = &chat.tool_choice else { return Ok(None) };
    let forced = match choice {
        ToolChoice::Required | ToolChoice::Named(_) => true,
        ToolChoice::Allowed { required, .. } => *required,
        ToolChoice::Auto | ToolChoice::None => false,
    };
    if forced && !traits.forced_tool_choice {
        return Err(Refusal::at("tool_choice", "the model cannot be made to call a tool: use auto"));
    }
    let named = |name: &str| -> Map<String, Value> {
        let kind = match chat.tools.iter().find(|tool| tool.name == name).map(|tool| &tool.kind) {
            Some(ToolKind::Server(native)) if native.dialect == Dialect::Responses => {
                return Map::from_iter([("type".to_owned(), json!(name))]);
            }
            // Another provider's search, for which this API's own stands.
            Some(ToolKind::Server(_)) => return Map::from_iter([("type".to_owned(), json!("web_search"))]),
            Some(ToolKind::Custom { .. }) => "custom",
            _ => "function",
        };
        Map::from_iter([("type".to_owned(), json!(kind)), ("name".to_owned(), json!(names.sent(name)))])
    };
    let mut out = match choice {
        ToolChoice::Auto => return Ok(Some("auto".into())),
        ToolChoice::None => return Ok(Some("none".into())),
        ToolChoice::Required => return Ok(Some("required".into())),
        ToolChoice::Named(name) => named(name),
        ToolChoice::Allowed { names, required } => {
            let mode = if *required { "required" } else { "auto" };
            let tools: Vec<Map<String, Value>> = names.iter().map(|name| named(name)).collect();
            Map::from_iter([
                ("type".to_owned(), json!("allowed_tools")),
                ("mode".to_owned(), json!(mode)),
                ("tools".to_owned(), json!(tools)),
            ])
        }
    };
    super::encode_settings::restore(chat, "tool_choice.", &mut out);
    Ok(Some(Value::Object(out)))
}
