//! The same for the dialects that are not Chat Completions.

use std::{collections::BTreeMap, sync::Arc};

use bytes::Bytes;
use serde_json::{Map, Value};
use tollway_core::{Dialect, Endpoint, Framing, Operation, Usage};

use super::{Recording, recordings_of, tell};
use crate::{
    ApiError, DecodeContext, ErrorKind, Quirks, StreamEnd, Traits, Truncated,
    peek::Peek,
    relay::{Request, UsageStrip, UsageTap},
};

const FOLDERS: [(&str, Dialect); 9] = [
    ("anthropic/messages", Dialect::Anthropic),
    ("openai/responses", Dialect::Responses),
    ("azure/responses", Dialect::Responses),
    ("gemini/generateContent", Dialect::Gemini),
    ("gemini/streamGenerateContent", Dialect::Gemini),
    ("gemini/countTokens", Dialect::Gemini),
    ("gemini/batchEmbedContents", Dialect::Gemini),
    ("vertex/generateContent", Dialect::Gemini),
    ("vertex/streamGenerateContent", Dialect::Gemini),
];

fn recordings() -> Vec<(Dialect, Recording)> {
    let of = |(folder, dialect)| recordings_of(&[folder]).into_iter().map(move |found| (dialect, found));
    FOLDERS.into_iter().flat_map(of).collect()
}

/// A recorded stream as text, in its framing. What came as an array is recorded parsed, and written
/// the way Google does.
fn stream(recording: &Recording) -> Option<(Framing, String)> {
    match &recording.answer {
        Value::String(text) if recording.kind == "stream" => Some((Framing::Events, text.clone())),
        Value::Array(frames) if recording.folder.ends_with("streamGenerateContent") => {
            let frames: Vec<String> = frames.iter().map(Value::to_string).collect();
            Some((Framing::Array, format!("[{}\n]", frames.join("\n,\r\n"))))
        }
        _ => None,
    }
}

/// The JSON of a stream's events, and where in the text each ends.
fn events(framing: Framing, text: &str) -> Vec<(Value, usize)> {
    let mut found = Vec::new();
    match framing {
        Framing::Events => {
            let mut at = 0;
            for line in text.split_inclusive('\n') {
                at += line.len();
                if let Some(data) = line.strip_prefix("data:") {
                    let end = at - (line.len() - line.trim_end().len());
                    found.push((serde_json::from_str(data.trim()).unwrap(), end));
                }
            }
        }
        Framing::Array => {
            let mut at = 1;
            while let Some(Ok(value)) =
                serde_json::Deserializer::from_str(&text[at..]).into_iter::<Value>().next()
            {
                at += value.to_string().len();
                found.push((value, at));
                at += text[at..].find('{').unwrap_or(text.len() - at);
            }
        }
    }
    found
}

fn count(usage: &Value, path: &str) -> u64 {
    usage.pointer(path).and_then(Value::as_u64).unwrap_or(0)
}

/// Usage as the formats' documents say it, read from the `usage` of one event or answer after the other.
fn usage_of(dialect: Dialect, answers: &[&Value]) -> Option<Usage> {
    let mut last = Map::new();
    for answer in answers {
        let usage = match dialect {
            Dialect::Anthropic => [&answer["message"]["usage"], &answer["usage"]],
            Dialect::Responses => [&answer["response"]["usage"], &answer["usage"]],
            _ => [&answer["usageMetadata"], &Value::Null],
        };
        let told = usage.into_iter().filter_map(Value::as_object).flatten();
        last.extend(told.map(|(name, count)| (name.clone(), count.clone())));
    }
    if last.is_empty() {
        return None;
    }
    let usage = &Value::Object(last);
    Some(match dialect {
        Dialect::Anthropic => {
            // Passes of other models stand beside the whole, not in it.
            let all = |name: &str| {
                let passes = usage["iterations"].as_array().into_iter().flatten();
                count(usage, name).max(passes.map(|pass| count(pass, name)).sum())
            };
            let written_1h = count(usage, "/cache_creation/ephemeral_1h_input_tokens");
            let (read, written) = (all("/cache_read_input_tokens"), all("/cache_creation_input_tokens"));
            Usage {
                input: all("/input_tokens") + read + written,
                cached_input: read,
                cache_write_5m: written - written_1h,
                cache_write_1h: written_1h,
                output: all("/output_tokens"),
                reasoning: count(usage, "/output_tokens_details/thinking_tokens"),
                web_searches: count(usage, "/server_tool_use/web_search_requests"),
                ..Usage::default()
            }
        }
        Dialect::Responses => {
            let answer = answers.last().map_or(&Value::Null, |last| {
                if last["response"].is_object() { &last["response"] } else { *last }
            });
            let told = count(answer, "/tool_usage/web_search/num_requests");
            let items = answer["output"].as_array().into_iter().flatten();
            let searches = items.filter(|item| {
                item["type"] == "web_search_call"
                    && matches!(item["action"]["type"].as_str(), None | Some("search"))
            });
            Usage {
                input: count(usage, "/input_tokens"),
                cached_input: count(usage, "/input_tokens_details/cached_tokens"),
                cache_write_5m: count(usage, "/input_tokens_details/cache_write_tokens"),
                output: count(usage, "/output_tokens"),
                reasoning: count(usage, "/output_tokens_details/reasoning_tokens"),
                web_searches: if told > 0 { told } else { searches.count() as u64 },
                ..Usage::default()
            }
        }
        _ => gemini_usage(usage, answers)?,
    })
}

fn gemini_usage(usage: &Value, answers: &[&Value]) -> Option<Usage> {
    let searches = answers.iter().map(|answer| {
        let queries = answer["candidates"][0]["groundingMetadata"]["webSearchQueries"].as_array();
        queries.map_or(0, |queries| queries.iter().filter(|query| *query != "").count() as u64)
    });
    let web_searches = searches.max().unwrap_or(0);
    let of = |list: &str, modality: &str, number: u64| {
        let details = usage[list].as_array().into_iter().flatten();
        let of_kind = details.filter(|detail| detail["modality"] == modality || detail["modality"] == number);
        of_kind.map(|detail| count(detail, "/tokenCount")).sum()
    };
    usage.as_object()?.keys().find(|key| key.ends_with("TokenCount"))?;
    let tool_use = if web_searches > 0 { 0 } else { count(usage, "/toolUsePromptTokenCount") };
    Some(Usage {
        input: count(usage, "/promptTokenCount") + tool_use,
        cached_input: count(usage, "/cachedContentTokenCount"),
        output: count(usage, "/candidatesTokenCount") + count(usage, "/thoughtsTokenCount"),
        reasoning: count(usage, "/thoughtsTokenCount"),
        input_audio: of("promptTokensDetails", "AUDIO", 4),
        cached_input_audio: of("cacheTokensDetails", "AUDIO", 4),
        input_image: of("promptTokensDetails", "IMAGE", 2),
        output_audio: of("candidatesTokensDetails", "AUDIO", 4),
        web_searches,
        ..Usage::default()
    })
}

/// From which byte on a stream may be taken for whole.
fn whole_from(dialect: Dialect, framing: Framing, text: &str) -> usize {
    if framing == Framing::Array {
        return text.len();
    }
    let last = |event: &Value| match dialect {
        Dialect::Anthropic => event["type"] == "message_stop",
        Dialect::Responses => event["type"] == "response.completed" || event["type"] == "response.incomplete",
        _ => !event["candidates"][0]["finishReason"].is_null(),
    };
    events(framing, text).iter().find(|(event, _)| last(event)).map_or(text.len() + 1, |(_, end)| *end)
}

fn broken() -> ApiError {
    let message = "cut off".to_owned();
    ApiError { status: 502, kind: ErrorKind::Internal, message, code: None, param: None, retry_after: None }
}

#[test]
fn streams_are_read_and_pass_as_they_are() {
    let mut counts = BTreeMap::new();
    for (dialect, recording) in &recordings() {
        let Some((framing, text)) = stream(recording) else { continue };
        let name = recording.path.display();
        let events = events(framing, &text);
        let answers: Vec<&Value> = events.iter().map(|(event, _)| event).collect();
        for size in [1, 7, 150, 1024, text.len()] {
            let mut tap = UsageTap::stream(*dialect, framing, None);
            let mut strip = UsageStrip::new(*dialect, framing, None);
            let mut out = Vec::new();
            for piece in text.as_bytes().chunks(size) {
                tap.feed(piece);
                out.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
            }
            let ending = strip.finish();
            out.extend_from_slice(&ending.rest);
            assert_eq!(String::from_utf8(out).unwrap(), text, "{name}");
            let reading = tap.reading();
            assert_eq!(reading.usage(), usage_of(*dialect, &answers), "{name}");
            assert_eq!(strip.reading().usage(), reading.usage(), "{name}");
            assert!(reading.content_passed() && !reading.error_passed(), "{name}");
            assert!(reading.model().is_some() && reading.id().is_some(), "{name}");
            assert_eq!((tap.finish(), ending.end), (Ok(StreamEnd), Ok(StreamEnd)), "{name}");
        }
        *counts.entry(recording.folder).or_default() += 1;
    }
    tell("streams", &counts);
}

#[test]
fn a_stream_cut_off_before_its_end_ends_in_an_error() {
    let mut counts = BTreeMap::new();
    let mut every_byte = BTreeMap::new();
    let mut smallest = BTreeMap::new();
    let recordings = recordings();
    for (dialect, recording) in &recordings {
        if let Some((framing, text)) = stream(recording) {
            let least = smallest.entry((dialect.as_str(), framing == Framing::Array)).or_insert(usize::MAX);
            *least = text.len().min(*least);
        }
    }
    for (dialect, recording) in &recordings {
        let Some((framing, text)) = stream(recording) else { continue };
        let end = whole_from(*dialect, framing, &text).min(text.len());
        let is_smallest = smallest[&(dialect.as_str(), framing == Framing::Array)] == text.len();
        for at in (0..end).step_by(if is_smallest { 1 } else { end.div_ceil(100) }) {
            let name = format!("{} at {at}", recording.path.display());
            let mut strip = UsageStrip::new(*dialect, framing, None);
            let mut out = strip.feed(Bytes::copy_from_slice(&text.as_bytes()[..at])).to_vec();
            assert_eq!(strip.finish().end, Err(Truncated), "{name}");
            out.extend_from_slice(&strip.fail(&broken()));
            let mut tap = UsageTap::stream(*dialect, framing, None);
            tap.feed(&out);
            assert_eq!((tap.finish(), tap.reading().error_passed()), (Err(Truncated), true), "{name}");
            if framing == Framing::Array {
                serde_json::from_slice::<Vec<Value>>(&out).expect(&name);
            }
        }
        if is_smallest {
            *every_byte.entry(recording.folder).or_default() += 1;
        }
        *counts.entry(recording.folder).or_default() += 1;
    }
    tell("streams cut off", &counts);
    tell("of these at every byte", &every_byte);
}

#[test]
fn whole_answers_are_read() {
    let mut counts = BTreeMap::new();
    for (dialect, recording) in &recordings() {
        let answer = &recording.answer;
        if !answer.is_object() {
            continue;
        }
        let (text, name) = (answer.to_string(), recording.path.display());
        for size in [1, 100, text.len()] {
            let mut tap = UsageTap::body(*dialect);
            text.as_bytes().chunks(size).for_each(|piece| tap.feed(piece));
            assert_eq!(tap.finish(), Ok(StreamEnd), "{name}");
            let reading = tap.reading();
            assert_eq!(reading.usage(), usage_of(*dialect, &[answer]), "{name}");
            if let Ok(reply) =
                crate::format::decode_response(*dialect, text.as_bytes(), &DecodeContext::default())
                && recording.folder != "gemini/countTokens"
            {
                assert_eq!(reading.usage(), reply.usage, "{name}");
            }
            assert_eq!(reading.error_passed(), !answer["error"].is_null(), "{name}");
            let told =
                |names: &[&str]| names.iter().find_map(|name| answer[*name].as_str()).map(str::to_owned);
            assert_eq!(reading.id().map(str::to_owned), told(&["id", "responseId"]), "{name}");
            assert_eq!(reading.model().map(str::to_owned), told(&["model", "modelVersion"]), "{name}");
        }
        *counts.entry(recording.folder).or_default() += 1;
    }
    tell("whole answers", &counts);
}

#[test]
fn requests_are_peeked_and_relayed() {
    let mut counts = BTreeMap::new();
    for (dialect, recording) in &recordings() {
        let Recording { folder, path, request, .. } = recording;
        // An answer fetched later is asked for without a body.
        let Some(body) = request.as_object().map(|_| serde_json::to_string_pretty(request).unwrap()) else {
            continue;
        };
        let endpoint = match &recording.asked {
            asked if asked.contains("mbedContent") => Endpoint::Embeddings,
            asked
                if ["count_tokens", "input_tokens", "countTokens"].iter().any(|end| asked.contains(end)) =>
            {
                Endpoint::CountTokens
            }
            _ => Endpoint::Chat,
        };
        let mut operation = Operation::new(*dialect, endpoint);
        if *dialect == Dialect::Gemini {
            operation.model = Some(Arc::from("gemini-x"));
        }
        let name = path.display();
        let peek = Peek::new(&operation, Bytes::from(body.clone()))
            .unwrap_or_else(|error| panic!("{error}: {name}"));
        let (quirks, traits) = (Quirks::default(), Traits::default());
        let sent = |model: &str| {
            let request = Request {
                model,
                read_usage: true,
                quirks: &quirks,
                traits: &traits,
                anthropic_version: None,
            };
            String::from_utf8(request.relay(&peek).body.into_bytes().to_vec()).unwrap()
        };
        let models: Vec<&Value> = match *dialect {
            Dialect::Gemini => {
                request["requests"].as_array().into_iter().flatten().map(|one| &one["model"]).collect()
            }
            _ => vec![&request["model"]],
        };
        if *dialect != Dialect::Gemini {
            assert_eq!(peek.model(), request["model"].as_str().unwrap(), "{name}");
            assert_eq!(peek.stream(), request["stream"] == true, "{name}");
        }
        let own = models.first().and_then(|model| model.as_str()).unwrap_or_default();
        assert_eq!(sent(own.trim_start_matches("models/")), body, "{name}");
        let mut wanted = body.clone();
        for model in models {
            let other = if *dialect == Dialect::Gemini { "models/other" } else { "other" };
            wanted = wanted.replace(&format!("\"model\": {model}"), &format!("\"model\": \"{other}\""));
        }
        assert_eq!(sent("other"), wanted, "{name}");
        *counts.entry(*folder).or_default() += 1;
    }
    tell("requests", &counts);
}
