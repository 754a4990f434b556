//! What is relayed is relayed byte for byte, through the whole stack.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::road::{CHAT, Gateway, post};
use crate::support::upstream::{Script, Upstream};

/// JSON text as someone may write it: odd white space, escapes, big numbers, the same key twice.
fn json_text() -> impl Strategy<Value = String> {
    let leaf = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        Just("-0.0e+00".to_owned()),
        Just("123456789012345678901234567890".to_owned()),
        Just("1E400".to_owned()),
        string(),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        prop_oneof![
            vec((space(), inner.clone(), space()), 0..4).prop_map(|items| format!(
                "[{}]",
                join(items.into_iter().map(|(a, item, b)| a + &item + &b))
            )),
            object(inner),
        ]
    })
}

fn object(value: impl Strategy<Value = String>) -> impl Strategy<Value = String> {
    vec((space(), string(), space(), value, space()), 0..4)
        .prop_map(|members| format!("{{{}}}", join(members.into_iter().map(member))))
}

fn member((a, name, b, value, c): (String, String, String, String, String)) -> String {
    format!("{a}{name}{b}:{value}{c}")
}

fn join(items: impl Iterator<Item = String>) -> String {
    items.collect::<Vec<_>>().join(",")
}

fn space() -> impl Strategy<Value = String> {
    "[ \t\r\n]{0,3}"
}

fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        "[a-z äß日]{1,4}",
        Just("\\u00e9\\n\\\"\\\\\\/".to_owned()),
        Just("\\ud83d\\ude00".to_owned()),
        // Words that the gateway looks for, where they mean nothing.
        Just("model".to_owned()),
        Just("stream_options".to_owned()),
        Just("\\\"usage\\\":{".to_owned()),
    ];
    vec(piece, 0..3).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A chat request and what of it must reach the provider, with the model's name as it is there.
#[derive(Debug, Clone)]
struct Request {
    before: String,
    after: String,
    stream: bool,
}

impl Request {
    fn text(&self, model: &str) -> String {
        format!("{}{model}{}", self.before, self.after)
    }
}

fn requests() -> impl Strategy<Value = Request> {
    let unknown = || vec((space(), "\"x_[a-f]{1,3}\"", space(), json_text(), space()), 0..4);
    (unknown(), unknown(), any::<bool>(), space(), space(), string()).prop_map(
        |(first, last, stream, gap, end, text)| {
            let list = |members: Vec<_>| members.into_iter().map(member).collect::<Vec<_>>();
            let mut before = list(first);
            before.push(format!("{gap}\"model\"{end}:{gap}\""));
            let mut after = vec![format!("\"{gap}")];
            after.push(format!("\"messages\":{gap}[{{\"role\":\"user\",\"content\":{text}}}]"));
            if stream {
                // The client asks for usage itself, so that nothing is added.
                after.push(format!("\"stream\":{gap}true,\"stream_options\":{{\"include_usage\":true}}"));
            }
            after.extend(list(last));
            Request {
                before: format!("{{{}", before.join(",")),
                after: format!("{}}}{end}", after.join(",")),
                stream,
            }
        },
    )
}

/// Answers of any bytes: an object of JSON where it is one, events of JSON where it is a stream.
fn answers(stream: bool) -> impl Strategy<Value = (String, Vec<usize>)> {
    let text = if stream {
        vec(json_text().prop_map(|json| json.replace(['\r', '\n'], " ")), 0..6)
            .prop_map(|events| {
                let mut stream = String::new();
                for event in events {
                    let _ = write!(stream, "data: {event}\n\n");
                }
                stream + "data: [DONE]\n\n"
            })
            .boxed()
    } else {
        (space(), object(json_text())).prop_map(|(space, object)| space + &object).boxed()
    };
    (text, vec(0..400_usize, 0..5)).prop_map(|(text, mut cuts)| {
        cuts.sort_unstable();
        (text, cuts)
    })
}

#[test]
fn requests_and_answers_go_through_byte_for_byte() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    // What is answered next, and what was received last.
    let next: Arc<Mutex<Option<Script>>> = Arc::default();
    let seen: Arc<Mutex<Bytes>> = Arc::default();
    let upstream = runtime.block_on(Upstream::start({
        let (next, seen) = (next.clone(), seen.clone());
        move |received| {
            *seen.lock().unwrap() = received.body;
            next.lock().unwrap().take().unwrap_or_else(|| Script::new(500, None, "no script"))
        }
    }));
    let upstream = upstream.unwrap();
    let gateway = Gateway::new(&format!(
        "providers: {{openai: {{api_key: k, base_url: '{}/v1'}}}}\naliases: {{my-alias: openai/gpt-5-mini}}\n",
        upstream.url()
    ));
    let exchanges = requests().prop_flat_map(|request| {
        let answer = answers(request.stream);
        (Just(request), answer)
    });
    let mut runner = TestRunner::new(Config { cases: 300, failure_persistence: None, ..Config::default() });
    let result = runner.run(&exchanges, |(request, (answer, cuts))| {
        // Prefixed, by an alias, and by its own name: only the name itself is another.
        for model in ["openai/gpt-5-mini", "my-alias", "gpt-5-mini"] {
            let kind = if request.stream { "text/event-stream" } else { "application/json" };
            *next.lock().unwrap() = Some(Script::new(200, Some(kind), answer.clone()).cut_at(cuts.clone()));
            let got = runtime.block_on(gateway.send(post(CHAT, request.text(model))));
            let sent = seen.lock().unwrap().clone();
            prop_assert_eq!(
                std::str::from_utf8(&sent).unwrap(),
                request.text("gpt-5-mini"),
                "{}",
                got.text()
            );
            prop_assert_eq!(got.status, 200);
            prop_assert!(got.is_whole);
            prop_assert_eq!(got.text(), &answer);
        }
        Ok(())
    });
    result.unwrap_or_else(|error| panic!("{error}"));
}
