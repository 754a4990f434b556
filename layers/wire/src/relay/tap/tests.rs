use proptest::prelude::*;
use tollway_core::{Dialect, Framing, Usage};

use super::{
    super::{MAX_HELD, stream_text},
    *,
};

fn read(stream: &str) -> (UsageTap, Result<StreamEnd, Truncated>) {
    let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
    tap.feed(stream.as_bytes());
    let end = tap.finish();
    (tap, end)
}

fn body(pieces: &[&[u8]]) -> (UsageTap, Result<StreamEnd, Truncated>) {
    let mut tap = UsageTap::body(Dialect::OpenAi);
    for piece in pieces {
        tap.feed(piece);
    }
    let end = tap.finish();
    (tap, end)
}

fn counts(tap: &UsageTap) -> Option<(u64, u64)> {
    tap.reading().usage().map(|usage| (usage.input, usage.output))
}

const FINISH: &str = "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n";

#[test]
fn usage_is_read_wherever_servers_put_it() {
    for chunk in [
        r#"{"choices":[],"usage":{"prompt_tokens":3,"completion_tokens":5}}"#,
        r#"{"choices":[{"delta":{"content":"x"}}],"usage" : {"prompt_tokens":3,"completion_tokens":5}}"#,
        r#"{"choices":[{"delta":{}}],"x_groq":{"id":"r","usage":{"prompt_tokens":3,"completion_tokens":5}}}"#,
        r#"{"usage":{"prompt_tokens":3,"completion_tokens":5}}"#,
    ] {
        let (tap, _) =
            read(&format!("data: {{\"choices\":[{{\"delta\":{{\"content\":\"a\"}}}}]}}\n\ndata:{chunk}\n\n"));
        assert_eq!(counts(&tap), Some((3, 5)), "{chunk}");
    }
}

#[test]
fn the_last_usage_holds_and_words_in_the_text_are_no_usage() {
    let (tap, _) = read(concat!(
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":1}}\n\n",
        "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":3,\"completion_tokens\":2}}\n\n",
        "data: {\"choices\":[],\"usage\":null}\n\n",
        "data: {\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\":{\\\"prompt_tokens\\\":9}\"}}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"usage\":{\"prompt_tokens\":9}}}],\"x\":\"usage\"}\n\n",
    ));
    assert_eq!(counts(&tap), Some((3, 2)));
}

#[test]
fn a_stream_is_whole_by_done_or_by_every_finish() {
    assert_eq!(read("data: [DONE]\n\n").1, Ok(StreamEnd));
    assert_eq!(read("data:[DONE]").1, Ok(StreamEnd));
    assert_eq!(read("data: [DON").1, Err(Truncated));
    assert_eq!(read(FINISH).1, Ok(StreamEnd));
    assert_eq!(read(&FINISH.replace("\"stop\"", "null")).1, Err(Truncated));
    assert_eq!(read("").1, Err(Truncated));
    let two = FINISH.to_owned() + &FINISH.replace(":0", ":1");
    for (n, stream, whole) in [(2, FINISH, false), (2, &two, true), (3, &two, false), (1, &two, true)] {
        let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, Some(n));
        tap.feed(stream.as_bytes());
        assert_eq!(tap.finish().is_ok(), whole, "{n}");
    }
}

#[test]
fn a_stream_with_an_error_is_never_whole() {
    for error in [
        "data: {\"error\":{\"message\":\"x\"}}\n\n",
        "data: {\"object\":\"error\",\"message\":\"x\"}\n\n",
        "event: error\ndata: {\"message\":\"x\"}\n\n",
        "data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"error\"}]}\n\n",
        "data: {\"choices\":[],\"x_groq\":{\"error\":\"over capacity\"}}\n\n",
    ] {
        let (tap, end) = read(&format!("{FINISH}{error}data: [DONE]\n\n"));
        assert_eq!((tap.reading().error_passed(), end), (true, Err(Truncated)), "{error}");
    }
    let (tap, end) = read(&format!("data: {{\"error\":null,\"choices\":[]}}\n\n{FINISH}"));
    assert_eq!((tap.reading().error_passed(), end), (false, Ok(StreamEnd)));
}

#[test]
fn the_first_content_is_seen_and_a_role_is_none() {
    let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
    for silent in [
        ": OPENROUTER PROCESSING\n\n",
        "data: {\"choices\":[],\"prompt_filter_results\":[{\"a\":1}]}\n\n",
        "data: {\"choices\":[{\"delta\":{\"role\":\"assistant\",\"content\":\"\",\"refusal\":null}}]}\n\n",
    ] {
        tap.feed(silent.as_bytes());
        assert!(!tap.reading().content_passed(), "{silent}");
    }
    for said in [r#""delta":{"content":"x"}"#, r#""delta":{"tool_calls":[{}]}"#, r#""text":"x""#] {
        let (tap, _) = read(&format!("data: {{\"choices\":[{{{said}}}]}}\n\n"));
        assert!(tap.reading().content_passed(), "{said}");
    }
}

#[test]
fn names_are_kept_and_blanks_do_not_replace_them() {
    let (tap, _) = read(concat!(
        "data: {\"id\":\"\",\"model\":\"\",\"choices\":[]}\n\n",
        "data: {\"id\":\"c-1\",\"model\":\"gpt\\u002d5\",\"service_tier\":\"flex\",\"choices\":[]}\n\n",
        "data: {\"id\":\"\",\"model\":null,\"choices\":[]}\n\n",
    ));
    let reading = tap.reading();
    assert_eq!(
        (reading.id(), reading.model(), reading.service_tier()),
        (Some("c-1"), Some("gpt-5"), Some("flex"))
    );
}

#[test]
fn boundaries_between_events_are_known() {
    let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
    for (piece, boundary) in [
        ("", true),
        ("data: 1", false),
        ("\n", false),
        ("\n", true),
        ("data: 1\r\n\r", true),
        ("\n", true),
        (":", false),
    ] {
        tap.feed(piece.as_bytes());
        assert_eq!(tap.at_event_boundary(), boundary, "{piece:?}");
    }
}

#[test]
fn an_event_too_large_to_hold_is_read_in_passing() {
    let large = "x".repeat(3 * MAX_HELD);
    let stream = format!(
        "data: {{\"id\":\"c\",\"choices\":[{{\"delta\":{{\"content\":\"{large}\"}},\"finish_reason\":\"stop\"}}],\"usage\":{{\"prompt_tokens\":7,\"completion_tokens\":8}}}}\n\n"
    );
    for size in [1000, MAX_HELD + 1, stream.len()] {
        let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
        stream.as_bytes().chunks(size).for_each(|piece| tap.feed(piece));
        assert_eq!((counts(&tap), tap.finish()), (Some((7, 8)), Ok(StreamEnd)), "{size}");
        assert!(tap.at_event_boundary());
    }
    let mut tap = UsageTap::stream(Dialect::OpenAi, Framing::Events, None);
    stream.as_bytes()[..stream.len() - 9].chunks(1000).for_each(|piece| tap.feed(piece));
    assert_eq!((tap.finish(), tap.at_event_boundary()), (Err(Truncated), false));
}

#[test]
fn a_json_answer_tells_its_usage_and_names() {
    let answer = br#" {"id":"c-1","choices":[{"message":{"usage":{"prompt_tokens":9},"content":"\\\"usage\":{"},"finish_reason":"stop"}],
        "model" : "m", "us\u0061ge" : {"prompt_tokens":3,"completion_tokens":5} ,"service_tier":"default"} "#;
    let (tap, end) = body(&[answer]);
    assert_eq!((counts(&tap), end), (Some((3, 5)), Ok(StreamEnd)));
    let reading = tap.reading();
    assert_eq!(
        (reading.id(), reading.model(), reading.service_tier()),
        (Some("c-1"), Some("m"), Some("default"))
    );
    assert!(reading.content_passed() && !reading.error_passed());
}

/// Usage stands behind it, and the tier that decides on the price behind that.
#[test]
fn why_a_json_answer_ends_is_told_once_all_of_it_is_here() {
    let answer = br#"{"choices":[{"index":0,"finish_reason":"stop"}],"usage":{"prompt_tokens":3},"service_tier":"flex"}"#;
    let finish = |answer: &[u8]| body(&[answer]).0.reading().told().finish.clone();
    assert_eq!(finish(answer).as_deref(), Some("stop"));
    for at in 0..answer.len() {
        assert_eq!(finish(&answer[..at]), None, "cut at {at}");
    }
}

#[test]
fn an_error_answer_is_whole_and_an_error() {
    for (answer, error) in
        [(r#"{"error":{"message":"x"}}"#, true), (r#"{"error":null}"#, false), ("[]", false)]
    {
        let (tap, end) = body(&[answer.as_bytes()]);
        assert_eq!((tap.reading().error_passed(), end), (error, Ok(StreamEnd)), "{answer}");
    }
}

#[test]
fn what_is_no_whole_answer_is_not_called_one() {
    for answer in ["", " ", "{", "{\"a\":\"}", "{}x", "x", "}", "{\"a\":{}"] {
        assert_eq!(body(&[answer.as_bytes()]).1, Err(Truncated), "{answer}");
    }
}

#[test]
fn a_value_too_large_is_not_kept() {
    let answer = format!(r#"{{"id":"{}","usage":{{"x":"{}"}}}}"#, "i".repeat(1 << 20), "u".repeat(1 << 20));
    let (tap, end) = body(&[answer.as_bytes()]);
    assert_eq!((counts(&tap), tap.reading().id(), end), (None, None, Ok(StreamEnd)));
}

/// All that can be told from outside.
fn told(tap: &UsageTap, end: Result<StreamEnd, Truncated>) -> impl PartialEq + std::fmt::Debug + use<> {
    let reading = tap.reading();
    (
        reading.usage(),
        reading.id().map(str::to_owned),
        reading.model().map(str::to_owned),
        (reading.error_passed(), reading.content_passed(), reading.done_passed(), reading.finished_choices()),
        (end, tap.at_event_boundary()),
    )
}

fn fed(mut tap: UsageTap, pieces: &[&[u8]]) -> impl PartialEq + std::fmt::Debug + use<> {
    for piece in pieces {
        tap.feed(piece);
    }
    let end = tap.finish();
    told(&tap, end)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_chunking_of_a_stream_reads_the_same(stream in stream_text::stream(), cuts in stream_text::cuts()) {
        let text = stream.text();
        let pieces = stream_text::pieces(text.as_bytes(), &cuts);
        prop_assert_eq!(fed(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), &pieces), fed(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), &[text.as_bytes()]));
        let single: Vec<&[u8]> = text.as_bytes().chunks(1).collect();
        prop_assert_eq!(fed(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), &single), fed(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), &[text.as_bytes()]));
    }

    #[test]
    fn any_chunking_of_an_answer_reads_the_same(answer in stream_text::answer(), cuts in stream_text::cuts()) {
        let pieces = stream_text::pieces(answer.as_bytes(), &cuts);
        prop_assert_eq!(fed(UsageTap::body(Dialect::OpenAi), &pieces), fed(UsageTap::body(Dialect::OpenAi), &[answer.as_bytes()]));
    }

    #[test]
    fn an_answer_s_usage_is_serde_json_s(answer in stream_text::answer()) {
        let (tap, end) = body(&[answer.as_bytes()]);
        prop_assert_eq!(end, Ok(StreamEnd));
        if let Ok(value) = serde_json::from_str::<serde_json::Value>(&answer) {
            let count = |name: &str| value["usage"][name].as_u64();
            let wanted = count("prompt_tokens").or(count("completion_tokens")).map(|_| Usage {
                input: count("prompt_tokens").unwrap_or(0),
                output: count("completion_tokens").unwrap_or(0),
                ..Usage::default()
            });
            prop_assert_eq!(tap.reading().usage(), wanted, "{}", answer);
        }
    }

    #[test]
    fn a_prefix_of_an_answer_is_never_whole(answer in stream_text::answer(), at in any::<prop::sample::Index>()) {
        let trimmed = answer.trim_end();
        prop_assert_eq!(body(&[&trimmed.as_bytes()[..at.index(trimmed.len())]]).1, Err(Truncated));
    }

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        fed(UsageTap::stream(Dialect::OpenAi, Framing::Events, None), &[&bytes]);
        fed(UsageTap::body(Dialect::OpenAi), &[&bytes]);
    }
}
