//! Server-sent events: any chunking gives the same events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollway_wire::sse::SseDecoder;

fuzz_target!(|data: &[u8]| {
    let (bytes, size) = tollway_wire_fuzz::pieces(data);
    assert_eq!(events(bytes, bytes.len().max(1)), events(bytes, size));
});

fn events(bytes: &[u8], size: usize) -> Vec<(Vec<u8>, Vec<u8>)> {
    let mut decoder = SseDecoder::new();
    let mut events = Vec::new();
    for piece in bytes.chunks(size) {
        decoder.feed(piece);
        while let Ok(Some(event)) = decoder.next_event() {
            events.push((event.name.to_vec(), event.data.to_vec()));
        }
    }
    if let Ok(Some(event)) = decoder.finish() {
        events.push((event.name.to_vec(), event.data.to_vec()));
    }
    events
}
