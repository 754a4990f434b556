//! Requests that are relayed: validity is JSON's, and what is sent is the request, edited.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use tollway_core::{Dialect, Endpoint, Operation};
use tollway_wire::{
    Quirks, Traits, count_tokens, gemini, openai,
    peek::Peek,
    relay::{Request, version_for_model},
};

/// What is asked for in dialects other than Chat Completions.
const FOREIGN: [(Dialect, Endpoint); 8] = [
    (Dialect::Anthropic, Endpoint::Chat),
    (Dialect::Anthropic, Endpoint::CountTokens),
    (Dialect::Responses, Endpoint::Chat),
    (Dialect::Responses, Endpoint::CountTokens),
    (Dialect::Gemini, Endpoint::Chat),
    (Dialect::Gemini, Endpoint::CountTokens),
    (Dialect::Gemini, Endpoint::Embeddings),
    (Dialect::Gemini, Endpoint::Embedding),
];

fuzz_target!(|data: &[u8]| {
    for (dialect, endpoint) in FOREIGN {
        foreign(dialect, endpoint, data);
    }
    let json = serde_json::from_slice::<&RawValue>(data);
    let peek = match Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::copy_from_slice(data))
    {
        Ok(peek) => peek,
        Err(refusal) => {
            let about_json = refusal.message.contains("not valid");
            assert!(json.is_err() || !about_json, "{refusal}");
            return;
        }
    };
    assert!(json.is_ok());

    let model = peek.model().into_owned();
    let traits = Traits::default();
    let same = Request {
        model: &model,
        read_usage: false,
        quirks: &Quirks::default(),
        traits: &traits,
        anthropic_version: None,
    }
    .relay(&peek);
    // Of several models the earlier ones are set to the last, so that no server reads another.
    assert!(same.body.is_untouched() || peek.places("model").count() > 1);
    assert!(!same.body.is_untouched() || same.body.into_bytes() == data);

    let quirks = Quirks {
        rename: vec![("a".to_owned(), "b".to_owned()), ("seed".to_owned(), "random_seed".to_owned())],
        drop: vec!["user".to_owned()],
        drop_nulls: true,
        developer_as_system: true,
        tool_choice_any: true,
        name_on_tool_messages_only: true,
        drop_empty_assistant: true,
        drop_in_messages: vec!["annotations".to_owned(), "tool_calls.extra_content".to_owned()],
        short_call_ids: true,
        nearest_effort: true,
        require_parameters: true,
        document_url: true,
        thinking_parts: true,
        refusal_as_text: true,
        turn_order: true,
        ..Quirks::default()
    };
    for quirks in [&Quirks::default(), &quirks, &Quirks { stream_usage: false, ..quirks.clone() }] {
        let sent =
            Request { model: "other", read_usage: true, quirks, traits: &traits, anthropic_version: None }
                .relay(&peek)
                .body;
        let length = sent.len();
        let chunks = sent.clone().into_chunks().concat();
        let bytes = sent.into_bytes();
        assert_eq!((bytes.len(), &bytes[..]), (length, &chunks[..]));
        assert!(serde_json::from_slice::<&RawValue>(&bytes).is_ok(), "{}", String::from_utf8_lossy(&bytes));
        // Messages may all have gone; then there is nothing left to peek at.
        if let Ok(again) = Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), bytes) {
            assert_eq!(again.model(), "other");
            assert!(!quirks.stream_usage || !again.stream() || again.include_usage() == Some(true));
        }
    }
});

/// Of a request of another dialect only what names the model changes.
fn foreign(dialect: Dialect, endpoint: Endpoint, data: &[u8]) {
    let body = || Bytes::copy_from_slice(data);
    match endpoint {
        Endpoint::CountTokens => drop(count_tokens::decode_request(dialect, "m", data)),
        Endpoint::Embeddings | Endpoint::Embedding => {
            let _ = gemini::embeddings::decode_request(endpoint, "m", data);
            let _ = gemini::embeddings::decode_response(data);
            let _ = openai::embeddings::decode_response(data);
        }
        _ => {}
    }
    let mut operation = Operation::new(dialect, endpoint);
    if dialect == Dialect::Gemini {
        operation.model = Some("in-the-path".into());
    }
    let Ok(peek) = Peek::new(&operation, body()) else { return };
    assert!(serde_json::from_slice::<&RawValue>(data).is_ok());
    let (quirks, traits) = (Quirks::default(), Traits::default());
    let sent = |peek: &Peek, model: &str, anthropic_version| {
        let request =
            Request { model, read_usage: true, quirks: &quirks, traits: &traits, anthropic_version };
        request.relay(peek).body.into_bytes()
    };
    let models = peek.places("model").count();
    let same = sent(&peek, &peek.model(), None);
    assert!(dialect == Dialect::Gemini || models > 1 || same == data);
    // Sending on what was sent on changes nothing more.
    let other = sent(&peek, "other", None);
    let again = Peek::new(&operation, other.clone()).expect("still a request");
    assert_eq!(sent(&again, "other", None), other);
    if dialect == Dialect::Anthropic {
        let versioned = sent(&peek, "other", Some("v"));
        assert_eq!(version_for_model(body(), "v").as_ref(), Ok(&versioned));
        let value: serde_json::Value = serde_json::from_slice(&versioned).unwrap_or_default();
        assert!(value.is_null() || value["anthropic_version"] == "v" && value.get("model").is_none());
    }
}
