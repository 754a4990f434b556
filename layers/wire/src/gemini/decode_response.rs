//! A whole answer → [`Reply`].

use serde_json::{Map, Value};
use tollway_core::Dialect;

use super::{
    answer::{Answer, Candidate, PromptFeedback},
    error, finish,
    grounding::{self, Citations},
    logprobs, media,
    part::WirePart,
    raw,
    text_index::TextIndex,
    tier, time,
    usage::Tally,
    words::Words,
};
use crate::{
    ApiError, DecodeContext, ErrorKind,
    call_ids::CallIds,
    chat::{Choice, Content, FinishReason, Native, Part, Reasoning, Reply, Signature, Text, ToolCall},
};

/// Reads an answer. One that cannot be read is an error of the provider's, status 502.
pub fn decode_response(body: &[u8], cx: &DecodeContext) -> Result<Reply, ApiError> {
    let answer: Answer<'_> = parse(body).map_err(|why| unreadable(&why))?;
    if let Some(error) = answer.error {
        return Err(error::decode_status(error.get().as_bytes()));
    }
    let mut tally = Tally::default();
    let mut ids = CallIds::new(&cx.seed);
    let mut choices = Vec::new();
    for (at, candidate) in answer.candidates.into_iter().flatten().enumerate() {
        tally.web_searches += grounding::web_searches(&candidate);
        let place = u32::try_from(at).unwrap_or(u32::MAX);
        choices.push(choice(candidate, place, &mut ids, cx));
    }
    let mut extra = Map::new();
    if choices.is_empty() {
        let feedback = answer.prompt_feedback.as_deref();
        let blocked = feedback.and_then(|feedback| finish::decode_block(feedback.block_reason.as_ref()?));
        let Some(finish) = blocked else { return Err(unreadable(&"no candidates")) };
        choices.push(Choice { index: 0, content: blocked_content(feedback), finish, logprobs: None });
        keep_feedback(&mut extra, body);
    }
    if let Some(counters) = &answer.usage_metadata {
        tally.update(counters);
    }
    Ok(Reply {
        id: answer.response_id.map(Words::into_owned),
        model: answer.model_version.map(Words::into_owned),
        created: answer.create_time.as_deref().and_then(time::parse),
        choices,
        usage: tally.usage(),
        service_tier: answer.usage_metadata.as_deref().and_then(tier::tier).map(str::to_owned),
        system_fingerprint: None,
        extra,
    })
}

fn choice(mut candidate: Candidate<'_>, place: u32, ids: &mut CallIds, cx: &DecodeContext) -> Choice {
    let mut text = TextIndex::default();
    let mut content: Vec<Part> = Vec::new();
    let index = candidate.index.unwrap_or(place);
    let logprobs = candidate.logprobs_result.as_deref().map(logprobs::decode);
    for part in candidate.content.take().and_then(|turn| turn.parts).into_iter().flatten() {
        let Some(part) = decode_part(part, ids, cx) else { continue };
        if let Content::Text(said) = &part.content {
            text.push(&said.text);
        }
        content.push(part);
    }
    let citations = Citations::default().read(&candidate, &text);
    if !citations.is_empty() {
        annotate(&mut content, citations);
    }
    let called = content.iter().any(|part| matches!(part.content, Content::ToolCall(_)));
    let finish = match &candidate.finish_reason {
        Some(reason) => finish::decode(reason, called),
        None if called => FinishReason::ToolCalls.into(),
        None => FinishReason::Stop.into(),
    };
    Choice { index, content, finish, logprobs }
}

/// Reads one part; `None` for one that says nothing at all.
pub(super) fn decode_part(part: WirePart<'_>, ids: &mut CallIds, cx: &DecodeContext) -> Option<Part> {
    let content = if let Some(call) = part.function_call {
        Content::ToolCall(ToolCall {
            id: call.id.filter(|id| !id.is_empty()).map_or_else(|| ids.next_id(), Words::into_owned),
            name: cx.tool_name(&call.name).to_owned(),
            arguments: call.args.map_or_else(|| "{}".to_owned(), |args| raw::compact(&args.0)),
            custom: false,
        })
    } else if let Some(text) = part.text {
        let text = text.into_owned();
        if part.thought {
            Content::Reasoning(Reasoning { text, redacted: None })
        } else {
            Content::Text(Text { text, annotations: Vec::new() })
        }
    } else if !part.other.is_empty() {
        let native = Native { dialect: Dialect::Gemini, value: part.to_native() };
        return Some(Content::Native(native).into());
    } else if let Some(blob) = part.inline_data {
        media::from_blob(*blob)
    } else if let Some(file) = part.file_data {
        media::from_file(*file)
    } else {
        part.thought_signature.as_ref()?;
        Content::Text(Text::default())
    };
    Some(Part { content, cache_control: None, signature: part.thought_signature.map(seal) })
}

/// Reads the content of a part that stands as a value.
pub(crate) fn decode_content(part: &Value) -> Option<Content> {
    let text = part.to_string();
    let part: WirePart<'_> = serde_json::from_str(&text).ok()?;
    decode_part(part, &mut CallIds::new(""), &DecodeContext::default()).map(|part| part.content)
}

/// A seal of Gemini's.
pub(super) fn seal(value: Words<'_>) -> Signature {
    Signature { dialect: Dialect::Gemini, value: value.into_owned() }
}

/// What a held-back prompt's answer says: the provider's explanation, if it gave one.
pub(super) fn blocked_content(feedback: Option<&PromptFeedback<'_>>) -> Vec<Part> {
    let told = feedback.and_then(|feedback| feedback.block_reason_message.as_deref());
    told.map(|told| Content::Refusal(told.to_owned()).into()).into_iter().collect()
}

/// Parses JSON. Its text is checked as a whole, which is cheaper than string by string.
pub(super) fn parse<'a, T: serde::Deserialize<'a>>(json: &'a [u8]) -> Result<T, String> {
    let text = std::str::from_utf8(json).map_err(|error| error.to_string())?;
    serde_json::from_str(text).map_err(|error| error.to_string())
}

/// An answer that cannot be read.
pub(super) fn unreadable(why: &dyn std::fmt::Display) -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: format!("the provider's answer cannot be read: {why}"),
        code: None,
        param: None,
        retry_after: None,
    }
}

/// Citations count their places over all the text, so they stand on its last part.
fn annotate(content: &mut Vec<Part>, citations: Vec<Value>) {
    let last = content.iter_mut().rev().find_map(|part| match &mut part.content {
        Content::Text(text) => Some(text),
        _ => None,
    });
    if let Some(text) = last {
        text.annotations = citations;
    } else {
        let text = Text { text: String::new(), annotations: citations };
        content.push(Content::Text(text).into());
    }
}

/// Keeps why a prompt was held back as it was told, for a client of the same dialect.
fn keep_feedback(extra: &mut Map<String, Value>, body: &[u8]) {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Some(feedback) = body.get("promptFeedback") {
        extra.insert("promptFeedback".to_owned(), feedback.clone());
    }
}
