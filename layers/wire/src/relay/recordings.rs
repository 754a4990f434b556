//! Plays what providers really sent through tap and strip, and compares with an independent reading.
//!
//! The recordings are no part of the project; where they are absent the tests say so and pass.

mod foreign;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use bytes::Bytes;
use serde_json::Value;
use tollway_core::{Dialect, Endpoint, Framing, Operation, Usage};

use super::*;
use crate::{Quirks, StreamEnd, Traits, Truncated, peek::Peek};

const FOLDERS: [&str; 7] = [
    "openai/chat-completions",
    "openai/completions",
    "azure/completions",
    "groq",
    "mistral",
    "deepseek",
    "openrouter",
];

struct Recording {
    folder: &'static str,
    kind: String,
    path: PathBuf,
    /// The path asked for.
    asked: String,
    request: Value,
    answer: Value,
}

fn recordings() -> Vec<Recording> {
    recordings_of(&FOLDERS)
}

fn recordings_of(folders: &[&'static str]) -> Vec<Recording> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let Some(root) = here.ancestors().map(|at| at.join("shared/recordings")).find(|at| at.is_dir()) else {
        say("no ../shared/recordings above the crate: nothing is played");
        return Vec::new();
    };
    let mut found = Vec::new();
    for folder in folders {
        files(&root.join(folder), &mut |path| {
            let exchange: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let kind = path.parent().and_then(Path::file_name).unwrap().to_string_lossy().into_owned();
            let request = exchange["request"]["body"].clone();
            found.push(Recording {
                asked: exchange["request"]["path"].as_str().unwrap_or_default().to_owned(),
                folder,
                kind,
                path,
                request,
                answer: exchange["response"]["body"].clone(),
            });
        });
    }
    found
}

fn files(folder: &Path, each: &mut impl FnMut(PathBuf)) {
    let mut entries: Vec<PathBuf> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { files(&path, each) } else { each(path) }
    }
}

#[expect(clippy::print_stdout, reason = "the count is the result")]
fn say(line: &str) {
    println!("{line}");
}

fn tell(what: &str, counts: &BTreeMap<&str, usize>) {
    let total: usize = counts.values().sum();
    say(&format!("{what}: {total} of {total}"));
    for (folder, count) in counts {
        say(&format!("  {count:4} {folder}"));
    }
}

/// Usage as the formats' documents say it, read from values.
fn usage_of(usage: &Value) -> Option<Usage> {
    let at = |path: &str| usage.pointer(path).and_then(Value::as_u64);
    let count = |path: &str| at(path).unwrap_or(0);
    at("/prompt_tokens").or(at("/total_tokens"))?;
    let cached = at("/prompt_tokens_details/cached_tokens").filter(|cached| *cached > 0);
    Some(Usage {
        input: count("/prompt_tokens"),
        cached_input: cached.or(at("/prompt_cache_hit_tokens")).or(at("/num_cached_tokens")).unwrap_or(0),
        cache_write_5m: count("/prompt_tokens_details/cache_write_tokens"),
        cache_write_1h: 0,
        output: count("/completion_tokens"),
        reasoning: count("/completion_tokens_details/reasoning_tokens"),
        input_audio: count("/prompt_tokens_details/audio_tokens"),
        cached_input_audio: 0,
        input_audio_ms: 0,
        output_audio: count("/completion_tokens_details/audio_tokens"),
        input_image: count("/prompt_tokens_details/image_tokens"),
        accepted_prediction: count("/completion_tokens_details/accepted_prediction_tokens"),
        rejected_prediction: count("/completion_tokens_details/rejected_prediction_tokens"),
        web_searches: count("/server_tool_use_details/web_search_requests"),
    })
}

/// What a stream tells, read event by event from values.
struct Told {
    usage: Option<Usage>,
    content: bool,
    done: bool,
    /// The stream without its usage chunks.
    stripped: String,
}

fn told(stream: &str) -> Told {
    let mut told = Told { usage: None, content: false, done: false, stripped: String::new() };
    for event in stream.split_inclusive("\n\n") {
        let data = event.strip_prefix("data: ").map(str::trim_end);
        told.done |= data == Some("[DONE]");
        let chunk: Value = data.and_then(|data| serde_json::from_str(data).ok()).unwrap_or_default();
        told.usage = usage_of(&chunk["usage"]).or(told.usage);
        let choices = chunk["choices"].as_array();
        let said = |choice: &Value| {
            let delta = choice["delta"].as_object().into_iter().flatten();
            let full = |value: &Value| match value {
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Object(members) => !members.is_empty(),
                _ => false,
            };
            full(&choice["text"]) || delta.into_iter().any(|(name, value)| name != "role" && full(value))
        };
        told.content |= choices.is_some_and(|choices| choices.iter().any(said));
        if !(choices.is_some_and(Vec::is_empty) && chunk["usage"].is_object()) {
            told.stripped.push_str(event);
        }
    }
    told
}

#[test]
fn streams_are_read_and_stripped_as_an_independent_reading_has_them() {
    let mut counts = BTreeMap::new();
    for Recording { folder, path, answer, .. } in recordings().iter().filter(|it| it.kind == "stream") {
        let stream = answer.as_str().unwrap();
        let told = told(stream);
        for size in [1, 7, 150, 1024, stream.len()] {
            let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
            let mut strip = UsageStrip::new(Dialect::OpenAi, Framing::Events, None);
            let mut out = Vec::new();
            for piece in stream.as_bytes().chunks(size) {
                tap.feed(piece);
                out.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
            }
            let Ending { rest, end } = strip.finish();
            out.extend_from_slice(&rest);
            let reading = tap.reading();
            assert_eq!(reading.usage(), told.usage, "{}", path.display());
            assert_eq!(strip.reading().usage(), told.usage, "{}", path.display());
            assert_eq!(reading.content_passed(), told.content, "{}", path.display());
            assert_eq!(reading.done_passed(), told.done, "{}", path.display());
            assert!(!reading.error_passed(), "{}", path.display());
            assert_eq!((tap.finish(), end), (Ok(StreamEnd), Ok(StreamEnd)), "{}", path.display());
            assert!(tap.at_event_boundary() && strip.at_event_boundary());
            assert_eq!(String::from_utf8(out).unwrap(), told.stripped, "{}", path.display());
        }
        *counts.entry(*folder).or_default() += 1;
    }
    tell("streams", &counts);
}

#[test]
fn a_stream_cut_off_before_its_end_is_not_whole() {
    let mut counts = BTreeMap::new();
    for Recording { folder, path, answer, .. } in recordings().iter().filter(|it| it.kind == "stream") {
        let stream = answer.as_str().unwrap();
        let last = stream.find("\"finish_reason\":\"").unwrap_or(stream.len());
        for at in (0..last).step_by(last.div_ceil(200).max(1)) {
            let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
            tap.feed(&stream.as_bytes()[..at]);
            assert_eq!(tap.finish(), Err(Truncated), "{} at {at}", path.display());
        }
        *counts.entry(*folder).or_default() += 1;
    }
    tell("streams cut off", &counts);
}

#[test]
fn json_answers_are_read_as_an_independent_reading_has_them() {
    let mut counts = BTreeMap::new();
    for Recording { folder, path, answer, .. } in recordings().iter().filter(|it| it.kind != "stream") {
        let text = answer.to_string();
        for size in [1, 100, text.len()] {
            let mut tap = UsageTap::body(Dialect::OpenAi);
            text.as_bytes().chunks(size).for_each(|piece| tap.feed(piece));
            let reading = tap.reading();
            assert_eq!(reading.usage(), usage_of(&answer["usage"]), "{}", path.display());
            let name = |name: &str| answer[name].as_str().filter(|text| !text.is_empty());
            assert_eq!(reading.id(), name("id"), "{}", path.display());
            assert_eq!(reading.model(), name("model"), "{}", path.display());
            assert_eq!(reading.service_tier(), name("service_tier"), "{}", path.display());
            assert_eq!(reading.error_passed(), !answer["error"].is_null(), "{}", path.display());
            assert_eq!(tap.finish(), Ok(StreamEnd), "{}", path.display());
        }
        *counts.entry(*folder).or_default() += 1;
    }
    tell("json answers", &counts);
}

#[test]
fn requests_are_peeked_and_relayed() {
    let mut counts = BTreeMap::new();
    for Recording { folder, path, request, .. } in &recordings() {
        let (true, Some(model)) = (request["messages"].is_array(), request["model"].as_str()) else {
            continue;
        };
        let body = serde_json::to_string_pretty(request).unwrap();
        let peek =
            Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::from(body.clone())).unwrap();
        assert_eq!(peek.model(), model, "{}", path.display());
        assert_eq!(peek.stream(), request["stream"] == true, "{}", path.display());
        let asked = request["stream_options"]["include_usage"].as_bool();
        assert_eq!(peek.include_usage(), asked, "{}", path.display());

        let (quirks, traits) = (Quirks::default(), Traits::default());
        let same =
            Request { model, read_usage: false, quirks: &quirks, traits: &traits, anthropic_version: None }
                .relay(&peek)
                .body
                .into_bytes();
        assert_eq!(same, body, "{}", path.display());
        let relayed = Request {
            model: "other",
            read_usage: true,
            quirks: &quirks,
            traits: &traits,
            anthropic_version: None,
        }
        .relay(&peek);
        assert_eq!(relayed.strip_usage, peek.stream() && asked != Some(true), "{}", path.display());
        let mut wanted = request.clone();
        wanted["model"] = "other".into();
        if peek.stream() {
            wanted["stream_options"]["include_usage"] = true.into();
        }
        let got: Value = serde_json::from_slice(&relayed.body.into_bytes()).unwrap();
        assert_eq!(got, wanted, "{}", path.display());
        *counts.entry(*folder).or_default() += 1;
    }
    tell("requests", &counts);
}
