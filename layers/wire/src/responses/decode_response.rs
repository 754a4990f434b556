//! A whole answer from OpenAI's Responses format.

use serde_json::{Map, Value};

use super::decode_output::{Output, canonical_logprobs};
use super::{status, usage};
use crate::chat::{Choice, Content, Reply};
use crate::openai::error::{in_answer, unreadable};
use crate::openai::json::Node;
use crate::{ApiError, DecodeContext};

/// Reads an answer of `POST /v1/responses`.
///
/// What cannot be read is an error of the upstream (502); so is an answer that failed, that was
/// cancelled, or that the provider has not finished.
pub fn decode_response(body: &[u8], cx: &DecodeContext) -> Result<Reply, ApiError> {
    let node = Node::parse(body).map_err(|refusal| unreadable(refusal.message))?;
    let mut fields = node.into_fields().ok_or_else(|| unreadable("it is no object"))?;
    if !fields.has("output") && !fields.has("status") {
        if fields.has("error") {
            return Err(in_answer(&Value::Object(fields.into_map())));
        }
        return Err(unreadable("it has no output"));
    }
    let mut output = Output::new(cx);
    for item in fields.take("output").map(Node::into_elements).unwrap_or_default() {
        output.item(item);
    }
    let rest = Value::Object(fields.into_map());
    let Output { parts, logprobs, .. } = output;
    let calls = parts.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let finish = status::decode(&rest, calls)?;
    let searches = usage::searches(&parts);
    let text = |name: &str| rest.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    Ok(Reply {
        id: text("id").map(str::to_owned),
        model: text("model").map(str::to_owned),
        created: rest.get("created_at").and_then(seconds),
        choices: vec![Choice { index: 0, content: parts, finish, logprobs: canonical_logprobs(logprobs) }],
        usage: usage::decode(&rest, searches),
        service_tier: text("service_tier").map(str::to_owned),
        system_fingerprint: None,
        extra: Map::new(),
    })
}

/// A time in whole seconds, however it is written.
pub(super) fn seconds(time: &Value) -> Option<u64> {
    let whole = time.as_u64().or_else(|| crate::openai::lenient::whole(time.as_f64()?.floor()));
    whole.filter(|seconds| *seconds > 0)
}
