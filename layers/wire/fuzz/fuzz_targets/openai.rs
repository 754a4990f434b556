//! OpenAI Chat Completions: requests and streams never panic, any chunking gives the same events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollway_wire::openai;

fuzz_target!(|data: &[u8]| {
    let _ = openai::decode_request(data);
    let _ = openai::completions::decode_request(data);
    let _ = openai::embeddings::decode_request(data);
    tollway_wire_fuzz::stream!(openai::StreamDecoder, data);
});
