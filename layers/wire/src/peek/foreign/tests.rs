use std::sync::Arc;

use bytes::Bytes;
use tollway_core::{Dialect, Endpoint, Framing, Operation};

use crate::{Refusal, peek::Peek};

fn operation(dialect: Dialect, endpoint: Endpoint) -> Operation {
    let plain = Operation::new(dialect, endpoint);
    match dialect {
        Dialect::Gemini => Operation {
            model: Some(Arc::from("gemini-x")),
            stream: Some(true),
            framing: Framing::Array,
            ..plain
        },
        _ => plain,
    }
}

fn peek(dialect: Dialect, endpoint: Endpoint, body: &str) -> Result<Peek, Refusal> {
    Peek::new(&operation(dialect, endpoint), Bytes::copy_from_slice(body.as_bytes()))
}

/// Refusals of an endpoint, by the body, the field and the message.
fn refused(dialect: Dialect, endpoint: Endpoint, cases: &[(&str, &str, &str)]) {
    for (body, param, message) in cases {
        let refusal = peek(dialect, endpoint, body).unwrap_err();
        assert_eq!((refusal.param.as_deref(), refusal.message.as_str()), (Some(*param), *message), "{body}");
    }
}

#[test]
fn anthropic_s_messages() {
    let read = |body: &str| peek(Dialect::Anthropic, Endpoint::Chat, body);
    let told = read(r#"{"model":"claude-x","max_tokens":5,"messages":[{}],"stream":true,"n":0}"#).unwrap();
    assert_eq!((&*told.model(), told.stream(), told.n()), ("claude-x", true, None));
    let told = read(r#"{"model":"a","model":"b","max_tokens":0,"messages":[{}],"stream":null}"#).unwrap();
    assert_eq!((&*told.model(), told.stream()), ("b", false));
    refused(
        Dialect::Anthropic,
        Endpoint::Chat,
        &[
            ("{}", "model", "model: field required"),
            (r#"{"model":7}"#, "model", "model: input should be a string, got an integer"),
            (r#"{"model":""}"#, "model", "model: empty string"),
            (r#"{"model":"m"}"#, "messages", "messages: field required"),
            (r#"{"model":"m","messages":null}"#, "messages", "messages: field required"),
            (
                r#"{"model":"m","messages":"x"}"#,
                "messages",
                "messages: input should be an array of objects, got a string",
            ),
            (
                r#"{"model":"m","messages":[]}"#,
                "messages",
                "messages: empty array, expected at least one element",
            ),
            (r#"{"model":"m","messages":[{}]}"#, "max_tokens", "max_tokens: field required"),
            (
                r#"{"model":"m","messages":[{}],"max_tokens":"5"}"#,
                "max_tokens",
                "max_tokens: input should be an integer, got a string",
            ),
            (
                r#"{"model":"m","messages":[{}],"max_tokens":1.5}"#,
                "max_tokens",
                "max_tokens: input should be an integer, got a decimal",
            ),
            (
                r#"{"model":"m","messages":[{}],"max_tokens":-1}"#,
                "max_tokens",
                "max_tokens: input should be greater than or equal to 0",
            ),
            (
                r#"{"model":"m","messages":[{}],"max_tokens":1,"stream":1}"#,
                "stream",
                "stream: input should be a boolean, got an integer",
            ),
        ],
    );
    let count = peek(Dialect::Anthropic, Endpoint::CountTokens, r#"{"model":"m","messages":[{}]}"#).unwrap();
    assert!(!count.stream());
    refused(
        Dialect::Anthropic,
        Endpoint::CountTokens,
        &[(r#"{"model":"m"}"#, "messages", "messages: field required")],
    );
}

#[test]
fn openai_s_responses() {
    let read = |body: &str| peek(Dialect::Responses, Endpoint::Chat, body);
    for input in [
        r#""input":"x""#,
        r#""input":[]"#,
        r#""input":[{}],"prompt":null"#,
        r#""input":null,"previous_response_id":"resp_1""#,
        r#""conversation":{"id":"conv_1"}"#,
        r#""prompt":{"id":"pmpt_1"}"#,
    ] {
        let told = read(&format!(r#"{{"model":"gpt-x",{input},"stream":true}}"#)).unwrap();
        assert_eq!((&*told.model(), told.stream(), told.include_usage()), ("gpt-x", true, None), "{input}");
    }
    let none = "missing required parameter: one of 'input', 'previous_response_id', 'conversation' and 'prompt' \
                must be given";
    let cases = [
        (r#"{"prompt":{"id":"pmpt_1"}}"#, "model", "missing required parameter: 'model'"),
        (r#"{"model":"m","previous_response_id":null}"#, "input", none),
        (
            r#"{"model":"m","input":{}}"#,
            "input",
            "invalid type for 'input': expected a string or an array, but got an object instead",
        ),
    ];
    refused(Dialect::Responses, Endpoint::Chat, &cases);
    refused(Dialect::Responses, Endpoint::CountTokens, &cases);
    refused(
        Dialect::Responses,
        Endpoint::Chat,
        &[(
            r#"{"model":"m","input":"x","stream":"yes"}"#,
            "stream",
            "invalid type for 'stream': expected a boolean, but got a string instead",
        )],
    );
}

#[test]
fn gemini_s_methods() {
    let told =
        peek(Dialect::Gemini, Endpoint::Chat, r#"{"contents":[{}],"model":"other","stream":7}"#).unwrap();
    assert_eq!((&*told.model(), told.stream()), ("gemini-x", true));
    assert_eq!((told.dialect(), told.endpoint()), (Dialect::Gemini, Endpoint::Chat));
    let contents = [
        ("{}", "contents", "contents is not specified"),
        (
            r#"{"contents":{}}"#,
            "contents",
            "invalid value at 'contents': expected an array of objects, got an object",
        ),
        (
            r#"{"contents":[]}"#,
            "contents",
            "invalid value at 'contents': empty array, expected at least one element",
        ),
    ];
    refused(Dialect::Gemini, Endpoint::Chat, &contents);
    refused(Dialect::Gemini, Endpoint::CountTokens, &contents);
    for body in [
        r#"{"contents":[{}]}"#,
        r#"{"generateContentRequest":{"model":"models/x","contents":[{}]}}"#,
        r#"{"generate_content_request":{"contents":[{}]},"contents":null}"#,
    ] {
        peek(Dialect::Gemini, Endpoint::CountTokens, body).unwrap();
    }
    refused(
        Dialect::Gemini,
        Endpoint::CountTokens,
        &[
            (
                r#"{"generate_content_request":{}}"#,
                "generate_content_request.contents",
                "generate_content_request.contents is not specified",
            ),
            (
                r#"{"generateContentRequest":[]}"#,
                "generateContentRequest",
                "invalid value at 'generateContentRequest': expected an object, got an array",
            ),
        ],
    );
    peek(Dialect::Gemini, Endpoint::Embedding, r#"{"content":{"parts":[]}}"#).unwrap();
    peek(Dialect::Gemini, Endpoint::Embeddings, r#"{"requests":[{}]}"#).unwrap();
    refused(
        Dialect::Gemini,
        Endpoint::Embedding,
        &[
            (r#"{"requests":[{}]}"#, "content", "content is not specified"),
            (r#"{"content":"x"}"#, "content", "invalid value at 'content': expected an object, got a string"),
        ],
    );
    refused(
        Dialect::Gemini,
        Endpoint::Embeddings,
        &[
            (r#"{"content":{}}"#, "requests", "requests is not specified"),
            (
                r#"{"requests":[]}"#,
                "requests",
                "invalid value at 'requests': empty array, expected at least one element",
            ),
        ],
    );
    let nameless = Operation::new(Dialect::Gemini, Endpoint::Chat);
    let refusal = Peek::new(&nameless, Bytes::from_static(br#"{"contents":[{}]}"#)).unwrap_err();
    assert_eq!(refusal.message, "model is not specified");
}

#[test]
fn json_is_demanded_of_all() {
    for dialect in [Dialect::Anthropic, Dialect::Responses, Dialect::Gemini] {
        for body in ["", "[]", "{", "{}x", "\u{fffd}"] {
            assert_eq!(peek(dialect, Endpoint::Chat, body).unwrap_err().param, None, "{body}");
        }
    }
}
