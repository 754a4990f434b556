//! A whole answer from OpenAI's format.

use serde_json::{Map, Value};

use super::decode_answer::{Calls, decode_answer};
use super::error::{in_answer, unreadable};
use super::finish::decode_finish;
use super::json::{Fields, Node};
use super::path::Path;
use super::usage::decode_usage;
use crate::call_ids::CallIds;
use crate::chat::{Choice, Content, Reply};
use crate::relay::tail;
use crate::{ApiError, DecodeContext, Refusal};

/// The key of [`Reply::extra`] under which this format keeps its own fields, by path. The extras of
/// other dialects stand beside it and are never written here.
pub(super) const OWN: &str = "openai";

/// Reads an answer of `POST /v1/chat/completions`.
///
/// What cannot be read is an error of the upstream (502), and so is an `error` in the body of a
/// success, as OpenRouter sends it.
pub fn decode_response(body: &[u8], cx: &DecodeContext) -> Result<Reply, ApiError> {
    let path = &Path::ROOT;
    let mut fields = Node::parse(body).and_then(|node| path.object(node)).map_err(misread)?;
    let Some(choices) = fields.take("choices") else {
        if fields.is_empty() {
            return Err(unreadable("it is empty"));
        }
        return Err(in_answer(&Value::Object(fields.into_map())));
    };
    let mut calls = Calls { ids: CallIds::new(&cx.seed), cx };
    let mut extra = Map::new();
    let mut decoded = Vec::new();
    let path = path.key("choices");
    for (place, node) in path.array(choices).map_err(misread)?.into_iter().enumerate() {
        let path = path.at(place);
        decoded.push(decode_choice(
            path.object(node).map_err(misread)?,
            place,
            &path,
            &mut calls,
            &mut extra,
        )?);
    }
    if decoded.is_empty() {
        let error = fields.take("error").map(Node::into_value);
        return Err(error.map_or_else(|| unreadable("it has no choices"), |error| in_answer(&error)));
    }
    let (usage, groq) = (fields.take("usage"), fields.take("x_groq"));
    // Where usage stands last, as nearly always, it is read from the text.
    let usage = tail::usage(body).or_else(|| {
        let usage = usage.and_then(|usage| decode_usage(&usage.into_value()));
        usage.or_else(|| decode_usage(groq?.into_value().get("usage")?))
    });
    for passed_over in ["object", "obfuscation"] {
        fields.take(passed_over);
    }
    Ok(Reply {
        id: fields.take("id").and_then(Node::into_words),
        model: fields.take("model").and_then(Node::into_words),
        created: fields.take("created").and_then(|created| created.as_count()).filter(|created| *created > 0),
        choices: decoded,
        usage,
        service_tier: fields.take("service_tier").and_then(Node::into_words),
        system_fingerprint: fields.take("system_fingerprint").and_then(Node::into_words),
        extra: own_extra(fields, extra),
    })
}

/// What is left of the answer's own fields, beside what its choices left.
pub(super) fn own_extra(rest: Fields<'_>, mut extra: Map<String, Value>) -> Map<String, Value> {
    rest.keep_rest(&Path::ROOT, &mut extra);
    if extra.is_empty() {
        return extra;
    }
    Map::from_iter([(OWN.to_owned(), Value::Object(extra))])
}

fn decode_choice(
    mut fields: Fields<'_>,
    place: usize,
    path: &Path<'_>,
    calls: &mut Calls<'_>,
    extra: &mut Map<String, Value>,
) -> Result<Choice, ApiError> {
    if let Some(error) = fields.take("error") {
        return Err(in_answer(&error.into_value()));
    }
    let index = fields.take("index").and_then(|index| u32::try_from(index.as_count()?).ok());
    let index = index.or(u32::try_from(place).ok()).unwrap_or(u32::MAX);
    let content = match fields.take("message").and_then(Node::into_fields) {
        Some(message) => decode_answer(message, &path.key("message"), calls, extra).map_err(misread)?,
        None => Vec::new(),
    };
    let word = fields.take("finish_reason").and_then(Node::into_words);
    let native = fields.take("native_finish_reason").and_then(Node::into_words);
    // vLLM's name for the stop sequence; a number is a token.
    let sequence = fields.take("stop_reason").and_then(Node::into_words);
    let calls = content.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let finish = decode_finish(word.as_deref().unwrap_or("stop"), native, sequence, calls)?;
    let logprobs = fields.take("logprobs").map(Node::into_value);
    fields.keep_rest(path, extra);
    Ok(Choice { index, content, finish, logprobs })
}

/// An answer of another shape than its format's.
fn misread(refusal: Refusal) -> ApiError {
    unreadable(refusal)
}
