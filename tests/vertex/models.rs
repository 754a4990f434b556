//! Both publishers, plain and streamed, against the simulator's rules.

use serde_json::{Value, json};

use crate::events;
use crate::world::{Gateway, account, chat, simulator};

const GEMINI: &str = "vertex/gemini-2.5-flash";
const CLAUDE: &str = "vertex/claude-sonnet-4-5-20250929";

async fn gateway() -> Gateway {
    let address = simulator().await;
    let fields = json!({
        "base_url": format!("http://{address}/vertex/v1"), "location": "europe-west4",
        "credentials": account(&format!("http://{address}/vertex/token")),
    });
    Gateway::new(&fields, &[])
}

#[tokio::test]
async fn a_chat_reaches_both_publishers() {
    let gateway = gateway().await;
    for model in [GEMINI, CLAUDE] {
        let answer = gateway.say(model, "Grüße ☃").await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.said(), "Grüße ☃", "{model}");
        let usage = &answer.json()["usage"];
        assert!(usage["prompt_tokens"].as_u64() > Some(0) && usage["completion_tokens"].as_u64() > Some(0));
        let upstream = answer.headers["x-tollway-upstream"].to_str().unwrap().to_owned();
        assert_eq!(upstream, model.replace("-20250929", "@20250929"));
    }
}

#[tokio::test]
async fn a_streamed_chat_reaches_both_publishers() {
    let gateway = gateway().await;
    for model in [GEMINI, CLAUDE] {
        let answer = gateway.post("/v1/chat/completions", &chat(model, "one two three", true)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        let events = events::events(answer.text());
        assert_eq!(events.last().map(|event| &*event.data), Some("[DONE]"), "{answer:?}");
        let deltas = events.iter().map(|event| event.json()["choices"][0]["delta"]["content"].clone());
        let said: String = deltas.filter_map(|delta| delta.as_str().map(str::to_owned)).collect();
        assert_eq!(said, "one two three", "{model}");
    }
}

#[tokio::test]
async fn each_publishers_own_dialect_is_relayed() {
    let gateway = gateway().await;
    let messages = json!({
        "model": CLAUDE, "max_tokens": 64, "messages": [{"role": "user", "content": "as it is"}], "metadata": {"user_id": "u"},
    });
    let answer = gateway.post("/v1/messages", &messages).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["content"][0]["text"], "as it is");

    // Anthropic's SDKs add parameters of their own, which Google does not know.
    let answer = gateway.post("/v1/messages?beta=true", &messages).await;
    assert_eq!(answer.status, 200, "{answer:?}");

    let mut streamed = messages.clone();
    streamed["stream"] = json!(true);
    let answer = gateway.post("/v1/messages", &streamed).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.text().contains("event: message_stop"), "{answer:?}");

    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "as it is"}]}]});
    let answer = gateway.post("/v1beta/models/gemini-2.5-flash:generateContent", &contents).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.json()["candidates"][0]["content"]["parts"][0]["text"], "as it is");
}

#[tokio::test]
async fn tokens_of_a_conversation_are_counted_by_both_publishers() {
    let gateway = gateway().await;
    let messages = json!({"model": CLAUDE, "messages": [{"role": "user", "content": "one two three"}]});
    let answer = gateway.post("/v1/messages/count_tokens", &messages).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json()["input_tokens"].as_u64() >= Some(3), "{answer:?}");
    let contents = json!({"contents": [{"role": "user", "parts": [{"text": "one two three"}]}]});
    let answer = gateway.post("/v1beta/models/gemini-2.5-flash:countTokens", &contents).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json()["totalTokens"].as_u64() >= Some(3), "{answer:?}");
}

/// Vertex AI knows no `generateContentRequest`; instructions and tools stand beside the contents.
#[tokio::test]
async fn tokens_of_a_whole_request_are_counted_in_any_dialect() {
    let gateway = gateway().await;
    let whole = json!({"generateContentRequest": {
        "model": "models/gemini-2.5-flash", "contents": [{"role": "user", "parts": [{"text": "one two three"}]}],
        "systemInstruction": {"parts": [{"text": "four five"}]}, "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
        "tools": [{"functionDeclarations": [{"name": "f", "description": "six seven"}]}],
        "cachedContent": "cachedContents/c",
    }});
    let answer = gateway.post("/v1beta/models/gemini-2.5-flash:countTokens", &whole).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json()["totalTokens"].as_u64() >= Some(5), "{answer:?}");
    assert_eq!(answer.headers["x-tollway-dropped"], "generateContentRequest.cachedContent");
    let messages = json!({"model": GEMINI, "system": "four five", "messages": [{"role": "user", "content": "one two three"}],
        "tools": [{"name": "f", "input_schema": {"type": "object"}}], "tool_choice": {"type": "any"}});
    let answer = gateway.post("/v1/messages/count_tokens", &messages).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert!(answer.json()["input_tokens"].as_u64() >= Some(5), "{answer:?}");
}

#[tokio::test]
async fn refusals_come_in_the_clients_dialect() {
    let gateway = gateway().await;
    for model in [GEMINI, CLAUDE] {
        for status in [400, 403, 404, 429, 500] {
            let answer = gateway.say(model, &format!("[sim:status={status}]")).await;
            assert_eq!(answer.status.as_u16(), status, "{answer:?}");
            assert!(answer.json()["error"]["message"].is_string(), "{answer:?}");
        }
    }
}

#[tokio::test]
async fn vectors_come_by_either_method() {
    let gateway = gateway().await;
    let ask = |model: &str, input: Value| json!({"model": model, "input": input, "dimensions": 8});
    for (model, input, vectors) in [
        ("vertex/text-embedding-005", json!(["one two", "three"]), 2),
        ("vertex/gemini-embedding-001", json!("one"), 1),
        ("vertex/gemini-embedding-2", json!("one"), 1),
    ] {
        let answer = gateway.post("/v1/embeddings", &ask(model, input)).await;
        assert_eq!(answer.status, 200, "{model}: {answer:?}");
        let answer = answer.json();
        assert_eq!(answer["data"].as_array().unwrap().len(), vectors, "{answer}");
        assert_eq!(answer["data"][0]["embedding"].as_array().unwrap().len(), 8, "{answer}");
        if vectors == 2 {
            assert_eq!(answer["usage"]["prompt_tokens"], 3);
        }
    }
    let several = gateway.post("/v1/embeddings", &ask("vertex/gemini-embedding-2", json!(["a", "b"]))).await;
    assert_eq!((several.status.as_u16(), &several.json()["error"]["param"]), (400, &json!("input")));
    let claude = gateway.post("/v1/embeddings", &ask(CLAUDE, json!("a"))).await;
    assert_eq!(claude.status, 400, "{claude:?}");
}

/// As `google-genai` asks for them, which knows batches only.
#[tokio::test]
async fn vectors_come_in_gemini_s_own_words_too() {
    let gateway = gateway().await;
    let one = |text: &str| {
        json!({"model": "models/any", "content": {"role": "user", "parts": [{"text": text}]},
            "taskType": "RETRIEVAL_DOCUMENT", "title": "t", "outputDimensionality": 8})
    };
    for (model, texts) in [
        ("text-embedding-005", vec!["one two", "three"]),
        ("gemini-embedding-001", vec!["a"]),
        ("gemini-embedding-2", vec!["a"]),
    ] {
        let mut all: Vec<Value> = texts.iter().map(|text| one(text)).collect();
        for one in &mut all {
            one["model"] = json!(format!("models/vertex/{model}"));
        }
        let batch = gateway
            .post(&format!("/v1beta/models/vertex/{model}:batchEmbedContents"), &json!({"requests": all}))
            .await;
        assert_eq!(batch.status, 200, "{model}: {batch:?}");
        assert_eq!(batch.json()["embeddings"].as_array().unwrap().len(), texts.len());
        assert_eq!(batch.json()["embeddings"][0]["values"].as_array().unwrap().len(), 8);
        assert!(!batch.headers.contains_key("x-tollway-dropped"), "{batch:?}");
        let single = gateway.post(&format!("/v1beta/models/vertex/{model}:embedContent"), &all[0]).await;
        assert_eq!(single.status, 200, "{model}: {single:?}");
        assert_eq!(single.json()["embedding"]["values"].as_array().unwrap().len(), 8);
    }
    let two = json!({"requests": [{"content": {"parts": [{"text": "a"}]}}, {"content": {"parts": [{"text": "b"}]}}]});
    let refused = gateway.post("/v1beta/models/vertex/gemini-embedding-2:batchEmbedContents", &two).await;
    assert_eq!(refused.status, 400);
    assert!(
        refused.text().contains("one text a request") && refused.text().contains("requests"),
        "{refused:?}"
    );
}
