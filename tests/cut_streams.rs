//! A stream that is cut anywhere never looks like a whole answer, in any dialect.
//!
//! Recorded streams of every format are cut at every byte, translated to every client's dialect, and
//! relayed in their own. The recordings lie beside the checkout, in `../shared/recordings`; where they
//! are not, the test says so and passes, and streams written by hand are cut all the same.

#![expect(clippy::unwrap_used, clippy::panic, clippy::print_stdout, reason = "tests")]

#[path = "support/shared.rs"]
mod shared;

use std::path::{Path, PathBuf};

use serde_json::Value;
use tollway_core::{Dialect, Framing};
use tollway_wire::format::{StreamDecoder, StreamEncoder};
use tollway_wire::{ApiError, DecodeContext, EncodeContext, ErrorKind};

/// Streams longer than this are cut at some places only, as each cut reads the stream anew.
const CUT_EVERYWHERE: usize = 1500;
/// At how many.
const PLACES: usize = 40;

/// A client's dialect and the form of its stream.
const CLIENTS: [(Dialect, Framing); 5] = [
    (Dialect::OpenAi, Framing::Events),
    (Dialect::Responses, Framing::Events),
    (Dialect::Anthropic, Framing::Events),
    (Dialect::Gemini, Framing::Events),
    (Dialect::Gemini, Framing::Array),
];

#[test]
fn a_recorded_stream_cut_anywhere_is_never_whole() {
    let Some(folder) = shared::beside("recordings") else { return };
    let mut streams = 0;
    let mut cuts = 0;
    for (place, dialect) in [
        ("openai/chat-completions/stream", Dialect::OpenAi),
        ("azure/completions/stream", Dialect::OpenAi),
        ("mistral/completions/stream", Dialect::OpenAi),
        ("deepseek/completions/stream", Dialect::OpenAi),
        ("openrouter/completions/stream", Dialect::OpenAi),
        ("openai/responses/stream", Dialect::Responses),
        ("anthropic/messages/stream", Dialect::Anthropic),
        ("gemini/streamGenerateContent/stream", Dialect::Gemini),
        ("vertex/streamGenerateContent/stream", Dialect::Gemini),
    ] {
        for path in files(&folder.join(place)) {
            let text = std::fs::read_to_string(&path).unwrap();
            let recording: Value = serde_json::from_str(&text).unwrap();
            let Some(stream) = recording["response"]["body"].as_str() else { continue };
            streams += 1;
            cuts += cut(dialect, stream.as_bytes(), &path.display().to_string());
        }
    }
    println!("{streams} recorded streams, cut at {cuts} places, read by clients of {} kinds", CLIENTS.len());
    assert!(streams > 100, "where are the recordings: {streams}");
}

#[test]
fn a_stream_written_by_hand_cut_anywhere_is_never_whole() {
    let chat = concat!(
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"h\u{e9}\"}}]}\n\n",
        "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\r\n\r\n",
        "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":1}}\n\ndata: [DONE]\n\n",
    );
    let array = "[{\"candidates\":[{\"content\":{\"role\":\"model\",\"parts\":[{\"text\":\"a \\\"]\\\" b\"}]}}]}\n,\r\n{\"candidates\":[{\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":1}}\n]\n";
    assert!(cut(Dialect::OpenAi, chat.as_bytes(), "chat") > 200);
    assert!(cut(Dialect::Gemini, array.as_bytes(), "array") > 100);
}

/// Cuts a stream, everywhere or at many places; gives how many.
fn cut(dialect: Dialect, stream: &[u8], name: &str) -> usize {
    let step = if stream.len() <= CUT_EVERYWHERE { 1 } else { stream.len() / PLACES };
    let places: Vec<usize> = (0..stream.len()).step_by(step).collect();
    for at in &places {
        let prefix = &stream[..*at];
        for (client, framing) in CLIENTS {
            let (out, whole) = translate(dialect, client, framing, prefix);
            let out = String::from_utf8(out).unwrap();
            if whole {
                assert!(may_be_whole(dialect, prefix), "{name} cut at {at} is taken for whole");
            } else {
                judge(client, framing, &out, &format!("{name} cut at {at} for {client:?} {framing:?}"));
            }
        }
    }
    places.len()
}

/// What a client gets of a stream, and whether it was told that this is all.
fn translate(from: Dialect, to: Dialect, framing: Framing, stream: &[u8]) -> (Vec<u8>, bool) {
    let mut decoder = StreamDecoder::new(from, DecodeContext::default());
    let context = EncodeContext { id: "req_1".into(), include_usage: true, ..EncodeContext::default() };
    let mut encoder = StreamEncoder::new(to, framing, context);
    let mut out = Vec::new();
    decoder.feed(stream);
    let end = decoder.finish();
    while let Some(event) = decoder.next_event() {
        if let tollway_wire::chat::Event::Error(error) = &event {
            encoder.fail(error, &mut out);
            return (out, false);
        }
        encoder.encode(&event, &mut out);
    }
    if end.is_ok() {
        encoder.finish(&mut out);
        return (out, true);
    }
    encoder.fail(&broken(), &mut out);
    (out, false)
}

fn broken() -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: "it broke".into(),
        code: None,
        param: None,
        retry_after: None,
    }
}

/// Whether a prefix holds what ends an answer in its format.
fn may_be_whole(dialect: Dialect, prefix: &[u8]) -> bool {
    let text = String::from_utf8_lossy(prefix);
    let marks: &[&str] = match dialect {
        Dialect::Responses => &["response.completed", "response.incomplete"],
        Dialect::Anthropic => &["message_stop"],
        Dialect::Gemini => &["finishReason", "blockReason"],
        _ => &["[DONE]", "\"finish_reason\""],
    };
    marks.iter().any(|mark| text.contains(mark))
}

/// A broken answer ends in an error that its client understands, and in nothing that ends a whole one.
fn judge(client: Dialect, framing: Framing, out: &str, what: &str) {
    let (ends, error): (&[&str], &str) = match client {
        Dialect::Responses => {
            (&["event: response.completed", "event: response.incomplete"], "event: response.failed\n")
        }
        Dialect::Anthropic => (&["event: message_stop"], "event: error\n"),
        Dialect::Gemini => (&[], "\"error\":{"),
        _ => (&["data: [DONE]"], "data: {\"error\":"),
    };
    for end in ends {
        assert!(!out.contains(end), "{what}: looks whole: {out}");
    }
    let last = match framing {
        Framing::Events => out.trim_end().rsplit("\n\n").next().unwrap_or_default(),
        Framing::Array => {
            let elements: Vec<Value> = serde_json::from_str(out).unwrap_or_else(|_| panic!("{what}: {out}"));
            assert!(
                elements.last().is_some_and(|last| last["error"]["message"].is_string()),
                "{what}: {out}"
            );
            return;
        }
    };
    assert!(last.contains(error), "{what}: does not end in an error: {out}");
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}
