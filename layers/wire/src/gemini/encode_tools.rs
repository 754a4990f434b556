//! Tools and tool choice → `tools` and `toolConfig`.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use super::{names::ToolNames, schema};
use crate::{
    Refusal, Traits,
    chat::{Chat, Native, Tool, ToolChoice, ToolKind},
    loss::is_unset,
    portable::{self, WebSearch},
};

/// An entry of `tools`.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ToolOut<'a> {
    Functions {
        #[serde(rename = "functionDeclarations")]
        declarations: Vec<Declaration<'a>>,
    },
    Native(Cow<'a, Value>),
}

/// A function.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Declaration<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters_json_schema: Option<Value>,
}

/// Writes the tools: all functions in one entry, then those Google runs itself.
pub(super) fn tools<'a>(
    chat: &'a Chat,
    names: &mut ToolNames<'a>,
    dropped: &mut Vec<String>,
) -> Result<Vec<ToolOut<'a>>, Refusal> {
    let mut declarations = Vec::new();
    let mut natives = Vec::new();
    for (at, tool) in chat.tools.iter().enumerate() {
        if tool.cache_control.is_some() {
            dropped.push(format!("tools[{at}].cache_control"));
        }
        match &tool.kind {
            ToolKind::Function { parameters } => {
                let parameters = parameters.as_ref().map(|schema| {
                    let adapted = schema::adapt(schema, &format!("tools[{at}].function.parameters"))?;
                    dropped.extend(adapted.lost);
                    Ok(adapted.schema)
                });
                declarations.push(Declaration {
                    name: names.sent(&tool.name),
                    description: tool.description.as_deref(),
                    parameters_json_schema: parameters.transpose()?,
                });
            }
            ToolKind::Custom { .. } => {
                let path = format!("tools[{at}]");
                return Err(Refusal::at(path, format!("Gemini has no custom tools: {}", tool.name)));
            }
            ToolKind::Server(native)
                if native.dialect != Dialect::Gemini && portable::is_needless(native) =>
            {
                dropped.push(format!("tools[{at}]"));
            }
            ToolKind::Server(native) => natives.push(ToolOut::Native(server_tool(at, native, dropped)?)),
        }
    }
    if let Some(options) = chat.extra.get("web_search_options") {
        let search = WebSearch::of(options);
        let search = search.to_google("web_search_options", &mut |path| dropped.push(path))?;
        natives.push(ToolOut::Native(Cow::Owned(search)));
    }
    let mut tools = Vec::with_capacity(natives.len() + 1);
    if !declarations.is_empty() {
        tools.push(ToolOut::Functions { declarations });
    }
    tools.append(&mut natives);
    Ok(tools)
}

/// A tool Google runs: its own, or another provider's that does the same.
fn server_tool<'a>(
    at: usize,
    native: &'a Native,
    dropped: &mut Vec<String>,
) -> Result<Cow<'a, Value>, Refusal> {
    if native.dialect == Dialect::Gemini {
        return Ok(Cow::Borrowed(&native.value));
    }
    let kind = native.value.get("type").and_then(Value::as_str).unwrap_or_default();
    let path = format!("tools[{at}]");
    if let Some(search) = WebSearch::of_tool(native) {
        return search.to_google(&path, &mut |path| dropped.push(path)).map(Cow::Owned);
    }
    let same = if kind.starts_with("web_fetch") {
        json!({ "urlContext": {} })
    } else if kind.starts_with("code_execution") || kind == "code_interpreter" {
        json!({ "codeExecution": {} })
    } else {
        return Err(Refusal::at(format!("tools[{at}].type"), format!("Gemini has no such tool: {kind}")));
    };
    let asked = native.value.as_object().into_iter().flatten().filter(|(_, value)| !is_unset(value));
    for (key, _) in asked {
        match key.as_str() {
            "type" | "name" | "container" => {}
            // Where the tool may look is a promise to somebody.
            "filters" | "allowed_domains" | "blocked_domains" => {
                let path = format!("tools[{at}].{key}");
                return Err(Refusal::at(path, "Google's tool cannot be held to some domains"));
            }
            _ => dropped.push(format!("tools[{at}].{key}")),
        }
    }
    Ok(Cow::Owned(same))
}

/// Writes which tools are to be called; `None` where nothing is asked.
pub(super) fn tool_config<'a>(
    chat: &'a Chat,
    traits: &Traits,
    names: &mut ToolNames<'a>,
    dropped: &mut Vec<String>,
) -> Result<Option<Map<String, Value>>, Refusal> {
    if chat.parallel_tool_calls == Some(false) {
        dropped.push("parallel_tool_calls".to_owned());
    }
    let mut config = match chat.extra.get("toolConfig") {
        Some(Value::Object(config)) => config.clone(),
        _ => Map::new(),
    };
    let mut calling = match config.remove("functionCallingConfig") {
        Some(Value::Object(calling)) => calling,
        _ => Map::new(),
    };
    let validated = calling.get("mode") == Some(&json!("VALIDATED")) || chat.tools.iter().any(is_strict);
    let auto = if validated { "VALIDATED" } else { "AUTO" };
    let (mode, allowed) = match &chat.tool_choice {
        None if validated => (Some(auto), None),
        None => (None, None),
        Some(ToolChoice::Auto) => (Some(auto), None),
        Some(ToolChoice::None) => (Some("NONE"), None),
        Some(ToolChoice::Required) => (Some("ANY"), None),
        Some(ToolChoice::Named(name)) => (Some("ANY"), Some(std::slice::from_ref(name))),
        Some(ToolChoice::Allowed { names, required: true }) => (Some("ANY"), Some(names.as_slice())),
        Some(ToolChoice::Allowed { names, required: false }) => (Some("VALIDATED"), Some(names.as_slice())),
    };
    if mode == Some("ANY") && !traits.forced_tool_choice {
        return Err(Refusal::at("tool_choice", "the model cannot be made to call a tool"));
    }
    if let Some(mode) = mode {
        calling.insert("mode".to_owned(), mode.into());
    }
    if let Some(allowed) = allowed {
        for name in allowed {
            let offered = |tool: &Tool| tool.name == *name && matches!(tool.kind, ToolKind::Function { .. });
            if !chat.tools.iter().any(offered) {
                return Err(Refusal::at(
                    "tool_choice",
                    format!("no function on offer has this name: {name}"),
                ));
            }
        }
        let allowed = allowed.iter().map(|name| Value::from(names.sent(name).as_ref())).collect();
        calling.insert("allowedFunctionNames".to_owned(), allowed);
    }
    if !calling.is_empty() {
        config.insert("functionCallingConfig".to_owned(), Value::Object(calling));
    }
    if traits.function_call_ids && mixes_tools(chat) {
        // Gemini 3 takes functions and Google's own tools together only when told so.
        config.entry("includeServerSideToolInvocations").or_insert(Value::Bool(true));
    }
    Ok((!config.is_empty()).then_some(config))
}

fn is_strict(tool: &Tool) -> bool {
    tool.strict == Some(true) && matches!(tool.kind, ToolKind::Function { .. })
}

fn mixes_tools(chat: &Chat) -> bool {
    let functions = chat.tools.iter().any(|tool| matches!(tool.kind, ToolKind::Function { .. }));
    let servers = chat.tools.iter().any(|tool| matches!(tool.kind, ToolKind::Server(_)));
    functions && (servers || chat.extra.contains_key("web_search_options"))
}
