//! Requests that are relayed: validity is JSON's, and what is sent is the request, edited.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use serde_json::value::RawValue;
use tollway_core::{Dialect, Endpoint, Operation};
use tollway_wire::{Quirks, Traits, peek::Peek, relay::Request};

fuzz_target!(|data: &[u8]| {
    let json = serde_json::from_slice::<&RawValue>(data);
    let peek = match Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::copy_from_slice(data)) {
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
    let same =
        Request { model: &model, read_usage: false, quirks: &Quirks::default(), traits: &traits, anthropic_version: None }.relay(&peek);
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
        let sent = Request { model: "other", read_usage: true, quirks, traits: &traits, anthropic_version: None }.relay(&peek).body;
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
