//! What a chunk of a chat costs when it is translated, printed:
//! `cargo bench -p tollway-wire --bench openai`.
//!
//! Every line is the best of several rounds, since what disturbs a round only ever adds to it.
#![expect(clippy::print_stdout, clippy::unwrap_used, reason = "a program that prints its result")]

use std::{hint::black_box, time::Instant};

use serde_json::json;
use tollway_wire::{
    DecodeContext, EncodeContext,
    chat::{Delta, Event, Start},
    openai::{self, StreamDecoder, StreamEncoder},
};

const CHUNKS: usize = 2000;
const ROUNDS: usize = 60;

fn main() {
    println!("{:<44} {:>10} {:>12}", "per chunk", "bytes", "ns");
    for (name, delta) in deltas() {
        decode(name, &delta);
    }
    for (name, delta) in events() {
        encode(name, &delta);
    }
    whole();
}

fn deltas() -> Vec<(&'static str, String)> {
    vec![
        ("decode: text", json!({"content": " token"}).to_string()),
        ("decode: thinking", json!({"content": null, "reasoning_content": " token"}).to_string()),
        (
            "decode: arguments",
            json!({"tool_calls": [{"index": 0, "function": {"arguments": "{\"a\":"}}]}).to_string(),
        ),
    ]
}

fn events() -> Vec<(&'static str, Delta)> {
    vec![
        ("encode: text", Delta::Text(" token".to_owned())),
        ("encode: thinking", Delta::Reasoning(" token".to_owned())),
        ("encode: arguments", Delta::ToolArguments { index: 0, fragment: "{\"a\":".to_owned() }),
    ]
}

/// A stream of OpenAI's, as its servers send it today.
fn decode(name: &str, delta: &str) {
    let chunk = |delta: &str| {
        format!(
            "data: {{\"id\":\"chatcmpl-DPTDc4469lV2tbeXr0u9ApbcFt8gW\",\"object\":\"chat.completion.chunk\",\"created\":1774962888,\"model\":\"gpt-4o-mini-2024-07-18\",\"service_tier\":\"default\",\"system_fingerprint\":\"fp_560af6e559\",\"choices\":[{{\"index\":0,\"delta\":{delta},\"logprobs\":null,\"finish_reason\":null}}],\"usage\":null,\"obfuscation\":\"a1b2c3d4e5\"}}\n\n"
        )
    };
    let begin =
        json!({"tool_calls": [{"index": 0, "id": "call_1", "function": {"name": "f", "arguments": ""}}]});
    let mut stream = chunk(&begin.to_string());
    stream.extend(std::iter::repeat_n(chunk(delta), CHUNKS));
    let bytes = stream.as_bytes();
    report(name, bytes.len() / CHUNKS, || {
        let mut decoder = StreamDecoder::new(DecodeContext::default());
        let mut count = 0;
        for piece in bytes.chunks(1400) {
            decoder.feed(piece);
            while let Some(event) = decoder.next_event() {
                black_box(&event);
                count += 1;
            }
        }
        assert!(count >= CHUNKS);
    });
}

fn encode(name: &str, delta: &Delta) {
    let cx = EncodeContext { include_usage: true, ..EncodeContext::default() };
    let start = Start {
        id: Some("chatcmpl-DPTDc4469lV2tbeXr0u9ApbcFt8gW".to_owned()),
        model: Some("claude-sonnet-4-5-20250929".to_owned()),
        ..Start::default()
    };
    let (id, tool) = ("call_1".to_owned(), "f".to_owned());
    let call = Delta::ToolCall { index: 0, id, name: tool, custom: false, signature: None };
    let event = Event::Delta { choice: 0, delta: delta.clone() };
    let mut out = Vec::with_capacity(1 << 20);
    let mut written = 0;
    report(name, 0, || {
        out.clear();
        let mut encoder = StreamEncoder::new(cx.clone());
        encoder.encode(&Event::Start(start.clone()), &mut out);
        encoder.encode(&Event::Delta { choice: 0, delta: call.clone() }, &mut out);
        for _ in 0..CHUNKS {
            encoder.encode(black_box(&event), &mut out);
        }
        written = out.len();
    });
    println!("{:<44} {:>10}", "", written / CHUNKS);
}

fn whole() {
    let text = "Some words of an answer, \"quoted\" now and then.\n".repeat(80);
    let body = json!({
        "id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": text, "refusal": null, "annotations": []},
            "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
    })
    .to_string();
    let (cx, own) = (DecodeContext::default(), EncodeContext::default());
    let reply = openai::decode_response(body.as_bytes(), &cx).unwrap();
    let per_body = |name: &str, run: &mut dyn FnMut()| {
        let best = best(|| (0..100).for_each(|_| run()));
        println!("{name:<44} {:>10} {:>12.0}", body.len(), best / 100.0);
    };
    per_body("whole answer: decode", &mut || {
        black_box(openai::decode_response(body.as_bytes(), &cx).unwrap());
    });
    per_body("whole answer: encode", &mut || {
        black_box(openai::encode_response(&reply, &own));
    });
}

fn report(name: &str, bytes: usize, run: impl FnMut()) {
    let size = if bytes == 0 { String::new() } else { bytes.to_string() };
    println!("{name:<44} {size:>10} {:>12.0}", best(run) / f64::from(u32::try_from(CHUNKS).unwrap()));
}

/// The shortest round, in nanoseconds.
fn best(mut run: impl FnMut()) -> f64 {
    let rounds = (0..ROUNDS).map(|_| {
        let start = Instant::now();
        run();
        start.elapsed().as_secs_f64() * 1e9
    });
    rounds.fold(f64::INFINITY, f64::min)
}
