//! Anthropic Messages: requests and streams never panic, any chunking gives the same events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollway_wire::anthropic;

fuzz_target!(|data: &[u8]| {
    let _ = anthropic::decode_request(data);
    tollway_wire_fuzz::stream!(anthropic::StreamDecoder, data);
});
