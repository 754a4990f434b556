//! `countTokens`.

use std::{borrow::Cow, collections::BTreeMap};

use serde::{Deserialize, Serialize};
use serde_json::{json, value::RawValue};

use super::model::model_path_segment;
use crate::{
    ApiError, Encoded, Refusal, Target,
    chat::Chat,
    count_tokens::{TokenCount, bare, only, unreadable},
};

/// Reads a request of bare `contents`, or of a whole `generateContentRequest`. The model is that of the
/// path.
pub fn decode_request(model: &str, body: &[u8]) -> Result<Chat, Refusal> {
    let asked: Asked<'_> = serde_json::from_slice(body)
        .map_err(|error| Refusal::whole(format!("the body is no countTokens request: {error}")))?;
    let Some(request) = asked.generate_content_request else {
        return super::decode_request(model, false, body);
    };
    super::decode_request(model, false, request.get().as_bytes()).map_err(|refusal| {
        let within = |param| format!("generateContentRequest.{param}");
        Refusal { param: refusal.param.map(within), ..refusal }
    })
}

/// Writes a request: a whole one, since only so instructions and tools are counted.
pub fn encode_request(chat: &mut Chat, target: &Target) -> Result<Encoded, Refusal> {
    let model = json!(format!("models/{}", model_path_segment(&target.model)?)).to_string();
    let encoded = super::encode_request(bare(chat), target)?;
    let members = encoded.body.get(1..).unwrap_or_default();
    let body = [b"{\"generateContentRequest\":{\"model\":", model.as_bytes(), b",", members, b"}"].concat();
    Ok(Encoded { body, ..encoded })
}

/// What Vertex AI counts. It takes these as they are, and knows no whole request.
const AT_VERTEX: [&str; 6] =
    ["contents", "systemInstruction", "system_instruction", "tools", "generationConfig", "generation_config"];

/// What has no part in a count.
const UNCOUNTED: [&str; 6] =
    ["model", "safetySettings", "safety_settings", "toolConfig", "tool_config", "serviceTier"];

/// Writes a request for Vertex AI.
pub fn encode_vertex_request(chat: &mut Chat, target: &Target) -> Result<Encoded, Refusal> {
    only(super::encode_request(bare(chat), target)?, &AT_VERTEX)
}

/// A client's request of Gemini's own as Vertex AI takes it: what stands in a whole request stands for
/// itself. `None` where there is none in it.
pub fn for_vertex(body: &[u8]) -> Result<Option<Encoded>, Refusal> {
    let asked: Asked<'_> = serde_json::from_slice(body)
        .map_err(|error| Refusal::whole(format!("the body is no countTokens request: {error}")))?;
    let Some(request) = asked.generate_content_request else { return Ok(None) };
    let not_object = |_| Refusal::at("generateContentRequest", "expected an object");
    let members: BTreeMap<Cow<'_, str>, &RawValue> =
        serde_json::from_str(request.get()).map_err(not_object)?;
    let is_known = |name: &str| AT_VERTEX.contains(&name) || UNCOUNTED.contains(&name);
    let dropped = members.keys().filter(|name| !is_known(name));
    let dropped = dropped.map(|name| format!("generateContentRequest.{name}")).collect();
    let body = request.get().as_bytes().to_vec();
    only(Encoded { body, dropped, renamed_tools: Vec::new() }, &AT_VERTEX).map(Some)
}

/// Reads a count.
pub fn decode_response(body: &[u8]) -> Result<TokenCount, ApiError> {
    let count: Count = serde_json::from_slice(body).map_err(unreadable)?;
    Ok(TokenCount { input: count.total_tokens, cached: count.cached_content_token_count })
}

/// Writes a count.
pub fn encode_response(count: TokenCount) -> Vec<u8> {
    let count = Count { total_tokens: count.input, cached_content_token_count: count.cached };
    // Writing numbers to memory cannot fail.
    serde_json::to_vec(&count).unwrap_or_default()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked<'a> {
    #[serde(borrow, alias = "generate_content_request")]
    generate_content_request: Option<&'a RawValue>,
}

#[derive(Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
struct Count {
    total_tokens: u64,
    #[serde(default, skip_serializing_if = "is_zero")]
    cached_content_token_count: u64,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks for a reference")]
const fn is_zero(count: &u64) -> bool {
    *count == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vertex_ai_takes_the_members_of_a_whole_request() {
        let told = |body: &str| for_vertex(body.as_bytes());
        assert_eq!(told(r#"{"contents":[]}"#), Ok(None));
        let whole = r#"{"generate_content_request":{"model":"models/m", "contents" : [1],"toolConfig":{},"cachedContent":"c","systemInstruction":{"parts":[]}}}"#;
        let encoded = told(whole).unwrap().unwrap();
        let body: serde_json::Value = serde_json::from_slice(&encoded.body).unwrap();
        assert_eq!(body, json!({"contents": [1], "systemInstruction": {"parts": []}}));
        assert_eq!(encoded.dropped, ["generateContentRequest.cachedContent"]);
        let refusal = told(r#"{"generateContentRequest":[]}"#).unwrap_err();
        assert_eq!(refusal.param.as_deref(), Some("generateContentRequest"));
        assert!(told("[").is_err());
    }
}
