use serde_json::{Map, Value, value::to_raw_value};

use super::{
    body::{Extra, MetadataOut},
    decode_request::decode_thinking,
    decode_tools::TOOL_OPTIONS,
    losses::Losses,
};
use crate::{
    Refusal,
    chat::{Chat, ReasoningRequest},
    loss::{lost_fields, tier_of},
};

/// Anthropic's own fields without a canonical place. They go out as they came, whoever sent them:
/// clients of other dialects set them on purpose, as extra fields of the body.
const OWN: [&str; 6] =
    ["cache_control", "container", "context_management", "inference_geo", "mcp_servers", "speed"];

/// Sorts the fields without a canonical place into those that go out and those that do not.
///
/// An OpenAI field whose loss would change what the client gets is refused; the others are listed.
pub(super) fn encode_extra<'a>(chat: &'a Chat, losses: &mut Losses) -> Result<Extra<'a>, Refusal> {
    let mut extra = Extra::new();
    for (name, value) in &chat.extra {
        if let Some(own) = OWN.into_iter().find(|own| own == name) {
            extra.insert(own, value);
            continue;
        }
        match name.as_str() {
            // Read where tools, thinking, output and user are written.
            TOOL_OPTIONS | "web_search_options" | "thinking" | "output_config" | "serviceTier" => {}
            "safety_identifier" if chat.user.is_none() => {}
            "modalities" => {
                let asks_more = value.as_array().is_some_and(|kinds| kinds.iter().any(|kind| kind != "text"));
                if asks_more {
                    return Err(Refusal::at(
                        "modalities",
                        format!("Anthropic answers in text only, not {value}"),
                    ));
                }
            }
            "functions" | "function_call" => {
                return Err(Refusal::at(name, format!("use tools and tool_choice in place of {name}")));
            }
            "cachedContent" | "cached_content" => {
                return Err(Refusal::at(name, "Anthropic cannot read content cached at another provider"));
            }
            _ => {
                for path in lost_fields(name, value) {
                    losses.add(path);
                }
            }
        }
    }
    Ok(extra)
}

/// How much thinking is wanted, also where a client of another dialect sends Anthropic's `thinking`.
pub(super) fn wanted_thinking(chat: &Chat) -> Result<Option<ReasoningRequest>, Refusal> {
    match (&chat.reasoning, chat.extra.get("thinking")) {
        (Some(reasoning), _) => Ok(Some(reasoning.clone())),
        (None, None | Some(Value::Null)) => Ok(None),
        (None, Some(thinking)) => {
            let raw = to_raw_value(thinking)
                .map_err(|error| Refusal::at("thinking", format!("field cannot be read: {error}")))?;
            decode_thinking(&raw).map(Some)
        }
    }
}

/// What of `output_config` has no canonical place (`task_budget`).
pub(super) fn output_config(chat: &Chat) -> Map<String, Value> {
    chat.extra.get("output_config").and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The application's name for its user. Anthropic refuses what looks like an e-mail address or a
/// phone number, and more than 256 characters.
pub(super) fn encode_user<'a>(chat: &'a Chat, losses: &mut Losses) -> Option<MetadataOut<'a>> {
    losses.add_if(chat.metadata.as_ref().is_some_and(|metadata| !metadata.is_empty()), "metadata");
    let (path, user_id) = match (&chat.user, chat.extra.get("safety_identifier")) {
        (Some(user), _) => ("user", user.as_str()),
        (None, Some(Value::String(user))) => ("safety_identifier", user.as_str()),
        _ => return None,
    };
    if user_id.is_empty() {
        return None;
    }
    if looks_personal(user_id) || user_id.chars().count() > 256 {
        losses.add(path);
        return None;
    }
    Some(MetadataOut { user_id })
}

/// Anthropic's word for the tier asked for; one it does not know is listed, and its default serves.
pub(super) fn encode_tier(chat: &Chat, losses: &mut Losses) -> Option<&'static str> {
    match tier_of(chat)? {
        "auto" => Some("auto"),
        "default" | "standard_only" => Some("standard_only"),
        _ => {
            losses.add("service_tier");
            None
        }
    }
}

/// Texts that end the answer. Anthropic refuses white space alone.
pub(super) fn encode_stop<'a>(chat: &'a Chat, losses: &mut Losses) -> Vec<&'a str> {
    let mut stops = Vec::with_capacity(chat.stop.len());
    for (at, stop) in chat.stop.iter().enumerate() {
        if stop.trim().is_empty() {
            losses.add(format!("stop[{at}]"));
        } else {
            stops.push(stop.as_str());
        }
    }
    stops
}

fn looks_personal(user: &str) -> bool {
    let is_email = user.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'));
    let digits = user.bytes().filter(u8::is_ascii_digit).count();
    let is_phone = (7..=15).contains(&digits)
        && user.bytes().all(|byte| byte.is_ascii_digit() || b"+-. ()".contains(&byte));
    is_email || is_phone
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_named_by_address_or_number_are_kept_back() {
        for (user, personal) in [
            ("user-123", false),
            ("3f2b8c1e-77aa-4a0e-9d55-0d6b2c1f9e10", false),
            ("@handle", false),
            ("ann@example.com", true),
            ("+1 (555) 010-9999", true),
        ] {
            assert_eq!(looks_personal(user), personal, "{user}");
        }
    }

    #[test]
    fn blank_stops_are_left_out_and_listed() {
        let chat = Chat { stop: vec!["\n".to_owned(), "END".to_owned()], ..Chat::default() };
        let mut losses = Losses::default();
        assert_eq!(encode_stop(&chat, &mut losses), ["END"]);
        assert_eq!(losses.into_list(), ["stop[0]"]);
    }
}
