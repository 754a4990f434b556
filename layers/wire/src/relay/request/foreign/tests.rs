use std::sync::Arc;

use bytes::Bytes;
use proptest::prelude::*;
use tollway_core::{Dialect, Endpoint, Operation};

use super::*;
use crate::{Quirks, Traits, json_text};

fn peek(dialect: Dialect, endpoint: Endpoint, body: &str) -> Peek {
    let plain = Operation::new(dialect, endpoint);
    let operation = match dialect {
        Dialect::Gemini => Operation { model: Some(Arc::from("x")), ..plain },
        _ => plain,
    };
    Peek::new(&operation, Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

fn sent(peek: &Peek, model: &str, anthropic_version: Option<&str>) -> String {
    // Quirks are those of Chat Completions' servers.
    let quirks = Quirks { drop: vec!["stop".to_owned()], drop_nulls: true, ..Quirks::default() };
    let traits = Traits::default();
    let relayed =
        Request { model, read_usage: true, quirks: &quirks, traits: &traits, anthropic_version }.relay(peek);
    assert_eq!((relayed.dropped, relayed.strip_usage), (Vec::new(), false));
    String::from_utf8(relayed.body.into_bytes().to_vec()).unwrap()
}

#[test]
fn only_the_model_changes_where_the_body_names_it() {
    let anthropic = |model: &str| {
        format!(
            r#"{{ "model" : {model},"stop":null,"max_tokens":1e0, "messages":[{{"model":"x"}}],"stream":true }}"#
        )
    };
    let body = anthropic(r#""claude\u002dx""#).replace("1e0", "1");
    let peek = |dialect, body: &str| peek(dialect, Endpoint::Chat, body);
    assert_eq!(sent(&peek(Dialect::Anthropic, &body), "claude-x", None), body);
    assert_eq!(
        sent(&peek(Dialect::Anthropic, &body), "claude-y", None),
        anthropic("\"claude-y\"").replace("1e0", "1")
    );
    let body = r#"{"input":"x","stop":null,"stream":true,"stream_options":{},"model":"a","model":"b"}"#;
    let wanted = body.replace("\"a\"", "\"b\"");
    assert_eq!(sent(&peek(Dialect::Responses, body), "b", None), wanted);
}

#[test]
fn gemini_names_the_upstream_s_model_wherever_it_is_repeated() {
    let batch = |model: &str| {
        format!(
            r#"{{"requests":[{{"model":"{model}","content":{{"parts":[{{"text":"model"}}]}}}}, {{"content":{{}},"mod\u0065l" : "{model}"}},7]}}"#
        )
    };
    let embed = |body: &str, to: &str| sent(&peek(Dialect::Gemini, Endpoint::Embeddings, body), to, None);
    assert_eq!(embed(&batch("models/a"), "b"), batch("models/b"));
    assert_eq!(embed(&batch("models/a"), "a"), batch("models/a"));
    assert_eq!(embed(&batch("models/a"), "tunedModels/b"), batch("tunedModels/b"));
    let single = peek(Dialect::Gemini, Endpoint::Embedding, r#"{"model":"models/a","content":{}}"#);
    assert_eq!(sent(&single, "b", None), r#"{"model":"models/b","content":{}}"#);
    let count = |name: &str, model: &str| {
        format!(r#"{{"{name}":{{"contents":[{{"model":"models/a"}}],"model":"models/{model}"}}}}"#)
    };
    for name in ["generateContentRequest", "generate_content_request"] {
        let peek = peek(Dialect::Gemini, Endpoint::CountTokens, &count(name, "a"));
        assert_eq!(sent(&peek, "b", None), count(name, "b"));
    }
    let chat = r#"{"contents":[{}],"generationConfig":{"model":"a"}}"#;
    assert_eq!(sent(&peek(Dialect::Gemini, Endpoint::Chat, chat), "b", Some("v")), chat);
}

#[test]
fn a_version_stands_for_the_model_where_the_path_names_it() {
    const VERSION: Option<&str> = Some("vertex-2023-10-16");
    let of = |body: &str| sent(&peek(Dialect::Anthropic, Endpoint::Chat, body), "ignored", VERSION);
    let rest = r#""max_tokens":1,"messages":[{"model":"x"}]"#;
    let wanted = format!(r#"{{{rest},"anthropic_version":"vertex-2023-10-16"}}"#);
    assert_eq!(of(&format!(r#"{{"model":"a",{rest}}}"#)), wanted);
    assert_eq!(of(&format!(r#"{{{rest},"model":"a","model":"b"}}"#)), wanted);
    assert_eq!(of(&format!(r#"{{"model":"a",{rest},"anthropic_version":"vertex-2023-10-16"}}"#)), wanted);
    assert_eq!(of(&format!(r#"{{"model":"a",{rest},"anthropic_version":null}}"#)), wanted);
    let ours = Bytes::from(format!(r#"{{"model":"a",{rest}}}"#));
    assert_eq!(version_for_model(ours, "vertex-2023-10-16").unwrap(), wanted);
    assert!(version_for_model(Bytes::from_static(b"[]"), "v").is_err());
    // It is for Anthropic's format alone.
    let input = r#"{"model":"a","input":"x"}"#;
    assert_eq!(sent(&peek(Dialect::Responses, Endpoint::Chat, input), "a", VERSION), input);
}

/// A request of a dialect with any further members.
fn request() -> impl Strategy<Value = (Dialect, String)> {
    let others = prop::collection::vec(
        (json_text::string().prop_map(|key| key.replacen('"', "\"-", 1)), json_text::value()),
        0..5,
    );
    let dialect = prop::sample::select(vec![Dialect::Anthropic, Dialect::Responses, Dialect::Gemini]);
    (dialect, others, any::<prop::sample::Index>()).prop_flat_map(|(dialect, mut members, at)| {
        let own = match dialect {
            Dialect::Anthropic => vec![("model", "\"m\""), ("max_tokens", "9"), ("messages", "[ {} ]")],
            Dialect::Responses => vec![("model", "\"m\""), ("input", "\"\\u00e9\"")],
            _ => vec![("contents", "[{}\n]"), ("model", "\"models/m\"")],
        };
        for (key, value) in own {
            members.insert(at.index(members.len() + 1), (format!("\"{key}\""), value.to_owned()));
        }
        json_text::object(Just(members)).prop_map(move |text| (dialect, text))
    })
}

proptest! {
    #[test]
    fn all_but_the_model_stays_byte_for_byte((dialect, body) in request()) {
        let peek = peek(dialect, Endpoint::Chat, &body);
        prop_assert_eq!(&sent(&peek, "m", None), &body);
        let own = if dialect == Dialect::Gemini { "\"models/m\"" } else { "\"m\"" };
        let place = peek.places("model").last().unwrap();
        let at = peek.members().nth(place).unwrap().1;
        prop_assert_eq!(&body[at.clone()], own);
        let wanted = [&body[..at.start], &own.replace('m', "n").replace("nodels", "models"), &body[at.end..]].concat();
        prop_assert_eq!(sent(&peek, "n", None), wanted);
    }
}
