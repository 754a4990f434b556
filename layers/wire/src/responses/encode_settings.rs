//! How the answer is to look and how the model is to think, and fields without a canonical place.

use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use super::decode_settings::{LOGPROBS, SEALED};
use crate::anthropic::TOOL_OPTIONS;
use crate::chat::{Chat, ResponseFormat};
use crate::loss::is_unset;
use crate::openai::encode_request::{ASKING, Dropped, NESTED, SHARED};
use crate::openai::strict;
use crate::{Effort, ReasoningStyle, Refusal, Target};

/// Writes `text`: format and verbosity.
pub(super) fn text(
    chat: &Chat,
    target: &Target,
    dropped: &mut Dropped,
) -> Result<Map<String, Value>, Refusal> {
    let mut text = Map::new();
    if let Some(format) = &chat.response_format {
        let mut out = match format {
            ResponseFormat::Text => Map::from_iter([("type".to_owned(), json!("text"))]),
            ResponseFormat::JsonObject => Map::from_iter([("type".to_owned(), json!("json_object"))]),
            ResponseFormat::JsonSchema { .. } if !target.traits.structured_output => {
                let message = format!("the model cannot answer by a JSON Schema: {}", target.model);
                return Err(Refusal::at("response_format", message));
            }
            ResponseFormat::JsonSchema { name, description, schema, strict } => {
                let name = name.as_deref().unwrap_or("response");
                let strict = strict::strict(chat, *strict, Some(schema), "response_format", dropped);
                let members = [
                    ("type", Some(json!("json_schema"))),
                    ("name", Some(json!(name))),
                    ("description", description.as_ref().map(|text| json!(text))),
                    ("schema", Some(schema.clone())),
                    ("strict", strict.map(Value::from)),
                ];
                members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
            }
        };
        restore(chat, "text.format.", &mut out);
        text.insert("format".to_owned(), Value::Object(out));
    }
    if is_openais(chat)
        && let Some(verbosity) = chat.extra.get("verbosity")
    {
        text.insert("verbosity".to_owned(), verbosity.clone());
    }
    restore(chat, "text.", &mut text);
    Ok(text)
}

/// Writes `reasoning`: effort by level, and a summary where thoughts are wanted.
pub(super) fn reasoning(chat: &Chat, target: &Target, dropped: &mut Dropped) -> Map<String, Value> {
    let mut out = Map::new();
    restore(chat, "reasoning.", &mut out);
    let style = target.traits.reasoning;
    let Some(request) = &chat.reasoning else { return out };
    let wanted = request.effort.or(request.budget_tokens.map(Effort::from_budget));
    let off = wanted == Some(Effort::None);
    match wanted {
        // What does not think need not be told not to.
        Some(_) if style == ReasoningStyle::None => {
            if !off {
                dropped.list("reasoning_effort");
            }
            return Map::new();
        }
        Some(_) if style == ReasoningStyle::Always && off => dropped.list("reasoning_effort"),
        Some(wanted) => {
            out.insert("effort".to_owned(), json!(target.traits.nearest_effort(wanted).as_str()));
        }
        None => {}
    }
    match request.include_thoughts {
        Some(_) if style == ReasoningStyle::None => dropped.list("reasoning.summary"),
        Some(true) if !off => {
            out.entry("summary").or_insert(json!("auto"));
        }
        // Without being asked for, none is written.
        _ => {}
    }
    out
}

/// Writes `include`: sealed thinking, so that it survives without state, log probabilities, and what
/// else a client of this dialect asked for.
pub(super) fn include(chat: &Chat, target: &Target) -> Vec<Value> {
    let mut out = Vec::new();
    if target.traits.reasoning != ReasoningStyle::None {
        out.push(json!(SEALED));
    }
    if chat.logprobs == Some(true) {
        out.push(json!(LOGPROBS));
    }
    if chat.dialect == Some(Dialect::Responses) {
        out.extend(chat.extra.get("include").and_then(Value::as_array).into_iter().flatten().cloned());
    }
    out
}

/// Puts fields of this dialect that stood further down back into their object.
pub(super) fn restore(chat: &Chat, prefix: &str, object: &mut Map<String, Value>) {
    if chat.dialect != Some(Dialect::Responses) {
        return;
    }
    for (path, value) in &chat.extra {
        if let Some(name) = path.strip_prefix(prefix).filter(|name| !name.contains(['.', '['])) {
            object.insert(name.to_owned(), value.clone());
        }
    }
}

/// The fields without a canonical place that go out, and lists the others: all of this dialect's own,
/// and those that Chat has by the same name.
pub(super) fn extra(chat: &Chat, dropped: &mut Dropped) -> Result<Map<String, Value>, Refusal> {
    let own = chat.dialect == Some(Dialect::Responses);
    let mut out = Map::new();
    for (name, value) in &chat.extra {
        match name.as_str() {
            // Written where tools, text and included data are.
            "web_search_options" => {}
            "verbosity" | "include" if own => {}
            "verbosity" if is_openais(chat) => {}
            _ if own && WITHIN.iter().any(|object| name.starts_with(object)) => {
                if name.matches(['.', '[']).count() > 1 && !name.starts_with("text.format.") {
                    dropped.list(name);
                }
            }
            // An item that is kept whole.
            _ if own && name.starts_with("input[") && name.ends_with("].type") => {}
            _ if own && (name.starts_with("input[") || name.starts_with("tools[")) => dropped.list(name),
            _ if own => {
                out.insert(name.clone(), value.clone());
            }
            _ if is_openais(chat) && SHARED.contains(&name.as_str()) => {
                out.insert(name.clone(), value.clone());
            }
            _ if is_unset(value) => {}
            name if ASKING.contains(&name) || name == "cached_content" => {
                return Err(Refusal::at(name, format!("the upstream has no word for {name}")));
            }
            "modalities" if asks_more_than_text(value) => {
                return Err(Refusal::at(name, format!("the upstream answers in text only, not {value}")));
            }
            "modalities" => {}
            name => list(name, value, dropped),
        }
    }
    if !own {
        // Nothing is left behind: another provider may give the next answer.
        out.insert("store".to_owned(), Value::Bool(false));
    }
    Ok(out)
}

/// Objects whose members are put back by path.
const WITHIN: [&str; 4] = ["text.", "reasoning.", "tool_choice.", "stream_options."];

/// Whether the fields without a canonical place are OpenAI's, of either API.
fn is_openais(chat: &Chat) -> bool {
    matches!(chat.dialect, None | Some(Dialect::OpenAi | Dialect::Responses))
}

fn asks_more_than_text(modalities: &Value) -> bool {
    modalities.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind != "text"))
}

/// Lists a field, by what it holds where that is options of their own.
fn list(name: &str, value: &Value, dropped: &mut Dropped) {
    match value {
        Value::Object(tools) if name == TOOL_OPTIONS => {
            for option in tools.values().filter_map(Value::as_object).flat_map(Map::keys) {
                dropped.list(&format!("tools[].{option}"));
            }
        }
        Value::Object(fields) if NESTED.contains(&name) => {
            for (inner, _) in fields.iter().filter(|(_, value)| !is_unset(value)) {
                dropped.list(&format!("{name}.{inner}"));
            }
        }
        _ => dropped.list(name),
    }
}
