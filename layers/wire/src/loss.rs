use serde_json::Value;
use tollway_core::Dialect;

use crate::Refusal;
use crate::anthropic::TOOL_OPTIONS;
use crate::chat::Chat;

/// Whether a field without a place says no more than its absence would.
pub(crate) fn is_unset(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
        _ => false,
    }
}

/// Refuses, for encoders of other formats, a request in OpenAI's Responses format that names what is kept
/// at OpenAI: the conversation before it, or that its answer is to be fetched later.
pub(crate) fn check_stateless(chat: &Chat) -> Result<(), Refusal> {
    const STATE: [&str; 5] = ["previous_response_id", "conversation", "background", "prompt", "moderation"];
    if chat.dialect != Some(Dialect::Responses) {
        return Ok(());
    }
    let is_state =
        |name: &str| STATE.contains(&name) || name.starts_with("input[") && name.ends_with("].type");
    match chat.extra.iter().find(|(name, value)| is_state(name) && !is_unset(value)) {
        None => Ok(()),
        Some((name, Value::String(kind))) if name.starts_with("input[") => {
            Err(Refusal::at(name, format!("only OpenAI's Responses can carry an item of this type: {kind}")))
        }
        Some((name, _)) => Err(Refusal::at(
            name,
            format!("only OpenAI's Responses keeps state: send the conversation, not {name}"),
        )),
    }
}

/// Refuses, for encoders of formats that answer in text, a request of Gemini's for pictures or sound.
pub(crate) fn check_text_only(chat: &Chat) -> Result<(), Refusal> {
    let config = chat.extra.get("generationConfig").filter(|_| chat.dialect == Some(Dialect::Gemini));
    let asked = config.and_then(|config| modalities(config)?.iter().find(|kind| !is_text(kind)));
    match asked {
        None => Ok(()),
        Some(kind) => Err(Refusal::at(
            "generationConfig.responseModalities",
            format!("the model answers in text only, not {kind}"),
        )),
    }
}

/// What the loss of a field without a place in another format is listed as: by its own name, or those of
/// what it holds. None for one that asks for nothing.
pub(crate) fn lost_fields(name: &str, value: &Value) -> Vec<String> {
    const NESTED: [&str; 3] = ["generationConfig", "output_config", "toolConfig"];
    match value {
        _ if is_unset(value) => Vec::new(),
        // Anthropic's options of tools, by the tool's name.
        Value::Object(tools) if name == TOOL_OPTIONS => {
            let options = tools.values().filter_map(Value::as_object).flatten();
            let mut lost: Vec<String> = Vec::new();
            for (option, _) in options.filter(|(_, value)| !is_unset(value)) {
                let path = format!("tools[].{option}");
                if !lost.contains(&path) {
                    lost.push(path);
                }
            }
            lost
        }
        Value::Object(fields) if NESTED.contains(&name) => {
            let texts = modalities(value).is_some_and(|kinds| kinds.iter().all(is_text));
            let is_idle =
                |field: &str, value: &Value| is_unset(value) || (texts && MODALITIES.contains(&field));
            let asked = fields.iter().filter(|(field, value)| !is_idle(field, value));
            asked.map(|(field, _)| format!("{name}.{field}")).collect()
        }
        _ => vec![name.to_owned()],
    }
}

/// The service tier asked for, in OpenAI's words, Gemini's own field included.
pub(crate) fn tier_of(chat: &Chat) -> Option<&str> {
    let googles = || {
        let word = chat.extra.get("serviceTier")?.as_str()?;
        let word = word.strip_prefix("SERVICE_TIER_").unwrap_or(word);
        let known = [("standard", "default"), ("flex", "flex"), ("priority", "priority")];
        known.into_iter().find(|(own, _)| word.eq_ignore_ascii_case(own)).map(|(_, tier)| tier)
    };
    chat.service_tier.as_deref().or_else(googles)
}

const MODALITIES: [&str; 2] = ["responseModalities", "response_modalities"];

fn modalities(config: &Value) -> Option<&Vec<Value>> {
    MODALITIES.into_iter().find_map(|name| config.get(name)?.as_array())
}

fn is_text(kind: &Value) -> bool {
    // By its number where the client writes enums so.
    kind.as_str().is_some_and(|kind| kind.eq_ignore_ascii_case("text")) || kind.as_u64() == Some(1)
}

/// A request encoded for a target, and what could not be carried.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Encoded {
    /// The request body.
    pub body: Vec<u8>,
    /// Fields of the client's request that the target has no word for and that may be left out
    /// without changing what the answer means, by path (`seed`, `messages[0].name`). README lists
    /// them; the gateway names them in a response header.
    pub dropped: Vec<String>,
    /// Tool names as sent → as the client gave them, where they had to change.
    pub renamed_tools: Vec<(String, String)>,
}
