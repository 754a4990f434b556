//! How far the tokens that are counted here are from those that providers counted, of recorded answers that
//! say nothing but text: what an estimate of a cut answer goes wrong by.

use std::collections::BTreeMap;
use std::io::Write as _;

use serde_json::Value;
use tiktoken_rs::o200k_base;
use tollway_wire::estimate::{Family, text_tokens};

use crate::{ENDPOINTS, raw::Told, recording};

/// What an answer says, if that is all of its output: no call, and no thoughts that nobody sees.
fn text(answer: &Value) -> Option<String> {
    const THOUGHTS: [&str; 4] = [
        "/usage/completion_tokens_details/reasoning_tokens",
        "/usage/output_tokens_details/reasoning_tokens",
        "/usage/output_tokens_details/thinking_tokens",
        "/usageMetadata/thoughtsTokenCount",
    ];
    if THOUGHTS.iter().any(|at| answer.pointer(at).and_then(Value::as_u64).is_some_and(|count| count > 0)) {
        return None;
    }
    let message = &answer["choices"][0]["message"];
    if message.is_object() {
        let is_text = message["tool_calls"].as_array().is_none_or(Vec::is_empty)
            && ["reasoning", "reasoning_content", "audio"].iter().all(|name| message[*name].is_null())
            && answer["choices"].as_array()?.len() == 1;
        return is_text.then(|| message["content"].as_str().map(str::to_owned))?;
    }
    let parts = match (&answer["content"], &answer["output"], &answer["candidates"][0]["content"]["parts"]) {
        (Value::Array(content), ..) => content.clone(),
        (_, Value::Array(output), _) => {
            let is_text = output.iter().all(|item| item["type"] == "message");
            is_text.then(|| {
                output.iter().filter_map(|item| item["content"].as_array()).flatten().cloned().collect()
            })?
        }
        (.., Value::Array(parts)) => parts.clone(),
        _ => return None,
    };
    let is_said =
        |part: &Value| part["text"].is_string() && part["thought"] != true && part["citations"].is_null();
    parts.iter().all(is_said).then(|| parts.iter().filter_map(|part| part["text"].as_str()).collect())
}

#[test]
fn what_is_counted_here_is_near_what_providers_count() {
    let Some(recordings) = recording::load(ENDPOINTS).unwrap() else {
        writeln!(std::io::stdout(), "no recordings beside the checkout (../shared), nothing is compared")
            .unwrap();
        return;
    };
    let tokenizer = o200k_base().unwrap();
    // In thousandths of what the provider counted.
    let mut errors: BTreeMap<(String, &str), Vec<u64>> = BTreeMap::new();
    for recording in recordings.iter().filter(|one| one.status == 200 && !one.is_stream) {
        let (Some(text), Some(told)) = (text(&recording.json()), Told::read(recording)) else { continue };
        // Of a word or two the marks around them are most.
        if told.output < 10 {
            continue;
        }
        let family = Family::of(&told.model);
        let mut add = |how: &'static str, counted: u64| {
            let error = counted.abs_diff(told.output) * 1_000 / told.output;
            errors.entry((recording.provider.clone(), how)).or_default().push(error);
        };
        add("by the cost of text", text_tokens(text.as_bytes(), family));
        if matches!(family, Family::OpenAi | Family::Gpt5) {
            add("by OpenAI's tokenizer", tokenizer.encode_ordinary(&text).len() as u64);
        }
    }
    let mut all = Vec::new();
    for ((provider, how), errors) in &mut errors {
        errors.sort_unstable();
        let at = |tenths: usize| errors[(errors.len() - 1) * tenths / 10];
        let line = format!(
            "{provider:10} {how:22} {:4} answers, off by {:3} in 1,000 in the median, nine of ten within {:3}",
            errors.len(),
            at(5),
            at(9)
        );
        writeln!(std::io::stdout(), "{line}").unwrap();
        all.extend(errors.iter().copied());
    }
    all.sort_unstable();
    assert!(all.len() > 100, "only {} were compared", all.len());
    assert!(all[all.len() / 2] < 150, "half of them are off by more than {} in 1,000", all[all.len() / 2]);
}
