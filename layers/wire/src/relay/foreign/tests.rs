use bytes::Bytes;
use proptest::{prelude::*, sample::Index};
use serde_json::json;
use tollway_core::{Dialect, Framing, Usage};

use super::super::{MAX_HELD, Reading, UsageStrip, UsageTap, stream_text::pieces};
use crate::{ApiError, DecodeContext, ErrorKind, StreamEnd, Truncated, anthropic, gemini, openai, responses};

/// A stream by hand, as its provider would send it, and from where on it is whole.
struct Stream {
    name: &'static str,
    dialect: Dialect,
    framing: Framing,
    text: &'static str,
    whole_from: usize,
    usage: Usage,
    id: &'static str,
    tier: &'static str,
}

const ANTHROPIC: &str = concat!(
    "event: message_start\r\n",
    r#"data: {"type":"message_start","message":{"model":"claude-x","id":"msg_1","content":[],"usage":{"input_tokens":17,"cache_read_input_tokens":100,"cache_creation_input_tokens":0,"output_tokens":1,"service_tier":"standard"}}   }"#,
    "\r\n\r\nevent: content_block_start\ndata: ",
    r#"{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}         }"#,
    "\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: content_block_delta\ndata: ",
    r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"{\"type\":\"message_stop\"} é 🦀"} }"#,
    "\n\nevent: content_block_stop\ndata: {\"type\":\"content_block_stop\",\"index\":0}\n\nevent: message_delta\ndata: ",
    r#"{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},"usage":{"input_tokens":17,"output_tokens":10}}"#,
    "\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"      }\n\n",
);

const RESPONSES: &str = concat!(
    "event: response.created\ndata: ",
    r#"{"type":"response.created","sequence_number":0,"response":{"id":"resp_1","created_at":7,"status":"in_progress","error":null,"model":"gpt-x","output":[],"service_tier":"auto","usage":null}}"#,
    "\n\nevent: response.output_item.added\ndata: ",
    r#"{"type":"response.output_item.added","sequence_number":1,"output_index":0,"item":{"id":"ws_1","type":"web_search_call","status":"in_progress"}}"#,
    "\n\nevent: response.output_text.delta\ndata: ",
    r#"{"type":"response.output_text.delta","sequence_number":2,"delta":"\"response\": {\"type\":\"response.completed\"} é"}"#,
    "\n\nevent: response.output_text.delta\ndata: ",
    r#"{"type":"response.output_text.delta","sequence_number":3,"delta":"x"}"#,
    "\n\nevent: response.completed\ndata: ",
    r#"{"type":"response.completed","sequence_number":4,"response":{"id":"resp_1","status":"completed","error":null,"model":"gpt-x","output":[{"type":"web_search_call","action":{"type":"search"}},{"type":"web_search_call","action":{"type":"open_page"}},{"type":"message","content":[{"type":"output_text","text":"}"}]}],"service_tier":"default","usage":{"input_tokens":75,"input_tokens_details":{"cached_tokens":5},"output_tokens":16,"output_tokens_details":{"reasoning_tokens":9},"total_tokens":91}}}"#,
    "\n\n",
);

const FRAMES: [&str; 3] = [
    r#"{"candidates":[{"content":{"parts":[{"text":"a \"finishReason\":\"STOP\" ]} é"}],"role":"model"},"index":0}],"usageMetadata":{"promptTokenCount":10,"totalTokenCount":10,"promptTokensDetails":[{"modality":"TEXT","tokenCount":10}],"serviceTier":"standard"},"modelVersion":"gemini-x","responseId":"r-1"}"#,
    r#"{"candidates":[{"content":{"parts":[{"functionCall":{"name":"f","args":{"usageMetadata":{"promptTokenCount":999},"finishReason":"STOP"}}}]}}],"usageMetadata":{"promptTokenCount":10,"candidatesTokenCount":5,"thoughtsTokenCount":3,"totalTokenCount":18}}"#,
    r#"{"candidates":[{"finishReason":"STOP","index":0}],"usageMetadata":{"promptTokenCount":10,"cachedContentTokenCount":4,"candidatesTokenCount":6,"thoughtsTokenCount":3,"totalTokenCount":19}}"#,
];

fn streams() -> Vec<Stream> {
    let [first, second, third] = FRAMES;
    let sse: &'static str =
        format!("data: {first}\r\n\r\ndata: {second}\r\n\r\ndata: {third}\r\n\r\n").leak();
    let array: &'static str = format!("[{first}\n,\r\n{second}\n,\r\n{third}\n]\n").leak();
    let google = Usage { input: 10, cached_input: 4, output: 9, reasoning: 3, ..Usage::default() };
    let stream = |name, dialect, framing, text: &'static str, tail: usize, usage, id| Stream {
        name,
        dialect,
        framing,
        text,
        whole_from: text.len() - tail,
        usage,
        id,
        tier: "default",
    };
    let claude = Usage { input: 117, cached_input: 100, output: 10, ..Usage::default() };
    let gpt =
        Usage { input: 75, cached_input: 5, output: 16, reasoning: 9, web_searches: 1, ..Usage::default() };
    vec![
        stream("messages", Dialect::Anthropic, Framing::Events, ANTHROPIC, 2, claude, "msg_1"),
        stream("responses", Dialect::Responses, Framing::Events, RESPONSES, 2, gpt, "resp_1"),
        stream("gemini", Dialect::Gemini, Framing::Events, sse, 4, google, "r-1"),
        stream("gemini array", Dialect::Gemini, Framing::Array, array, 1, google, "r-1"),
    ]
}

fn tap(stream: &Stream, pieces: &[&[u8]]) -> (UsageTap, Result<StreamEnd, Truncated>) {
    let mut tap = UsageTap::stream(stream.dialect, stream.framing, None);
    for piece in pieces {
        tap.feed(piece);
    }
    let end = tap.finish();
    (tap, end)
}

/// A stream as a client gets it that the provider sends so many bytes of.
fn relayed(stream: &Stream, pieces: &[&[u8]]) -> (Vec<u8>, Result<StreamEnd, Truncated>) {
    let mut strip = UsageStrip::new(stream.dialect, stream.framing, None);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&strip.feed(Bytes::copy_from_slice(piece)));
    }
    let ending = strip.finish();
    match ending.end {
        Ok(_) => out.extend_from_slice(&ending.rest),
        Err(_) => out.extend_from_slice(&strip.fail(&broken())),
    }
    (out, ending.end)
}

fn broken() -> ApiError {
    ApiError {
        status: 502,
        kind: ErrorKind::Internal,
        message: "the provider broke off".to_owned(),
        code: None,
        param: None,
        retry_after: None,
    }
}

/// Whether the dialect's own decoder takes a stream for whole, and the error it reads in it.
fn decoded(stream: &Stream, text: &[u8]) -> (bool, Option<String>) {
    macro_rules! read {
        ($decoder:expr) => {{
            let mut decoder = $decoder;
            decoder.feed(text);
            let mut events: Vec<_> = std::iter::from_fn(|| decoder.next_event()).collect();
            let whole = decoder.finish().is_ok();
            events.extend(std::iter::from_fn(|| decoder.next_event()));
            let error = events.into_iter().find_map(|event| match event {
                crate::chat::Event::Error(error) => Some(error.message),
                _ => None,
            });
            (whole, error)
        }};
    }
    match stream.dialect {
        Dialect::Anthropic => read!(anthropic::StreamDecoder::new(DecodeContext::default())),
        Dialect::Responses => read!(responses::StreamDecoder::new(DecodeContext::default())),
        Dialect::Gemini => read!(gemini::StreamDecoder::new(DecodeContext::default())),
        _ => read!(openai::StreamDecoder::new(DecodeContext::default())),
    }
}

#[test]
fn what_a_stream_tells_is_read() {
    for stream in &streams() {
        let single: Vec<&[u8]> = stream.text.as_bytes().chunks(1).collect();
        for pieces in [&[stream.text.as_bytes()][..], &single] {
            let (tap, end) = tap(stream, pieces);
            let reading = tap.reading();
            assert_eq!(end, Ok(StreamEnd), "{}", stream.name);
            assert_eq!(reading.usage(), Some(stream.usage), "{}", stream.name);
            assert_eq!((reading.id(), reading.service_tier()), (Some(stream.id), Some(stream.tier)));
            assert!(reading.model().unwrap().ends_with("-x"));
            assert!(reading.content_passed() && !reading.error_passed(), "{}", stream.name);
            let (out, end) = relayed(stream, pieces);
            assert_eq!((out.as_slice(), end), (stream.text.as_bytes(), Ok(StreamEnd)), "{}", stream.name);
        }
    }
}

/// The promise of this module: a cut stream never looks whole, to us or to those who read it.
#[test]
fn a_stream_cut_at_any_byte_ends_in_its_own_error_and_is_not_whole() {
    for stream in &streams() {
        let bytes = stream.text.as_bytes();
        for at in 0..bytes.len() {
            let cut = &bytes[..at];
            let name = format!("{} at {at}", stream.name);
            let single: Vec<&[u8]> = cut.chunks(1).collect();
            let (out, end) = relayed(stream, &[cut]);
            assert_eq!((&out, end), (&relayed(stream, &single).0, tap(stream, &[cut]).1), "{name}");
            assert_eq!(end.is_ok(), at >= stream.whole_from, "{name}");
            if end.is_ok() {
                assert_eq!(out, cut, "{name}");
                continue;
            }
            let (read, end) = tap(stream, &[&out]);
            assert_eq!((end, read.reading().error_passed()), (Err(Truncated), true), "{name}");
            let told = Some("the provider broke off".to_owned());
            assert_eq!(decoded(stream, &out), (false, told), "{name}");
            assert!(!decoded(stream, cut).0, "{name}");
            if stream.framing == Framing::Array {
                let elements: Vec<serde_json::Value> = serde_json::from_slice(&out).unwrap();
                assert_eq!(elements.last().unwrap()["error"]["code"], 502, "{name}");
            }
        }
    }
}

/// A reason to end that is cut off from the usage behind it in the same event would make an older usage look
/// like the last word.
#[test]
fn why_a_stream_ends_is_told_with_its_last_usage_or_not_at_all() {
    for stream in streams() {
        let bytes = stream.text.as_bytes();
        let mut told = 0;
        for at in 0..bytes.len() {
            let (tap, _) = tap(&stream, &[&bytes[..at]]);
            if tap.reading().told().finish.is_some() {
                told += 1;
                assert_eq!(tap.reading().usage(), Some(stream.usage), "{} cut at {at}", stream.name);
            }
        }
        assert!(0 < told && told < bytes.len() / 2, "{}: {told}", stream.name);
    }
}

#[test]
fn errors_stand_in_the_dialect_s_own_frame() {
    let ends = [
        (
            Dialect::Anthropic,
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"api_error\",\"message\":\"the provider broke off\"}}\n\n",
        ),
        (
            Dialect::Responses,
            "event: error\ndata: {\"type\":\"error\",\"sequence_number\":4,\"code\":\"server_error\",\"message\":\"the provider broke off\",\"param\":null}\n\n",
        ),
        (
            Dialect::OpenAi,
            "data: {\"error\":{\"message\":\"the provider broke off\",\"type\":\"server_error\",\"param\":null,\"code\":null}}\n\n",
        ),
    ];
    // Some clients wait for the response to fail, as it was begun.
    let failed = |frame: &str| {
        let (error, failed) = frame.split_once("\n\n").unwrap();
        let data = failed.trim_end().strip_prefix("event: response.failed\ndata: ").unwrap();
        let data: serde_json::Value = serde_json::from_str(data).unwrap();
        assert_eq!((&data["type"], &data["sequence_number"]), (&json!("response.failed"), &json!(5)));
        let response = &data["response"];
        assert_eq!(
            (&response["id"], &response["status"], &response["model"]),
            (&json!("resp_1"), &json!("failed"), &json!("gpt-x"))
        );
        assert_eq!(response["created_at"], 7);
        assert_eq!(response["error"], json!({"code": "server_error", "message": "the provider broke off"}));
        format!("{error}\n\n")
    };
    for (dialect, frame) in ends {
        let mut strip = UsageStrip::keeping(dialect, Framing::Events, None);
        // All but the last event, of which the last bytes are cut off.
        let text = RESPONSES.as_bytes();
        strip.feed(Bytes::copy_from_slice(&text[..text.len() - 9]));
        let told = |strip: &UsageStrip| {
            let told = String::from_utf8(strip.fail(&broken()).to_vec()).unwrap();
            let Some(rest) = told.strip_prefix("\n\n") else { return (false, told) };
            (true, rest.to_owned())
        };
        let read = |(behind, told): (bool, String)| {
            (behind, if dialect == Dialect::Responses { failed(&told) } else { told })
        };
        assert_eq!(read(told(&strip)), (false, frame.to_owned()));
        // Within an event too large to hold a blank line goes before it.
        strip.feed(Bytes::from(vec![b'x'; MAX_HELD + 1]));
        assert_eq!(read(told(&strip)), (true, frame.to_owned()));
    }
    // Of an answer that was not begun, or told its failure itself, there is nothing more to tell.
    for before in [
        "",
        "event: response.failed\ndata: {\"type\":\"response.failed\",\"response\":{\"id\":\"r\",\"status\":\"failed\"}}\n\n",
    ] {
        let mut strip = UsageStrip::keeping(Dialect::Responses, Framing::Events, None);
        strip.feed(Bytes::from_static(before.as_bytes()));
        let told = strip.fail(&broken());
        assert!(
            told.starts_with(b"event: error\n") && told.windows(2).filter(|two| two == b"\n\n").count() == 1
        );
    }
}

#[test]
fn an_array_cut_within_a_large_element_is_no_json() {
    let stream = &streams()[3];
    let large =
        format!("[{{\"candidates\":[{{\"content\":{{\"parts\":[{{\"text\":\"{}", "x".repeat(MAX_HELD));
    let (out, end) = relayed(stream, &[large.as_bytes()]);
    assert_eq!(end, Err(Truncated));
    assert!(serde_json::from_slice::<serde::de::IgnoredAny>(&out).is_err());
    assert!(out.ends_with(b"]") && out.starts_with(large.as_bytes()));
}

#[test]
fn large_events_are_read_in_passing() {
    let long = "x".repeat(3 * MAX_HELD);
    for stream in &streams() {
        let said = match stream.dialect {
            Dialect::Responses => "\"text\":\"}",
            Dialect::Anthropic => "\"text\":\"{",
            _ => "\"text\":\"a ",
        };
        let text = stream.text.replace(said, &format!("{said}{long}"));
        assert!(text.len() > long.len(), "{}", stream.name);
        let mut ends = Vec::new();
        for size in [1000, MAX_HELD + 1, text.len()] {
            let pieces: Vec<&[u8]> = text.as_bytes().chunks(size).collect();
            let (tap, end) = tap(stream, &pieces);
            assert_eq!((tap.reading().usage(), end), (Some(stream.usage), Ok(StreamEnd)), "{}", stream.name);
            assert_eq!(relayed(stream, &pieces), (text.clone().into_bytes(), Ok(StreamEnd)));
            let cut: Vec<&[u8]> = text.as_bytes()[..text.len() - 40].chunks(size).collect();
            let (out, end) = relayed(stream, &cut);
            ends.push((end, tap.reading().finished_choices()));
            assert_eq!((end, self::tap(stream, &[&out]).1), (Err(Truncated), Err(Truncated)));
        }
        ends.dedup();
        assert_eq!(ends.len(), 1, "{}", stream.name);
    }
}

#[test]
fn streams_that_tell_an_error_are_not_whole() {
    let all = streams();
    for (stream, error) in [
        (
            &all[0],
            "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"x\"}}\n\n",
        ),
        (&all[0], "data: {\"type\":\"error\"}\n\n"),
        (&all[1], "data: {\"type\":\"error\",\"code\":\"x\",\"message\":\"y\"}\n\n"),
        (&all[1], "data: {\"error\":{\"message\":\"x\"}}\n\n"),
        (&all[1], "data: {\"type\":\"response.failed\",\"response\":{\"status\":\"failed\"}}\n\n"),
        (&all[1], "data: {\"type\":\"x\",\"response\":{\"error\":{\"code\":\"server_error\"}}}\n\n"),
        (&all[2], "data: {\"error\":{\"code\":503,\"status\":\"UNAVAILABLE\"}}\n\n"),
    ] {
        let text = stream.text.to_owned() + error;
        let (read, end) = tap(stream, &[text.as_bytes()]);
        assert_eq!((end, read.reading().error_passed()), (Err(Truncated), true), "{error}");
    }
    let text = all[3].text.replace("\n]", "\n,{\"error\":{\"code\":503}}]");
    assert_eq!(tap(&all[3], &[text.as_bytes()]).1, Err(Truncated));
}

#[test]
fn gemini_is_whole_by_every_candidate_or_by_a_blocked_prompt() {
    let all = streams();
    let ends = |frames: &[&str]| {
        let sse = frames.iter().flat_map(|frame| ["data: ", frame, "\n\n"]).collect::<String>();
        let array = format!("[{}]", frames.join(","));
        let end = tap(&all[2], &[sse.as_bytes()]).1;
        assert_eq!(tap(&all[3], &[array.as_bytes()]).1, end, "{frames:?}");
        end.is_ok()
    };
    let one = r#"{"candidates":[{"finishReason":"MAX_TOKENS"}]}"#;
    let other = r#"{"candidates":[{"index":1,"finishReason":2}]}"#;
    let says = r#"{"candidates":[{"index":1,"content":{"parts":[{"text":"x"}]}}]}"#;
    assert!(ends(&[one]));
    assert!(ends(&[one, other]) && ends(&[says, other]));
    assert!(!ends(&[one, says]) && !ends(&[says]));
    assert!(!ends(&[]) && !ends(&["{}"]));
    assert!(!ends(&[r#"{"candidates":[{"finishReason":"FINISH_REASON_UNSPECIFIED"}]}"#]));
    assert!(!ends(&[r#"{"candidates":[{"finishReason":null}]}"#]));
    assert!(!ends(&[r#"{"candidates":[{"index":500,"finishReason":"STOP"}]}"#]));
    assert!(ends(&[r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#]));
    assert!(!ends(&[r#"{"promptFeedback":{"blockReason":"BLOCK_REASON_UNSPECIFIED"}}"#]));
    assert!(!ends(&[r#"{"promptFeedback":{"blockReason":"SAFETY"}}"#, says]));
}

#[test]
fn what_is_no_array_of_objects_is_never_whole_and_passes() {
    let stream = &streams()[3];
    let whole = r#"{"candidates":[{"finishReason":"STOP"}]}"#;
    for text in [
        whole.to_owned(),
        format!("data: {whole}\n\n"),
        format!("[{whole}]x"),
        format!("[{whole}{whole}]"),
        format!("[,{whole}]"),
        format!("[1,{whole}]"),
        format!("[[{whole}]]"),
        format!("[{whole},]"),
        format!("{whole}]"),
    ] {
        assert_eq!(tap(stream, &[text.as_bytes()]).1, Err(Truncated), "{text}");
        let mut strip = UsageStrip::new(stream.dialect, stream.framing, None);
        let mut out = strip.feed(Bytes::from(text.clone())).to_vec();
        out.extend_from_slice(&strip.finish().rest);
        assert_eq!(out, text.as_bytes());
    }
    assert_eq!(tap(stream, &[format!(" [ {whole} , {whole} ] \n").as_bytes()]).1, Ok(StreamEnd));
}

#[test]
fn the_first_content_is_seen() {
    let all = streams();
    for (stream, silent, said) in [
        (
            &all[0],
            r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}}"#,
            r#"data: {"type":"content_block_start","index":0,"content_block":{"type":"tool_use","name":"f"}}"#,
        ),
        (
            &all[1],
            r#"data: {"type":"response.output_item.added","item":{"type":"message","content":[]}}"#,
            r#"data: {"type":"response.reasoning_summary_text.delta","delta":"x"}"#,
        ),
        (
            &all[2],
            r#"data: {"candidates":[{"content":{"parts":[{"text":""}],"role":"model"}}]}"#,
            r#"data: {"candidates":[{"content":{"parts":[{"functionCall":{"name":"f"}}]}}]}"#,
        ),
    ] {
        let (read, _) = tap(stream, &[silent.as_bytes(), b"\n\n"]);
        assert!(!read.reading().content_passed(), "{silent}");
        let (read, _) = tap(stream, &[silent.as_bytes(), b"\n\n", said.as_bytes(), b"\n\n"]);
        assert!(read.reading().content_passed(), "{said}");
    }
}

fn whole(dialect: Dialect, answer: &str) -> (UsageTap, Result<StreamEnd, Truncated>) {
    let mut pieced = UsageTap::body(dialect);
    answer.as_bytes().chunks(1).for_each(|piece| pieced.feed(piece));
    let end = pieced.finish();
    let mut at_once = UsageTap::body(dialect);
    at_once.feed_whole(answer.as_bytes());
    assert_eq!(at_once.reading().usage(), pieced.reading().usage());
    assert_eq!(at_once.finish(), end);
    (pieced, end)
}

#[test]
fn whole_answers_tell_their_usage() {
    let message = r#"{"id":"msg_1","model":"m","content":[{"type":"text","text":"\"usage\":{}"}],"usage":{"input_tokens":3,"output_tokens":5,"service_tier":"batch"},"type":"message"}"#;
    let response = r#"{"id":"resp_1","model":"m","output":[{"type":"web_search_call"}],"error":null,"service_tier":"flex","usage":{"input_tokens":3,"output_tokens":5},"metadata":{"usage":{"input_tokens":9}}}"#;
    let content = r#"{"responseId":"r","modelVersion":"m","candidates":[{"content":{"parts":[{"text":"x"}]},"groundingMetadata":{"webSearchQueries":["a","","b"]}}],"usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":5,"toolUsePromptTokenCount":7,"serviceTier":"flex"}}"#;
    for (dialect, answer, searches, tier) in [
        (Dialect::Anthropic, message, 0, "batch"),
        (Dialect::Responses, response, 1, "flex"),
        (Dialect::Gemini, content, 2, "flex"),
    ] {
        let (tap, end) = whole(dialect, answer);
        let reading = tap.reading();
        let usage = Usage { input: 3, output: 5, web_searches: searches, ..Usage::default() };
        assert_eq!((reading.usage(), end), (Some(usage), Ok(StreamEnd)), "{dialect:?}");
        assert_eq!((reading.model(), reading.service_tier()), (Some("m"), Some(tier)));
        assert!(reading.id().is_some() && reading.content_passed() && !reading.error_passed());
        for at in 0..answer.len() {
            assert_eq!(whole(dialect, &answer[..at]).1, Err(Truncated), "{dialect:?} at {at}");
        }
    }
}

#[test]
fn answers_that_spent_nothing_are_whole_without_usage() {
    for (dialect, answer) in [
        (Dialect::Anthropic, r#"{"input_tokens":14}"#),
        (Dialect::Responses, r#"{"object":"response.input_tokens","input_tokens":11}"#),
        (Dialect::Gemini, r#"{"totalTokens":5,"promptTokensDetails":[{"modality":"TEXT","tokenCount":5}]}"#),
        (Dialect::Gemini, r#"{"embedding":{"values":[0.5]}}"#),
    ] {
        let (tap, end) = whole(dialect, answer);
        assert_eq!((tap.reading().usage(), end), (None, Ok(StreamEnd)), "{answer}");
        assert!(!tap.reading().error_passed());
    }
    let vectors = r#"{"embeddings":[{"values":[0.5]}],"usageMetadata":{"promptTokenCount":4}}"#;
    assert_eq!(whole(Dialect::Gemini, vectors).0.reading().usage().map(|usage| usage.input), Some(4));
    for (dialect, answer) in [
        (Dialect::Anthropic, r#"{"type":"error","error":{"type":"api_error","message":"x"}}"#),
        (Dialect::Responses, r#"{"id":"r","status":"failed","error":{"code":"server_error","message":"x"}}"#),
        (Dialect::Gemini, r#"{"error":{"code":500}}"#),
    ] {
        let (tap, end) = whole(dialect, answer);
        assert_eq!((tap.reading().error_passed(), end), (true, Ok(StreamEnd)), "{answer}");
    }
}

/// All that can be told from outside.
fn told(reading: &Reading, end: Result<StreamEnd, Truncated>) -> impl PartialEq + std::fmt::Debug + use<> {
    (
        reading.usage(),
        reading.id().map(str::to_owned),
        reading.model().map(str::to_owned),
        reading.service_tier().map(str::to_owned),
        (reading.error_passed(), reading.content_passed(), reading.done_passed(), reading.finished_choices()),
        end,
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// Streams mangled in any way, fed in any pieces.
    #[test]
    fn any_chunking_reads_and_relays_the_same(
        which in 0_usize..4,
        cuts in prop::collection::vec(any::<Index>(), 0..12),
        swaps in prop::collection::vec((any::<Index>(), prop::sample::select(&b"\n\r{}[],:\" ad\\x"[..])), 0..6),
    ) {
        let stream = &streams()[which];
        let mut text = stream.text.as_bytes().to_vec();
        for (at, byte) in swaps {
            let at = at.index(text.len());
            text[at] = byte;
        }
        let cut = pieces(&text, &cuts);
        let single: Vec<&[u8]> = text.chunks(1).collect();
        let at_once = tap(stream, &[&text]);
        for pieces in [&cut, &single] {
            let pieced = tap(stream, pieces);
            prop_assert_eq!(told(pieced.0.reading(), pieced.1), told(at_once.0.reading(), at_once.1));
            prop_assert_eq!(relayed(stream, pieces), relayed(stream, &[&text]));
        }
        let mut whole = UsageTap::body(stream.dialect);
        whole.feed(&text);
        let mut pieced = UsageTap::body(stream.dialect);
        for piece in &cut {
            pieced.feed(piece);
        }
        let (end, pieced_end) = (whole.finish(), pieced.finish());
        prop_assert_eq!(told(whole.reading(), end), told(pieced.reading(), pieced_end));
    }
}
