//! Answers that are relayed: any chunking gives the same bytes and the same reading.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tollway_core::{Dialect, Framing};
use tollway_wire::relay::{Reading, UsageStrip, UsageTap};

fuzz_target!(|data: &[u8]| {
    let (bytes, size) = tollway_wire_fuzz::pieces(data);
    let whole = bytes.len().max(1);
    assert_eq!(
        tapped(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), bytes, whole),
        tapped(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), bytes, size)
    );
    assert_eq!(
        tapped(UsageTap::body(Dialect::OpenAi), bytes, whole),
        tapped(UsageTap::body(Dialect::OpenAi), bytes, size)
    );
    let (out, told) = stripped(bytes, whole);
    assert_eq!((&out, &told), (&stripped(bytes, size).0, &stripped(bytes, size).1));
    assert_eq!(told, tapped(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), bytes, whole).0);
    let names_usage = bytes.windows(7).any(|word| word == b"\"usage\"");
    assert!(out == bytes || out.len() < bytes.len() && names_usage);
});

fn told(reading: &Reading, whole: bool) -> String {
    format!(
        "usage: {:?} {:?} {:?} {:?} {} {} {} {} {whole}",
        reading.usage(),
        reading.id(),
        reading.model(),
        reading.service_tier(),
        reading.error_passed(),
        reading.content_passed(),
        reading.done_passed(),
        reading.finished_choices(),
    )
}

fn tapped(mut tap: UsageTap, bytes: &[u8], size: usize) -> (String, bool) {
    for piece in bytes.chunks(size) {
        tap.feed(piece);
    }
    let whole = tap.finish().is_ok();
    (told(tap.reading(), whole), tap.at_event_boundary())
}

fn stripped(bytes: &[u8], size: usize) -> (Vec<u8>, String) {
    let mut strip = UsageStrip::new(Dialect::OpenAi, Framing::Events, None);
    let mut out = Vec::new();
    for piece in bytes.chunks(size) {
        out.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
    }
    let ending = strip.finish();
    out.extend_from_slice(&ending.rest);
    (out, told(strip.reading(), ending.end.is_ok()))
}
