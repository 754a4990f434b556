//! Gemini generateContent: requests and streams never panic, any chunking gives the same events.
#![no_main]

use libfuzzer_sys::fuzz_target;
use tollway_wire::gemini;

fuzz_target!(|data: &[u8]| {
    let _ = gemini::decode_request("gemini-2.5-flash", true, data);
    tollway_wire_fuzz::stream!(gemini::StreamDecoder, data);
});
