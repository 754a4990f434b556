use proptest::prelude::*;

use super::{
    super::{MAX_HELD, UsageTap, stream_text},
    *,
};

const CONTENT: &str = "data: {\"choices\":[{\"delta\":{\"content\":\"x\"}}]}\n\n";
const USAGE: &str = "data: {\"id\":\"c\",\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":5},\"obfuscation\":\"IngX\"}\n\n";
const DONE: &str = "data: [DONE]\n\n";

fn stripped(pieces: &[&[u8]]) -> (String, UsageStrip, Result<StreamEnd, Truncated>) {
    let mut strip = UsageStrip::new(Dialect::OpenAi, Framing::Events, None);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
    }
    let Ending { rest, end } = strip.finish();
    out.extend_from_slice(&rest);
    (String::from_utf8_lossy(&out).into_owned(), strip, end)
}

fn whole(stream: &str) -> String {
    stripped(&[stream.as_bytes()]).0
}

#[test]
fn the_usage_chunk_is_read_and_taken_out() {
    let (out, strip, end) = stripped(&[CONTENT.as_bytes(), USAGE.as_bytes(), DONE.as_bytes()]);
    assert_eq!(out, CONTENT.to_owned() + DONE);
    assert_eq!(strip.reading().usage().map(|usage| usage.total()), Some(8));
    assert_eq!(end, Ok(StreamEnd));
}

#[test]
fn it_is_taken_out_from_any_place_in_a_frame() {
    for (stream, out) in [
        ([CONTENT, USAGE, DONE], CONTENT.to_owned() + DONE),
        ([USAGE, CONTENT, DONE], CONTENT.to_owned() + DONE),
        ([CONTENT, DONE, USAGE], CONTENT.to_owned() + DONE),
        ([USAGE, USAGE, DONE], DONE.to_owned()),
    ] {
        assert_eq!(whole(&stream.concat()), out);
    }
    assert_eq!(whole(&USAGE.replace("\n\n", "\r\n\r\n")), "");
    assert_eq!(whole(USAGE.trim_end()), "");
}

#[test]
fn what_carries_more_than_usage_stays() {
    for stays in [
        r#"{"choices":[{"delta":{}}],"usage":{"prompt_tokens":3}}"#,
        r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0}]}"#,
        r#"{"choices":[],"prompt_filter_results":[{"prompt_index":0}],"usage":null}"#,
        r#"{"choices":[],"moderation":{"input":{}},"usage":{"prompt_tokens":3}}"#,
        r#"{"choices":[],"error":{"message":"x"},"usage":{"prompt_tokens":3}}"#,
        r#"{"usage":{"prompt_tokens":3}}"#,
        r#"{"choices":null,"usage":{"prompt_tokens":3}}"#,
        r#"{"choices":[],"usage":{"prompt_tokens":3}"#,
    ] {
        let stream = format!("data: {stays}\n\n");
        assert_eq!(whole(&stream), stream);
    }
}

#[test]
fn whole_events_pass_without_a_copy() {
    let frame = Bytes::from(CONTENT.repeat(3));
    let out = UsageStrip::new(Dialect::OpenAi, Framing::Events, None).feed(frame.clone());
    assert_eq!((out.as_ptr(), out.len()), (frame.as_ptr(), frame.len()));
}

#[test]
fn one_that_keeps_takes_nothing_out_and_holds_back_the_unfinished_event() {
    let mut strip = UsageStrip::keeping(Dialect::OpenAi, Framing::Events, None);
    let frame = Bytes::from(format!("{CONTENT}{USAGE}data: {{\"cho"));
    let out = strip.feed(frame.clone());
    assert_eq!((out.as_ptr(), out.len()), (frame.as_ptr(), CONTENT.len() + USAGE.len()));
    assert!(strip.at_event_boundary());
    assert_eq!(strip.reading().usage().map(|usage| usage.total()), Some(8));
    assert_eq!(&strip.feed(Bytes::from_static(b"ices\":[]}\n\n"))[..], b"data: {\"choices\":[]}\n\n");
    // A usage chunk without its blank line is the client's, too.
    let mut strip = UsageStrip::keeping(Dialect::OpenAi, Framing::Events, None);
    strip.feed(Bytes::from(USAGE.trim_end()));
    assert_eq!(strip.finish().rest, USAGE.trim_end());
}

#[test]
fn only_the_unfinished_event_is_held() {
    let mut strip = UsageStrip::new(Dialect::OpenAi, Framing::Events, None);
    let frame = Bytes::from(format!("{CONTENT}data: {{\"cho"));
    let out = strip.feed(frame.clone());
    assert_eq!((out.as_ptr(), out.len()), (frame.as_ptr(), CONTENT.len()));
    assert!(strip.at_event_boundary());
    let Ending { rest, end } = strip.finish();
    assert_eq!((&rest[..], end), (&b"data: {\"cho"[..], Err(Truncated)));
}

#[test]
fn an_event_too_large_to_hold_is_let_go() {
    let large =
        format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"{}\"}}}}]}}\n\n", "x".repeat(2 * MAX_HELD));
    let stream = format!("{CONTENT}{large}{USAGE}{CONTENT}");
    for size in [1000, MAX_HELD + 7, stream.len()] {
        let pieces: Vec<&[u8]> = stream.as_bytes().chunks(size).collect();
        assert_eq!(stripped(&pieces).0, format!("{CONTENT}{large}{CONTENT}"), "{size}");
    }
    let mut strip = UsageStrip::new(Dialect::OpenAi, Framing::Events, None);
    let given = strip.feed(Bytes::copy_from_slice(&large.as_bytes()[..large.len() - 20]));
    assert_eq!(given.len(), large.len() - 20);
    assert!(!strip.at_event_boundary());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn exactly_the_usage_chunks_go(stream in stream_text::stream(), cuts in stream_text::cuts()) {
        let text = stream.text();
        let pieces = stream_text::pieces(text.as_bytes(), &cuts);
        prop_assert_eq!(stripped(&pieces).0, stream.without_usage());
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        prop_assert_eq!(stripped(&single).0, stream.without_usage());
    }

    #[test]
    fn one_that_keeps_passes_every_byte(stream in stream_text::stream(), cuts in stream_text::cuts()) {
        let text = stream.text();
        let mut strip = UsageStrip::keeping(Dialect::OpenAi, Framing::Events, None);
        let mut out = Vec::new();
        for piece in stream_text::pieces(text.as_bytes(), &cuts) {
            out.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&strip.finish().rest);
        prop_assert_eq!(String::from_utf8(out).unwrap(), text);
    }

    #[test]
    fn it_reads_what_the_tap_reads(stream in stream_text::stream(), cuts in stream_text::cuts()) {
        let text = stream.text();
        let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
        tap.feed(text.as_bytes());
        let (_, strip, end) = stripped(&stream_text::pieces(text.as_bytes(), &cuts));
        prop_assert_eq!(tap.finish(), end);
        prop_assert_eq!(tap.reading().usage(), strip.reading().usage());
        prop_assert_eq!(tap.reading().error_passed(), strip.reading().error_passed());
    }

    #[test]
    fn any_bytes_pass(bytes in prop::collection::vec(prop_oneof![any::<u8>(), Just(b'\n'), Just(b'\r')], 0..200), cuts in stream_text::cuts()) {
        let mut strip = UsageStrip::new(Dialect::OpenAi, Framing::Events, None);
        let mut out = Vec::new();
        for piece in stream_text::pieces(&bytes, &cuts) {
            out.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
        }
        out.extend_from_slice(&strip.finish().rest);
        prop_assert_eq!(out, bytes);
    }
}
