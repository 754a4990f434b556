//! What is brought into another shape for Mistral.

use super::*;
use crate::{Effort, ReasoningStyle};

fn mistral() -> Quirks {
    Quirks {
        drop_nulls: true,
        developer_as_system: true,
        tool_choice_any: true,
        drop_empty_assistant: true,
        drop_in_messages: ["annotations", "reasoning", "reasoning_content", "reasoning_details"]
            .map(str::to_owned)
            .to_vec(),
        short_call_ids: true,
        nearest_effort: true,
        require_parameters: true,
        document_url: true,
        thinking_parts: true,
        refusal_as_text: true,
        turn_order: true,
        ..Quirks::default()
    }
}

fn thinking(efforts: &[Effort]) -> Traits {
    Traits { efforts: efforts.to_vec(), ..Traits::default() }
}

fn relayed(body: &str, traits: &Traits) -> (Value, Vec<String>) {
    let peek =
        Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::copy_from_slice(body.as_bytes()))
            .unwrap();
    let quirks = mistral();
    let relayed = Request { model: "m", read_usage: true, quirks: &quirks, traits, anthropic_version: None }
        .relay(&peek);
    (serde_json::from_slice(&relayed.body.into_bytes()).unwrap(), relayed.dropped)
}

fn messages(messages: &Value) -> Value {
    relayed(&with(&messages.to_string()), &Traits::default()).0["messages"].take()
}

#[test]
fn an_effort_is_the_nearest_the_model_takes_and_thinking_is_never_taken_for_none() {
    let levels = thinking(&[Effort::None, Effort::High]);
    let none = Traits { reasoning: ReasoningStyle::None, ..Traits::default() };
    let always = Traits { reasoning: ReasoningStyle::Always, ..Traits::default() };
    for (asked, traits, got, dropped) in [
        ("none", &levels, json!("none"), false),
        ("minimal", &levels, json!("none"), false),
        ("low", &levels, json!("high"), false),
        ("medium", &levels, json!("high"), false),
        ("max", &levels, json!("high"), false),
        ("else", &levels, json!("else"), false),
        ("default", &levels, Value::Null, false),
        ("low", &none, Value::Null, true),
        ("none", &none, Value::Null, false),
        ("none", &always, Value::Null, true),
        ("high", &always, Value::Null, false),
    ] {
        let body = format!(r#"{{"model":"m","messages":[0],"reasoning_effort":"{asked}"}}"#);
        let (sent, list) = relayed(&body, traits);
        assert_eq!(sent["reasoning_effort"], got, "{asked}");
        assert_eq!(!list.is_empty(), dropped, "{asked}: {list:?}");
    }
}

#[test]
fn a_function_without_parameters_takes_none_and_nulls_go_but_for_those_of_schemas() {
    let nothing = json!({"type": "object", "properties": {}});
    let schema = json!({"type": "object", "properties": {"a": {"default": null}}});
    let body = json!({"model": "m", "messages": [0], "tools": [
        {"type": "function", "function": {"name": "a"}},
        {"type": "function", "function": {"name": "b", "parameters": null, "description": null}},
        {"type": "function", "function": {"name": "c", "parameters": schema, "strict": null}, "x": null},
        {"type": "function", "function": {}},
        {"type": "other"},
    ], "response_format": {"type": "json_schema",
        "json_schema": {"name": "n", "strict": null, "schema": schema}, "y": null}});
    let (sent, dropped) = relayed(&body.to_string(), &Traits::default());
    let expected = json!([
        {"type": "function", "function": {"name": "a", "parameters": nothing}},
        {"type": "function", "function": {"name": "b", "parameters": nothing}},
        {"type": "function", "function": {"name": "c", "parameters": schema}},
        {"type": "function", "function": {"parameters": nothing}},
        {"type": "other"},
    ]);
    assert_eq!(sent["tools"], expected);
    let format = json!({"type": "json_schema", "json_schema": {"name": "n", "schema": schema}});
    assert_eq!(sent["response_format"], format);
    assert_eq!(dropped, Vec::<String>::new());
}

#[test]
fn a_named_tool_without_parameters_is_the_only_one_on_offer() {
    let body = r#"{"model":"m","messages":[0],"tools":[{"type":"function","function":{"name":"a"}},
        {"type":"function","function":{"name":"b"}}],"tool_choice":{"type":"function","function":{"name":"b"}}}"#;
    let (sent, _) = relayed(body, &Traits::default());
    assert_eq!(sent["tool_choice"], "any");
    assert_eq!(sent["tools"].as_array().unwrap().len(), 1);
    assert_eq!(sent["tools"][0]["function"]["parameters"]["type"], "object");
}

#[test]
fn documents_are_urls_that_hold_them_or_ids() {
    let sent = messages(&json!([{"role": "user", "content": [
        {"type": "text", "text": "read \u{e9}"},
        {"type": "file", "file": {"filename": "a \"b\".pdf", "file_data": "data:application/pdf;base64,JVBE"}},
        {"type": "file", "file": {"file_data": "JVBE"}},
        {"type": "file", "file": {"file_data": "https://example.com/a.pdf"}},
        {"type": "file", "file": {"file_id": "f1"}},
        {"type": "file", "file": {}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]}]));
    assert_eq!(
        sent[0]["content"],
        json!([
            {"type": "text", "text": "read \u{e9}"},
            {"type": "document_url", "document_url": "data:application/pdf;base64,JVBE", "document_name": "a \"b\".pdf"},
            {"type": "document_url", "document_url": "data:application/pdf;base64,JVBE"},
            {"type": "document_url", "document_url": "https://example.com/a.pdf"},
            {"type": "file", "file_id": "f1"},
            {"type": "file", "file": {}},
            {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
        ])
    );
}

#[test]
fn earlier_thinking_goes_back_as_parts_to_a_model_that_thinks() {
    let thought = json!({"type": "thinking", "thinking": [{"type": "text", "text": "h\"m"}], "closed": true});
    let call = json!({"id": "D681PevKs", "type": "function", "function": {"name": "f", "arguments": "{}"}});
    let asked = json!({"role": "user", "content": "u"});
    let history = json!([
        {"role": "assistant", "content": "a", "reasoning_content": "h\"m"}, asked,
        {"role": "assistant", "content": null, "reasoning_content": "h\"m", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "D681PevKs", "content": "t"},
        {"reasoning": "h\"m", "role": "assistant"}, asked,
        {"role": "assistant", "content": [{"type": "text", "text": "a"}], "reasoning_content": "h\"m"}, asked,
        {"role": "assistant", "content": "a", "reasoning_content": "h\"m",
            "reasoning_details": [{"type": "reasoning.text", "text": "h\"m", "signature": "s"}]}, asked,
    ]);
    let (sent, dropped) = relayed(&with(&history.to_string()), &Traits::default());
    let text = json!({"type": "text", "text": "a"});
    let expected = json!([
        {"role": "assistant", "content": [thought, text]}, asked,
        {"role": "assistant", "content": [thought], "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "D681PevKs", "content": "t"},
        {"role": "assistant", "content": [thought]}, asked,
        {"role": "assistant", "content": [thought, text]}, asked,
        // Another provider's, by its seal.
        {"role": "assistant", "content": "a"}, asked,
    ]);
    assert_eq!(sent["messages"], expected);
    assert_eq!(dropped, ["messages[8].reasoning_content", "messages[8].reasoning_details"]);

    let none = Traits { reasoning: ReasoningStyle::None, ..Traits::default() };
    let (sent, dropped) = relayed(&with(&history.to_string()), &none);
    assert_eq!(sent["messages"][0], json!({"role": "assistant", "content": "a"}));
    assert_eq!(dropped[0], "messages[0].reasoning_content");
}

#[test]
fn a_refusal_is_said_as_text() {
    let asked = json!({"role": "user", "content": "u"});
    let sent = messages(&json!([
        asked, {"role": "assistant", "content": null, "refusal": "no"},
        asked, {"role": "assistant", "refusal": "no"},
        asked, {"role": "assistant", "content": "a", "refusal": null},
        asked, {"role": "assistant", "content": [{"type": "refusal", "refusal": "no"}]}, asked,
    ]));
    let no = json!([{"type": "text", "text": "no"}]);
    for at in [1, 3, 7] {
        assert_eq!(sent[at], json!({"role": "assistant", "content": no}), "{at}");
    }
    assert_eq!(sent[5], json!({"role": "assistant", "content": "a"}));
}

#[test]
fn turns_follow_each_other_as_the_server_wants() {
    let call = json!({"role": "assistant", "tool_calls": [{"id": "D681PevKs", "function": {"name": "f"}}]});
    let result = json!({"role": "tool", "tool_call_id": "D681PevKs", "content": "t"});
    let asked = json!({"role": "user", "content": "u"});
    let ok = json!({"role": "assistant", "content": "OK"});
    let marked = json!({"role": "user", "content": "<system>\nbe \"brief\"\n</system>"});
    let sent = messages(&json!([
        {"role": "developer", "content": "d"}, asked, {"role": "system", "content": "s"}, call, result,
        {"role": "assistant", "content": ""}, asked, call, result,
        {"role": "system", "content": "be \"brief\""}, {"role": "assistant", "content": "a"},
        {"role": "developer", "content": [{"type": "text", "text": "x"}]},
        {"role": "assistant", "content": "go on"},
    ]));
    let expected = json!([
        {"role": "system", "content": "d"}, asked, {"role": "system", "content": "s"}, call, result,
        ok, asked, call, result,
        ok, marked, {"role": "assistant", "content": "a"},
        {"role": "user", "content": [{"type": "text", "text": "<system>\n"}, {"type": "text", "text": "x"},
            {"type": "text", "text": "\n</system>"}]},
        {"role": "assistant", "content": "go on", "prefix": true},
    ]);
    assert_eq!(sent, expected);
    let alone = json!([{"role": "system", "content": "s"}, {"role": "developer", "content": "d"}]);
    assert_eq!(
        messages(&alone),
        json!([{"role": "system", "content": "s"}, {"role": "user", "content": "d"}])
    );
    let behind = json!([asked, {"role": "system", "content": "s"}]);
    let marked = json!({"role": "user", "content": "<system>\ns\n</system>"});
    assert_eq!(messages(&behind), json!([asked, marked]));
    let prefixed = json!([asked, {"role": "assistant", "content": "a", "prefix": false}]);
    assert_eq!(messages(&prefixed), prefixed);
}

proptest! {
    #[test]
    fn what_is_sent_is_json_and_a_second_time_the_same(body in super::request()) {
        let quirks = mistral();
        let once = |body: &str| {
            let peek = Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::copy_from_slice(body.as_bytes())).ok()?;
            let traits = Traits::default();
            let relayed = Request { model: "m", read_usage: true, quirks: &quirks, traits: &traits, anthropic_version: None }.relay(&peek);
            Some(String::from_utf8(relayed.body.into_bytes().to_vec()).unwrap())
        };
        let sent = once(&body).unwrap();
        let read: Value = serde_json::from_str(&sent).unwrap();
        if let Some(again) = once(&sent) {
            prop_assert_eq!(read, serde_json::from_str::<Value>(&again).unwrap());
        }
    }
}
