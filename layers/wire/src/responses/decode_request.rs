//! A request from OpenAI's Responses format.

use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::{decode_input::decode_input, decode_settings, decode_tools};
use crate::Refusal;
use crate::chat::{Chat, Message, Part, Role};
use crate::openai::json::{Fields, Node};
use crate::openai::path::Path;

/// Reads the body of `POST /v1/responses`.
///
/// `null` is as good as absent; of members with one name the last counts. Fields without a canonical
/// place go into [`Chat::extra`]: those of the request under their name, those further down under their
/// path (`input[0].phase`), so that every encoder carries, lists or refuses them.
pub fn decode_request(body: &[u8]) -> Result<Chat, Refusal> {
    let path = &Path::ROOT;
    let mut fields = path.object(Node::parse(body)?)?;
    let mut chat = Chat {
        model: fields.require_string(path, "model")?,
        dialect: Some(Dialect::Responses),
        ..Chat::default()
    };
    if let Some(instructions) = decode_instructions(&mut fields)? {
        chat.origins.instructed(false);
        chat.messages.push(instructions);
    }
    decode_input(&mut fields, &mut chat)?;
    decode_tools::decode_tools(&mut fields, &mut chat)?;
    chat.tool_choice = decode_tools::decode_choice(&mut fields, &mut chat.extra)?;
    chat.parallel_tool_calls = fields.boolean(path, "parallel_tool_calls")?;
    chat.max_tokens = fields.count(path, "max_output_tokens", 1)?;
    chat.sampling.temperature = fields.float(path, "temperature")?;
    chat.sampling.top_p = fields.float(path, "top_p")?;
    chat.top_logprobs = fields.small_count(path, "top_logprobs", 0)?;
    decode_settings::text(&mut fields, &mut chat)?;
    decode_settings::reasoning(&mut fields, &mut chat)?;
    decode_settings::include(&mut fields, &mut chat)?;
    decode_settings::stream(&mut fields, &mut chat)?;
    chat.user = fields.string(path, "user")?;
    chat.metadata = fields.map(path, "metadata")?.filter(|pairs| !pairs.is_empty());
    chat.service_tier = fields.string(path, "service_tier")?;
    keep_rest(fields, &mut chat.extra);
    Ok(chat)
}

/// Reads `instructions`. An empty text is none.
fn decode_instructions(fields: &mut Fields<'_>) -> Result<Option<Message>, Refusal> {
    let text = fields.string(&Path::ROOT, "instructions")?.filter(|text| !text.is_empty());
    Ok(text.map(|text| Message { role: Role::System, name: None, content: vec![Part::text(text)] }))
}

/// Keeps the rest, but for `null`, which says nothing.
fn keep_rest(fields: Fields<'_>, extra: &mut Map<String, Value>) {
    let mut rest = Map::new();
    fields.keep_rest(&Path::ROOT, &mut rest);
    extra.extend(rest.into_iter().filter(|(_, value)| !value.is_null()));
}
