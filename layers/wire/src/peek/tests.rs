use tollway_core::{Dialect, Endpoint};

use super::*;

fn peek(body: &str) -> Result<Peek, Refusal> {
    Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::copy_from_slice(body.as_bytes()))
}

fn refused(body: &str) -> (Option<String>, String) {
    let Refusal { param, message } = peek(body).unwrap_err();
    (param, message)
}

#[test]
fn reads_what_policy_needs() {
    let body = r#" {"model":"gpt-5","messages":[{}],"stream":true,"n":2,"stream_options":{"x":1,"include_usage":false}} "#;
    let peek = peek(body).unwrap();
    assert_eq!(peek.model(), "gpt-5");
    assert!(matches!(peek.model(), Cow::Borrowed(_)));
    assert!(peek.stream());
    assert_eq!((peek.include_usage(), peek.n()), (Some(false), Some(2)));
    let members: Vec<_> = peek.members().map(|(key, value)| (&body[key], &body[value])).collect();
    assert_eq!(members[0], (r#""model""#, r#""gpt-5""#));
    assert_eq!(members[4], (r#""stream_options""#, r#"{"x":1,"include_usage":false}"#));
    assert_eq!(peek.value("messages"), Some(&b"[{}]"[..]));
}

#[test]
fn nulls_and_absence_are_one() {
    let peek = peek(r#"{"model":"m","messages":[{}],"stream":null,"n":null,"stream_options":null}"#).unwrap();
    assert_eq!((peek.stream(), peek.include_usage(), peek.n()), (false, None, None));
}

#[test]
fn keys_and_names_may_be_escaped_and_the_last_duplicate_wins() {
    let peek = peek(r#"{"model":"a","mod\u0065l":"\u0062\/c","messages":[{}],"stream":true,"stream":false}"#);
    let peek = peek.unwrap();
    assert_eq!(peek.model(), "b/c");
    assert!(!peek.stream());
    assert_eq!(peek.places("model").collect::<Vec<_>>(), [0, 1]);
}

#[test]
fn bodies_that_are_no_json_object_are_refused_with_the_place() {
    let whole = |body: &str, message: &str| assert_eq!(refused(body), (None, message.to_owned()));
    whole("", "the request body is empty, expected a JSON object");
    whole(" \n", "the request body is empty, expected a JSON object");
    whole("[1]", "the request body must be a JSON object, got an array");
    whole("nope", "the request body is not valid JSON: expected a value, found 'n' at line 1 column 1");
    whole("{\n \"a\" 1}", "the request body is not valid JSON: expected ':', found '1' at line 2 column 6");
    whole(
        "{\"a\":1",
        "the request body is not valid JSON: expected ',' or '}', the body ends at line 1 column 7",
    );
    whole(
        "{} {}",
        "the request body is not valid JSON: expected the end of the text, found '{' at line 1 column 4",
    );
    let body = Bytes::from_static(b"{\"a\":\n\"\xff\"}");
    let refusal = Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), body).unwrap_err();
    assert_eq!(refusal.message, "the request body is not valid UTF-8 at line 2 column 2");
}

#[test]
fn fields_of_the_wrong_type_are_refused_by_name() {
    let at = |body: &str, param: &str, message: &str| {
        assert_eq!(refused(body), (Some(param.to_owned()), message.to_owned()));
    };
    at("{}", "model", "missing required parameter: 'model'");
    at(r#"{"model":5}"#, "model", "invalid type for 'model': expected a string, but got an integer instead");
    at(r#"{"model":""}"#, "model", "invalid 'model': empty string");
    at(r#"{"model":"\ud800"}"#, "model", "invalid 'model': an escape that names no character");
    at(
        r#"{"model":"m","stream":"yes"}"#,
        "stream",
        "invalid type for 'stream': expected a boolean, but got a string instead",
    );
    at(
        r#"{"model":"m","stream_options":[]}"#,
        "stream_options",
        "invalid type for 'stream_options': expected an object, but got an array instead",
    );
    at(
        r#"{"model":"m","stream_options":{"include_usage":1}}"#,
        "stream_options.include_usage",
        "invalid type for 'stream_options.include_usage': expected a boolean, but got an integer instead",
    );
    at(
        r#"{"model":"m","n":1.5}"#,
        "n",
        "invalid type for 'n': expected an integer, but got a decimal instead",
    );
    for n in ["0", "-0", "-3", "-99999999999999999999"] {
        let message = "invalid 'n': integer below minimum value, expected a value >= 1";
        at(&format!(r#"{{"model":"m","n":{n}}}"#), "n", message);
    }
    at(r#"{"model":"m","n":99999999999999999999}"#, "n", "invalid 'n': integer too large");
    at(r#"{"model":"m"}"#, "messages", "missing required parameter: 'messages'");
    at(
        r#"{"model":"m","messages":{}}"#,
        "messages",
        "invalid type for 'messages': expected an array of objects, but got an object instead",
    );
    at(
        r#"{"model":"m","messages":[ ]}"#,
        "messages",
        "invalid 'messages': empty array, expected at least one element",
    );
}

#[test]
fn each_endpoint_has_its_own_field() {
    let read = |endpoint, body: &'static str| {
        Peek::new(&Operation::new(Dialect::OpenAi, endpoint), Bytes::from_static(body.as_bytes()))
    };
    assert!(read(Endpoint::Embeddings, r#"{"model":"m","input":"x"}"#).is_ok());
    assert!(read(Endpoint::TextCompletion, r#"{"model":"m","prompt":["x"]}"#).is_ok());
    let refusal = read(Endpoint::Embeddings, r#"{"model":"m","input":1}"#).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("input"));
    let refusal = read(Endpoint::TextCompletion, r#"{"model":"m"}"#).unwrap_err();
    assert_eq!(refusal.param.as_deref(), Some("prompt"));
}

#[test]
fn hostile_bodies_cost_no_more_than_their_length() {
    let deep = Bytes::from(vec![b'['; 100 << 20]);
    assert!(Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), deep).is_err());
    let mut inside = br#"{"model":"m","messages":"#.to_vec();
    inside.extend(vec![b'['; 10 << 20]);
    assert!(Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::from(inside)).is_err());
    let wide = format!(r#"{{"model":"m","messages":[0]{}}}"#, r#","a":1"#.repeat(1 << 20));
    let refusal = Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::from(wide)).unwrap_err();
    assert_eq!(refusal.message, "the request has more fields than the 4096 allowed");
}
