//! Tools and tool choice in OpenAI's format.

use std::borrow::Cow;

use serde::Serialize;
use serde_json::Value;
use tollway_core::Dialect;

use super::encode_request::Dropped;
use super::strict;
use super::tool_names::ToolNames;
use crate::chat::{Chat, ToolChoice, ToolKind};
use crate::portable::{self, WebSearch};
use crate::{Refusal, Traits};

/// A tool on offer.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ToolOut<'a> {
    Function {
        #[serde(rename = "type")]
        kind: &'static str,
        function: FunctionOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a Value>,
    },
    Custom {
        #[serde(rename = "type")]
        kind: &'static str,
        custom: CustomOut<'a>,
        #[serde(skip_serializing_if = "Option::is_none")]
        cache_control: Option<&'a Value>,
    },
    Server(&'a Value),
}

#[derive(Serialize)]
pub(super) struct FunctionOut<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    parameters: Option<&'a Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    strict: Option<bool>,
}

#[derive(Serialize)]
pub(super) struct CustomOut<'a> {
    name: Cow<'a, str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    format: Option<&'a Value>,
}

/// Writes the tools.
pub(super) fn encode_tools<'a>(
    chat: &'a Chat,
    traits: &Traits,
    names: &'a ToolNames,
    dropped: &mut Dropped,
) -> Result<Vec<ToolOut<'a>>, Refusal> {
    let tools = chat.tools.iter().enumerate().filter(|(_, tool)| !is_elsewhere(&tool.kind));
    let tools = tools.map(|(index, tool)| {
        let mark = tool.cache_control.as_ref();
        let cache_control = dropped.unless(traits.extensions, "tools[].cache_control", mark);
        let name = names.sent(&tool.name);
        let description = tool.description.as_deref();
        match &tool.kind {
            ToolKind::Function { parameters } => {
                let parameters = parameters.as_ref();
                let strict = strict::strict(chat, tool.strict, parameters, "tools[].strict", dropped);
                let function = FunctionOut { name, description, parameters, strict };
                Ok(ToolOut::Function { kind: "function", function, cache_control })
            }
            ToolKind::Custom { format } => {
                let custom = CustomOut { name, description, format: format.as_ref() };
                Ok(ToolOut::Custom { kind: "custom", custom, cache_control })
            }
            ToolKind::Server(native) if native.dialect == Dialect::OpenAi => {
                Ok(ToolOut::Server(&native.value))
            }
            ToolKind::Server(_) => {
                let message = format!("the upstream cannot run this provider's own tool: {}", tool.name);
                Err(Refusal::at(format!("tools[{index}]"), message))
            }
        }
    });
    tools.collect()
}

/// Whether a tool is said otherwise, or not at all.
fn is_elsewhere(kind: &ToolKind) -> bool {
    let ToolKind::Server(tool) = kind else { return false };
    tool.dialect != Dialect::OpenAi && (portable::is_needless(tool) || WebSearch::of_tool(tool).is_some())
}

/// `web_search_options` for another provider's search; lists the tools that need not be there.
pub(super) fn web_search(chat: &Chat, dropped: &mut Dropped) -> Result<Option<Value>, Refusal> {
    let mut options = None;
    for (index, tool) in chat.tools.iter().enumerate() {
        let ToolKind::Server(tool) = &tool.kind else { continue };
        let path = format!("tools[{index}]");
        if tool.dialect == Dialect::OpenAi {
            continue;
        }
        if portable::is_needless(tool) {
            dropped.list(&path);
        } else if let Some(search) = WebSearch::of_tool(tool) {
            options = Some(search.to_openai(&path, &mut |path| dropped.list(&path))?);
        }
    }
    Ok(options)
}

/// `tool_choice`.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum ChoiceOut<'a> {
    Word(&'static str),
    Named(NamedOut<'a>),
    Allowed {
        #[serde(rename = "type")]
        kind: &'static str,
        allowed_tools: AllowedOut<'a>,
    },
}

#[derive(Serialize)]
pub(super) struct AllowedOut<'a> {
    mode: &'static str,
    tools: Vec<NamedOut<'a>>,
}

#[derive(Serialize)]
pub(super) struct NamedOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<NameOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    custom: Option<NameOut<'a>>,
}

#[derive(Serialize)]
pub(super) struct NameOut<'a> {
    name: Cow<'a, str>,
}

/// Writes the tool choice.
pub(super) fn encode_choice<'a>(
    chat: &'a Chat,
    traits: &Traits,
    names: &'a ToolNames,
) -> Result<Option<ChoiceOut<'a>>, Refusal> {
    let Some(choice) = &chat.tool_choice else { return Ok(None) };
    // Without tools both say what goes without saying, and OpenAI refuses them.
    let is_idle = matches!(choice, ToolChoice::Auto | ToolChoice::None);
    if is_idle && chat.dialect.is_some() && chat.tools.iter().all(|tool| is_elsewhere(&tool.kind)) {
        return Ok(None);
    }
    let forced = match choice {
        ToolChoice::Required | ToolChoice::Named(_) => true,
        ToolChoice::Allowed { required, .. } => *required,
        ToolChoice::Auto | ToolChoice::None => false,
    };
    if forced && !traits.forced_tool_choice {
        let message = "the model cannot be made to call a tool: use auto";
        return Err(Refusal::at("tool_choice", message));
    }
    let named = |name: &'a str| {
        let is_custom = |kind: &ToolKind| matches!(kind, ToolKind::Custom { .. });
        let custom = chat.tools.iter().any(|tool| tool.name == name && is_custom(&tool.kind));
        let name = NameOut { name: names.sent(name) };
        if custom {
            NamedOut { kind: "custom", function: None, custom: Some(name) }
        } else {
            NamedOut { kind: "function", function: Some(name), custom: None }
        }
    };
    Ok(Some(match choice {
        ToolChoice::Auto => ChoiceOut::Word("auto"),
        ToolChoice::None => ChoiceOut::Word("none"),
        ToolChoice::Required => ChoiceOut::Word("required"),
        ToolChoice::Named(name) => ChoiceOut::Named(named(name)),
        ToolChoice::Allowed { names, required } => {
            let mode = if *required { "required" } else { "auto" };
            let tools = names.iter().map(|name| named(name)).collect();
            ChoiceOut::Allowed { kind: "allowed_tools", allowed_tools: AllowedOut { mode, tools } }
        }
    }))
}
