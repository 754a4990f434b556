//! [`Chat`] → a request body.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::{
    encode_config,
    encode_tools::{self, ToolOut},
    encode_turns::{self, TurnOut},
    names::ToolNames,
    tier,
};
use crate::{
    Encoded, Refusal, Target,
    chat::{Chat, Content, ToolChoice},
    loss::{lost_fields, tier_of},
    portable,
};

/// Fields of Gemini's own request with no canonical place, written back as they came.
const OWN_FIELDS: [&str; 5] = ["safetySettings", "cachedContent", "labels", "modelArmorConfig", "store"];

/// Fields written in another way, or empty of meaning here.
const CARRIED_FIELDS: [&str; 6] =
    ["generationConfig", "toolConfig", "web_search_options", "modalities", "stream_options", "serviceTier"];

/// Fields that ask for what would make the answer another one.
const REFUSED_FIELDS: [&str; 3] = ["audio", "functions", "function_call"];

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Body<'a> {
    contents: Vec<TurnOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    system_instruction: Option<TurnOut<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tools: Vec<ToolOut<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_config: Option<Map<String, Value>>,
    #[serde(skip_serializing_if = "Map::is_empty")]
    generation_config: Map<String, Value>,
    #[serde(skip_serializing_if = "Option::is_none")]
    service_tier: Option<&'static str>,
    #[serde(flatten)]
    own: BTreeMap<&'a str, &'a Value>,
}

/// Writes a request for `generateContent`, or for `streamGenerateContent`, which takes the same.
///
/// Refuses what would change the answer's meaning when left out; lists what would not.
pub fn encode_request(chat: &Chat, target: &Target) -> Result<Encoded, Refusal> {
    crate::loss::check_stateless(chat)?;
    let traits = &target.traits;
    let (chat, mut dropped) = portable::said_in(Dialect::Gemini, chat);
    let chat = &*chat;
    let mut names = ToolNames::new(tool_names(chat));
    let tools = encode_tools::tools(chat, &mut names, &mut dropped)?;
    let tool_config = encode_tools::tool_config(chat, traits, &mut names, &mut dropped)?;
    let turns = encode_turns::turns(&chat.messages, traits, &mut names, &mut dropped)?;
    let generation_config = encode_config::generation(chat, traits, &mut dropped)?;
    let (own, service_tier) = own_fields(chat, &mut dropped)?;
    let body = Body {
        contents: turns.contents,
        system_instruction: turns.instructions,
        tools,
        tool_config,
        generation_config,
        service_tier,
        own,
    };
    let body = serde_json::to_vec(&body)
        .map_err(|error| Refusal::whole(format!("the request cannot be written: {error}")))?;
    Ok(Encoded { body, dropped, renamed_tools: names.into_renamed() })
}

/// All names of tools, those of history and choice included, that a new name must not become.
fn tool_names(chat: &Chat) -> impl Iterator<Item = &str> {
    let offered = chat.tools.iter().map(|tool| tool.name.as_str());
    let parts = chat.messages.iter().flat_map(|message| &message.content);
    let called = parts.filter_map(|part| match &part.content {
        Content::ToolCall(call) => Some(call.name.as_str()),
        Content::ToolResult(result) => result.name.as_deref(),
        _ => None,
    });
    let chosen = match &chat.tool_choice {
        Some(ToolChoice::Named(name)) => std::slice::from_ref(name),
        Some(ToolChoice::Allowed { names, .. }) => names.as_slice(),
        _ => &[],
    };
    offered.chain(called).chain(chosen.iter().map(String::as_str))
}

/// Gathers Gemini's own fields, and lists what no field of Gemini's says.
fn own_fields<'a>(
    chat: &'a Chat,
    dropped: &mut Vec<String>,
) -> Result<(BTreeMap<&'a str, &'a Value>, Option<&'static str>), Refusal> {
    let mut own = BTreeMap::new();
    for (key, value) in &chat.extra {
        let key = key.as_str();
        // OpenAI's `store` is another thing by the same name.
        let namesake = key == "store" && chat.dialect != Some(Dialect::Gemini);
        if OWN_FIELDS.contains(&key) && !namesake {
            own.insert(key, value);
        } else if namesake && value == &Value::Bool(false) {
            // It is not kept, as was asked.
        } else if REFUSED_FIELDS.contains(&key) && !value.is_null() {
            return Err(Refusal::at(key, "cannot be carried to Gemini"));
        } else if !CARRIED_FIELDS.contains(&key) {
            dropped.extend(lost_fields(key, value));
        }
    }
    // Labels are Vertex's only, and reach Google's bill: the user's name does not belong there.
    for (path, given) in [
        ("user", chat.user.is_some()),
        ("metadata", chat.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty())),
    ] {
        if given {
            dropped.push(path.to_owned());
        }
    }
    let asked = tier_of(chat).filter(|tier| !matches!(*tier, "auto" | "default"));
    let tier = asked.and_then(tier::service_tier);
    if asked.is_some() && tier.is_none() {
        dropped.push("service_tier".to_owned());
    }
    Ok((own, tier))
}
