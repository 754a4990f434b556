//! Budgets hold, in every dialect: what may be spent is reserved before, and what was spent counts after.

#[path = "support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "support/upstream.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod upstream;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use serde_json::{Value, json};
use tollway::BoxError;
use tollway_core::Money;

use self::gateway::{Answer, Gateway};
use self::upstream::{Script, Upstream};

const JSON: Option<&str> = Some("application/json");

/// A gateway with these budgets, each request of which costs 0.00021 dollars.
async fn start(budgets: &str) -> Result<Gateway, BoxError> {
    Gateway::start(&format!(
        "
providers:
  openai: {{base_url: '{{upstream}}/v1', api_key: sk-1}}
  rack: {{kind: openai-compatible, base_url: '{{upstream}}/rack/v1'}}
aliases: {{cheap: openai/gpt-4.1-nano}}
auth: {{mode: open}}
budgets: {budgets}
"
    ))
    .await
}

fn completion(model: &str) -> Script {
    let text = json!({"id": "chatcmpl-1", "object": "chat.completion", "created": 1, "model": model,
        "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1000, "completion_tokens": 100, "total_tokens": 1100}});
    Script::new(200, JSON, text.to_string())
}

async fn ask(gateway: &Gateway, model: &str, max_tokens: u32) -> Answer {
    let body =
        json!({"model": model, "max_tokens": max_tokens, "messages": [{"role": "user", "content": "Well?"}]});
    gateway.post("/v1/chat/completions", &body, completion(model)).await
}

fn spent(gateway: &Gateway) -> Vec<(String, String, Money)> {
    let budgets = gateway.shared().costs.budgets();
    let all = budgets.into_iter().flat_map(|budgets| budgets.spent(SystemTime::now()));
    all.map(|spent| (spent.budget.name.to_string(), spent.subject.to_string(), spent.spent)).collect()
}

#[tokio::test]
async fn what_was_spent_counts_and_what_may_be_spent_is_refused_in_every_dialect() -> Result<(), BoxError> {
    let gateway = start("{all: {dollars: 0.0007, every: day}}").await?;
    for _ in 0..2 {
        assert_eq!(ask(&gateway, "gpt-4o-mini", 10).await.status, 200);
    }
    assert_eq!(spent(&gateway), [("all".to_owned(), String::new(), Money::from_nanos(420_000))]);
    // A thousand tokens may cost more than is left; one may not.
    let said = json!([{"role": "user", "content": "Well?"}]);
    for (path, body, status, shape) in [
        (
            "/v1/chat/completions",
            json!({"model": "gpt-4o-mini", "max_tokens": 1000, "messages": said}),
            429,
            "/error/code",
        ),
        (
            "/v1/responses",
            json!({"model": "gpt-4o-mini", "max_output_tokens": 1000, "input": "Well?"}),
            429,
            "/error/code",
        ),
        (
            "/v1/messages",
            json!({"model": "openai/gpt-4o-mini", "max_tokens": 1000, "messages": said}),
            402,
            "/error/type",
        ),
        (
            "/v1beta/models/openai%2Fgpt-4o-mini:generateContent",
            json!({"contents": [{"role": "user", "parts": [{"text": "Well?"}]}], "generationConfig": {"maxOutputTokens": 1000}}),
            429,
            "/error/status",
        ),
    ] {
        let answer = gateway.post(path, &body, completion("gpt-4o-mini")).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
        let kind = answer.json().pointer(shape).cloned().unwrap_or_default();
        let kinds = ["insufficient_quota", "billing_error", "RESOURCE_EXHAUSTED"];
        assert!(kinds.contains(&kind.as_str().unwrap_or_default()), "{path}: {}", answer.text());
        assert!(answer.text().contains("all allows 0.0007 dollars, 0.00028 are left"), "{}", answer.text());
        assert!(answer.text().contains("resets at"), "{}", answer.text());
        assert_eq!(answer.headers["x-tollway-budget"], "all");
        assert_eq!(answer.headers["x-should-retry"], "false");
        assert!(answer.sent.is_none(), "nothing went out");
    }
    for _ in 0..2 {
        assert_eq!(ask(&gateway, "gpt-4o-mini", 1).await.status, 200);
    }
    // They have cost more than was left: that is spent as well, and nothing passes any more.
    assert_eq!(spent(&gateway)[0].2, Money::from_nanos(840_000));
    assert_eq!(ask(&gateway, "gpt-4o-mini", 1).await.status, 429);
    Ok(())
}

#[tokio::test]
async fn many_at_once_spend_nothing_beyond_what_was_reserved() -> Result<(), BoxError> {
    // Each reserves 0.000600 for its output and a little for its input, and costs 0.00021.
    let gateway = Arc::new(start("{all: {dollars: 0.0101, every: month}}").await?);
    let asked = (0..200).map(|_| {
        let gateway = gateway.clone();
        tokio::spawn(async move { ask(&gateway, "gpt-4o-mini", 1000).await.status.as_u16() })
    });
    let mut passed = 0_i64;
    for task in asked.collect::<Vec<_>>() {
        match task.await? {
            200 => passed += 1,
            other => assert_eq!(other, 429),
        }
    }
    assert!((16..=48).contains(&passed), "{passed}");
    assert_eq!(spent(&gateway)[0].2, Money::from_nanos(210_000 * passed));
    Ok(())
}

#[tokio::test]
async fn a_budget_may_have_a_cheaper_model_serve() -> Result<(), BoxError> {
    let gateway = start("{all: {dollars: 0.0003, at_limit: degrade, degrade_to: cheap}}").await?;
    assert_eq!(ask(&gateway, "gpt-4o-mini", 10).await.status, 200);
    let answer = ask(&gateway, "gpt-4o-mini", 1000).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let sent: Value = serde_json::from_slice(&answer.sent.ok_or("nothing was sent")?.body)?;
    assert_eq!(sent["model"], "gpt-4.1-nano");
    // Who asks for the cheaper one gets it too.
    assert_eq!(ask(&gateway, "cheap", 1000).await.status, 200);
    assert_eq!(ask(&gateway, "openai/gpt-4.1-nano", 1000).await.status, 200);
    // What is relayed is served by no other, and is refused as by any budget.
    let picture = json!({"model": "gpt-image-1", "prompt": "a hen"});
    let answer = gateway.post("/v1/images/generations", &picture, completion("gpt-image-1")).await;
    assert_eq!((answer.status.as_u16(), answer.sent.is_none()), (429, true), "{}", answer.text());
    assert!(answer.text().contains("all allows 0.0003 dollars, 0.00 are left"), "{}", answer.text());
    Ok(())
}

#[tokio::test]
async fn a_model_is_under_its_budget_by_whatever_name_it_is_asked() -> Result<(), BoxError> {
    for only in ["gpt-4.1-*", "openai/gpt-4.1-nano", "cheap"] {
        let gateway = start(&format!("{{nano: {{dollars: 0.0000001, only: {{model: '{only}'}}}}}}")).await?;
        let names = ["cheap", "gpt-4.1-nano", "openai/gpt-4.1-nano"];
        // An alias is a name of its own.
        for name in &names[..if only == "cheap" { 1 } else { 3 }] {
            assert_eq!(ask(&gateway, name, 1000).await.status, 429, "{only}, {name}");
        }
        assert_eq!(ask(&gateway, "gpt-4o-mini", 1000).await.status, 200, "{only}");
    }
    Ok(())
}

#[tokio::test]
async fn a_web_socket_is_not_opened_on_an_empty_budget() -> Result<(), BoxError> {
    let gateway = start("{all: {dollars: 0.0002}}").await?;
    assert_eq!(ask(&gateway, "gpt-4o-mini", 1).await.status, 200);
    for (path, status) in [("/v1/realtime?model=gpt-realtime", 429), ("/v1/models", 200)] {
        let upgrade = path.contains("realtime");
        let request = http::Request::get(path);
        let request = if upgrade {
            request
                .header("connection", "upgrade")
                .header("upgrade", "websocket")
                .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
                .header("sec-websocket-version", "13")
        } else {
            request
        };
        let answer = gateway.send(request.body(http_body_util::Full::default())?).await;
        assert_eq!(answer.status.as_u16(), status, "{path}: {}", answer.text());
    }
    Ok(())
}

#[tokio::test]
async fn what_a_passthrough_does_not_tell_is_not_taken_to_be_free() -> Result<(), BoxError> {
    let nanos = async |path: &str, script: Script| {
        let gateway = start("{all: {dollars: 1}}").await?;
        let body = json!({"model": "gpt-4o-mini", "messages": [{"role": "user", "content": "Well?"}]});
        let answer = gateway.post(path, &body, script).await;
        assert_eq!(answer.status.as_u16(), 200, "{}", answer.text());
        let spent = spent(&gateway).into_iter().map(|(.., spent)| spent.nanos()).sum::<i64>();
        Ok::<_, BoxError>(spent)
    };
    let stream = "data: {\"choices\":[{\"delta\":{\"content\":\"Yes.\"}}]}\n\ndata: [DONE]\n\n";
    let untold = || Script::new(200, Some("text/event-stream"), stream);
    // Whatever was reserved is spent where nobody knows; that is next to nothing here, and is something.
    assert_eq!(nanos("/passthrough/openai/v1/chat/completions", untold()).await?, 1);
    assert_eq!(nanos("/passthrough/openai/v1/audio/speech", Script::new(200, None, "sound")).await?, 1);
    assert_eq!(nanos("/passthrough/openai/v1/chat/completions", completion("gpt-4o-mini")).await?, 210_000);
    assert_eq!(nanos("/passthrough/openai/v1/files", Script::new(200, JSON, "{}")).await?, 0);
    Ok(())
}

#[tokio::test]
async fn what_has_no_price_passes_only_where_the_budget_says_so() -> Result<(), BoxError> {
    let strict = start("{all: {dollars: 1}}").await?;
    let answer = ask(&strict, "rack/llama", 10).await;
    assert_eq!((answer.status.as_u16(), answer.sent.is_none()), (403, true), "{}", answer.text());
    assert!(answer.text().contains("no price"), "{}", answer.text());
    let lenient = start("{all: {dollars: 1, unpriced: allow}}").await?;
    assert_eq!(ask(&lenient, "rack/llama", 10).await.status, 200);
    assert!(spent(&lenient).is_empty());
    Ok(())
}

#[tokio::test]
async fn a_webhook_hears_of_a_threshold_once() -> Result<(), BoxError> {
    let told = Arc::new(Mutex::new(Vec::<Value>::new()));
    let hook = Upstream::start({
        let told = told.clone();
        move |received| {
            let json = serde_json::from_slice(&received.body).unwrap_or_default();
            told.lock().unwrap_or_else(PoisonError::into_inner).push(json);
            Script::new(204, None, "")
        }
    })
    .await?;
    let gateway = start(&format!(
        "{{all: {{dollars: 0.001, thresholds: [20, 50], at_limit: warn}}}}\nnotify: {{webhook: '{}/told'}}",
        hook.url()
    ))
    .await?;
    for _ in 0..8 {
        assert_eq!(ask(&gateway, "gpt-4o-mini", 10).await.status, 200);
    }
    let heard = || told.lock().unwrap_or_else(PoisonError::into_inner).clone();
    for _ in 0..500 {
        if heard().len() >= 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(10)).await;
    }
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    let percents: Vec<_> = heard().iter().map(|told| told["percent"].as_u64()).collect();
    assert_eq!(percents, [Some(20), Some(50), Some(100)], "{:?}", heard());
    assert_eq!(heard()[0]["spent_usd"], "0.00021");
    assert_eq!((&heard()[0]["event"], &heard()[0]["budget"]), (&json!("budget_threshold"), &json!("all")));
    Ok(())
}
