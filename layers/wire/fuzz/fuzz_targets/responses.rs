//! OpenAI's Responses: requests, answers and streams never panic, any chunking gives the same events, and
//! what is read can be written and read again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollway_wire::chat::{Collect, Content, Event};
use tollway_wire::{DecodeContext, EncodeContext, Target, responses};

fuzz_target!(|data: &[u8]| {
    if let Ok(chat) = responses::decode_request(data)
        && let Ok(encoded) = responses::encode_request(&chat, &Target::default())
    {
        let again = responses::decode_request(&encoded.body);
        assert!(again.is_ok(), "{again:?}: {}", String::from_utf8_lossy(&encoded.body));
    }
    if let Ok(reply) = responses::decode_response(data, &DecodeContext::default()) {
        let body = responses::encode_response(&reply, &EncodeContext::default());
        assert!(responses::decode_response(&body, &DecodeContext::default()).is_ok());
    }
    tollway_wire_fuzz::stream!(responses::StreamDecoder, data);
    rewritten(data);
});

/// A whole stream, written again, is one, and says the same.
fn rewritten(data: &[u8]) {
    let Some((_, stream)) = data.split_first() else { return };
    let (events, whole) = read(stream);
    if !whole {
        return;
    }
    let mut encoder = responses::StreamEncoder::new(EncodeContext::default());
    let mut out = Vec::new();
    events.iter().for_each(|event| encoder.encode(event, &mut out));
    encoder.finish(&mut out);
    let (again, whole) = read(&out);
    assert!(whole, "{}", String::from_utf8_lossy(&out));
    assert_eq!(words(again), words(events));
}

/// All text of an answer, and its tools' names.
fn words(events: Vec<Event>) -> (String, Vec<String>) {
    let mut collect = Collect::default();
    events.into_iter().for_each(|event| collect.push(event));
    let reply = collect.finish().unwrap_or_default();
    let parts = reply.choices.into_iter().flat_map(|choice| choice.content);
    let (mut text, mut names) = (String::new(), Vec::new());
    for part in parts {
        match part.content {
            Content::Text(more) => text.push_str(&more.text),
            Content::ToolCall(call) => names.push(call.name),
            _ => {}
        }
    }
    (text, names)
}

fn read(stream: &[u8]) -> (Vec<Event>, bool) {
    let mut decoder = responses::StreamDecoder::new(DecodeContext::default());
    decoder.feed(stream);
    let mut events: Vec<Event> = std::iter::from_fn(|| decoder.next_event()).collect();
    let whole = decoder.finish().is_ok();
    events.extend(std::iter::from_fn(|| decoder.next_event()));
    (events, whole)
}
