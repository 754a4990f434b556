//! Answers in OpenAI's shapes satisfy OpenAI's own description of its API.

use crate::client::{Answer, Simulated};
use serde_json::{Value, json};
use std::cell::RefCell;
use std::collections::HashMap;
use std::path::Path;

/// Validates against a schema of the description.
struct Specification {
    components: Value,
    compiled: RefCell<HashMap<&'static str, jsonschema::Validator>>,
}

impl Specification {
    fn find() -> Option<Self> {
        let home = Path::new(env!("CARGO_MANIFEST_DIR"));
        let file = home
            .ancestors()
            .map(|folder| folder.join("../shared/specs/openai-openapi.json"))
            .find(|file| file.is_file())?;
        let mut all: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        null_where_nullable(&mut all);
        Some(Self { components: all["components"].take(), compiled: RefCell::default() })
    }

    #[track_caller]
    fn holds(&self, name: &'static str, value: &Value) {
        let mut compiled = self.compiled.borrow_mut();
        let validator = compiled.entry(name).or_insert_with(|| {
            let to = format!("#/components/schemas/{name}");
            jsonschema::validator_for(&json!({"$ref": to, "components": self.components})).unwrap()
        });
        let errors: Vec<String> =
            validator.iter_errors(value).map(|error| format!("{}: {error}", error.instance_path())).collect();
        assert!(errors.is_empty(), "{value}\nis no {name}:\n{}", errors.join("\n"));
    }
}

/// The description uses `nullable` of `OpenAPI` 3.0 beside JSON Schema's null.
fn null_where_nullable(value: &mut Value) {
    match value {
        Value::Object(map) => {
            map.values_mut().for_each(null_where_nullable);
            if map.get("nullable") == Some(&Value::Bool(true)) {
                map.remove("nullable");
                let plain = std::mem::take(value);
                *value = json!({"anyOf": [plain, {"type": "null"}]});
            }
        }
        Value::Array(items) => items.iter_mut().for_each(null_where_nullable),
        _ => {}
    }
}

fn tools() -> Value {
    json!([{"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}}}}])
}

#[tokio::test]
async fn answers_satisfy_openais_description() {
    let Some(specification) = Specification::find() else {
        eprintln!("no ../shared/specs here: nothing checked");
        return;
    };
    let simulated = Simulated::start().await;
    let mut checked = 0;
    for more in [
        json!({}),
        json!({"n": 2, "logprobs": true, "top_logprobs": 2}),
        json!({"tools": tools(), "parallel_tool_calls": true}),
        json!({"model": "gpt-5", "reasoning_effort": "low"}),
        json!({"max_completion_tokens": 1}),
    ] {
        for text in [
            "hello there [parallel]",
            "[sim:refuse]",
            "[sim:filter] one two",
            "[sim:block]",
            "hi [sim:cached=1]",
        ] {
            let whole = simulated.chat(text, more.clone()).await.good();
            specification.holds("CreateChatCompletionResponse", &whole);
            let mut streamed = more.clone();
            streamed["stream"] = json!(true);
            streamed["stream_options"] = json!({"include_usage": true});
            for event in simulated.chat(text, streamed).await.events() {
                specification.holds("CreateChatCompletionStreamResponse", &event);
                checked += 1;
            }
            checked += 1;
        }
    }
    let post = |path: &'static str, body: Value| {
        let simulated = &simulated;
        async move { simulated.post(path, &[], &body).await }
    };
    let legacy = json!({"model": "gpt-3.5-turbo-instruct", "prompt": "hello there", "logprobs": 1});
    specification.holds("CreateCompletionResponse", &post("/v1/completions", legacy).await.good());
    let embeddings = json!({"model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 4});
    specification.holds("CreateEmbeddingResponse", &post("/v1/embeddings", embeddings).await.good());
    specification.holds("ListModelsResponse", &simulated.get("/v1/models").await);
    specification.holds("Model", &simulated.get("/v1/models/gpt-4o").await);
    let refused = simulated.chat("hi", json!({"temperature": 9})).await;
    specification.holds("ErrorResponse", &refused.json());
    eprintln!(
        "{} answers and events hold to the description",
        checked + 5 + responses(&simulated, &specification).await
    );
}

async fn responses(simulated: &Simulated, specification: &Specification) -> usize {
    let tool = json!([{"type": "function", "name": "look", "parameters": {"type": "object", "properties": {}}, "strict": false}]);
    let mut checked = 0;
    for more in [
        json!({}),
        json!({"tools": tool}),
        json!({"model": "gpt-5", "reasoning": {"effort": "low", "summary": "auto"}, "include": ["reasoning.encrypted_content"]}),
        json!({"max_output_tokens": 16}),
    ] {
        for text in ["hello there", "[sim:refuse]", "[sim:tokens=40]"] {
            let mut body = json!({"model": "gpt-4o", "input": text});
            for (key, value) in more.as_object().unwrap() {
                body[key] = value.clone();
            }
            let whole: Answer = simulated.post("/v1/responses", &[], &body).await;
            specification.holds("Response", &whole.good());
            body["stream"] = json!(true);
            let streamed = simulated.post("/v1/responses", &[], &body).await.events();
            for (i, event) in streamed.iter().enumerate() {
                assert_eq!(event["sequence_number"], i);
                let mut event = event.clone();
                // Recorded streams begin with a null here, which the description does not know.
                if event["response"]["usage"].is_null()
                    && let Some(response) = event["response"].as_object_mut()
                {
                    response.remove("usage");
                }
                specification.holds("ResponseStreamEvent", &event);
                checked += 1;
            }
            let last = &streamed.last().unwrap()["response"];
            for field in ["status", "usage", "incomplete_details", "tools"] {
                assert_eq!(last[field], whole.json()[field]);
            }
            checked += 1;
        }
    }
    checked
}
