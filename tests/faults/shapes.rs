//! Answers that are not what was asked for: whole ones where a stream was wanted, streams where a
//! whole one was, nothing at all, and what no client could read.

use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;

use super::road::{Answer, Gateway, chat, post};
use crate::support::upstream::{Script, Upstream};

/// A provider that answers one thing, and a gateway to it under the names of several.
async fn answering(script: impl Fn() -> Script + Send + Sync + 'static) -> (Upstream, Gateway) {
    let upstream = Upstream::start(move |_| script()).await.unwrap();
    let url = upstream.url();
    let gateway = Gateway::new(&format!(
        "providers:\n  openai: {{api_key: k, base_url: '{url}/v1'}}\n  mistral: {{api_key: k, base_url: '{url}/v1'}}\n  anthropic: {{api_key: k, base_url: '{url}'}}\n"
    ));
    (upstream, gateway)
}

fn whole() -> Value {
    json!({"id": "c-1", "object": "chat.completion", "created": 7, "model": "m-1", "choices": [
        {"index": 0, "finish_reason": "tool_calls", "message": {"role": "assistant", "content": "hello", "tool_calls": [
            {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{\"x\":1}"}}]}},
    ], "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}})
}

fn chunks() -> String {
    let chunk = |choices: Value, usage: Value| {
        let chunk = json!({"id": "c-1", "object": "chat.completion.chunk", "created": 7, "model": "m-1", "choices": choices, "usage": usage});
        format!("data: {chunk}\n\n")
    };
    [
        chunk(
            json!([{"index": 0, "delta": {"role": "assistant", "content": "hel"}, "finish_reason": null}]),
            Value::Null,
        ),
        chunk(json!([{"index": 0, "delta": {"content": "lo"}, "finish_reason": null}]), Value::Null),
        chunk(json!([{"index": 0, "delta": {}, "finish_reason": "stop"}]), Value::Null),
        chunk(json!([]), json!({"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8})),
        "data: [DONE]\n\n".to_owned(),
    ]
    .concat()
}

/// A relayed and a rewritten model of the dialect.
const MODELS: [&str; 2] = ["openai/gpt-5-mini", "mistral/mistral-small-2603"];

#[track_caller]
fn counted(answer: &Answer, outcome: &str) {
    assert_eq!(answer.line["outcome"], outcome, "{}", answer.line);
    assert_eq!(answer.line["gen_ai.usage.input_tokens"], 3, "{}", answer.line);
    assert_eq!(answer.line["gen_ai.usage.output_tokens"], 5, "{}", answer.line);
}

#[track_caller]
fn broken(answer: &Answer, why: &str) {
    assert_eq!(answer.status, 502, "{}", answer.text());
    let error = &answer.json()["error"];
    assert!(error["message"].as_str().unwrap().contains(why), "{error}");
    assert!(answer.headers.contains_key("x-tollway-upstream"), "{:?}", answer.headers);
}

#[tokio::test]
async fn a_whole_answer_becomes_the_stream_that_was_asked_for() {
    for kind in [Some("application/json"), Some("text/plain"), None] {
        let (_upstream, gateway) = answering(move || Script::new(200, kind, whole().to_string())).await;
        for model in MODELS {
            for usage in [false, true] {
                let mut more = json!({"stream": true});
                if usage {
                    more["stream_options"] = json!({"include_usage": true});
                }
                let answer = gateway.chat(model, "hi", more).await;
                assert_eq!(answer.status, 200, "{}", answer.text());
                assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
                let mut events = answer.events();
                assert_eq!(events.pop().unwrap().data, "[DONE]");
                let chunks: Vec<Value> = events.iter().map(super::events::Event::json).collect();
                assert!(
                    chunks
                        .iter()
                        .all(|chunk| chunk["object"] == "chat.completion.chunk" && chunk["id"] == "c-1")
                );
                assert_eq!(answer.said(), "hello");
                let call = chunks
                    .iter()
                    .find_map(|chunk| chunk["choices"][0]["delta"]["tool_calls"].get(0))
                    .unwrap();
                assert_eq!((&call["index"], &call["id"]), (&json!(0), &json!("call_1")));
                let reasons: Vec<_> = chunks
                    .iter()
                    .filter(|chunk| chunk["choices"][0]["finish_reason"] == "tool_calls")
                    .collect();
                assert_eq!(reasons.len(), 1, "{chunks:?}");
                let counts: Vec<_> = chunks.iter().filter(|chunk| chunk["usage"].is_object()).collect();
                assert_eq!(counts.len(), usize::from(usage), "{chunks:?}");
                assert!(!usage || chunks.last().unwrap()["choices"] == json!([]));
                counted(&answer, "complete");
            }
        }
    }
}

#[tokio::test]
async fn what_is_no_answer_does_not_become_a_stream() {
    for (body, status, says, outcome) in [
        (
            json!({"error": {"message": "too many", "type": "rate_limit_error", "code": 429}}).to_string(),
            429,
            "too many",
            "refused",
        ),
        ("{\"choices\": [{\"mess".to_owned(), 502, "cannot be read", "broken"),
        ("{}".to_owned(), 502, "empty", "refused"),
    ] {
        let (_upstream, gateway) =
            answering(move || Script::new(200, Some("application/json"), body.clone())).await;
        for model in MODELS {
            let answer = gateway.chat(model, "hi", json!({"stream": true})).await;
            assert_eq!(answer.status, status, "{model}: {}", answer.text());
            assert!(answer.json()["error"]["message"].as_str().unwrap().contains(says), "{}", answer.text());
            assert_eq!(answer.headers["x-tollway-upstream"], model);
            assert_eq!(answer.line["outcome"], outcome);
        }
    }
}

#[tokio::test]
async fn a_stream_becomes_the_whole_answer_that_was_asked_for() {
    for kind in [Some("text/event-stream"), Some("application/json")] {
        let (_upstream, gateway) =
            answering(move || Script::new(200, kind, chunks()).cut_at([10, 300])).await;
        for model in MODELS {
            let answer = gateway.chat(model, "hi", json!({})).await;
            assert_eq!(answer.status, 200, "{}", answer.text());
            assert_eq!(answer.headers["content-type"], "application/json");
            let body = answer.json();
            assert_eq!((&body["object"], &body["id"]), (&json!("chat.completion"), &json!("c-1")));
            assert_eq!(body["choices"][0]["message"]["content"], "hello");
            assert_eq!(body["choices"][0]["finish_reason"], "stop");
            assert_eq!(body["usage"]["total_tokens"], 8);
            counted(&answer, "complete");
        }
    }
    // One that breaks off, though all was counted, is no answer.
    let cut = chunks().replace("data: [DONE]\n\n", "").replace("\"stop\"", "null");
    let (_upstream, gateway) =
        answering(move || Script::new(200, Some("text/event-stream"), cut.clone())).await;
    for model in MODELS {
        let answer = gateway.chat(model, "hi", json!({})).await;
        broken(&answer, "ended before the answer was complete");
        counted(&answer, "broken");
    }
}

#[tokio::test]
async fn a_stream_that_says_it_is_something_else_is_a_stream_all_the_same() {
    let (_upstream, gateway) =
        answering(|| Script::new(200, Some("application/json"), chunks()).cut_at([40])).await;
    for model in MODELS {
        let answer = gateway.chat(model, "hi", json!({"stream": true})).await;
        assert_eq!(answer.headers["content-type"], "text/event-stream; charset=utf-8");
        assert_eq!(answer.said(), "hello");
        assert!(answer.text().ends_with("data: [DONE]\n\n"));
        counted(&answer, "complete");
    }
}

#[tokio::test]
async fn legacy_completions_are_turned_too() {
    let body = json!({"id": "c", "object": "text_completion", "created": 1, "model": "m",
        "choices": [{"index": 0, "text": "hello", "logprobs": null, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 3, "completion_tokens": 5, "total_tokens": 8}});
    let stream = format!("data: {body}\n\ndata: [DONE]\n\n");
    let ask = |stream: bool| {
        let request = json!({"model": "openai/gpt-3.5-turbo-instruct", "prompt": "hi", "stream": stream});
        post("/v1/completions", request.to_string())
    };
    let told = body.clone();
    let (_upstream, gateway) =
        answering(move || Script::new(200, Some("application/json"), told.to_string())).await;
    let answer = gateway.send(ask(true)).await;
    let events = answer.events();
    assert_eq!((events.len(), &*events[1].data), (2, "[DONE]"), "{}", answer.text());
    assert_eq!(events[0].json()["choices"], body["choices"]);
    assert!(events[0].json()["usage"].is_null());
    counted(&answer, "complete");

    let (_upstream, gateway) =
        answering(move || Script::new(200, Some("text/event-stream"), stream.clone())).await;
    let answer = gateway.send(ask(false)).await;
    assert_eq!(answer.json(), body, "{}", answer.text());
    counted(&answer, "complete");
}

#[tokio::test]
async fn embeddings_have_no_streams() {
    let body =
        json!({"object": "list", "data": [], "usage": {"prompt_tokens": 3, "total_tokens": 3}}).to_string();
    let (_upstream, gateway) =
        answering(move || Script::new(200, Some("application/json"), body.clone())).await;
    let request = json!({"model": "openai/text-embedding-3-small", "input": "hi", "stream": true});
    let answer = gateway.send(post("/v1/embeddings", request.to_string())).await;
    assert_eq!(
        (answer.status.as_u16(), &answer.json()["object"]),
        (200, &json!("list")),
        "{}",
        answer.text()
    );
}

#[tokio::test]
async fn a_success_that_is_no_json_is_a_failure_of_the_providers() {
    for (body, why) in [
        ("<!DOCTYPE html><title>Welcome</title>", "not JSON"),
        ("no healthy upstream", "not JSON"),
        ("{\"id\": \"c\", \"choices\": [{\"index\": 0, ", "complete"),
    ] {
        let (_upstream, gateway) = answering(move || Script::new(200, Some("text/html"), body)).await;
        broken(&gateway.chat(MODELS[0], "hi", json!({})).await, why);
        for model in [MODELS[0], MODELS[1], "anthropic/claude-sonnet-4-5"] {
            for stream in [false, true] {
                let answer = gateway.chat(model, "hi", json!({"stream": stream})).await;
                broken(&answer, "");
                assert_ne!(answer.line["outcome"], "complete", "{model}: {}", answer.line);
            }
        }
    }
}

#[tokio::test]
async fn an_empty_success_is_a_failure_of_the_providers() {
    for head in [
        "transfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        "content-length: 0\r\n\r\n",
        "connection: close\r\n\r\n",
    ] {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((mut stream, _)) = listener.accept().await {
                let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n{head}");
                let mut request = [0; 4096];
                let _ = tokio::io::AsyncReadExt::read(&mut stream, &mut request).await;
                stream.write_all(answer.as_bytes()).await.unwrap();
                stream.shutdown().await.unwrap();
            }
        });
        let gateway = Gateway::new(&format!(
            "providers:\n  openai: {{api_key: k, base_url: 'http://{address}/v1'}}\n  mistral: {{api_key: k, base_url: 'http://{address}/v1'}}\n"
        ));
        for model in MODELS {
            for stream in [false, true] {
                let answer = gateway.chat(model, "hi", json!({"stream": stream})).await;
                broken(&answer, "empty");
                assert_eq!(answer.json()["error"]["code"], "upstream_broken");
                assert_eq!(answer.line["outcome"], "broken");
            }
        }
    }
}

#[tokio::test]
async fn white_space_before_an_answer_goes_through() {
    // DeepSeek sends empty lines while it works.
    let body = format!("\n\n\n{}", whole());
    let told = body.clone();
    let (_upstream, gateway) =
        answering(move || Script::new(200, Some("application/json"), told.clone()).cut_at([1, 2, 3])).await;
    let answer = gateway.chat(MODELS[0], "hi", json!({})).await;
    assert_eq!((answer.text(), answer.is_whole), (&*body, true));
    counted(&answer, "complete");
}

#[tokio::test]
async fn an_answer_cut_within_an_event_ends_in_an_error_that_can_be_read() {
    let head = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"hello\"},\"finish_reason\":null}]}\n\n";
    let half = "data: {\"id\":\"c\",\"choices\":[{\"index\":0,\"del";
    for breaks in [false, true] {
        let (_upstream, gateway) = answering(move || {
            let script = Script::new(200, Some("text/event-stream"), format!("{head}{half}"));
            let script = script.cut_at([head.len(), head.len() + 9]);
            Script { broken: breaks, ..script }
        })
        .await;
        for more in
            [json!({"stream": true}), json!({"stream": true, "stream_options": {"include_usage": true}})]
        {
            let answer = gateway.send(chat(MODELS[0], "hi", more)).await;
            let text = answer.text();
            let rest = text.strip_prefix(head).unwrap_or_else(|| panic!("{text}"));
            assert!(rest.starts_with("data: {\"error\""), "{text}");
            assert_eq!(answer.events().last().unwrap().json()["error"]["code"], "upstream_broken");
            assert_eq!(answer.line["outcome"], "broken");
        }
    }
}
