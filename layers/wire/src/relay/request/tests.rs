use bytes::Bytes;
use proptest::prelude::*;
use serde_json::{Value, json};
use tollway_core::{Dialect, Endpoint, Operation};

use super::*;
use crate::json_text;

mod shapes;

fn relay(body: &str, model: &str, read_usage: bool, quirks: &Quirks) -> (String, Vec<String>, bool) {
    let peek =
        Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::copy_from_slice(body.as_bytes()))
            .unwrap();
    let relayed = Request { model, read_usage, quirks, traits: &Traits::default(), anthropic_version: None }
        .relay(&peek);
    let bytes = relayed.body.clone().into_bytes();
    assert_eq!(bytes.len(), relayed.body.len());
    assert_eq!(bytes, relayed.body.into_chunks().concat());
    (String::from_utf8(bytes.to_vec()).unwrap(), relayed.dropped, relayed.strip_usage)
}

fn sent(body: &str, quirks: &Quirks) -> (String, Vec<String>) {
    let (bytes, dropped, _) = relay(body, "m", false, quirks);
    (bytes, dropped)
}

fn with(messages: &str) -> String {
    format!(r#"{{"model":"m","messages":{messages}}}"#)
}

#[test]
fn what_needs_no_change_is_not_changed() {
    let body = " {\"model\" : \"m\", \"messages\":[ { } ],\"stream\":true,\"x\":1E400,\"x\":[]} \n";
    assert_eq!(relay(body, "m", false, &Quirks::default()), (body.to_owned(), vec![], false));
    let escaped = body.replace("\"m\"", "\"\\u006d\"");
    assert_eq!(relay(&escaped, "m", false, &Quirks::default()).0, escaped);
}

#[test]
fn the_model_is_replaced_in_every_duplicate() {
    let body = r#"{"model":"a","messages":[0],"mod\u0065l":"b" }"#;
    let (got, ..) = relay(body, "x/\"y", false, &Quirks::default());
    assert_eq!(got, r#"{"model":"x/\"y","messages":[0],"mod\u0065l":"x/\"y" }"#);
}

#[test]
fn usage_is_asked_for_beside_what_the_client_asked_for() {
    let ask = |options: &str| {
        let body = format!(r#"{{"model":"m","messages":[0],"stream":true{options}}}"#);
        let (got, dropped, strip) = relay(&body, "m", true, &Quirks::default());
        assert!(dropped.is_empty());
        (got.strip_prefix(r#"{"model":"m","messages":[0],"stream":true"#).unwrap().to_owned(), strip)
    };
    let added = (r#","stream_options":{"include_usage":true}}"#.to_owned(), true);
    assert_eq!(ask(""), added);
    assert_eq!(ask(r#","stream_options":null"#), added);
    assert_eq!(ask(r#","stream_options":{}"#), added);
    assert_eq!(ask(r#","stream_options":{"include_usage":false}"#), added);
    assert_eq!(ask(r#","stream_options":{"include_usage":null}"#), added);
    assert_eq!(ask(r#","stream_options":{"include_usage":true}"#), (added.0, false));
    assert_eq!(
        ask(r#","stream_options": { "include_obfuscation" : false }"#).0,
        r#","stream_options": { "include_obfuscation" : false,"include_usage":true }}"#
    );
    assert_eq!(
        ask(r#","stream_options":{},"stream_options":{"include_usage":false,"x":0,"include_usage":false}"#).0,
        r#","stream_options":{},"stream_options":{"include_usage":true,"x":0,"include_usage":true}}"#
    );
}

#[test]
fn usage_is_not_asked_for_where_nothing_streams_or_the_server_refuses() {
    let body = r#"{"model":"m","messages":[0],"stream":false}"#;
    assert_eq!(relay(body, "m", true, &Quirks::default()), (body.to_owned(), vec![], false));
    let body = r#"{"model":"m","messages":[0],"stream":true}"#;
    let quirks = Quirks { stream_usage: false, ..Quirks::default() };
    assert_eq!(relay(body, "m", true, &quirks), (body.to_owned(), vec![], false));
    let quirks = Quirks { drop: vec!["stream_options".to_owned()], ..Quirks::default() };
    assert_eq!(relay(body, "m", true, &quirks), (body.to_owned(), vec![], false));
}

#[test]
fn usage_is_taken_back_where_the_server_refuses_it() {
    let quirks = Quirks { stream_usage: false, ..Quirks::default() };
    let listed = vec!["stream_options.include_usage".to_owned()];
    let body = r#"{"model":"m","stream":true,"stream_options":{"include_usage":true},"messages":[0]}"#;
    let without = r#"{"model":"m","stream":true,"messages":[0]}"#;
    assert_eq!(relay(body, "m", true, &quirks), (without.to_owned(), listed.clone(), false));
    let body = r#"{"model":"m","messages":[0],"stream_options":{"a":1, "include_usage":true ,"b":2}}"#;
    let without = r#"{"model":"m","messages":[0],"stream_options":{"a":1 ,"b":2}}"#;
    assert_eq!(sent(body, &quirks), (without.to_owned(), listed));
}

#[test]
fn fields_are_renamed_and_dropped() {
    let quirks = Quirks {
        rename: vec![
            ("max_completion_tokens".to_owned(), "max_tokens".to_owned()),
            ("seed".to_owned(), "random_seed".to_owned()),
        ],
        drop: vec!["logit_bias".to_owned(), "user".to_owned()],
        ..Quirks::default()
    };
    let body = r#"{"model":"m", "seed" : 5,"logit_bias":{},"messages":[0],"max_completion_tokens":9,"logit_bias":null}"#;
    let got = r#"{"model":"m", "random_seed" : 5,"messages":[0],"max_tokens":9}"#;
    assert_eq!(sent(body, &quirks), (got.to_owned(), vec!["logit_bias".to_owned()]));
    let both = r#"{"model":"m","max_completion_tokens":9,"messages":[0],"max_tokens":7}"#;
    let got = r#"{"model":"m","messages":[0],"max_tokens":7}"#;
    assert_eq!(sent(both, &quirks), (got.to_owned(), vec!["max_completion_tokens".to_owned()]));
}

#[test]
fn a_null_does_not_stand_in_the_way_of_a_rename() {
    let quirks = Quirks {
        rename: vec![("max_completion_tokens".to_owned(), "max_tokens".to_owned())],
        drop_nulls: true,
        ..Quirks::default()
    };
    let body = r#"{"model":"m","max_completion_tokens":9,"messages":[0],"max_tokens":null}"#;
    assert_eq!(sent(body, &quirks).0, r#"{"model":"m","max_tokens":9,"messages":[0]}"#);
}

#[test]
fn nulls_are_dropped_at_top_level_and_in_messages() {
    let quirks = Quirks { drop_nulls: true, ..Quirks::default() };
    let body = r#"{"stop":null,"model":"m","messages":[ {"role":"assistant","content":null,"refusal":null, "tool_calls":[{"id":"1","x":null,"function":{"y" : null}}]},null,{"a":null}],"n":null,"tools":[{"p":null}]}"#;
    let got = r#"{"model":"m","messages":[ {"role":"assistant", "tool_calls":[{"id":"1","function":{}}]},null,{}],"tools":[{}]}"#;
    assert_eq!(sent(body, &quirks), (got.to_owned(), vec![]));
}

/// Found by the fuzzer: without its last word, which was null, the request became a stream.
#[test]
fn a_null_that_overrules_an_earlier_member_takes_it_along() {
    let quirks = Quirks { drop_nulls: true, ..Quirks::default() };
    let body =
        r#"{"model":"m","stream":true,"n":null,"messages":[0],"str\u0065am":true,"n":2,"stream":null}"#;
    let (got, _, strip) = relay(body, "m", true, &quirks);
    assert_eq!((&*got, strip), (r#"{"model":"m","messages":[0],"n":2}"#, false));
}

#[test]
fn tool_choice_becomes_any() {
    let quirks = Quirks { tool_choice_any: true, ..Quirks::default() };
    let choose = |choice: &str| {
        let (got, dropped) =
            sent(&format!(r#"{{"model":"m","messages":[0],"tool_choice":{choice}}}"#), &quirks);
        let got = got.strip_prefix(r#"{"model":"m","messages":[0],"tool_choice":"#).unwrap().to_owned();
        (got, dropped.len())
    };
    assert_eq!(choose(r#""required""#), (r#""any"}"#.to_owned(), 0));
    assert_eq!(choose(r#"{"type":"function","function":{"name":"f"}}"#), (r#""any"}"#.to_owned(), 1));
    assert_eq!(choose(r#""auto""#), (r#""auto"}"#.to_owned(), 0));
    assert_eq!(choose("null"), ("null}".to_owned(), 0));
}

#[test]
fn roles_and_names_are_those_the_server_knows() {
    let quirks = Quirks { developer_as_system: true, name_on_tool_messages_only: true, ..Quirks::default() };
    let body = with(
        r#"[{"role" : "develop\u0065r","content":"x"}, {"name":"u","role":"user","content":[{"name":1}]},{"role":"tool","name":"t"},{"role":"user","name":null}, "x"]"#,
    );
    let got = with(
        r#"[{"role" : "system","content":"x"}, {"role":"user","content":[{"name":1}]},{"role":"tool","name":"t"},{"role":"user"}, "x"]"#,
    );
    assert_eq!(sent(&body, &quirks), (got, vec!["messages[1].name".to_owned()]));
}

#[test]
fn assistant_messages_that_say_nothing_are_dropped() {
    let quirks = Quirks { drop_empty_assistant: true, ..Quirks::default() };
    for empty in [
        r#"{"role":"assistant"}"#,
        r#"{"role":"assistant","content":""}"#,
        r#"{"content":null,"role":"assistant","tool_calls":[]}"#,
        r#"{"role":"assistant","content":[{"type":"text","text":""}],"tool_calls":null}"#,
    ] {
        let body = with(&format!(r#"[ {{"role":"user"}} , {empty} , {{"role":"user"}} ]"#));
        let got = with(r#"[ {"role":"user"} , {"role":"user"} ]"#);
        assert_eq!(sent(&body, &quirks), (got, vec!["messages[1]".to_owned()]), "{empty}");
    }
    for saying in [
        r#"{"role":"user","content":""}"#,
        r#"{"role":"assistant","content":" "}"#,
        r#"{"role":"assistant","content":[{"type":"image_url"}]}"#,
        r#"{"role":"assistant","content":null,"tool_calls":[{}]}"#,
        r#"{"role":"assistant","content":"","audio":{"id":"a"}}"#,
    ] {
        let body = with(&format!("[{saying}]"));
        assert_eq!(sent(&body, &quirks), (body.clone(), vec![]), "{saying}");
    }
}

#[test]
fn fields_of_messages_the_server_refuses_are_dropped_and_listed_where_they_say_something() {
    let quirks = Quirks { drop_in_messages: vec!["annotations".to_owned()], ..Quirks::default() };
    let body = with(
        r#"[{"role":"assistant","annotations":[],"content":"a"},{"role":"assistant","content":"b","annotations":[{"type":"url_citation"}]}, {"annotations":null}]"#,
    );
    let got = with(r#"[{"role":"assistant","content":"a"},{"role":"assistant","content":"b"}, {}]"#);
    assert_eq!(sent(&body, &quirks), (got, vec!["messages[1].annotations".to_owned()]));
}

#[test]
fn fields_of_calls_the_server_refuses_are_dropped_by_their_path() {
    let refused = vec!["reasoning".to_owned(), "tool_calls.extra_content".to_owned()];
    let quirks = Quirks { drop_in_messages: refused, drop_empty_assistant: true, ..Quirks::default() };
    let body = with(
        r#"[{"tool_calls":[{"extra_content":{"a":null},"id":"1"},{"id":null,"extra_content":{}},7],"reasoning":"r","extra_content":1},{"role":"assistant","content":"","reasoning":"cut off"}]"#,
    );
    let gone = ["tool_calls.extra_content", "reasoning"].map(|name| format!("messages[0].{name}"));
    let gone = [gone.as_slice(), &["messages[1]".to_owned()]].concat();
    let got = with(r#"[{"tool_calls":[{"id":"1"},{"id":null},7],"extra_content":1}]"#);
    assert_eq!(sent(&body, &quirks), (got, gone.clone()));

    let quirks = Quirks { drop_nulls: true, ..quirks };
    let got = with(r#"[{"tool_calls":[{"id":"1"},{},7],"extra_content":1}]"#);
    assert_eq!(sent(&body, &quirks), (got, gone));
}

#[test]
fn ids_of_calls_are_shortened_alike_in_calls_and_results() {
    let quirks = Quirks { short_call_ids: true, ..Quirks::default() };
    let body = with(
        r#"[{"role":"assistant","tool_calls":[{"id":"call_1","function":{"arguments":"{\"id\":\"call_1\"}"}},{"id":"D681PevKs"}]},{"role":"tool","tool_call_id":"call_1","content":"call_1"},{"role":"tool","tool_call_id":7}]"#,
    );
    let (got, dropped) = sent(&body, &quirks);
    let messages = serde_json::from_str::<Value>(&got).unwrap()["messages"].take();
    let id = messages[0]["tool_calls"][0]["id"].as_str().unwrap();
    assert_eq!((id.len(), messages[1]["tool_call_id"].as_str()), (9, Some(id)));
    assert_eq!(got.replace(&format!("\"{id}\""), "\"call_1\""), body);
    assert!(dropped.is_empty());
}

fn everything() -> Quirks {
    Quirks {
        rename: vec![("a".to_owned(), "b".to_owned())],
        drop: vec!["c".to_owned()],
        drop_nulls: true,
        developer_as_system: true,
        tool_choice_any: true,
        name_on_tool_messages_only: true,
        drop_empty_assistant: true,
        ..Quirks::default()
    }
}

/// What [`everything`] means, said on values.
fn expected(mut body: Value) -> Value {
    let object = body.as_object_mut().unwrap();
    object.insert("model".to_owned(), json!("new"));
    if object.get("stream") == Some(&json!(true)) {
        let options = object.entry("stream_options").or_insert(json!({}));
        if options.is_null() {
            *options = json!({});
        }
        options["include_usage"] = json!(true);
    }
    object.retain(|name, value| name != "c" && !value.is_null());
    if let Some(value) = object.remove("a") {
        object.entry("b").or_insert(value);
    }
    if object.get("tool_choice").is_some_and(|choice| choice.is_object() || choice == "required") {
        object.insert("tool_choice".to_owned(), json!("any"));
    }
    let Some(messages) = object.get_mut("messages").and_then(Value::as_array_mut) else { return body };
    messages.retain(|message| {
        let nothing = |name: &str| match message.get(name) {
            None | Some(Value::Null) => true,
            Some(Value::String(text)) => text.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            _ => false,
        };
        message["role"] != "assistant" || !["content", "tool_calls"].into_iter().all(nothing)
    });
    for message in messages {
        if message["role"] == "developer" {
            message["role"] = json!("system");
        }
        let tool = message["role"] == "tool";
        if let Some(object) = message.as_object_mut() {
            object.retain(|name, value| !value.is_null() && (tool || name != "name"));
        }
        strip(message);
    }
    body
}

fn strip(value: &mut Value) {
    match value {
        Value::Object(object) => {
            object.retain(|_, value| !value.is_null());
            object.values_mut().for_each(strip);
        }
        Value::Array(items) => items.iter_mut().for_each(strip),
        _ => {}
    }
}

/// Keys here are distinct within one object: what a duplicate means to a rename is told above.
fn request() -> impl Strategy<Value = String> {
    let role = prop_oneof!["\"(user|assistant|tool)\"", Just("\"develop\\u0065r\"".to_owned())];
    let content = prop_oneof![
        Just("\"\"".to_owned()),
        Just("null".to_owned()),
        json_text::string(),
        Just("[ {\"type\":\"image_url\",\"x\":null , \"y\":[{\"z\":null}]} ]".to_owned()),
    ];
    let name = prop_oneof![Just("null".to_owned()), Just("\"n\"".to_owned())];
    let member = |name: &'static str, value: BoxedStrategy<String>| {
        prop::option::of(value.prop_map(move |value| (format!("\"{name}\""), value)))
    };
    let message = json_text::object(
        (
            role.prop_map(|role| Some(("\"role\"".to_owned(), role))),
            member("content", content.boxed()),
            member("name", name.boxed()),
            member(
                "tool_calls",
                prop_oneof![Just("[]".to_owned()), Just("[{\"f\":null}]".to_owned())].boxed(),
            ),
        )
            .prop_map(|(a, b, c, d)| [a, b, c, d].into_iter().flatten().collect::<Vec<_>>())
            .prop_shuffle(),
    );
    let messages = prop::collection::vec((json_text::space(), message), 1..5).prop_map(|items| {
        let items: Vec<String> =
            items.into_iter().map(|(space, item)| format!("{space}{item}{space}")).collect();
        Some(("\"messages\"".to_owned(), format!("[{}]", items.join(","))))
    });
    let choice = prop_oneof!["\"(auto|required)\"", Just("{\"type\":\"function\"}".to_owned())];
    let options = prop_oneof![
        Just("null".to_owned()),
        Just("{ }".to_owned()),
        Just("{\"include_usage\" : false, \"x\":1}".to_owned()),
        Just("{\"x\":1 }".to_owned()),
    ];
    let object = (
        messages,
        Just(Some(("\"mod\\u0065l\"".to_owned(), "\"old\"".to_owned()))),
        member("stream", prop_oneof![Just("true".to_owned()), Just("false".to_owned())].boxed()),
        member("stream_options", options.boxed()),
        member("tool_choice", choice.boxed()),
        member("a", json_text::scalar().boxed()),
        member("b", json_text::scalar().boxed()),
        member("c", json_text::value().boxed()),
        member("d", json_text::value().boxed()),
    )
        .prop_map(|(a, b, c, d, e, f, g, h, i)| {
            [a, b, c, d, e, f, g, h, i].into_iter().flatten().collect::<Vec<_>>()
        })
        .prop_shuffle();
    json_text::object(object)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn what_is_sent_parses_as_the_edited_request(body in request()) {
        if let Ok(value) = serde_json::from_str::<Value>(&body) {
            let (got, ..) = relay(&body, "new", true, &everything());
            prop_assert_eq!(serde_json::from_str::<Value>(&got).unwrap(), expected(value), "{}", got);
        }
    }

    #[test]
    fn but_for_the_model_and_usage_bytes_are_equal(body in crate::splice::tests::request(), stream: bool) {
        // The two splices put in a known place, so that taking them out again gives the original.
        let body = if stream { body.replacen('{', "{\"stream\":true,", 1) } else { body };
        let (got, dropped, strip) = relay(&body, "other-model", true, &Quirks::default());
        prop_assert!(dropped.is_empty());
        prop_assert_eq!(strip, stream);
        let mut back = got;
        if stream {
            let asked = ",\"stream_options\":{\"include_usage\":true}";
            prop_assert_eq!(back.matches(asked).count(), 1);
            back = back.replacen(asked, "", 1);
        }
        prop_assert_eq!(back.matches("\"other-model\"").count(), 1);
        prop_assert_eq!(back.replacen("\"other-model\"", "\"m\"", 1), body);
    }
}
