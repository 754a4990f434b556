use std::{borrow::Cow, collections::HashSet};

use serde_json::{Map, Value, json};
use tollway_core::Dialect;

use super::{
    body::{ChoiceOut, FunctionOut, ToolOut},
    decode_tools::TOOL_OPTIONS,
    format::{ANSWER_TOOL, Format},
    losses::Losses,
    names::Names,
    schema::{enforceable, object_root},
};
use crate::{
    Refusal, Traits,
    chat::{Chat, Content, Native, Tool, ToolChoice, ToolKind},
    portable::{self, WebSearch},
};

/// The tools on offer, the choice among them, and an instruction that stands for a choice which the
/// model does not take.
#[derive(Debug, Default)]
pub(super) struct Offer<'a> {
    pub(super) tools: Vec<ToolOut<'a>>,
    pub(super) choice: Option<ChoiceOut<'a>>,
    pub(super) instruction: Option<String>,
}

/// Lays out `tools` and `tool_choice`.
///
/// - The one of several tools that may be called ([`ToolChoice::Allowed`]) is said by offering no
///   others.
/// - A model that cannot be made to call a tool is told to in words, and `tool_choice` is listed.
/// - A history of calls needs tools: when the request offers none, those of the history are named
///   again and `tool_choice` forbids them.
pub(super) fn encode_tools<'a>(
    chat: &'a Chat,
    traits: &Traits,
    names: &Names<'a>,
    format: &Format<'a>,
    losses: &mut Losses,
) -> Result<Offer<'a>, Refusal> {
    let mut offer = Offer::default();
    let allowed: Option<HashSet<&str>> = match &chat.tool_choice {
        Some(ToolChoice::Allowed { names, .. }) => Some(names.iter().map(String::as_str).collect()),
        _ => None,
    };
    let options = chat.extra.get(TOOL_OPTIONS).and_then(Value::as_object);
    let mut seen = HashSet::new();
    for (at, tool) in chat.tools.iter().enumerate() {
        if !tool.name.is_empty() && !seen.insert(tool.name.as_str()) {
            let message = format!("two tools have the same name: {}", tool.name);
            return Err(Refusal::at(format!("tools[{at}]"), message));
        }
        if let ToolKind::Server(native) = &tool.kind
            && native.dialect != Dialect::Anthropic
            && portable::is_needless(native)
        {
            losses.add(format!("tools[{at}]"));
            continue;
        }
        if allowed.as_ref().is_none_or(|allowed| allowed.contains(tool.name.as_str())) {
            offer.tools.push(encode_tool(at, tool, traits, names, options, losses)?);
        }
    }
    if let Some(options) = chat.extra.get("web_search_options").filter(|options| options.is_object()) {
        let mut lose = |path: String| losses.add(path);
        offer.tools.push(ToolOut::Made(WebSearch::of(options).to_anthropic("web_search_options", &mut lose)));
    }
    offer.choice = encode_choice(chat, &offer, names)?;
    if offer.tools.is_empty() {
        offer.tools = tools_of_history(chat, names);
        if !offer.tools.is_empty() {
            offer.choice = Some(ChoiceOut::of("none"));
        }
    }
    if let Format::Tool { schema, description } = format {
        offer_answer_tool(&mut offer, schema.clone(), description);
    }
    if chat.parallel_tool_calls == Some(false) && !offer.tools.is_empty() {
        let choice = offer.choice.get_or_insert(ChoiceOut::of("auto"));
        choice.disable_parallel_tool_use = choice.kind != "none";
    }
    if !traits.forced_tool_choice
        && let Some(choice) = offer.choice.as_mut().filter(|choice| choice.is_forced())
    {
        losses.add("tool_choice");
        offer.instruction = Some(match choice.name.take() {
            Some(name) => format!("Call the tool `{name}` now instead of answering in words."),
            None => "Call one or more of the tools now instead of answering in words.".to_owned(),
        });
        choice.kind = "auto";
    }
    Ok(offer)
}

fn encode_tool<'a>(
    at: usize,
    tool: &'a Tool,
    traits: &Traits,
    names: &Names<'a>,
    options: Option<&'a Map<String, Value>>,
    losses: &mut Losses,
) -> Result<ToolOut<'a>, Refusal> {
    let parameters = match &tool.kind {
        ToolKind::Function { parameters } => parameters.as_ref(),
        ToolKind::Custom { .. } => {
            return Err(Refusal::at(
                format!("tools[{at}]"),
                "Anthropic has no custom tools; use a function with one string parameter",
            ));
        }
        ToolKind::Server(native) if native.dialect == Dialect::Anthropic => {
            return Ok(ToolOut::Server(&native.value));
        }
        ToolKind::Server(native) => return server_tool(at, native, losses),
    };
    check_keys(at, parameters)?;
    let mut strict = tool.strict == Some(true);
    let mut schema = match parameters {
        None => Cow::Owned(json!({ "type": "object", "properties": {} })),
        Some(schema) => object_root(schema).ok_or_else(|| {
            Refusal::at(
                format!("tools[{at}].function.parameters"),
                "parameters are not a JSON Schema of an object",
            )
        })?,
    };
    if strict {
        match enforceable(&schema) {
            Ok(enforced) if traits.structured_output => schema = Cow::Owned(enforced),
            _ => {
                strict = false;
                losses.add(format!("tools[{at}].function.strict"));
            }
        }
    }
    Ok(ToolOut::Function(FunctionOut {
        name: names.sent(&tool.name),
        description: tool.description.as_deref().map(Cow::Borrowed),
        input_schema: schema,
        strict,
        cache_control: tool.cache_control.as_ref(),
        options: options.and_then(|options| options.get(&tool.name)).and_then(Value::as_object),
    }))
}

/// A tool of Anthropic's that does what another provider's does.
fn server_tool<'a>(at: usize, native: &Native, losses: &mut Losses) -> Result<ToolOut<'a>, Refusal> {
    let path = format!("tools[{at}]");
    if let Some(search) = WebSearch::of_tool(native) {
        return Ok(ToolOut::Made(search.to_anthropic(&path, &mut |path| losses.add(path))));
    }
    let has = |names: [&str; 2]| names.iter().any(|name| native.value.get(name).is_some());
    if native.dialect == Dialect::Gemini && has(["codeExecution", "code_execution"]) {
        return Ok(ToolOut::Made(json!({ "type": "code_execution_20250825", "name": "code_execution" })));
    }
    if native.dialect == Dialect::Gemini && has(["urlContext", "url_context"]) {
        return Ok(ToolOut::Made(json!({ "type": "web_fetch_20250910", "name": "web_fetch" })));
    }
    let message = format!("Anthropic has no equivalent for this tool of {}", native.dialect.as_str());
    Err(Refusal::at(path, message))
}

/// Anthropic takes arguments by names of `^[a-zA-Z0-9_.-]{1,64}$` only.
fn check_keys(at: usize, parameters: Option<&Value>) -> Result<(), Refusal> {
    let keys = parameters.and_then(|schema| schema.get("properties")).and_then(Value::as_object);
    let is_taken = |key: &str| {
        (1..=64).contains(&key.len())
            && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-'))
    };
    match keys.into_iter().flat_map(Map::keys).find(|key| !is_taken(key)) {
        None => Ok(()),
        Some(key) => Err(Refusal::at(
            format!("tools[{at}].function.parameters"),
            format!("Anthropic takes properties named by 1 to 64 letters, digits and `_.-`, not {key:?}"),
        )),
    }
}

fn encode_choice<'a>(
    chat: &'a Chat,
    offer: &Offer<'a>,
    names: &Names<'a>,
) -> Result<Option<ChoiceOut<'a>>, Refusal> {
    let Some(choice) = &chat.tool_choice else { return Ok(None) };
    let out = match choice {
        // Without tools both say what goes without saying, and Anthropic refuses them.
        ToolChoice::Auto | ToolChoice::None if offer.tools.is_empty() => return Ok(None),
        ToolChoice::Auto | ToolChoice::Allowed { required: false, .. } => ChoiceOut::of("auto"),
        ToolChoice::None => ChoiceOut::of("none"),
        ToolChoice::Required | ToolChoice::Allowed { required: true, .. } => ChoiceOut::of("any"),
        ToolChoice::Named(name) => {
            if !chat.tools.iter().any(|tool| tool.name == *name) {
                return Err(Refusal::at("tool_choice", format!("no tool has the name: {name}")));
            }
            ChoiceOut { name: Some(names.sent(name)), ..ChoiceOut::of("tool") }
        }
    };
    if offer.tools.is_empty() {
        return Err(Refusal::at("tool_choice", "tool choice needs tools to choose from"));
    }
    Ok(Some(out))
}

/// Offers the tool whose input is the answer, and sees to it that it or another is called.
fn offer_answer_tool<'a>(offer: &mut Offer<'a>, schema: Cow<'a, Value>, description: &'a str) {
    let is_alone =
        offer.tools.is_empty() || offer.choice.as_ref().is_some_and(|choice| choice.kind == "none");
    offer.choice = Some(if is_alone {
        ChoiceOut { name: Some(Cow::Borrowed(ANSWER_TOOL)), ..ChoiceOut::of("tool") }
    } else {
        ChoiceOut::of("any")
    });
    offer.tools.push(ToolOut::Function(FunctionOut {
        name: Cow::Borrowed(ANSWER_TOOL),
        description: Some(Cow::Borrowed(description)),
        input_schema: schema,
        strict: false,
        cache_control: None,
        options: None,
    }));
}

fn tools_of_history<'a>(chat: &'a Chat, names: &Names<'a>) -> Vec<ToolOut<'a>> {
    let mut seen = HashSet::new();
    let calls = chat.messages.iter().flat_map(|message| &message.content).filter_map(|part| {
        if let Content::ToolCall(call) = &part.content { Some(call.name.as_str()) } else { None }
    });
    calls
        .filter(|name| seen.insert(*name))
        .map(|name| {
            ToolOut::Function(FunctionOut {
                name: names.sent(name),
                description: None,
                input_schema: Cow::Owned(json!({ "type": "object" })),
                strict: false,
                cache_control: None,
                options: None,
            })
        })
        .collect()
}
