//! What a request cost stands in the head of its whole answer, in every dialect and however the answer
//! comes, and never where it is not known.

#[path = "support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "support/pieces.rs"]
mod pieces;
#[path = "support/upstream.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod upstream;

use std::time::SystemTime;

use serde_json::{Value, json};
use tollway::BoxError;
use tollway_core::Money;

use self::gateway::{Answer, Gateway};
use self::upstream::Script;

const CONFIGURATION: &str = "
providers:
  openai: {base_url: '{upstream}/v1', api_key: sk-1}
  anthropic: {base_url: '{upstream}', api_key: sk-2}
  gemini: {base_url: '{upstream}', api_key: sk-3}
  rack: {kind: openai-compatible, base_url: '{upstream}/rack/v1'}
auth: {mode: open}
";

const JSON: Option<&str> = Some("application/json");

fn cost(answer: &Answer) -> Option<&str> {
    answer.headers.get("x-tollway-cost-usd")?.to_str().ok()
}

fn completion() -> String {
    json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": "gpt-4o-mini-2024-07-18",
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
            "prompt_tokens_details": {"cached_tokens": 400}}})
    .to_string()
}

fn questions() -> [(&'static str, Value); 4] {
    let said = json!([{"role": "user", "content": "Well?"}]);
    [
        ("/v1/chat/completions", json!({"model": "gpt-4o-mini", "messages": said})),
        ("/v1/responses", json!({"model": "gpt-4o-mini", "input": "Well?"})),
        ("/v1/messages", json!({"model": "openai/gpt-4o-mini", "max_tokens": 50, "messages": said})),
        (
            "/v1beta/models/openai%2Fgpt-4o-mini:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": "Well?"}]}]}),
        ),
    ]
}

#[tokio::test]
async fn a_whole_answer_tells_its_cost_in_every_dialect_in_one_piece_or_in_many() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    // 600 fresh at 0.15, 400 cached at 0.075, 100 out at 0.60 dollars a million.
    let expected = "0.00018";
    for (path, body) in questions() {
        let answer = match path {
            // Its own format on the way to OpenAI.
            "/v1/responses" => {
                let text = json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
                    "model": "gpt-4o-mini-2024-07-18", "output": [{"type": "message", "id": "msg_1", "role": "assistant",
                        "status": "completed", "content": [{"type": "output_text", "text": "Yes.", "annotations": []}]}],
                    "usage": {"input_tokens": 1000, "input_tokens_details": {"cached_tokens": 400},
                        "output_tokens": 100, "output_tokens_details": {"reasoning_tokens": 0}, "total_tokens": 1100}});
                text.to_string()
            }
            _ => completion(),
        };
        for cuts in [vec![], vec![1, 60, 200]] {
            let script = Script::new(200, JSON, answer.clone()).cut_at(cuts.clone());
            let answer = gateway.post(path, &body, script).await;
            assert_eq!(
                (answer.status.as_u16(), cost(&answer)),
                (200, Some(expected)),
                "{path} {cuts:?}: {}",
                answer.text()
            );
            assert!(answer.is_whole && answer.text().contains("Yes."), "{path}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn caches_are_not_counted_twice() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    let text = json!({"id": "msg_1", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "Yes."}], "stop_reason": "end_turn", "stop_sequence": null,
        "usage": {"input_tokens": 100, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, "output_tokens": 10}});
    let said = json!([{"role": "user", "content": "Well?"}]);
    for path in ["/v1/messages", "/v1/chat/completions"] {
        let body = json!({"model": "anthropic/claude-sonnet-4-5", "max_tokens": 50, "messages": said});
        let answer = gateway.post(path, &body, Script::new(200, JSON, text.to_string())).await;
        // 3, 0.3, 3.75, 6 and 15 dollars a million.
        assert_eq!(cost(&answer), Some("0.002325"), "{path}: {}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn what_is_not_known_in_the_head_does_not_stand_there() -> Result<(), BoxError> {
    let gateway = Gateway::start(CONFIGURATION).await?;
    let said = json!([{"role": "user", "content": "Well?"}]);
    let ask = json!({"model": "gpt-4o-mini", "messages": said, "stream": true});
    let stream = "data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Yes.\"},\"finish_reason\":\"stop\"}]}\n\n\
        data: {\"id\":\"1\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"gpt-4o-mini\",\"choices\":[],\"usage\":{\"prompt_tokens\":10,\"completion_tokens\":1,\"total_tokens\":11}}\n\ndata: [DONE]\n\n";
    let answer =
        gateway.post("/v1/chat/completions", &ask, Script::new(200, Some("text/event-stream"), stream)).await;
    assert_eq!((answer.status.as_u16(), cost(&answer)), (200, None));
    // A server of one's own has no price, and is not free.
    let ask = json!({"model": "rack/llama", "messages": said});
    let answer = gateway.post("/v1/chat/completions", &ask, Script::new(200, JSON, completion())).await;
    assert_eq!((answer.status.as_u16(), cost(&answer)), (200, None));
    // A refusal costs nothing.
    let ask = json!({"model": "gpt-4o-mini", "messages": said});
    let refusal = Script::new(
        400,
        JSON,
        json!({"error": {"message": "no", "type": "invalid_request_error"}}).to_string(),
    );
    let answer = gateway.post("/v1/chat/completions", &ask, refusal).await;
    assert_eq!((answer.status.as_u16(), cost(&answer)), (400, Some("0.00")));
    // What never went out has no cost to tell.
    let answer = gateway
        .post("/v1/chat/completions", &json!({"model": "none", "messages": said}), Script::new(200, JSON, ""))
        .await;
    assert_eq!((answer.status.as_u16(), cost(&answer)), (404, None));
    Ok(())
}

fn spent(gateway: &Gateway) -> Money {
    let budgets = gateway.shared().costs.budgets();
    budgets.into_iter().flat_map(|budgets| budgets.spent(SystemTime::now())).map(|spent| spent.spent).sum()
}

/// The provider has made it whole and bills it, wherever it broke off on the way; once, what of it had come was
/// not counted, and a translated one that ended early was taken for a refusal, which is free.
#[tokio::test]
async fn a_whole_answer_that_breaks_off_costs_about_what_it_has_said() -> Result<(), BoxError> {
    let budget = "budgets: {all: {dollars: 1000, every: month}}\n";
    let gateway = Gateway::start(&format!("{CONFIGURATION}{budget}")).await?;
    let said = "word ".repeat(400);
    let chat = completion().replace("Yes.", &said);
    let response = json!({"id": "resp_1", "object": "response", "created_at": 1, "status": "completed",
        "model": "gpt-4o-mini", "output": [{"type": "message", "id": "msg_1", "role": "assistant", "status": "completed",
            "content": [{"type": "output_text", "text": said, "annotations": []}]}]})
    .to_string();
    for (path, body) in questions() {
        let answer = if path == "/v1/responses" { &response } else { &chat };
        // Some 300 words of it.
        let cut = answer.find("word ").unwrap_or_default() + 5 * 300;
        for broken in [false, true] {
            let before = spent(&gateway);
            let script =
                Script { broken, ..Script::new(200, JSON, answer[..cut].to_owned()).cut_at([200, 700]) };
            let answer = gateway.post(path, &body, script).await;
            assert!(answer.status == 502 || !(broken && answer.is_whole), "{path}, broken {broken}");
            // 0.6 dollars a million.
            let cost = spent(&gateway).saturating_sub(before).nanos();
            assert!((250 * 600..600 * 600).contains(&cost), "{path}, broken {broken}: {cost}");
        }
    }
    Ok(())
}

/// What is told by its name, the model that tells it, its events by their names, and what it costs in nano-dollars.
type Streamed = (&'static str, &'static str, Vec<(&'static str, Value)>, i64);

/// A stream of events as each provider tells its usage.
fn streams() -> [Streamed; 5] {
    let chunk = |delta: Value, finish: Value, usage: Value| {
        let chunk = json!({"id": "c", "object": "chat.completion.chunk", "created": 1, "model": "gpt-4o-mini",
            "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], "usage": usage});
        ("", chunk)
    };
    let counted = json!({"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100,
        "prompt_tokens_details": {"cached_tokens": 400}, "completion_tokens_details": {"reasoning_tokens": 60}});
    let piece = |text: &str, finish: Value, said: u64, thought: u64| {
        let piece = json!({"candidates": [{"index": 0, "content": {"role": "model", "parts": [{"text": text}]},
                "finishReason": finish}], "modelVersion": "gemini-2.5-flash",
            "usageMetadata": {"promptTokenCount": 1000, "cachedContentTokenCount": 400, "candidatesTokenCount": said,
                "thoughtsTokenCount": thought, "totalTokenCount": 1000 + said + thought}});
        ("", piece)
    };
    let started = json!({"type": "message_start", "message": {"id": "m", "type": "message", "role": "assistant",
        "model": "claude-sonnet-4-5-20250929", "content": [], "stop_reason": null, "stop_sequence": null,
        "usage": {"input_tokens": 100, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300,
            "cache_creation": {"ephemeral_5m_input_tokens": 100, "ephemeral_1h_input_tokens": 200}, "output_tokens": 1}}});
    let claude = |usage: Value| {
        let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Yes."}});
        let begun =
            json!({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}});
        let ended = json!({"type": "message_delta", "delta": {"stop_reason": "end_turn", "stop_sequence": null}, "usage": usage});
        vec![
            ("message_start", started.clone()),
            ("content_block_start", begun),
            ("content_block_delta", delta),
            ("content_block_stop", json!({"type": "content_block_stop", "index": 0})),
            ("message_delta", ended),
            ("message_stop", json!({"type": "message_stop"})),
        ]
    };
    [
        // 600 fresh at 150, 400 cached at 75, 100 out at 600: reasoning is among them.
        (
            "usage beside choices",
            "openai/gpt-4o-mini",
            vec![
                chunk(json!({"role": "assistant", "content": "Yes."}), Value::Null, Value::Null),
                chunk(json!({}), "stop".into(), counted.clone()),
            ],
            180_000,
        ),
        (
            "usage in every chunk",
            "openai/gpt-4o-mini",
            vec![
                chunk(json!({"role": "assistant", "content": "Yes."}), Value::Null, counted.clone()),
                chunk(json!({}), "stop".into(), counted),
            ],
            180_000,
        ),
        // 100 at 3,000, 1,000 read at 300, 100 written at 3,750, 200 at 6,000, 10 out at 15,000.
        (
            "usage split over two events",
            "anthropic/claude-sonnet-4-5",
            claude(json!({"output_tokens": 10})),
            2_325_000,
        ),
        (
            "usage told again at the end",
            "anthropic/claude-sonnet-4-5",
            claude(
                json!({"input_tokens": 100, "cache_read_input_tokens": 1000, "cache_creation_input_tokens": 300,
                "output_tokens": 10}),
            ),
            2_325_000,
        ),
        // 600 fresh at 300, 400 cached at 30, 20 said and 30 thought at 2,500.
        (
            "cumulative usage, reasoning outside of what was said",
            "gemini/gemini-2.5-flash",
            vec![
                piece("Ye", Value::Null, 5, 30),
                piece("s", Value::Null, 12, 30),
                piece(".", "STOP".into(), 20, 30),
            ],
            317_000,
        ),
    ]
}

#[tokio::test]
async fn usage_is_counted_once_however_a_stream_tells_it() -> Result<(), BoxError> {
    let budget = "budgets: {all: {dollars: 1000, every: month}}\n";
    let gateway = Gateway::start(&format!("{CONFIGURATION}{budget}")).await?;
    let said = json!([{"role": "user", "content": "Well?"}]);
    for (what, model, events, expected) in streams() {
        let is_openai = model.starts_with("openai");
        let mut stream: String = events
            .iter()
            .map(|(name, event)| match *name {
                "" => format!("data: {event}\n\n"),
                name => format!("event: {name}\ndata: {event}\n\n"),
            })
            .collect();
        if is_openai {
            stream.push_str("data: [DONE]\n\n");
        }
        let gemini = format!("/v1beta/models/{}:streamGenerateContent?alt=sse", model.replace('/', "%2F"));
        let questions = [
            ("/v1/chat/completions", json!({"model": model, "messages": said, "stream": true})),
            ("/v1/messages", json!({"model": model, "messages": said, "max_tokens": 50, "stream": true})),
            (&gemini, json!({"contents": [{"role": "user", "parts": [{"text": "Well?"}]}]})),
            // OpenAI is asked in its own words there.
            ("/v1/responses", json!({"model": model, "input": "Well?", "stream": true})),
        ];
        for (path, body) in questions.iter().take(if is_openai { 3 } else { 4 }) {
            for cuts in [vec![], vec![1, 100, 300]] {
                let before = spent(&gateway);
                let script = Script::new(200, Some("text/event-stream"), stream.clone()).cut_at(cuts);
                let answer = gateway.post(path, body, script).await;
                assert_eq!((answer.status.as_u16(), answer.is_whole), (200, true), "{what}, {path}");
                let cost = spent(&gateway).saturating_sub(before).nanos();
                assert_eq!(cost, expected, "{what}, {path}: {}", answer.text());
            }
        }
    }
    Ok(())
}
