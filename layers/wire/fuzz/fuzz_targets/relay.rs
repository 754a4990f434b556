//! Answers of Anthropic, Responses and Gemini (as events and as an array) that are relayed: any
//! chunking reads and gives the same, nothing is changed, and what broke off ends in an error that
//! never looks whole.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use tollway_core::{Dialect, Framing};
use tollway_wire::{
    ApiError, ErrorKind,
    relay::{Reading, UsageStrip, UsageTap},
};

const FORMS: [(Dialect, Framing); 4] = [
    (Dialect::Anthropic, Framing::Events),
    (Dialect::Responses, Framing::Events),
    (Dialect::Gemini, Framing::Events),
    (Dialect::Gemini, Framing::Array),
];

fuzz_target!(|data: &[u8]| {
    let Some((form, data)) = data.split_first() else { return };
    let (dialect, framing) = FORMS[usize::from(*form) % FORMS.len()];
    let (bytes, size) = tollway_wire_fuzz::pieces(data);
    let whole = bytes.len().max(1);

    let stream = |size| tapped(UsageTap::stream(dialect, framing, None), bytes, size);
    assert_eq!(stream(whole), stream(size));
    let body = |size| tapped(UsageTap::body(dialect), bytes, size);
    assert_eq!(body(whole), body(size));

    let at_once = stripped(dialect, framing, bytes, whole);
    assert_eq!(at_once, stripped(dialect, framing, bytes, size));
    let Stripped { given, rest, failed, told, is_whole } = at_once;
    assert_eq!((&told, is_whole), (&stream(whole).0, stream(whole).1));
    assert_eq!([given.as_slice(), &rest].concat(), bytes);
    if !is_whole {
        let out = [given.as_slice(), &failed].concat();
        let (told, is_whole) = tapped(UsageTap::stream(dialect, framing, None), &out, size);
        assert!(!is_whole, "{told}");
        assert!(framing == Framing::Array || told.starts_with("error: true"), "{told}");
    }
});

fn told(reading: &Reading) -> String {
    format!(
        "error: {} {:?} {:?} {:?} {:?} {} {} {}",
        reading.error_passed(),
        reading.usage(),
        reading.id(),
        reading.model(),
        reading.service_tier(),
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
    (told(tap.reading()), whole)
}

#[derive(Debug, PartialEq, Eq)]
struct Stripped {
    given: Vec<u8>,
    rest: Bytes,
    failed: Bytes,
    told: String,
    is_whole: bool,
}

fn stripped(dialect: Dialect, framing: Framing, bytes: &[u8], size: usize) -> Stripped {
    let mut strip = UsageStrip::new(dialect, framing, None);
    let mut given = Vec::new();
    for piece in bytes.chunks(size) {
        given.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
    }
    let ending = strip.finish();
    let error = ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: "broken off".to_owned(),
        code: None,
        param: None,
        retry_after: None,
    };
    Stripped {
        given,
        rest: ending.rest,
        failed: strip.fail(&error),
        told: told(strip.reading()),
        is_whole: ending.end.is_ok(),
    }
}
