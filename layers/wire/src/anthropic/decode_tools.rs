use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use tollway_core::Dialect;

use super::{block::parse, text::Str};
use crate::{
    Refusal,
    chat::{Native, Tool, ToolChoice, ToolKind},
    unfit::Unfit,
};

/// The key in [`Chat::extra`](crate::chat::Chat::extra) under which options of tools without a
/// canonical place are kept, by tool name: `{"search":{"defer_loading":true}}`.
pub(crate) const TOOL_OPTIONS: &str = "tool_options";

/// Reads `tools`, and their options with no canonical place.
pub(super) fn decode_tools(raw: &RawValue) -> Result<(Vec<Tool>, Map<String, Value>), Refusal> {
    let wire: Vec<&RawValue> = parse(raw).map_err(|unfit: Unfit| unfit.refusal("tools"))?;
    let mut tools = Vec::with_capacity(wire.len());
    let mut options = Map::new();
    for (at, raw) in wire.into_iter().enumerate() {
        let mut fields: Map<String, Value> =
            parse(raw).map_err(|unfit: Unfit| unfit.refusal(format_args!("tools[{at}]")))?;
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        let name = text(fields.get("name"));
        let kind = fields.get("type").and_then(Value::as_str).unwrap_or("custom");
        if kind != "custom" {
            tools.push(Tool {
                name: name.unwrap_or_default(),
                description: None,
                strict: None,
                cache_control: None,
                kind: ToolKind::Server(Native { dialect: Dialect::Anthropic, value: Value::Object(fields) }),
            });
            continue;
        }
        let name =
            name.ok_or_else(|| Refusal::at(format!("tools[{at}].name"), "tool has no name".to_owned()))?;
        fields.remove("type");
        fields.remove("name");
        let description = match fields.remove("description") {
            None | Some(Value::Null) => None,
            Some(Value::String(description)) => Some(description),
            Some(other) => {
                let path = format!("tools[{at}].description");
                return Err(Refusal::at(path, format!("description is not a string: {other}")));
            }
        };
        let parameters = fields.remove("input_schema").filter(|schema| !schema.is_null());
        if !parameters.as_ref().is_some_and(Value::is_object) {
            let what = if parameters.is_none() { "field is required" } else { "expected an object" };
            return Err(Refusal::at(format!("tools[{at}].input_schema"), what));
        }
        let strict = fields.remove("strict").as_ref().and_then(Value::as_bool);
        let cache_control = fields.remove("cache_control").filter(|mark| !mark.is_null());
        if !fields.is_empty() {
            options.insert(name.clone(), Value::Object(fields));
        }
        let kind = ToolKind::Function { parameters };
        tools.push(Tool { name, description, kind, strict, cache_control });
    }
    Ok((tools, options))
}

/// Reads `tool_choice`, and whether calls may be parallel.
pub(super) fn decode_tool_choice(raw: &RawValue) -> Result<(Option<ToolChoice>, Option<bool>), Refusal> {
    #[derive(Deserialize)]
    struct Choice<'a> {
        #[serde(rename = "type", borrow)]
        kind: Str<'a>,
        #[serde(borrow, default)]
        name: Option<Str<'a>>,
        #[serde(default)]
        disable_parallel_tool_use: Option<bool>,
    }
    let choice: Choice<'_> = parse(raw).map_err(|unfit: Unfit| unfit.refusal("tool_choice"))?;
    let canonical = match &*choice.kind.0 {
        "auto" => ToolChoice::Auto,
        "any" => ToolChoice::Required,
        "none" => ToolChoice::None,
        "tool" => match choice.name {
            Some(name) => ToolChoice::Named(name.0.into_owned()),
            None => return Err(Refusal::at("tool_choice.name", "a choice of a tool needs its name")),
        },
        other => {
            return Err(Refusal::at("tool_choice.type", format!("tool choice is not known: {other}")));
        }
    };
    Ok((Some(canonical), choice.disable_parallel_tool_use.map(|disabled| !disabled)))
}
