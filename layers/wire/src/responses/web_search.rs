//! Web search, which every provider runs in its own way.

use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use crate::Refusal;
use crate::chat::Native;
use crate::openai::encode_request::Dropped;

/// This API's search tool for another provider's; `None` if it is none.
pub(super) fn from_tool(tool: &Native, path: &str, dropped: &mut Dropped) -> Result<Option<Value>, Refusal> {
    match tool.dialect {
        Dialect::Anthropic => from_anthropic(&tool.value, path, dropped),
        Dialect::Gemini => Ok(from_gemini(&tool.value, path, dropped)),
        Dialect::OpenAi if kind_of(&tool.value).starts_with("web_search") => Ok(Some(tool.value.clone())),
        _ => Ok(None),
    }
}

/// Chat's `web_search_options`, which differ in where the place stands.
pub(super) fn from_options(options: &Value, dropped: &mut Dropped) -> Value {
    let mut tool = Map::from_iter([("type".to_owned(), json!("web_search"))]);
    for (name, value) in options.as_object().into_iter().flatten() {
        match name.as_str() {
            "user_location" => {
                let place = value.get("approximate").unwrap_or(value);
                tool.extend(location(place).map(|place| ("user_location".to_owned(), place)));
            }
            "search_context_size" | "filters" => {
                tool.insert(name.clone(), value.clone());
            }
            _ => dropped.list(&format!("web_search_options.{name}")),
        }
    }
    Value::Object(tool)
}

fn from_anthropic(tool: &Value, path: &str, dropped: &mut Dropped) -> Result<Option<Value>, Refusal> {
    if !kind_of(tool).starts_with("web_search") {
        return Ok(None);
    }
    let mut out = Map::from_iter([("type".to_owned(), json!("web_search"))]);
    for (name, value) in tool.as_object().into_iter().flatten().filter(|(_, value)| !value.is_null()) {
        match name.as_str() {
            "allowed_domains" => {
                out.insert("filters".to_owned(), json!({ "allowed_domains": value }));
            }
            // Where a tool may not look is a promise to somebody.
            "blocked_domains" if value.as_array().is_none_or(|domains| !domains.is_empty()) => {
                let path = format!("{path}.blocked_domains");
                return Err(Refusal::at(path, "OpenAI's search takes allowed domains only"));
            }
            "type" | "name" | "blocked_domains" => {}
            "user_location" => out.extend(location(value).map(|place| (name.clone(), place))),
            _ => dropped.list(&format!("{path}.{name}")),
        }
    }
    Ok(Some(Value::Object(out)))
}

fn from_gemini(tool: &Value, path: &str, dropped: &mut Dropped) -> Option<Value> {
    let names = ["googleSearch", "google_search", "googleSearchRetrieval", "google_search_retrieval"];
    let options = names.iter().find_map(|name| tool.get(*name))?;
    for (name, _) in options.as_object().into_iter().flatten() {
        dropped.list(&format!("{path}.googleSearch.{name}"));
    }
    Some(json!({ "type": "web_search" }))
}

/// A place in this API's form.
fn location(place: &Value) -> Option<Value> {
    let told = place.as_object()?.iter().filter(|(_, value)| !value.is_null());
    let mut place: Map<String, Value> = told.map(|(name, value)| (name.clone(), value.clone())).collect();
    place.insert("type".to_owned(), json!("approximate"));
    Some(Value::Object(place))
}

fn kind_of(tool: &Value) -> &str {
    tool.get("type").and_then(Value::as_str).unwrap_or_default()
}
