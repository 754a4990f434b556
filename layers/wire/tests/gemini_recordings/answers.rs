use std::collections::BTreeMap;

use serde_json::Value;
use tollway_wire::{
    DecodeContext, EncodeContext,
    chat::{Content, Event},
    gemini::{StreamDecoder, StreamEncoder, decode_response, encode_response},
};

use crate::{
    reading::{of_events, of_json, of_reply},
    recording::{Recording, recordings},
};

fn frames(recording: &Recording) -> Vec<Value> {
    match &recording.answer {
        Value::String(stream) => stream
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(|data| serde_json::from_str(data).unwrap())
            .collect(),
        Value::Array(frames) => frames.clone(),
        whole => vec![whole.clone()],
    }
}

fn answered() -> Option<Vec<Recording>> {
    let mut all = recordings("generateContent")?;
    all.retain(|recording| recording.status == 200);
    Some(all)
}

fn cx() -> DecodeContext {
    DecodeContext { seed: "test".into(), ..DecodeContext::default() }
}

/// What the gateway tells where the provider told nothing.
fn own() -> EncodeContext {
    EncodeContext { id: "own-id".into(), ..EncodeContext::default() }
}

fn events(chunks: &[&[u8]]) -> Vec<Event> {
    let mut decoder = StreamDecoder::new(cx());
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    decoder.finish().unwrap();
    events.extend(std::iter::from_fn(|| decoder.next_event()));
    events
}

#[test]
fn every_recorded_answer_is_read_as_it_was_meant() {
    let Some(all) = answered() else { return };
    let mut counts: BTreeMap<(String, String), usize> = BTreeMap::new();
    for recording in &all {
        let frames = frames(recording);
        let expected = of_json(&frames);
        let body = recording.body();
        assert_eq!(of_events(&events(&[&body])), expected, "{}", recording.name);
        if let [whole] = frames.as_slice() {
            let reply = decode_response(&serde_json::to_vec(whole).unwrap(), &cx()).unwrap();
            assert_eq!(of_reply(&reply), expected, "{}", recording.name);
        }
        let provider = recording.name.split('/').next().unwrap().to_owned();
        *counts.entry((provider, recording.endpoint.clone())).or_default() += 1;
    }
    eprintln!("answers read: {} of {}: {counts:?}", counts.values().sum::<usize>(), all.len());
}

#[test]
fn every_recorded_stream_is_the_same_in_pieces_and_broken_before_its_end() {
    let Some(all) = answered() else { return };
    let mut cut = 0;
    let mut streams = 0;
    for recording in all.iter().filter(|recording| recording.endpoint == "streamGenerateContent") {
        streams += 1;
        let body = recording.body();
        let whole = events(&[&body]);
        for size in [1, 7, 64, 1000] {
            let chunks: Vec<&[u8]> = body.chunks(size).collect();
            assert_eq!(events(&chunks), whole, "{} by {size}", recording.name);
        }
        // The last frame tells the finish: without its last brace nothing may pass for whole.
        let brace = body.iter().rposition(|byte| *byte == b'}').unwrap();
        for end in (0..=brace).step_by(1 + brace / 200) {
            let mut decoder = StreamDecoder::new(cx());
            decoder.feed(&body[..end]);
            while decoder.next_event().is_some() {}
            assert!(decoder.finish().is_err(), "{} cut at {end} of {brace}", recording.name);
            cut += 1;
        }
    }
    eprintln!("streams read in pieces: {streams}, cut: {cut}");
}

#[test]
fn every_recorded_answer_comes_back_from_the_encoders() {
    let Some(all) = answered() else { return };
    for recording in &all {
        let frames = frames(recording);
        let body = recording.body();
        let mut encoder = StreamEncoder::new(own());
        let mut stream = Vec::new();
        for event in events(&[&body]) {
            encoder.encode(&event, &mut stream);
        }
        encoder.finish(&mut stream);
        let mut again = of_events(&events(&[&stream]));
        let mut expected = of_json(&frames);
        expected.id.get_or_insert_with(|| own().id);
        // Calls are written last, so their seals come after those of later text.
        for said in again.said.values_mut().chain(expected.said.values_mut()) {
            said.signatures.sort();
        }
        assert_eq!(again, expected, "{}", recording.name);
        if let [whole] = frames.as_slice() {
            let mut reply = decode_response(&serde_json::to_vec(whole).unwrap(), &cx()).unwrap();
            let written = encode_response(&reply, &own());
            let again = decode_response(&written, &cx()).unwrap();
            reply.id.get_or_insert_with(|| own().id);
            // What searches there were is told by queries, which have no canonical place; and Gemini
            // has no word for how they were billed.
            if let Some(usage) = &mut reply.usage {
                usage.web_searches = 0;
            }
            assert_eq!(again, reply, "{}", recording.name);
        }
    }
    eprintln!("answers written and read again: {}", all.len());
}

#[test]
fn calls_in_one_answer_never_share_an_id() {
    let Some(all) = answered() else { return };
    let mut calls = 0;
    for recording in &all {
        for frame in frames(recording) {
            let reply = decode_response(&serde_json::to_vec(&frame).unwrap(), &cx()).unwrap();
            let ids: Vec<&String> = reply
                .choices
                .iter()
                .flat_map(|choice| &choice.content)
                .filter_map(|part| match &part.content {
                    Content::ToolCall(call) => Some(&call.id),
                    _ => None,
                })
                .collect();
            for (at, id) in ids.iter().enumerate() {
                assert!(!id.is_empty() && !ids[..at].contains(id), "{}", recording.name);
            }
            calls += ids.len();
        }
    }
    assert!(calls > 50, "{calls}");
}
