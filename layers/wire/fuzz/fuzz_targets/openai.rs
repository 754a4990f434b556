//! OpenAI Chat Completions: requests never panic.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollway_wire::openai;

fuzz_target!(|data: &[u8]| {
    let _ = openai::decode_request(data);
});
