//! Every recorded exchange, against a reading of it that knows nothing of this crate's types.

use serde_json::{Map, Value, json};
use tollway_core::{Endpoint, Usage};
use tollway_wire::{
    DecodeContext,
    chat::{Event, FinishReason},
    openai::{
        completions, decode_error, decode_request, decode_response, embeddings, encode_error, encode_request,
        encode_response, is_error_shape,
    },
};

use crate::support::{CHATS, Said, cx, data, decode, encode, recordings, target};

#[test]
fn every_recorded_request_survives_a_round_trip() {
    let mut total = 0;
    let mut exact = 0;
    for recording in CHATS
        .iter()
        .flat_map(|folder| ["json", "stream", "error"].map(|kind| recordings(folder, kind)))
        .flatten()
    {
        total += 1;
        let body = recording.request.to_string();
        let name = &recording.name;
        let chat = decode_request(body.as_bytes()).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        let target = target(recording.request["model"].as_str().unwrap_or_default());
        let encoded = encode_request(&chat, &target).unwrap_or_else(|refusal| panic!("{name}: {refusal:?}"));
        let got: Value = serde_json::from_slice(&encoded.body).unwrap();
        let mut wanted = normalised(&recording.request);
        for path in &encoded.dropped {
            remove(&mut wanted, path);
        }
        assert!(got == wanted, "{name}:\n{}", first_difference(&got, &wanted, ""));
        if encoded.dropped.is_empty() && encoded.renamed_tools.is_empty() {
            exact += 1;
        } else {
            eprintln!("{name}: dropped {:?}, renamed {:?}", encoded.dropped, encoded.renamed_tools);
        }
    }
    eprintln!("openai requests: {total} of {total} survive decode and encode, {exact} without a loss");
}

#[test]
fn every_recorded_answer_is_read_and_survives_a_round_trip() {
    let mut total = 0;
    for recording in CHATS.iter().flat_map(|folder| recordings(folder, "json")) {
        let name = &recording.name;
        let body = recording.response.to_string();
        let decoded = decode_response(body.as_bytes(), &DecodeContext::default());
        let wire = &recording.response["error"];
        if recording.status != 200 || wire.is_object() {
            assert_eq!(decoded.unwrap_err().message, wire["message"].as_str().unwrap(), "{name}");
            continue;
        }
        total += 1;
        let reply = decoded.unwrap_or_else(|error| panic!("{name}: {error:?}"));
        let choices = recording.response["choices"].as_array().unwrap();
        assert_eq!(reply.choices.len(), choices.len());
        for (choice, wire) in reply.choices.iter().zip(choices) {
            let mut said = Said::by_parts(&choice.content);
            said.finish = Some(choice.finish.clone());
            said.usage = reply.usage;
            check(name, &said, &wire["message"], &wire["finish_reason"], &recording.response["usage"]);
            assert_eq!(choice.logprobs, some(&wire["logprobs"]), "{name}");
        }
        assert_eq!(reply.id.as_deref(), recording.response["id"].as_str());
        assert_eq!(reply.model.as_deref(), recording.response["model"].as_str());
        assert_eq!(reply.created, recording.response["created"].as_u64());

        let written: Value = serde_json::from_slice(&encode_response(&reply, &cx())).unwrap();
        for (place, wire) in choices.iter().enumerate() {
            check_written(name, &written["choices"][place], wire);
        }
        let again = decode_response(written.to_string().as_bytes(), &DecodeContext::default()).unwrap();
        assert_eq!(again.usage, reply.usage, "{name}");
        for (again, choice) in again.choices.iter().zip(&reply.choices) {
            let mut left = Said::by_parts(&again.content);
            let mut right = Said::by_parts(&choice.content);
            for said in [&mut left, &mut right] {
                said.annotations.clear();
            }
            // Arguments that say nothing are written as the object they stand for.
            for call in right.calls.iter_mut().filter(|call| call.2.is_empty()) {
                call.2 = "{}".to_owned();
            }
            assert_eq!(left, right, "{name}");
        }
    }
    eprintln!("openai answers: {total} of {total} read and written back");
}

#[test]
fn every_recorded_stream_is_read_and_survives_a_round_trip() {
    let mut total = 0;
    for recording in CHATS.iter().flat_map(|folder| recordings(folder, "stream")) {
        total += 1;
        let name = &recording.name;
        let stream = recording.response.as_str().unwrap();
        let (events, end) = decode(&[stream.as_bytes()]);
        assert!(end.is_ok(), "{name}");
        assert!(matches!(events.first(), Some(Event::Start(_))), "{name}");
        let collected = collected(stream);
        for (index, choice) in &collected.choices {
            let said = Said::by_events(&events, *index);
            check(name, &said, &choice["message"], &choice["finish_reason"], &collected.usage);
        }

        let by_byte: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(decode(&by_byte).0, events, "{name}");
        // Whole is a stream in which every choice told why it ended.
        let told = stream.rfind("\"finish_reason\":\"").unwrap();
        for cut in (0..told).step_by(97) {
            let (_, end) = decode(&[&stream.as_bytes()[..cut]]);
            assert!(end.is_err(), "{name} cut at {cut} looks whole");
        }

        let written = encode(&events);
        let (again, end) = decode(&[written.as_bytes()]);
        assert!(end.is_ok());
        for index in collected.choices.iter().map(|(index, _)| *index) {
            let mut left = Said::by_events(&again, index);
            let mut right = Said::by_events(&events, index);
            for said in [&mut left, &mut right] {
                said.annotations.clear();
                let finish = said.finish.as_mut().unwrap();
                finish.native = None;
            }
            assert_eq!(left, right, "{name} changes when it is written back");
        }
    }
    eprintln!("openai streams: {total} of {total} read and written back");
}

#[test]
fn every_recorded_error_keeps_its_words() {
    let folders = CHATS.iter().chain(&["openai/embeddings"]);
    let mut total = 0;
    for recording in folders.flat_map(|folder| recordings(folder, "error")) {
        total += 1;
        let name = &recording.name;
        let body = recording.response.to_string();
        let error = decode_error(recording.status, body.as_bytes());
        let wire = &recording.response["error"];
        // OpenRouter's own message does not say what its provider said.
        let cause = wire["metadata"]["raw"].as_str().map(|raw| format!(": {raw}")).unwrap_or_default();
        assert_eq!(error.message, format!("{}{cause}", wire["message"].as_str().unwrap()), "{name}");
        assert_eq!(error.code.as_deref(), wire["code"].as_str(), "{name}");
        assert_eq!(error.param.as_deref(), wire["param"].as_str(), "{name}");
        assert_eq!(error.status, recording.status, "{name}");
        assert!(is_error_shape(body.as_bytes()));
        assert_eq!(decode_error(recording.status, &encode_error(&error)), error, "{name}");
    }
    eprintln!("openai errors: {total} of {total} read and written back");
}

#[test]
fn every_recorded_completion_is_carried_through_a_chat() {
    let mut total = 0;
    for recording in ["json", "stream"].iter().flat_map(|kind| recordings("openai/completions", kind)) {
        total += 1;
        let (chat, _) = completions::decode_request(recording.request.to_string().as_bytes()).unwrap();
        let prompt = &recording.request["prompt"];
        let prompt = prompt.as_str().or(prompt[0].as_str());
        assert_eq!(Said::by_parts(&chat.messages[0].content).text, prompt.unwrap(), "{}", recording.name);
        assert_eq!(chat.max_tokens, recording.request["max_tokens"].as_u64().or(Some(16)));
        assert_eq!(chat.stream, recording.request["stream"] == json!(true));
    }
    eprintln!("openai completions: {total} of {total} requests read");
}

#[test]
fn every_recorded_embedding_request_is_read() {
    let mut total = 0;
    for recording in ["json", "error"].iter().flat_map(|kind| recordings("openai/embeddings", kind)) {
        total += 1;
        let request = embeddings::decode_request(recording.request.to_string().as_bytes()).unwrap();
        let inputs = recording.request["input"].as_array().map_or(1, Vec::len);
        assert_eq!(request.inputs.len(), inputs);
        assert_eq!(request.dimensions.map(u64::from), recording.request["dimensions"].as_u64());
        let encoded = embeddings::encode_request(&request, &request.model).unwrap();
        let again = embeddings::decode_request(&encoded.body).unwrap();
        assert_eq!(
            (&again.inputs, again.dimensions, again.user),
            (&request.inputs, request.dimensions, request.user)
        );
    }
    eprintln!("openai embeddings: {total} of {total} requests read");
}

#[test]
fn every_recorded_vector_is_read_and_crosses() {
    let mut total = 0;
    for recording in ["openai/embeddings", "mistral/embeddings"].iter().flat_map(|at| recordings(at, "json"))
    {
        total += 1;
        let reply = embeddings::decode_response(recording.response.to_string().as_bytes()).unwrap();
        let data = recording.response["data"].as_array().unwrap();
        assert_eq!(reply.vectors.len(), data.len(), "{}", recording.name);
        for (vector, one) in reply.vectors.iter().zip(data) {
            if let Some(base64) = one["embedding"].as_str() {
                assert_eq!(vector.len(), base64.len() * 3 / 16, "{}", recording.name);
            } else {
                let told: Vec<f32> = serde_json::from_value(one["embedding"].clone()).unwrap();
                assert_eq!(*vector, told, "{}", recording.name);
            }
        }
        let input = reply.usage.map(|usage| usage.input);
        assert_eq!(input, recording.response["usage"]["prompt_tokens"].as_u64(), "{}", recording.name);
        let gemini = tollway_wire::gemini::embeddings::encode_response(Endpoint::Embeddings, &reply);
        let back = tollway_wire::gemini::embeddings::decode_response(&gemini).unwrap();
        assert_eq!(
            (back.vectors, back.usage.map(|usage| usage.input)),
            (reply.vectors, input),
            "{}",
            recording.name
        );
    }
    eprintln!("vectors of openai's format: {total} of {total} read and crossed");
}

/// Compares an answer as read with a choice's message.
fn check(name: &str, said: &Said, message: &Value, finish: &Value, usage: &Value) {
    let (text, thought) = texts(&message["content"]);
    assert_eq!(said.text, text, "{name}");
    let plain = message["reasoning_content"].as_str().or(message["reasoning"].as_str()).unwrap_or_default();
    assert_eq!(said.reasoning, thought + plain, "{name}");
    assert_eq!(said.refusal, message["refusal"].as_str().unwrap_or_default(), "{name}");
    let calls: Vec<(String, String)> = calls(message);
    let read: Vec<(String, String)> =
        said.calls.iter().map(|(_, name, arguments)| (name.clone(), arguments.clone())).collect();
    assert_eq!(read, calls, "{name}");
    let reason = match (finish.as_str().unwrap_or("stop"), calls.is_empty()) {
        ("length", _) => FinishReason::Length,
        ("content_filter", _) => FinishReason::ContentFilter,
        (_, false) => FinishReason::ToolCalls,
        _ => FinishReason::Stop,
    };
    assert_eq!(said.finish.as_ref().unwrap().reason, reason, "{name}");
    assert_eq!(said.usage, read_usage(usage), "{name}");
}

/// Compares an answer as written with the one it came from.
fn check_written(name: &str, written: &Value, wire: &Value) {
    let message = &written["message"];
    let (text, _) = texts(&wire["message"]["content"]);
    assert_eq!(message["content"].as_str().unwrap_or_default(), text, "{name}");
    let whole = |calls: Vec<(String, String)>| -> Vec<(String, String)> {
        let or_object = |text: String| if text.is_empty() { "{}".to_owned() } else { text };
        calls.into_iter().map(|(name, arguments)| (name, or_object(arguments))).collect()
    };
    assert_eq!(calls(message), whole(calls(&wire["message"])), "{name}");
    let word = match wire["finish_reason"].as_str() {
        Some("function_call") => "tool_calls",
        Some(word) => word,
        None => "stop",
    };
    assert_eq!(written["finish_reason"], word, "{name}");
    assert_eq!(message["role"], "assistant");
    assert!(message.get("content").is_some() && message.get("refusal").is_some(), "{name}");
}

/// Text and thinking of a content.
fn texts(content: &Value) -> (String, String) {
    let mut both = (String::new(), String::new());
    match content {
        Value::String(text) => both.0.push_str(text),
        Value::Array(parts) => {
            for part in parts {
                both.0.push_str(part["text"].as_str().unwrap_or_default());
                for thought in part["thinking"].as_array().into_iter().flatten() {
                    both.1.push_str(thought["text"].as_str().unwrap());
                }
            }
        }
        _ => {}
    }
    both
}

fn calls(message: &Value) -> Vec<(String, String)> {
    let legacy = message.get("function_call").filter(|call| call.is_object());
    let listed = message["tool_calls"].as_array().into_iter().flatten().map(|call| &call["function"]);
    let text = |value: &Value| match value {
        Value::Null => String::new(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    legacy.into_iter().chain(listed).map(|call| (text(&call["name"]), text(&call["arguments"]))).collect()
}

fn read_usage(usage: &Value) -> Option<Usage> {
    let count = |path: &str| usage.pointer(path).and_then(Value::as_u64).unwrap_or_default();
    let (input, output) = (count("/prompt_tokens"), count("/completion_tokens"));
    usage.is_object().then(|| Usage {
        input,
        cached_input: count("/prompt_tokens_details/cached_tokens").max(count("/num_cached_tokens")),
        cache_write_5m: count("/prompt_tokens_details/cache_write_tokens"),
        input_audio: count("/prompt_tokens_details/audio_tokens"),
        cached_input_audio: 0,
        output: output.max(count("/total_tokens") - input),
        reasoning: count("/completion_tokens_details/reasoning_tokens"),
        output_audio: count("/completion_tokens_details/audio_tokens"),
        accepted_prediction: count("/completion_tokens_details/accepted_prediction_tokens"),
        rejected_prediction: count("/completion_tokens_details/rejected_prediction_tokens"),
        web_searches: count("/server_tool_use_details/web_search_requests"),
        ..Usage::default()
    })
}

#[derive(Default)]
struct Collected {
    choices: Vec<(u32, Value)>,
    usage: Value,
}

/// Puts a stream together, by values alone.
fn collected(stream: &str) -> Collected {
    let mut collected = Collected::default();
    for chunk in data(stream) {
        if chunk["usage"].is_object() {
            collected.usage = chunk["usage"].clone();
        }
        for wire in chunk["choices"].as_array().into_iter().flatten() {
            let index = u32::try_from(wire["index"].as_u64().unwrap()).unwrap();
            if !collected.choices.iter().any(|(known, _)| *known == index) {
                collected.choices.push((
                    index,
                    json!({"message": {"content": [], "tool_calls": []}, "finish_reason": null}),
                ));
            }
            let (_, choice) = collected.choices.iter_mut().find(|(known, _)| *known == index).unwrap();
            if wire["finish_reason"].is_string() {
                choice["finish_reason"] = wire["finish_reason"].clone();
            }
            merge(&mut choice["message"], &wire["delta"]);
        }
    }
    collected
}

fn merge(message: &mut Value, delta: &Value) {
    let content = message["content"].as_array_mut().unwrap();
    match &delta["content"] {
        Value::String(text) => content.push(json!({"text": text})),
        Value::Array(parts) => content.extend(parts.iter().cloned()),
        _ => {}
    }
    for name in ["reasoning_content", "reasoning", "refusal"] {
        if let Some(more) = delta[name].as_str() {
            let whole = message[name].as_str().unwrap_or_default().to_owned() + more;
            message[name] = json!(whole);
        }
    }
    for call in delta["tool_calls"].as_array().into_iter().flatten() {
        let calls = message["tool_calls"].as_array_mut().unwrap();
        let at = usize::try_from(call["index"].as_u64().unwrap()).unwrap();
        if calls.len() <= at {
            calls.push(json!({"function": {"name": call["function"]["name"], "arguments": ""}}));
        }
        let more = call["function"]["arguments"].as_str().unwrap_or_default();
        let whole = calls[at]["function"]["arguments"].as_str().unwrap().to_owned() + more;
        calls[at]["function"]["arguments"] = json!(whole);
    }
}

/// The changes that encoding makes on purpose:
/// - `max_tokens` is written as `max_completion_tokens`, legacy `functions` as `tools`;
/// - `null` and empty lists of tools or stops are left out, as are `stream: false` and what says
///   nothing further down;
/// - a content of one plain text part is written as a text; an assistant's that says nothing beside
///   calls is left out;
/// - a tool or call without a type is a function, its arguments a text, and its index left out;
/// - OpenRouter's `reasoning.effort` is written as `reasoning_effort`;
/// - one stop is written as a list, OpenAI's cache breakpoint as a cache mark, Mistral's documents as
///   files, its bare URLs as objects and its `any` as `required`; data without a file name is given one.
fn normalised(request: &Value) -> Value {
    let mut out = Map::new();
    for (name, value) in request.as_object().unwrap() {
        match (name.as_str(), value) {
            (_, Value::Null) | ("stream", Value::Bool(false)) => {}
            ("messages", Value::Array(messages)) => {
                out.insert(name.clone(), messages.iter().map(normalised_message).collect());
            }
            ("tools" | "stop", Value::Array(list)) if list.is_empty() => {}
            ("stop", Value::String(stop)) => {
                out.insert(name.clone(), json!([stop]));
            }
            ("tools", Value::Array(tools)) => {
                let typed = tools.iter().map(|tool| {
                    let mut tool = tool.clone();
                    if tool["type"].is_null() {
                        tool["type"] = json!("function");
                    }
                    tool
                });
                out.insert(name.clone(), typed.collect());
            }
            ("reasoning", Value::Object(reasoning)) => {
                out.extend(
                    reasoning.get("effort").map(|effort| ("reasoning_effort".to_owned(), effort.clone())),
                );
            }
            ("tool_choice", Value::String(word)) if word == "any" => {
                out.insert(name.clone(), json!("required"));
            }
            ("max_tokens", _) => {
                out.insert("max_completion_tokens".to_owned(), value.clone());
            }
            ("functions", Value::Array(functions)) => {
                let tools =
                    functions.iter().map(|function| json!({"type": "function", "function": function}));
                out.insert("tools".to_owned(), tools.collect());
            }
            ("function_call", Value::Object(_)) => {
                out.insert("tool_choice".to_owned(), json!({"type": "function", "function": value}));
            }
            ("function_call", _) => {
                out.insert("tool_choice".to_owned(), value.clone());
            }
            _ => {
                out.insert(name.clone(), value.clone());
            }
        }
    }
    Value::Object(out)
}

fn normalised_message(message: &Value) -> Value {
    let mut out = without_nulls(message);
    let fields = out.as_object_mut().unwrap();
    fields
        .retain(|name, value| !matches!(name.as_str(), "annotations" | "tool_calls") || *value != json!([]));
    for part in fields.get_mut("content").and_then(Value::as_array_mut).into_iter().flatten() {
        normalise_part(part);
    }
    for call in fields.get_mut("tool_calls").and_then(Value::as_array_mut).into_iter().flatten() {
        let call = call.as_object_mut().unwrap();
        call.remove("index");
        call.insert("type".to_owned(), json!("function"));
        if let Some(arguments @ Value::Object(_)) = call["function"].get("arguments").cloned() {
            call["function"]["arguments"] = json!(arguments.to_string());
        }
    }
    if fields["role"] == "assistant" {
        // An empty text says nothing, where it stands alone as among parts.
        if let Some(parts) = fields.get_mut("content").and_then(Value::as_array_mut) {
            parts.retain(|part| part["text"] != "");
        }
        let is_silent =
            fields.get("content").is_none_or(|content| *content == json!("") || *content == json!([]));
        if is_silent {
            fields.remove("content");
            if !fields.contains_key("tool_calls") && !fields.contains_key("refusal") {
                fields.insert("content".to_owned(), json!(""));
            }
        }
    }
    if let Some([part]) = fields.get("content").and_then(Value::as_array).map(Vec::as_slice)
        && part["type"] == "text"
        && part.get("cache_control").is_none()
    {
        let text = part["text"].clone();
        fields.insert("content".to_owned(), text);
    }
    out
}

fn normalise_part(part: &mut Value) {
    if part.as_object_mut().is_some_and(|part| part.remove("prompt_cache_breakpoint").is_some()) {
        part["cache_control"] = json!({"type": "ephemeral"});
    }
    if let Some(url) = part["document_url"].as_str() {
        *part = json!({"type": "file", "file": {"file_data": url}});
    }
    if let Some(url) = part["image_url"].as_str() {
        *part = json!({"type": "image_url", "image_url": {"url": url}});
    }
    let data = part["file"]["file_data"].as_str();
    if let Some(kind) = data.and_then(|data| data.strip_prefix("data:")?.split_once(';'))
        && part["file"]["filename"].is_null()
    {
        part["file"]["filename"] = json!(format!("document.{}", kind.0.rsplit('/').next().unwrap()));
    }
}

fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let fields = fields.iter().filter(|(_, value)| !value.is_null());
            fields.map(|(name, value)| (name.clone(), without_nulls(value))).collect::<Map<_, _>>().into()
        }
        Value::Array(list) => list.iter().map(without_nulls).collect(),
        other => other.clone(),
    }
}

/// Removes the member at a path such as `messages[0].content[1].name`.
fn remove(value: &mut Value, path: &str) {
    let pointer = format!("/{}", path.replace('[', "/").replace(']', "").replace('.', "/"));
    let (parent, name) = pointer.rsplit_once('/').unwrap();
    let removed =
        value.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|fields| fields.remove(name));
    assert!(removed.is_some(), "{path} was listed as dropped and is not there");
}

fn some(value: &Value) -> Option<Value> {
    (!value.is_null()).then(|| value.clone())
}

fn first_difference(got: &Value, wanted: &Value, path: &str) -> String {
    match (got, wanted) {
        (Value::Object(got), Value::Object(wanted)) => {
            let names = got.keys().chain(wanted.keys());
            let differing = names.into_iter().find(|name| got.get(*name) != wanted.get(*name)).unwrap();
            let null = Value::Null;
            let (got, wanted) = (got.get(differing), wanted.get(differing));
            first_difference(got.unwrap_or(&null), wanted.unwrap_or(&null), &format!("{path}.{differing}"))
        }
        (Value::Array(got), Value::Array(wanted)) if got.len() == wanted.len() => {
            let at = got.iter().zip(wanted).position(|(got, wanted)| got != wanted).unwrap();
            first_difference(&got[at], &wanted[at], &format!("{path}[{at}]"))
        }
        _ => format!("{path}: got {got}, wanted {wanted}").chars().take(600).collect(),
    }
}
