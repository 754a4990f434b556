//! Every recorded answer in every client's dialect, whole and streamed, held against an independent
//! reading of the recording.

use serde_json::Value;
use tollway_core::{Dialect, Framing};
use tollway_wire::{
    DecodeContext, EncodeContext,
    chat::{Collect, Event, Reply},
    format,
};

use super::{answers::same, providers::Format};
use crate::{
    events::events,
    reading::{Reading, anthropic, gemini, openai, responses},
    recording::Recording,
    score::{Exception, Score},
};

/// Answers that say less in another dialect, and why that is right.
pub(crate) const EXCEPTIONS: &[Exception] = &[
    Exception {
        name: &["azure/", "prompt_content_filtering"],
        says: &["filtered due to the prompt"],
        why: "a success whose choice holds an error is one, and reaches every client as one",
    },
    Exception {
        name: &["refused_completion", "→ messages"],
        says: &["expected"],
        why: "Anthropic's clients are told of a refusal by the stop reason, OpenAI's by the message",
    },
];

/// The clients' dialects, and what a check of each is called: whole and streamed.
const CLIENTS: [(Dialect, &str, &str); 4] = [
    (Dialect::OpenAi, "→ chat", "→ chat, streamed"),
    (Dialect::Responses, "→ responses", "→ responses, streamed"),
    (Dialect::Anthropic, "→ messages", "→ messages, streamed"),
    (Dialect::Gemini, "→ gemini", "→ gemini, streamed"),
];

/// Writes every recorded answer for every client.
pub(crate) fn check(recordings: &[Recording], score: &mut Score) {
    for recording in recordings.iter().filter(|recording| recording.status == 200) {
        let format = Format::of(&recording.provider);
        let streamed = recording.is_stream || recording.json().is_array();
        // Google's answer without `alt=sse` is a growing array, which the reading takes as frames.
        if recording.json().is_array() {
            continue;
        }
        let expected =
            if streamed { format.stream(&events(recording.text())) } else { format.whole(&recording.json()) };
        let expected = normal(expected);
        let said = if streamed { read_stream(format, recording) } else { read_whole(format, recording) };
        for (client, whole, stream) in CLIENTS {
            let name = format!("{} {whole}", recording.name);
            let results = said.as_ref().map(|(reply, steps)| {
                let cx = context();
                let body = format::encode_response(client, reply, &cx);
                let json: Value = serde_json::from_slice(&body).unwrap_or_default();
                (of_whole(client, &json), of_stream(client, &written(client, steps, cx)))
            });
            let (one, other) = match results {
                Ok((one, other)) => (same(&expected, &normal(one)), same(&expected, &normal(other))),
                Err(why) => (Err(why.clone()), Err(why.clone())),
            };
            score.count(&recording.provider, whole, &name, one);
            score.count(&recording.provider, stream, &name, other);
        }
    }
}

type Said = Result<(Reply, Vec<Event>), String>;

fn read_whole(format: Format, recording: &Recording) -> Said {
    let reply = format::decode_response(format.dialect(), &recording.body, &decoding());
    let reply = reply.map_err(|error| format!("not read: {}", error.message))?;
    Ok((reply.clone(), reply.into_events()))
}

fn read_stream(format: Format, recording: &Recording) -> Said {
    let mut decoder = format::StreamDecoder::new(format.dialect(), decoding());
    let mut steps = Vec::new();
    for piece in recording.body.chunks(1000) {
        decoder.feed(piece);
        steps.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    decoder.finish().map_err(|_| "the stream is cut".to_owned())?;
    steps.extend(std::iter::from_fn(|| decoder.next_event()));
    let mut collect = Collect::default();
    steps.iter().cloned().for_each(|step| collect.push(step));
    let reply = collect.finish().map_err(|error| format!("not read: {}", error.message))?;
    Ok((reply, steps))
}

fn written(client: Dialect, steps: &[Event], cx: EncodeContext) -> String {
    let mut encoder = format::StreamEncoder::new(client, Framing::Events, cx);
    let mut out = Vec::new();
    for step in steps {
        encoder.encode(step, &mut out);
    }
    encoder.finish(&mut out);
    String::from_utf8_lossy(&out).into_owned()
}

fn of_whole(client: Dialect, answer: &Value) -> Reading {
    match client {
        Dialect::Anthropic => anthropic::whole(answer),
        Dialect::Gemini => gemini::whole(answer),
        Dialect::Responses => responses::whole(answer),
        _ => openai::whole(answer),
    }
}

fn of_stream(client: Dialect, text: &str) -> Reading {
    let events = events(text);
    match client {
        Dialect::Anthropic => anthropic::stream(&events),
        Dialect::Gemini => gemini::stream(&events),
        Dialect::Responses => responses::stream(&events),
        _ => openai::stream(&events),
    }
}

/// What all dialects can say alike: a refusal's words are text where there is no other place, a model
/// that calls waits for results, and no count is a count of nothing.
fn normal(mut reading: Reading) -> Reading {
    let refusal = std::mem::take(&mut reading.refusal);
    reading.text.push_str(&refusal);
    if !reading.calls.is_empty() && matches!(reading.finish.as_deref(), Some("stop" | "function_call")) {
        reading.finish = Some("tool_calls".to_owned());
    }
    reading.usage.get_or_insert_default();
    reading
}

fn decoding() -> DecodeContext {
    DecodeContext { seed: "crossing".to_owned(), ..DecodeContext::default() }
}

fn context() -> EncodeContext {
    EncodeContext {
        id: "answer-1".to_owned(),
        model: "model".to_owned(),
        created: 1,
        include_usage: true,
        ..EncodeContext::default()
    }
}
