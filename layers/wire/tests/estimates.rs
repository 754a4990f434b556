//! How far the estimate of a request's tokens is from what providers told, over every recorded exchange.
//!
//! The recordings lie beside the checkout, in `shared/recordings`; where they are not, this says so and
//! passes.

#![expect(clippy::print_stderr, clippy::unwrap_used, reason = "prints figures; helpers of a test")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tollway_core::{Dialect, Endpoint, Framing, Operation};
use tollway_wire::estimate::{Family, estimate};
use tollway_wire::peek::Peek;
use tollway_wire::relay::UsageTap;

/// What makes the input larger than what the request says: tools that providers run, what lies at a
/// provider or behind an address, and media.
const HIDDEN: [&str; 38] = [
    "web_search",
    "google_search",
    "googleSearch",
    "code_execution",
    "codeExecution",
    "computer",
    "bash_",
    "text_editor",
    "mcp",
    "file_search",
    "image_generation",
    "web_fetch",
    "urlContext",
    "url_context",
    "code_interpreter",
    "fileData",
    "file_data",
    "image_url",
    "file_id",
    "document",
    "\"url\"",
    "previous_response_id",
    "cachedContent",
    "conversation\"",
    "compound",
    "tool_search",
    "input_file",
    "item_reference",
    "memory",
    "\"container\"",
    "openrouter",
    "base64",
    "inlineData",
    "inline_data",
    "input_audio",
    "input_image",
    "advisor",
    "compaction",
];

#[test]
fn the_estimate_is_near_what_providers_counted() {
    let Some(folder) = recordings() else {
        eprintln!("skipped: no folder shared/recordings above {}", env!("CARGO_MANIFEST_DIR"));
        return;
    };
    let mut errors: BTreeMap<&'static str, Vec<f64>> = BTreeMap::new();
    let (mut estimated, mut told) = (0.0, 0.0);
    for file in files(&folder) {
        let recording: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let Some((peek, family, used)) = read(&recording) else { continue };
        let estimate = estimate(&peek, family).input;
        #[expect(clippy::cast_precision_loss, reason = "counts of tokens are small")]
        let (guess, truth) = (estimate as f64, used as f64);
        let error = (guess - truth) / truth;
        (estimated, told) = (estimated + guess, told + truth);
        let name = match family {
            Family::OpenAi | Family::Gpt5 => "openai",
            Family::Anthropic => "anthropic",
            Family::Gemini => "gemini",
            Family::Mistral => "mistral",
            _ => "other",
        };
        errors.entry(name).or_default().push(error);
        errors
            .entry(if used < 100 { "below 100 tokens" } else { "from 100 tokens" })
            .or_default()
            .push(error);
        errors.entry("all").or_default().push(error);
    }
    eprintln!("estimates of input against the usage told; (estimate - told) / told:");
    for (name, errors) in &mut errors {
        errors.sort_by(f64::total_cmp);
        let size = absolute(errors);
        eprintln!(
            "  {name:16} n {:4}  median |error| {:4.0} %  p90 |error| {:4.0} %  from {:+4.0} % (p5) to {:+4.0} % (p95)",
            errors.len(),
            100.0 * at(50, &size),
            100.0 * at(90, &size),
            100.0 * at(5, errors),
            100.0 * at(95, errors),
        );
    }
    let size = absolute(&errors["all"]);
    assert!(size.len() > 500, "{} exchanges with usage and nothing hidden", size.len());
    assert!(at(50, &size) < 0.2, "half of all estimates are off by more: {}", at(50, &size));
    assert!((0.5..1.5).contains(&(estimated / told)), "{estimated} of {told} tokens");
}

/// A request with nothing hidden in it, its model's family, and the input its provider counted.
fn read(recording: &Value) -> Option<(Peek, Family, u64)> {
    let (request, response) = (&recording["request"], &recording["response"]);
    let text = request["body"].to_string();
    if response["status"] != 200 || HIDDEN.iter().any(|name| text.contains(name)) {
        return None;
    }
    let path = request["path"].as_str()?.split('?').next()?;
    let dialect = match path {
        path if path.ends_with("/messages") || path.contains("rawPredict") => Dialect::Anthropic,
        path if path.contains("enerateContent") => Dialect::Gemini,
        path if path.ends_with("/responses") => Dialect::Responses,
        path if path.ends_with("/chat/completions") => Dialect::OpenAi,
        _ => return None,
    };
    let model = request["body"]["model"].as_str();
    let model = model.or_else(|| path.rsplit('/').next()?.split(':').next())?;
    let in_path = (dialect == Dialect::Gemini).then(|| (Some(model.into()), Some(false)));
    let (named, stream) = in_path.unwrap_or_default();
    let operation = Operation { model: named, stream, ..Operation::new(dialect, Endpoint::Chat) };
    let peek = Peek::new(&operation, text.clone().into()).ok()?;
    let mut tap = match &response["body"] {
        Value::String(stream) => {
            let mut tap = UsageTap::stream(dialect, Framing::Events, None);
            tap.feed(stream.as_bytes());
            tap
        }
        body => {
            let mut tap = UsageTap::body(dialect);
            tap.feed_whole(body.to_string().as_bytes());
            tap
        }
    };
    let _ = tap.finish();
    let used = tap.reading().usage()?.input;
    (used > 0).then(|| (peek, Family::of(model), used))
}

/// The value below which so many of a hundred lie.
fn at(percent: usize, sorted: &[f64]) -> f64 {
    sorted[percent * (sorted.len() - 1) / 100]
}

fn absolute(errors: &[f64]) -> Vec<f64> {
    let mut size: Vec<f64> = errors.iter().map(|error| error.abs()).collect();
    size.sort_by(f64::total_cmp);
    size
}

fn recordings() -> Option<PathBuf> {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.ancestors().map(|above| above.join("shared/recordings")).find(|folder| folder.is_dir())
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files.extend(self::files(&path));
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    files.sort();
    files
}
