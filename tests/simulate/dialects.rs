//! Answers in each dialect: the same words, calls and counts everywhere, whole or streamed.

use crate::client::{Simulated, chat, generate, messages};
use base64::Engine as _;
use serde_json::{Value, json};

const GEMINI: &str = "/v1beta/models/gemini-2.5-pro:generateContent";
const GEMINI_STREAM: &str = "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse";

fn parameters() -> Value {
    json!({"type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer"}}, "required": ["city"]})
}

fn openai_tools(names: &[&str]) -> Value {
    names.iter().map(|name| json!({"type": "function", "function": {"name": name, "description": "does it", "parameters": parameters()}})).collect()
}

fn anthropic_tools(names: &[&str]) -> Value {
    names
        .iter()
        .map(|name| json!({"name": name, "description": "does it", "input_schema": parameters()}))
        .collect()
}

fn gemini_tools(names: &[&str]) -> Value {
    let all: Vec<Value> = names
        .iter()
        .map(|name| json!({"name": name, "description": "does it", "parameters": parameters()}))
        .collect();
    json!([{"functionDeclarations": all}])
}

#[tokio::test]
async fn every_dialect_echoes_and_counts_alike() {
    let simulated = Simulated::start().await;
    let text = "Why is the sky blue, and internationalisation hard?";
    let openai = simulated.chat(text, json!({})).await.good();
    let mistral = simulated.post("/mistral/v1/chat/completions", &[], &chat(text, json!({}))).await.good();
    let groq = simulated.post("/groq/openai/v1/chat/completions", &[], &chat(text, json!({}))).await.good();
    let compatible = simulated
        .post("/compatible/v1/chat/completions", &[], &chat(text, json!({"unknown": 1})))
        .await
        .good();
    for answer in [&openai, &mistral, &groq, &compatible] {
        assert_eq!(answer["choices"][0]["message"]["content"], text);
        assert_eq!(answer["choices"][0]["finish_reason"], "stop");
    }
    let anthropic = simulated.post("/v1/messages", &[], &messages(text, json!({}))).await.good();
    assert_eq!(anthropic["content"], json!([{"type": "text", "text": text}]));
    let gemini = simulated
        .post(
            GEMINI,
            &[],
            &generate(text, json!({"generationConfig": {"thinkingConfig": {"thinkingBudget": 128}}})),
        )
        .await
        .good();
    assert_eq!(gemini["candidates"][0]["content"]["parts"], json!([{"text": text}]));
    let responses =
        simulated.post("/v1/responses", &[], &json!({"model": "gpt-4o", "input": text})).await.good();
    assert_eq!(responses["output"][0]["content"][0]["text"], text);
    let input = &openai["usage"]["prompt_tokens"];
    assert_eq!(input, 10);
    for count in [
        &mistral["usage"]["prompt_tokens"],
        &groq["usage"]["prompt_tokens"],
        &anthropic["usage"]["input_tokens"],
        &anthropic["usage"]["output_tokens"],
        &gemini["usageMetadata"]["promptTokenCount"],
        &gemini["usageMetadata"]["candidatesTokenCount"],
        &responses["usage"]["input_tokens"],
        &openai["usage"]["completion_tokens"],
    ] {
        assert_eq!(count, input);
    }
}

#[tokio::test]
async fn streams_say_what_whole_answers_say() {
    let simulated = Simulated::start().await;
    for text in [
        "Why is the sky blue?",
        "naïve 日本語 🚀 [sim:split_unicode]",
        "[sim:tokens=40]",
        "[sim:chunk_bytes=7] so",
        "[sim:refuse]",
    ] {
        let whole = simulated.chat(text, json!({})).await.good();
        let stream =
            simulated.chat(text, json!({"stream": true, "stream_options": {"include_usage": true}})).await;
        let joined = |field: &str| -> String {
            stream
                .events()
                .iter()
                .filter_map(|event| event["choices"][0]["delta"][field].as_str().map(str::to_owned))
                .collect()
        };
        let message = &whole["choices"][0]["message"];
        assert_eq!(joined("content"), message["content"].as_str().unwrap_or_default());
        assert_eq!(joined("refusal"), message["refusal"].as_str().unwrap_or_default());
        assert_eq!(stream.events().last().unwrap()["usage"], whole["usage"]);
        assert!(stream.text().ends_with("data: [DONE]\n\n"));

        let whole = simulated.post("/v1/messages", &[], &messages(text, json!({}))).await.good();
        let events =
            simulated.post("/v1/messages", &[], &messages(text, json!({"stream": true}))).await.events();
        let joined: String = events.iter().filter_map(|event| event["delta"]["text"].as_str()).collect();
        assert_eq!(joined, whole["content"][0]["text"].as_str().unwrap());
        let delta = events.iter().find(|event| event["type"] == "message_delta").unwrap();
        assert_eq!(delta["usage"]["output_tokens"], whole["usage"]["output_tokens"]);
        assert_eq!(delta["delta"]["stop_reason"], whole["stop_reason"]);

        let whole = simulated.post(GEMINI, &[], &generate(text, json!({}))).await.good();
        let events = simulated.post(GEMINI_STREAM, &[], &generate(text, json!({}))).await.events();
        let joined: String = events
            .iter()
            .filter_map(|event| event["candidates"][0]["content"]["parts"][0]["text"].as_str())
            .collect();
        assert_eq!(joined, whole["candidates"][0]["content"]["parts"][0]["text"].as_str().unwrap());
        assert_eq!(events.last().unwrap()["usageMetadata"], whole["usageMetadata"]);
        let array = simulated
            .post(&GEMINI_STREAM.replace("?alt=sse", ""), &[], &generate(text, json!({})))
            .await
            .good();
        assert_eq!(array.as_array().unwrap(), &events);
    }
}

#[tokio::test]
async fn tools_are_called_and_their_results_quoted() {
    let simulated = Simulated::start().await;
    let names = ["look", "walk"];
    let ask = "weather? [parallel]";
    let arguments = json!({"city": "city", "days": 1});

    let body = chat(ask, json!({"tools": openai_tools(&names)}));
    let answer = simulated.post("/v1/chat/completions", &[], &body).await.good();
    let message = answer["choices"][0]["message"].clone();
    let calls = message["tool_calls"].as_array().unwrap();
    assert_eq!(answer["choices"][0]["finish_reason"], "tool_calls");
    let called: Vec<&str> = calls.iter().map(|call| call["function"]["name"].as_str().unwrap()).collect();
    assert_eq!(called, names);
    assert_eq!(
        serde_json::from_str::<Value>(calls[0]["function"]["arguments"].as_str().unwrap()).unwrap(),
        arguments
    );
    assert_ne!(calls[0]["id"], calls[1]["id"]);
    let mut round = body.clone();
    let turns = round["messages"].as_array_mut().unwrap();
    turns.push(message.clone());
    turns.extend(
        calls.iter().map(|call| json!({"role": "tool", "tool_call_id": call["id"], "content": "sunny"})),
    );
    let quoted = simulated.post("/v1/chat/completions", &[], &round).await.good();
    assert_eq!(quoted["choices"][0]["message"]["content"], "The tool says: sunny; sunny");

    let body = messages(ask, json!({"tools": anthropic_tools(&names)}));
    let answer = simulated.post("/v1/messages", &[], &body).await.good();
    assert_eq!(answer["stop_reason"], "tool_use");
    let blocks = answer["content"].as_array().unwrap();
    assert_eq!((&blocks[0]["name"], &blocks[1]["name"]), (&json!("look"), &json!("walk")));
    let mut round = body.clone();
    let results: Vec<Value> = blocks
        .iter()
        .map(|block| json!({"type": "tool_result", "tool_use_id": block["id"], "content": "sunny"}))
        .collect();
    let turns = round["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "content": blocks}));
    turns.push(json!({"role": "user", "content": results}));
    let again = simulated.post("/v1/messages", &[], &round).await.good();
    assert_eq!(again["content"][0]["text"], "The tool says: sunny; sunny");
    assert_eq!(again["usage"]["input_tokens"], quoted["usage"]["prompt_tokens"]);

    for model in ["gemini-2.5-pro", "gemini-3-flash-preview"] {
        let path = format!("/v1beta/models/{model}:generateContent");
        let body = generate(ask, json!({"tools": gemini_tools(&names)}));
        let answer = simulated.post(&path, &[], &body).await.good();
        let content = answer["candidates"][0]["content"].clone();
        assert_eq!(content["parts"][0]["functionCall"]["args"], arguments);
        assert_eq!(content["parts"][1]["functionCall"]["name"], "walk");
        assert!(
            content["parts"][0]["thoughtSignature"].is_string()
                && content["parts"][1]["thoughtSignature"].is_null()
        );
        let results: Vec<Value> = names
            .iter()
            .map(|name| json!({"functionResponse": {"name": name, "response": {"result": "sunny"}}}))
            .collect();
        let mut round = body.clone();
        let turns = round["contents"].as_array_mut().unwrap();
        turns.push(content);
        turns.push(json!({"role": "user", "parts": results}));
        let again = simulated.post(&path, &[], &round).await.good();
        assert_eq!(again["candidates"][0]["content"]["parts"][0]["text"], "The tool says: sunny; sunny");
        assert_eq!(again["usageMetadata"]["promptTokenCount"], quoted["usage"]["prompt_tokens"]);
        round["contents"][1]["parts"][0]["thoughtSignature"] = json!("AAAA");
        let refused = simulated.post(&path, &[], &round).await;
        assert_eq!(
            (refused.status.as_u16(), &refused.json()["error"]["message"]),
            (400, &json!("Thought signature is not valid"))
        );
    }
}

#[tokio::test]
async fn streamed_calls_are_whole_calls_in_pieces() {
    let simulated = Simulated::start().await;
    for path in ["/v1/chat/completions", "/mistral/v1/chat/completions", "/groq/openai/v1/chat/completions"] {
        let events = simulated
            .post(
                path,
                &[],
                &chat("go [parallel]", json!({"stream": true, "tools": openai_tools(&["look", "walk"])})),
            )
            .await
            .events();
        let mut arguments = [String::new(), String::new()];
        for call in events
            .iter()
            .flat_map(|event| event["choices"][0]["delta"]["tool_calls"].as_array().into_iter().flatten())
        {
            let index = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
            arguments[index].push_str(call["function"]["arguments"].as_str().unwrap());
        }
        for made in &arguments {
            assert_eq!(
                serde_json::from_str::<Value>(made).unwrap(),
                json!({"city": "city", "days": 1}),
                "{path}"
            );
        }
        let finish: Vec<&str> =
            events.iter().filter_map(|event| event["choices"][0]["finish_reason"].as_str()).collect();
        assert_eq!(finish, ["tool_calls"], "{path}");
    }
    let events = simulated
        .post(
            "/v1/messages",
            &[],
            &messages("go [parallel]", json!({"stream": true, "tools": anthropic_tools(&["look", "walk"])})),
        )
        .await
        .events();
    for index in 0..2 {
        let json: String = events
            .iter()
            .filter(|event| event["index"] == index)
            .filter_map(|event| event["delta"]["partial_json"].as_str())
            .collect();
        assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), json!({"city": "city", "days": 1}));
    }
}

#[tokio::test]
async fn thinking_is_signed_and_held_to_its_signature() {
    let simulated = Simulated::start().await;
    let thinking = json!({"type": "enabled", "budget_tokens": 1024});
    let body = messages("why?", json!({"thinking": thinking, "tools": anthropic_tools(&["look"])}));
    let answer = simulated.post("/v1/messages", &[], &body).await.good();
    let blocks = answer["content"].as_array().unwrap();
    assert_eq!((&blocks[0]["type"], &blocks[1]["type"]), (&json!("thinking"), &json!("tool_use")));
    assert!(answer["usage"]["output_tokens_details"]["thinking_tokens"].as_u64().unwrap() > 0);
    let mut round = body.clone();
    let turns = round["messages"].as_array_mut().unwrap();
    turns.push(json!({"role": "assistant", "content": blocks}));
    turns.push(json!({"role": "user", "content": [{"type": "tool_result", "tool_use_id": blocks[1]["id"], "content": "x"}]}));
    simulated.post("/v1/messages", &[], &round).await.good();
    round["messages"][1]["content"][0]["thinking"] = json!("something else");
    let refused = simulated.post("/v1/messages", &[], &round).await;
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["error"]["message"],
        "messages.1.content.0: Invalid `signature` in `thinking` block"
    );

    let mut streamed = body;
    streamed["stream"] = json!(true);
    let events = simulated.post("/v1/messages", &[], &streamed).await.events();
    let signature = events.iter().find_map(|event| event["delta"]["signature"].as_str()).unwrap();
    assert_eq!(signature, blocks[0]["signature"]);
    let delta = events.iter().find(|event| event["type"] == "message_delta").unwrap();
    assert_eq!(delta["usage"]["output_tokens_details"], answer["usage"]["output_tokens_details"]);
}

#[tokio::test]
async fn structured_output_satisfies_its_schema() {
    let simulated = Simulated::start().await;
    let schema = json!({"type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}}, "required": ["name", "age"], "additionalProperties": false});
    let openai = simulated.chat("a person", json!({"response_format": {"type": "json_schema", "json_schema": {"name": "person", "strict": true, "schema": schema}}})).await.good();
    let anthropic = simulated
        .post(
            "/v1/messages",
            &[],
            &messages(
                "a person",
                json!({"output_config": {"format": {"type": "json_schema", "schema": schema}}}),
            ),
        )
        .await
        .good();
    let gemini = simulated.post(GEMINI, &[], &generate("a person", json!({"generationConfig": {"responseMimeType": "application/json", "responseJsonSchema": schema}}))).await.good();
    let responses = simulated.post("/v1/responses", &[], &json!({"model": "gpt-4o", "input": "a person", "text": {"format": {"type": "json_schema", "name": "person", "schema": schema}}})).await.good();
    for text in [
        &openai["choices"][0]["message"]["content"],
        &anthropic["content"][0]["text"],
        &gemini["candidates"][0]["content"]["parts"][0]["text"],
        &responses["output"][0]["content"][0]["text"],
    ] {
        let made: Value = serde_json::from_str(text.as_str().unwrap()).unwrap();
        assert!(jsonschema::is_valid(&schema, &made), "{made}");
    }
}

#[tokio::test]
async fn ends_are_named_by_each_provider() {
    let simulated = Simulated::start().await;
    for (text, openai, anthropic, gemini) in [
        ("one two three", "stop", "end_turn", "STOP"),
        ("[sim:tokens=9000]", "length", "max_tokens", "MAX_TOKENS"),
        ("[sim:filter] one two", "content_filter", "refusal", "SAFETY"),
    ] {
        let made = simulated.chat(text, json!({"max_tokens": 4096})).await.good();
        assert_eq!(made["choices"][0]["finish_reason"], openai);
        let made = simulated.post("/v1/messages", &[], &messages(text, json!({}))).await.good();
        assert_eq!(made["stop_reason"], anthropic);
        let made = simulated
            .post(GEMINI, &[], &generate(text, json!({"generationConfig": {"maxOutputTokens": 4096}})))
            .await
            .good();
        assert_eq!(made["candidates"][0]["finishReason"], gemini);
    }
    let made = simulated
        .post("/v1/messages", &[], &messages("one two END three", json!({"stop_sequences": [" END"]})))
        .await
        .good();
    assert_eq!(
        (&made["stop_reason"], &made["stop_sequence"], &made["content"][0]["text"]),
        (&json!("stop_sequence"), &json!(" END"), &json!("one two"))
    );
    let made = simulated.post(GEMINI, &[], &generate("[sim:block]", json!({}))).await.good();
    assert_eq!(
        (&made["promptFeedback"]["blockReason"], &made["candidates"]),
        (&json!("PROHIBITED_CONTENT"), &Value::Null)
    );
    let made = simulated.chat("hi", json!({"n": 3})).await.good();
    assert_eq!(made["choices"].as_array().unwrap().len(), 3);
    assert_eq!(made["choices"][2]["message"]["content"], "hi (3)");
}

#[tokio::test]
async fn cached_tokens_stand_where_each_provider_puts_them() {
    let simulated = Simulated::start().await;
    let text = "one two three four five six [sim:cached=4,cache_write=2]";
    let openai = simulated.chat(text, json!({})).await.good();
    let input = openai["usage"]["prompt_tokens"].as_u64().unwrap();
    assert_eq!(openai["usage"]["prompt_tokens_details"]["cached_tokens"], 4);
    let anthropic = simulated.post("/v1/messages", &[], &messages(text, json!({}))).await.good();
    let usage = &anthropic["usage"];
    assert_eq!(usage["input_tokens"], input - 6);
    assert_eq!(
        (&usage["cache_read_input_tokens"], &usage["cache_creation_input_tokens"]),
        (&json!(4), &json!(2))
    );
    let gemini = simulated.post(GEMINI, &[], &generate(text, json!({}))).await.good();
    assert_eq!(gemini["usageMetadata"]["cachedContentTokenCount"], 4);
    assert_eq!(gemini["usageMetadata"]["promptTokenCount"], input);
}

#[tokio::test]
async fn pictures_and_documents_are_acknowledged() {
    let simulated = Simulated::start().await;
    let data = base64::engine::general_purpose::STANDARD.encode([7; 68]);
    let url = format!("data:image/png;base64,{data}");
    let made = simulated.post("/v1/chat/completions", &[], &json!({"model": "gpt-4o", "messages": [{"role": "user", "content": [
        {"type": "text", "text": "see"}, {"type": "image_url", "image_url": {"url": url}},
        {"type": "file", "file": {"filename": "a.pdf", "file_data": format!("data:application/pdf;base64,{data}")}},
    ]}]})).await.good();
    let expected = "see [image/png, 68 bytes] [application/pdf, 68 bytes]";
    assert_eq!(made["choices"][0]["message"]["content"], expected);
    let anthropic = simulated.post("/v1/messages", &[], &json!({"model": "claude-sonnet-4-5", "max_tokens": 99, "messages": [{"role": "user", "content": [
        {"type": "text", "text": "see"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": data}},
        {"type": "document", "source": {"type": "base64", "media_type": "application/pdf", "data": data}},
    ]}]})).await.good();
    assert_eq!(anthropic["content"][0]["text"], expected);
    assert_eq!(anthropic["usage"]["input_tokens"], made["usage"]["prompt_tokens"]);
    let gemini = simulated.post(GEMINI, &[], &json!({"contents": [{"role": "user", "parts": [
        {"text": "see"}, {"inlineData": {"mimeType": "image/png", "data": data}}, {"inline_data": {"mime_type": "application/pdf", "data": data}},
    ]}]})).await.good();
    assert_eq!(gemini["candidates"][0]["content"]["parts"][0]["text"], expected);
    assert_eq!(gemini["usageMetadata"]["promptTokenCount"], made["usage"]["prompt_tokens"]);
}

#[tokio::test]
async fn counts_and_lists() {
    let simulated = Simulated::start().await;
    let counted = simulated
        .post(
            "/v1/messages/count_tokens",
            &[],
            &json!({"model": "claude-sonnet-4-5", "messages": [{"role": "user", "content": "one two"}]}),
        )
        .await
        .good();
    assert_eq!(counted, json!({"input_tokens": 2}));
    let counted = simulated
        .post("/v1beta/models/gemini-2.5-pro:countTokens", &[], &generate("one two", json!({})))
        .await
        .good();
    assert_eq!(counted["totalTokens"], 2);
    let batch = simulated.post("/v1beta/models/gemini-embedding-001:batchEmbedContents", &[], &json!({"requests": [
        {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "a"}]}, "outputDimensionality": 4},
    ]})).await.good();
    assert_eq!(batch["embeddings"][0]["values"].as_array().unwrap().len(), 4);
    let models = simulated.get("/v1/models").await;
    assert!(models["data"].as_array().unwrap().iter().any(|model| model["id"] == "gpt-4o"));
    assert_eq!(simulated.get("/v1/models/gpt-4o").await["id"], "gpt-4o");
    assert_eq!(simulated.get("/v1/models/sim-unknown").await["error"]["code"], "model_not_found");
    assert_eq!(simulated.get("/v1beta/models").await["models"][0]["name"], "models/gemini-4-argon");
}

#[tokio::test]
async fn an_answer_tells_what_it_was_asked() {
    let simulated = Simulated::start().await;
    let ask = "and now? [sim:system,turns]";
    let told = "system: Be brief.\nturns: user: Hello | assistant: Hi. | user: and now?";
    let chat = json!({"model": "gpt-4o", "messages": [
        {"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Hi."}, {"role": "user", "content": ask},
    ]});
    let made = simulated.post("/v1/chat/completions", &[], &chat).await.good();
    assert_eq!(made["choices"][0]["message"]["content"], told);
    let anthropic = json!({"model": "claude-sonnet-4-5", "max_tokens": 99, "system": [{"type": "text", "text": "Be brief."}],
    "messages": [
        {"role": "user", "content": "Hello"}, {"role": "assistant", "content": [{"type": "text", "text": "Hi."}]},
        {"role": "user", "content": ask},
    ]});
    let made = simulated.post("/v1/messages", &[], &anthropic).await.good();
    assert_eq!(made["content"][0]["text"], told);
    let gemini = json!({"systemInstruction": {"parts": [{"text": "Be brief."}]}, "contents": [
        {"role": "user", "parts": [{"text": "Hello"}]}, {"role": "model", "parts": [{"text": "Hi."}]},
        {"role": "user", "parts": [{"text": ask}]},
    ]});
    let made = simulated.post(GEMINI, &[], &gemini).await.good();
    assert_eq!(made["candidates"][0]["content"]["parts"][0]["text"], told);
    let responses = json!({"model": "gpt-4o", "instructions": "Be brief.", "input": [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [{"type": "output_text", "text": "Hi."}]},
        {"role": "user", "content": [{"type": "input_text", "text": ask}]},
    ]});
    let made = simulated.post("/v1/responses", &[], &responses).await.good();
    assert_eq!(made["output"][0]["content"][0]["text"], told);
}

#[tokio::test]
async fn tools_that_fail_are_told_apart() {
    let simulated = Simulated::start().await;
    let anthropic = json!({"model": "claude-sonnet-4-5", "max_tokens": 99, "tools": anthropic_tools(&["look"]), "messages": [
        {"role": "user", "content": "look"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "is_error": true, "content": "dark"}]},
    ]});
    let made = simulated.post("/v1/messages", &[], &anthropic).await.good();
    assert_eq!(made["content"][0]["text"], "The tool says: failed: dark");
    let gemini = json!({"tools": gemini_tools(&["look"]), "contents": [
        {"role": "user", "parts": [{"text": "look"}]},
        {"role": "model", "parts": [{"functionCall": {"name": "look", "args": {}}}]},
        {"role": "user", "parts": [{"functionResponse": {"name": "look", "response": {"error": "dark"}}}]},
    ]});
    let made = simulated.post(GEMINI, &[], &gemini).await.good();
    assert_eq!(made["candidates"][0]["content"]["parts"][0]["text"], "The tool says: failed: dark");
}

#[tokio::test]
async fn responses_are_kept_and_gone_on_with() {
    let simulated = Simulated::start().await;
    let tools = json!([{"type": "function", "name": "look", "parameters": parameters()}]);
    let ask = json!({"model": "gpt-5-mini", "input": "look [sim:thoughts]", "tools": tools});
    let first = simulated.post("/v1/responses", &[], &ask).await.good();
    let call = &first["output"][1];
    let output = json!({"type": "function_call_output", "call_id": call["call_id"], "output": "fog"});
    let next = json!({"model": "gpt-5-mini", "previous_response_id": first["id"], "input": [output], "tools": tools});
    let second = simulated.post("/v1/responses", &[], &next).await.good();
    assert_eq!(second["output"][1]["content"][0]["text"], "The tool says: fog\nthoughts: 1");

    let id = first["id"].as_str().unwrap();
    assert_eq!(simulated.get(&format!("/v1/responses/{id}")).await, first);
    let items = simulated.get(&format!("/v1/responses/{id}/input_items")).await;
    assert_eq!(items["data"][0]["content"][0]["text"], "look [sim:thoughts]");
    let cancelled = simulated.post(&format!("/v1/responses/{id}/cancel"), &[], &json!({})).await;
    assert_eq!(cancelled.status, 400, "it was not made in the background");
    assert_eq!(simulated.delete(&format!("/v1/responses/{id}")).await["deleted"], true);
    let refused = simulated.post("/v1/responses", &[], &next).await;
    assert_eq!(refused.json()["error"]["code"], "previous_response_not_found");

    let mut sealed = ask.clone();
    sealed["store"] = json!(false);
    sealed["include"] = json!(["reasoning.encrypted_content"]);
    let mut output = simulated.post("/v1/responses", &[], &sealed).await.good()["output"].clone();
    let mut input = vec![json!({"role": "user", "content": "look [sim:thoughts]"})];
    input.extend(output.as_array().unwrap().iter().cloned());
    input.push(json!({"type": "function_call_output", "call_id": output[1]["call_id"], "output": "fog"}));
    sealed["input"] = json!(input);
    let again = simulated.post("/v1/responses", &[], &sealed).await.good();
    assert_eq!(again["output"][1]["content"][0]["text"], "The tool says: fog\nthoughts: 1");
    // Without its seal the thought is only the name of something that was never stored.
    output[0].as_object_mut().unwrap().remove("encrypted_content");
    sealed["input"][1] = output[0].clone();
    assert_eq!(simulated.post("/v1/responses", &[], &sealed).await.status, 404);
    output[0]["encrypted_content"] = json!("AAAA");
    sealed["input"][1] = output[0].clone();
    let altered = simulated.post("/v1/responses", &[], &sealed).await;
    assert_eq!(altered.json()["error"]["code"], "invalid_encrypted_content");
    output[0] = json!({"type": "reasoning", "id": "mine", "summary": []});
    sealed["input"][1] = output[0].clone();
    let foreign = simulated.post("/v1/responses", &[], &sealed).await.json();
    assert_eq!(
        foreign["error"]["message"],
        "Invalid 'input[1].id': 'mine'. Expected an ID that begins with 'rs'."
    );

    let counted = json!({"model": "gpt-4o", "input": "one two"});
    let counted = simulated.post("/v1/responses/input_tokens", &[], &counted).await.good();
    assert_eq!(counted, json!({"object": "response.input_tokens", "input_tokens": 2}));
}
