//! From a request to its answer, without I/O: judge, read, answer, write.

use super::answer::{Answer, Usage, answer};
use super::directive::{Directives, Failure};
use super::fault::{Fault, Provider};
use super::hash::hash;
use super::memory::{Memory, Remembered};
use super::prompt::{self, Prompt};
use super::render::{self, Framing, Rendered};
use super::route::{Route, Surface};
use super::{refusal, signature, validate};
use bytes::Bytes;
use http::HeaderMap;
use serde_json::{Value, json};
use std::sync::Arc;

/// An answer ready to be sent, any number of times.
#[derive(Clone, Debug)]
pub(super) struct Prepared {
    pub(super) content_type: &'static str,
    pub(super) frames: Arc<[Bytes]>,
    pub(super) stream: bool,
    pub(super) directives: Directives,
    pub(super) model: String,
    /// What the whole of it bills; nothing where the provider counts nothing.
    pub(super) usage: Option<Usage>,
    /// The response to keep for later turns.
    pub(super) remembered: Option<Arc<Remembered>>,
    /// The response that this one goes on from.
    pub(super) previous: Option<String>,
}

/// Judges and answers a request.
pub(super) fn prepare(
    route: &Route<'_>,
    query_alt: Option<&str>,
    headers: &HeaderMap,
    body: &[u8],
    defaults: &Directives,
    memory: &Memory,
) -> Result<Prepared, Fault> {
    let value: Value =
        serde_json::from_slice(body).map_err(|error| refusal::unparsable(route.provider, &error))?;
    let model = match route.model {
        Some(model) => model,
        None => value["model"].as_str().unwrap_or_default(),
    };
    judge(route, model, &value)?;
    let whole = with_memory(route, &value, memory)?;
    if model.starts_with("sim-unknown") {
        return Err(refusal::unknown_model(route, model));
    }
    let seed = hash(1, body);
    let sse = query_alt == Some("sse");
    let prompt = read(route, model, whole.as_ref().unwrap_or(&value));
    let user = prompt.as_ref().map_or("", |prompt| prompt.user.as_str());
    let directives =
        defaults.clone().read(headers, user).map_err(|message| Fault::new(route.provider, 400, message))?;
    let framing = framing(route.surface, sse);
    let mut remembered = None;
    let usage;
    let rendered = match (&prompt, whole) {
        (Some(prompt), Some(mut whole)) => {
            let answer = answer(prompt, &directives, seed);
            usage = Some(answer.usage);
            let (rendered, response) = render::responses(prompt, &answer, &value);
            let input = whole["input"].as_array_mut().map(std::mem::take).unwrap_or_default();
            remembered = Some(Remembered { response, input });
            rendered
        }
        (Some(prompt), None) => {
            let answer = answer(prompt, &directives, seed);
            usage = Some(answer.usage);
            speak(route, prompt, &answer, sse)
        }
        (None, _) => {
            let rendered = list(route, model, &value);
            usage = embedded(&rendered);
            rendered
        }
    };
    let stream = prompt.as_ref().is_some_and(|prompt| prompt.stream);
    let frames = if stream { disturb(rendered.frames, route, framing, &directives) } else { rendered.frames };
    Ok(Prepared {
        content_type: rendered.content_type,
        frames: rechunk(frames, &directives).into(),
        stream,
        directives,
        model: model.to_owned(),
        usage,
        remembered: remembered.filter(|_| value["store"] != false).map(Arc::new),
        previous: value["previous_response_id"].as_str().map(str::to_owned),
    })
}

/// A Responses request with the whole conversation as its input.
fn with_memory(route: &Route<'_>, value: &Value, memory: &Memory) -> Result<Option<Value>, Fault> {
    if route.surface != Surface::Responses {
        return Ok(None);
    }
    let mut whole = value.clone();
    whole["input"] = memory.input(value)?.into();
    Ok(Some(whole))
}

fn judge(route: &Route<'_>, model: &str, value: &Value) -> Result<(), Fault> {
    match (route.provider, route.surface) {
        (Provider::Mistral, Surface::Chat) => validate::mistral_chat(model, value),
        (Provider::Groq, Surface::Chat) => validate::groq_chat(model, value),
        (Provider::Compatible, Surface::Chat) => validate::compatible_chat(model, value),
        (_, Surface::Chat) if route.model.is_some() => {
            // Azure's deployment stands in the path, and the body need not repeat it.
            let mut named = value.clone();
            if let Some(object) = named.as_object_mut() {
                object.entry("model").or_insert_with(|| json!(model));
            }
            validate::openai_chat(model, &named)
        }
        (_, Surface::Chat) => validate::openai_chat(model, value),
        (_, Surface::Completions) => validate::openai_completions(model, value),
        (_, Surface::Responses | Surface::InputTokens) => {
            validate::openai_responses(model, value)?;
            signature::check_responses(value)
        }
        (Provider::Mistral, Surface::Embeddings) => validate::mistral_embeddings(model, value),
        (_, Surface::Embeddings) => validate::openai_embeddings(model, value),
        (_, Surface::Messages) => {
            validate::anthropic_messages(model, value)?;
            signature::check_anthropic(value)
        }
        (_, Surface::CountTokens) => validate::anthropic_count_tokens(model, value),
        (_, Surface::Generate { .. }) => {
            validate::gemini_generate(model, value)?;
            signature::check_gemini(value)
        }
        (_, Surface::GeminiCountTokens) => validate::gemini_count_tokens(model, value),
        (_, Surface::Embed) => validate::gemini_embed(model, value),
        (_, Surface::BatchEmbed) => validate::gemini_batch_embed(model, value),
        _ => Ok(()),
    }
}

/// The prompt of a request that is answered in words.
fn read(route: &Route<'_>, model: &str, value: &Value) -> Option<Prompt> {
    Some(match route.surface {
        Surface::Chat => prompt::chat(route.provider, model, value),
        Surface::Completions => prompt::completions(model, value),
        Surface::Responses => prompt::responses(model, value),
        Surface::Messages => prompt::anthropic(model, value),
        Surface::Generate { stream } => prompt::gemini(model, value, stream),
        _ => return None,
    })
}

/// What a list of vectors says that it read; Gemini's says nothing.
fn embedded(rendered: &Rendered) -> Option<Usage> {
    let body: Value = serde_json::from_slice(rendered.frames.first()?).ok()?;
    Some(Usage { input: body["usage"]["prompt_tokens"].as_u64()?, ..Usage::default() })
}

fn speak(route: &Route<'_>, prompt: &Prompt, answer: &Answer, sse: bool) -> Rendered {
    match route.surface {
        Surface::Completions => render::completions(prompt, answer),
        Surface::Messages => render::anthropic(prompt, answer),
        Surface::Generate { .. } => render::gemini(prompt, answer, sse),
        _ => render::chat(route.provider, prompt, answer),
    }
}

/// Answers that are no words: vectors and counts.
fn list(route: &Route<'_>, model: &str, value: &Value) -> Rendered {
    match route.surface {
        Surface::CountTokens => {
            render::json(&json!({"input_tokens": prompt::anthropic(model, value).input_tokens}))
        }
        Surface::InputTokens => {
            let count = prompt::responses(model, value).input_tokens;
            render::json(&json!({"object": "response.input_tokens", "input_tokens": count}))
        }
        Surface::GeminiCountTokens => {
            let inner = validate::field(value, "generateContentRequest").unwrap_or(value);
            let count = prompt::gemini(model, inner, false).input_tokens;
            render::json(&json!({
                "totalTokens": count, "promptTokensDetails": [{"modality": "TEXT", "tokenCount": count}],
            }))
        }
        Surface::Embed => render::gemini_embedding(model, value),
        Surface::BatchEmbed => render::gemini_embeddings(model, value),
        _ => render::openai_embeddings(route.provider, model, value),
    }
}

fn framing(surface: Surface, sse: bool) -> Framing {
    match surface {
        Surface::Messages | Surface::Responses => Framing::Named,
        Surface::Generate { .. } if !sse => Framing::Array,
        _ => Framing::Data,
    }
}

/// Puts what goes wrong inside a stream into it.
fn disturb(
    mut frames: Vec<Bytes>,
    route: &Route<'_>,
    framing: Framing,
    directives: &Directives,
) -> Vec<Bytes> {
    let at = directives.after.unwrap_or(frames.len() / 2).min(frames.len());
    match directives.failure {
        Some(Failure::Malformed) => frames.insert(at, render::malformed_event(framing)),
        Some(Failure::ErrorEvent) => {
            frames.truncate(at);
            let fault = refusal::overloaded(route.provider);
            frames.push(render::error_event(framing, &fault, route.surface == Surface::Responses));
            if framing == Framing::Array {
                frames.push(Bytes::from_static(b"]\n"));
            }
        }
        _ => {}
    }
    frames
}

/// Cuts frames anew where chunks of some size, or chunks that end inside characters, are asked for.
fn rechunk(frames: Vec<Bytes>, directives: &Directives) -> Vec<Bytes> {
    if let Some(size) = directives.chunk_bytes {
        let whole = Bytes::from(frames.concat());
        return (0..whole.len())
            .step_by(size)
            .map(|at| whole.slice(at..whole.len().min(at + size)))
            .collect();
    }
    if !directives.split_unicode {
        return frames;
    }
    let whole = Bytes::from(frames.concat());
    // A byte 10xxxxxx goes on with a character: cutting before it cuts inside.
    let inside = whole.iter().enumerate().filter(|(_, byte)| **byte & 0xC0 == 0x80).map(|(at, _)| at);
    let mut cuts: Vec<usize> = inside.collect();
    cuts.push(whole.len());
    let mut from = 0;
    cuts.into_iter().map(|to| whole.slice(std::mem::replace(&mut from, to)..to)).collect()
}
