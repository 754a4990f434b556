//! A request body → [`Chat`].

use serde::Deserialize;
use serde_json::{Map, Value, value::RawValue};
use tollway_core::Dialect;

use super::{
    decode_config, decode_turns,
    lenient::{Fields, OneOrMany},
};
use crate::{Refusal, chat::Chat, unfit};

/// Reads a request for `generateContent` or, with `stream`, `streamGenerateContent`. The model is
/// that of the path.
pub fn decode_request(model: &str, stream: bool, body: &[u8]) -> Result<Chat, Refusal> {
    let fields: Fields<'_> = serde_json::from_slice(body)
        .map_err(|error| Refusal::whole(format!("the body is no generateContent request: {error}")))?;
    // Gemini tells usage in every stream.
    let dialect = Some(Dialect::Gemini);
    let mut chat =
        Chat { model: model.to_owned(), stream, include_usage: stream, dialect, ..Chat::default() };
    let mut instructions = None;
    for (name, value) in fields.0 {
        match &*name {
            _ if value.get() == "null" => {}
            "contents" => {
                let turns: OneOrMany<decode_turns::TurnIn<'_>> = read(value, "contents")?;
                (chat.messages, chat.origins) = decode_turns::messages(turns.0)?;
            }
            "systemInstruction" | "system_instruction" => instructions = decode_turns::instructions(value)?,
            "tools" => {
                let tools: OneOrMany<Map<String, Value>> = read(value, "tools")?;
                decode_config::tools(&mut chat, tools.0)?;
            }
            "toolConfig" | "tool_config" => {
                decode_config::tool_config(&mut chat, read(value, "toolConfig")?)?;
            }
            "generationConfig" | "generation_config" => {
                decode_config::generation(&mut chat, read(value, "generationConfig")?)?;
            }
            // The path names the model.
            "model" => {}
            _ => {
                let name = match &*name {
                    "safety_settings" => "safetySettings",
                    "cached_content" => "cachedContent",
                    "service_tier" => "serviceTier",
                    "model_armor_config" => "modelArmorConfig",
                    other => other,
                };
                chat.extra.insert(name.to_owned(), read(value, name)?);
            }
        }
    }
    if let Some((instructions, is_whole)) = instructions {
        chat.origins.instructed(is_whole);
        chat.messages.insert(0, instructions);
    }
    Ok(chat)
}

fn read<'a, T: Deserialize<'a>>(value: &'a RawValue, field: &str) -> Result<T, Refusal> {
    unfit::read(value.get()).map_err(|unfit| unfit.refusal(field))
}
