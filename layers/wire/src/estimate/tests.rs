use tollway_core::{Dialect, Endpoint, Operation};

use super::*;

fn of(body: &str) -> Estimate {
    let body = body.replacen('{', r#"{"model":"m","#, 1);
    let operation = Operation::new(Dialect::OpenAi, Endpoint::Chat);
    estimate(&Peek::new(&operation, body.into()).unwrap(), Family::OpenAi)
}

fn said(text: &str) -> u64 {
    of(&format!(r#"{{"messages":[{{"role":"user","content":"{text}"}}]}}"#)).input
}

#[test]
fn words_cost_about_a_token_each() {
    let one = said("hello");
    let many = said(&"hello there ".repeat(500));
    assert!((900..1500).contains(&(many - one)), "{many} {one}");
}

#[test]
fn every_script_costs_something() {
    for text in ["größe größe größe", "привет привет", "日本語の文章です", "नमस्ते दुनिया", "😀😀😀"]
    {
        assert!(said(text) > said("") + 2, "{text}: {}", said(text));
    }
}

#[test]
fn data_is_counted_by_its_size_and_no_text() {
    let picture = "iVBORw0KGgo".repeat(20_000);
    let body = format!(
        r#"{{"messages":[{{"role":"user","content":[{{"type":"image_url","image_url":{{"url":"data:image/png;base64,{picture}"}}}}]}}]}}"#
    );
    assert!((150..400).contains(&of(&body).input), "{:?}", of(&body));
    // The same letters with spaces between them are words.
    assert!(said(&"iVBORw0KGgo ".repeat(20_000)) > 20_000);
}

#[test]
fn what_no_model_reads_costs_nothing() {
    let short = r#"{"messages":[{"role":"user","content":"hi"}]}"#;
    let long = r#"{"metadata":{"a":"many words that nobody reads"},"messages":[{"role":"user","id":"a-b-c-d-e-f-g-h","content":"hi"}],"tools":[],"user":"some one or other"}"#;
    assert_eq!(of(short).input, of(long).input);
}

#[test]
fn escapes_end_no_string() {
    let quoted = said(r#"she said \"yes\" and \\ left \\\" it"#);
    assert!((10..40).contains(&quoted), "{quoted}");
}

#[test]
fn the_output_is_what_the_client_asks_for_at_most() {
    for (body, expected) in [
        (r#"{"messages":[0]}"#, None),
        (r#"{"messages":[0],"max_tokens":7}"#, Some(7)),
        (r#"{"messages":[0],"max_completion_tokens":7,"n":3}"#, Some(21)),
        (r#"{"messages":[0],"generationConfig":{"maxOutputTokens":9,"candidateCount":2}}"#, Some(18)),
        (r#"{"messages":[0],"max_output_tokens":18446744073709551615,"n":2}"#, Some(u64::MAX)),
        (r#"{"messages":[0],"max_tokens":null}"#, None),
        (r#"{"messages":[0],"max_tokens":1e3,"generationConfig":[]}"#, None),
    ] {
        assert_eq!(of(body).output, expected, "{body}");
    }
}

#[test]
fn families_go_by_the_model_s_name() {
    for (model, family) in [
        ("gpt-5-mini", Family::Gpt5),
        ("openai/gpt-4o", Family::OpenAi),
        ("o3", Family::OpenAi),
        ("openai/gpt-oss-120b", Family::Other),
        ("anthropic/claude-sonnet-4-5", Family::Anthropic),
        ("models/gemini-3-flash", Family::Gemini),
        ("magistral-small", Family::Mistral),
        ("llama-4-scout", Family::Llama),
        ("qwen3", Family::Other),
        ("", Family::Other),
    ] {
        assert_eq!(Family::of(model), family, "{model}");
    }
}

#[test]
fn a_request_in_a_request_is_read_once() {
    let inner =
        r#"{"contents":[{"parts":[{"text":"one two three"}]}],"generationConfig":{"maxOutputTokens":5}}"#;
    let wrapped = of(&format!(r#"{{"messages":[0],"generateContentRequest":{inner}}}"#));
    assert!(wrapped.input >= 3 && wrapped.output == Some(5), "{wrapped:?}");
    let deep = r#"{"generateContentRequest":"#.repeat(100_000) + "1" + &"}".repeat(100_000);
    assert_eq!(of(&format!(r#"{{"messages":[0],"generateContentRequest":{deep}}}"#)).output, None);
}
