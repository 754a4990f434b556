//! What the same-dialect path costs, printed: `cargo bench -p tollway-wire --bench relay`.
//!
//! A word behind `--` shows the lines that hold it. Every line is the best of several rounds, since what disturbs a round only ever adds to it.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints its result")]

use std::{collections::BTreeMap, fmt, hint::black_box, time::Instant};

use bytes::Bytes;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use tollway_core::{Dialect, Endpoint, Framing, Operation};
use tollway_wire::{
    Quirks, Traits,
    estimate::{Family, estimate},
    peek::Peek,
    relay::{Request, UsageStrip, UsageTap},
};

fn main() {
    println!("{:<44} {:>10} {:>10} {:>10}", "request", "bytes", "ns", "ns/KB");
    for (name, body) in bodies() {
        requests(name, &body);
    }
    println!("\n{:<44} {:>10} {:>10}", "stream", "bytes", "ns/event");
    for (name, events) in streams() {
        stream(name, (Dialect::OpenAi, Framing::Events), &events);
    }
    for (name, form, events) in foreign_streams() {
        stream(name, form, &events);
    }
    println!("\n{:<44} {:>10} {:>10} {:>10}", "JSON answer", "bytes", "ns", "ns/KB");
    for (name, body) in answers() {
        per_kb(name, body.len(), || {
            let mut tap = UsageTap::body(Dialect::OpenAi);
            tap.feed(&body);
            tap.finish().unwrap();
            tap
        });
    }
}

fn requests(name: &str, body: &Bytes) {
    let quirks = Quirks::default();
    let mistral = Quirks {
        drop_nulls: true,
        developer_as_system: true,
        name_on_tool_messages_only: true,
        drop_empty_assistant: true,
        drop_in_messages: Vec::new(),
        short_call_ids: false,
        ..Quirks::default()
    };
    let peeked = Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), body.clone()).unwrap();
    let traits = Traits::default();
    let request =
        |model, quirks| Request { model, read_usage: true, quirks, traits: &traits, anthropic_version: None };
    per_kb(&format!("{name}: peek"), body.len(), || {
        Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), body.clone()).unwrap()
    });
    per_kb(&format!("{name}: estimate of its tokens"), body.len(), || estimate(&peeked, Family::OpenAi));
    per_kb(&format!("{name}: serde_json RawValue instead"), body.len(), || outline(body));
    per_kb(&format!("{name}: serde_json Value instead"), body.len(), || {
        serde_json::from_slice::<serde_json::Value>(body).unwrap()
    });
    per_kb(&format!("{name}: relay untouched"), body.len(), || request("gpt-5-mini", &quirks).relay(&peeked));
    let openai = Quirks {
        drop_in_messages: [
            "reasoning",
            "reasoning_content",
            "extra_content",
            "images",
            "tool_calls.extra_content",
        ]
        .map(str::to_owned)
        .to_vec(),
        ..Quirks::default()
    };
    per_kb(&format!("{name}: relay untouched, OpenAI's quirks"), body.len(), || {
        request("gpt-5-mini", &openai).relay(&peeked)
    });
    per_kb(&format!("{name}: model spliced, one piece"), body.len(), || {
        request("other", &quirks).relay(&peeked).body.into_bytes()
    });
    per_kb(&format!("{name}: model spliced, in chunks"), body.len(), || {
        request("other", &quirks).relay(&peeked).body.into_chunks()
    });
    per_kb(&format!("{name}: message quirks"), body.len(), || request("other", &mistral).relay(&peeked));
}

fn stream(name: &str, (dialect, framing): (Dialect, Framing), events: &[Bytes]) {
    let whole = Bytes::from(events.concat());
    // As an HTTP/1.1 connection reads it when events come faster than they are passed on.
    let blocks: Vec<Bytes> =
        (0..whole.len()).step_by(4096).map(|at| whole.slice(at..whole.len().min(at + 4096))).collect();
    let size = whole.len() / events.len();
    for (how, frames) in [("an event a frame", events), ("4 KB frames", &blocks)] {
        if !asked(name) {
            continue;
        }
        let tap = best(|| {
            let mut tap = UsageTap::stream(dialect, framing, None);
            for frame in frames {
                tap.feed(frame);
            }
            tap.finish().unwrap();
            tap
        });
        let strip = best(|| {
            let mut strip = UsageStrip::new(dialect, framing, None);
            for frame in frames {
                black_box(strip.feed(frame.clone()));
            }
            strip.finish().end.unwrap();
            strip
        });
        for (what, ns) in [("tap", tap), ("strip", strip)] {
            println!("{:<44} {size:>10} {:>10.1}", format!("{name}, {how}: {what}"), ns / count(events));
        }
    }
}

fn per_kb<T>(what: &str, bytes: usize, run: impl FnMut() -> T) {
    if !asked(what) {
        return;
    }
    let ns = best(run);
    println!("{what:<44} {bytes:>10} {ns:>10.0} {:>10.1}", ns * 1024.0 / float(bytes));
}

/// Whether a line is wanted.
fn asked(what: &str) -> bool {
    std::env::args().skip(1).find(|word| !word.starts_with('-')).is_none_or(|word| what.contains(&word))
}

/// The best time of a run, in nanoseconds.
fn best<T>(mut run: impl FnMut() -> T) -> f64 {
    let started = Instant::now();
    black_box(run());
    let once = started.elapsed().as_nanos().max(1);
    let times = (4_000_000 / once).clamp(1, 100_000);
    let round = |_| {
        let started = Instant::now();
        for _ in 0..times {
            black_box(run());
        }
        started.elapsed().as_secs_f64() * 1e9 / f64::from(u32::try_from(times).unwrap())
    };
    (0..25).map(round).fold(f64::INFINITY, f64::min)
}

fn float(count: usize) -> f64 {
    f64::from(u32::try_from(count).unwrap())
}

fn count(events: &[Bytes]) -> f64 {
    float(events.len())
}

/// The top-level members by the usual way: raw values, found by their pointers.
fn outline(body: &[u8]) -> Vec<(String, usize)> {
    struct Outline;
    impl<'de> Visitor<'de> for Outline {
        type Value = Vec<(String, &'de RawValue)>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("an object")
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
            let mut members = Vec::with_capacity(16);
            while let Some(member) = map.next_entry()? {
                members.push(member);
            }
            Ok(members)
        }
    }
    let members = serde_json::Deserializer::from_slice(body).deserialize_map(Outline).unwrap();
    let base = body.as_ptr().addr();
    members.into_iter().map(|(key, raw)| (key, raw.get().as_ptr().addr() - base)).collect()
}

fn bodies() -> Vec<(&'static str, Bytes)> {
    let chat = |content: &str, turns: usize| {
        let turn = format!(
            r#"{{"role":"user","content":{content}}},{{"role":"assistant","content":"Certainly. Here is what I found.","tool_calls":[{{"id":"call_1","type":"function","function":{{"name":"search","arguments":"{{\"q\":\"x\"}}"}}}}]}},{{"role":"tool","tool_call_id":"call_1","content":"nothing"}},"#
        );
        Bytes::from(format!(
            r#"{{"model":"gpt-5-mini","messages":[{}{{"role":"user","content":"go on"}}],"temperature":0.7,"max_tokens":512,"stream":true}}"#,
            turn.repeat(turns)
        ))
    };
    let prose = "\"What is the tallest building in the city, and since when has it stood there? Tell me in a few words.\\n\"";
    let image = format!(
        r#"[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{}"}}}}]"#,
        "iVBORw0KGgoAAAANSUhEUgAA".repeat(10 * 1024 * 1024 / 24)
    );
    let tools: BTreeMap<String, u32> = (0..200).map(|n| (format!("parameter_{n}"), n)).collect();
    let dense = serde_json::to_string(&tools).unwrap();
    vec![
        ("1 KB chat", chat(prose, 2)),
        ("16 KB chat", chat(prose, 36)),
        ("16 KB of small tokens", chat(&format!("[{dense},[1,2,3,[],{{}},null,true]]"), 4)),
        ("10 MB image", chat(&image, 1)),
    ]
}

fn streams() -> Vec<(&'static str, Vec<Bytes>)> {
    let event = |text: String| Bytes::from(format!("data: {text}\n\n"));
    let openai = |content: &str| {
        event(format!(
            r#"{{"id":"chatcmpl-0123456789abcdef","object":"chat.completion.chunk","created":1764499721,"model":"gpt-5-mini-2025-08-07","service_tier":"default","system_fingerprint":"fp_50906f2aac","choices":[{{"index":0,"delta":{{"content":"{content}"}},"logprobs":null,"finish_reason":null}}],"usage":null,"obfuscation":"T3FmnO"}}"#
        ))
    };
    let small = |content: &str| {
        event(format!(
            r#"{{"id":"c-1","object":"chat.completion.chunk","created":1764499721,"model":"m","choices":[{{"index":0,"delta":{{"content":"{content}"}},"finish_reason":null}}]}}"#
        ))
    };
    let end = [
        event(r#"{"id":"c-1","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}"#.to_owned()),
        event(r#"{"id":"c-1","choices":[],"usage":{"prompt_tokens":24,"completion_tokens":8,"total_tokens":32,"prompt_tokens_details":{"cached_tokens":0}}}"#.to_owned()),
        event("[DONE]".to_owned()),
    ];
    let whole = |chunk: &dyn Fn(&str) -> Bytes| {
        let chunks = (0..500).map(|_| chunk(" building"));
        chunks.chain(end.iter().cloned()).collect::<Vec<_>>()
    };
    vec![("150-byte chunks", whole(&small)), ("OpenAI's chunks", whole(&openai))]
}

/// Streams of the other dialects, each with 500 events of the kind that most are.
fn foreign_streams() -> Vec<(&'static str, (Dialect, Framing), Vec<Bytes>)> {
    let event = |data: &str| {
        let kind =
            data.strip_prefix("{\"type\":\"").and_then(|rest| rest.split('"').next()).unwrap_or_default();
        Bytes::from(format!("event: {kind}\ndata: {data}\n\n"))
    };
    let many = |first: Bytes, one: Bytes, last: Vec<Bytes>| {
        std::iter::once(first).chain(std::iter::repeat_n(one, 500)).chain(last).collect::<Vec<_>>()
    };
    let anthropic = many(
        event(
            r#"{"type":"message_start","message":{"id":"msg_1","model":"m","content":[],"usage":{"input_tokens":17,"output_tokens":1}}}"#,
        ),
        event(
            r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":" building"}       }"#,
        ),
        vec![
            event(
                r#"{"type":"message_delta","delta":{"stop_reason":"end_turn"},"usage":{"output_tokens":10}}"#,
            ),
            event(r#"{"type":"message_stop"}"#),
        ],
    );
    let responses = many(
        event(
            r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","model":"m","output":[],"usage":null}}"#,
        ),
        event(
            r#"{"type":"response.output_text.delta","sequence_number":4,"item_id":"msg_68f0c1e2a4b48192a33523ce531650ec","output_index":0,"content_index":0,"delta":" building","logprobs":[],"obfuscation":"T3FmnO"}"#,
        ),
        vec![event(
            r#"{"type":"response.completed","sequence_number":9,"response":{"id":"resp_1","usage":{"input_tokens":7,"output_tokens":5}}}"#,
        )],
    );
    let frame = |finish: &str| {
        format!(
            r#"{{"candidates":[{{"content":{{"parts":[{{"text":" building that has stood there since"}}],"role":"model"}},{finish}"index":0}}],"usageMetadata":{{"promptTokenCount":10,"candidatesTokenCount":20,"totalTokenCount":453,"promptTokensDetails":[{{"modality":"TEXT","tokenCount":10}}],"thoughtsTokenCount":423}},"modelVersion":"gemini-x","responseId":"LopyaprkJPyY"}}"#
        )
    };
    let (one, last) = (frame(""), frame(r#""finishReason":"STOP","#));
    let sse = |frame: &str| Bytes::from(format!("data: {frame}\r\n\r\n"));
    let gemini = many(sse(&one), sse(&one), vec![sse(&last)]);
    let element = |before: &str, frame: &str, after: &str| Bytes::from([before, frame, after].concat());
    let array =
        many(element("[", &one, ""), element("\n,\r\n", &one, ""), vec![element("\n,\r\n", &last, "\n]")]);
    vec![
        ("Anthropic's events", (Dialect::Anthropic, Framing::Events), anthropic),
        ("Responses' events", (Dialect::Responses, Framing::Events), responses),
        ("Gemini's frames", (Dialect::Gemini, Framing::Events), gemini),
        ("Gemini's array", (Dialect::Gemini, Framing::Array), array),
    ]
}

fn answers() -> Vec<(&'static str, Bytes)> {
    let answer = |content: &str| {
        Bytes::from(format!(
            r#"{{"id":"chatcmpl-0123456789abcdef","object":"chat.completion","created":1764499721,"model":"gpt-5-mini-2025-08-07","choices":[{{"index":0,"message":{{"role":"assistant","content":"{content}","refusal":null,"annotations":[]}},"logprobs":null,"finish_reason":"stop"}}],"usage":{{"prompt_tokens":24,"completion_tokens":8,"total_tokens":32,"prompt_tokens_details":{{"cached_tokens":0,"audio_tokens":0}},"completion_tokens_details":{{"reasoning_tokens":0,"audio_tokens":0,"accepted_prediction_tokens":0,"rejected_prediction_tokens":0}}}},"service_tier":"default","system_fingerprint":null}}"#
        ))
    };
    let prose = "The tallest building in the city has stood there since 1998.\\n\\n";
    vec![("1.3 KB answer", answer(&prose.repeat(10))), ("1 MB answer", answer(&prose.repeat(16_000)))]
}
