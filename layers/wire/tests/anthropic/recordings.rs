//! Every recorded exchange, against a reading of it that knows nothing of this crate's types.

use serde_json::{Map, Value, json};
use tollway_core::Usage;
use tollway_wire::{
    DecodeContext, ReasoningStyle, Target, Traits,
    anthropic::{decode_error, decode_request, decode_response, encode_request, encode_response},
    chat::{Event, FinishReason},
};

use crate::support::{Said, cx, data, decode, encode, recordings};

#[test]
fn every_recorded_request_survives_a_round_trip() {
    let mut total = 0;
    for kind in ["json", "stream", "error"] {
        let Some(recordings) = recordings(kind) else { return };
        for recording in recordings {
            total += 1;
            let body = recording.request.to_string();
            let chat = decode_request(body.as_bytes())
                .unwrap_or_else(|refusal| panic!("{}: {refusal:?}", recording.name));
            let target = target_of(&recording.request);
            let encoded = encode_request(&chat, &target)
                .unwrap_or_else(|refusal| panic!("{}: {refusal:?}", recording.name));
            let got: Value = serde_json::from_slice(&encoded.body).unwrap();
            let wanted = normalised(&recording.request);
            assert!(got == wanted, "{}:\n{}", recording.name, first_difference(&got, &wanted, ""));
            assert_eq!(encoded.dropped, Vec::<String>::new(), "{}", recording.name);
            assert_eq!(encoded.renamed_tools, [], "{}", recording.name);
        }
    }
    eprintln!("anthropic requests: {total} of {total} survive decode and encode");
}

#[test]
fn every_recorded_answer_is_read_and_survives_a_round_trip() {
    let Some(recordings) = recordings("json") else { return };
    let total = recordings.iter().filter(|recording| recording.status == 200).count();
    let mut read = 0;
    for recording in recordings.iter().filter(|recording| recording.status == 200) {
        // A recorded count of tokens is no answer of the Messages endpoint.
        if recording.response.get("content").is_none() {
            assert!(
                decode_response(recording.response.to_string().as_bytes(), &DecodeContext::default())
                    .is_err()
            );
            eprintln!("not an answer: {}", recording.name);
            continue;
        }
        read += 1;
        let body = recording.response.to_string();
        let reply = decode_response(body.as_bytes(), &DecodeContext::default()).unwrap();
        assert_eq!(reply.choices.len(), 1);
        let choice = &reply.choices[0];
        let mut said = Said::by_parts(&choice.content);
        said.finish = Some(choice.finish.clone());
        said.usage = reply.usage;
        let blocks = recording.response["content"].as_array().unwrap();
        check(&recording.name, &said, blocks, &recording.response, &recording.response["usage"]);
        assert_eq!(reply.id.as_deref(), recording.response["id"].as_str());
        assert_eq!(reply.model.as_deref(), recording.response["model"].as_str());

        let again = encode_response(&reply, &cx());
        assert_eq!(decode_response(&again, &DecodeContext::default()).unwrap(), reply, "{}", recording.name);
        let again: Value = serde_json::from_slice(&again).unwrap();
        assert_eq!(again["content"], known_content(blocks), "{}", recording.name);
        assert_eq!(again["stop_reason"], recording.response["stop_reason"]);
        assert_eq!(again["stop_sequence"], recording.response["stop_sequence"]);
    }
    eprintln!("anthropic answers: {read} of {total} read and written back");
}

#[test]
fn every_recorded_stream_is_read_and_survives_a_round_trip() {
    let Some(recordings) = recordings("stream") else { return };
    let total = recordings.len();
    for recording in recordings {
        let stream = recording.response.as_str().unwrap();
        let (events, end) = decode(&[stream.as_bytes()]);
        assert!(end.is_ok(), "{}", recording.name);
        assert!(matches!(events.first(), Some(Event::Start(_))), "{}", recording.name);
        let said = Said::by_events(&events);
        let (blocks, message, usage) = collected(stream);
        check(&recording.name, &said, &blocks, &message, &usage);

        let by_byte: Vec<&[u8]> = stream.as_bytes().chunks(1).collect();
        assert_eq!(decode(&by_byte).0, events, "{}", recording.name);
        // Whole is a stream whose `message_stop` is, blank line or not.
        for cut in (0..stream.trim_end().len()).step_by(97) {
            let (_, end) = decode(&[&stream.as_bytes()[..cut]]);
            assert!(end.is_err(), "{} cut at {cut} looks whole", recording.name);
        }

        let written = encode(&events);
        let (again, end) = decode(&[written.as_bytes()]);
        assert!(end.is_ok());
        // Two blocks of text in a row become one, since canonical deltas know no blocks: the words a
        // citation marks may begin earlier.
        let again = without_starts(Said::by_events(&again));
        assert!(again == without_starts(said), "{} changes when it is written back", recording.name);
    }
    eprintln!("anthropic streams: {total} of {total} read and written back");
}

#[test]
fn every_recorded_error_keeps_its_words() {
    let Some(recordings) = recordings("error") else { return };
    let total = recordings.len();
    for recording in recordings {
        let error = decode_error(recording.status, recording.response.to_string().as_bytes());
        assert_eq!(error.message, recording.response["error"]["message"].as_str().unwrap());
        assert_eq!(error.code.as_deref(), recording.response["error"]["type"].as_str());
        assert_eq!(error.status, recording.status);
    }
    eprintln!("anthropic errors: {total} of {total} read");
}

fn without_starts(mut said: Said) -> Said {
    for annotation in &mut said.annotations {
        annotation["url_citation"].as_object_mut().unwrap().remove("start_index");
    }
    said
}

/// A model that takes what the recorded request asks of it.
fn target_of(request: &Value) -> Target {
    let reasoning = match request["thinking"]["type"].as_str() {
        Some("enabled") => ReasoningStyle::Budget,
        _ => ReasoningStyle::Effort,
    };
    let traits = Traits { mid_conversation_system: true, reasoning, ..Traits::default() };
    Target { model: request["model"].as_str().unwrap().to_owned(), traits }
}

/// The request as we write it. The listed differences carry no meaning, but for the last two.
fn normalised(request: &Value) -> Value {
    let mut request = request.clone();
    let fields = request.as_object_mut().unwrap();
    // A recorded count of tokens takes no limit; the Messages endpoint needs one.
    fields.entry("max_tokens").or_insert(json!(4096));
    // Off is the default.
    if fields.get("stream") == Some(&json!(false)) {
        fields.remove("stream");
    }
    // Text alone is a list of one block; an empty block is none.
    if let Some(system) = fields.get_mut("system") {
        *system = blocks(system);
    }
    let mut turns: Vec<Value> = Vec::new();
    for message in fields["messages"].as_array().unwrap() {
        let content = blocks(&message["content"]);
        // Neighbours of one role are one turn.
        match turns.last_mut() {
            Some(last) if last["role"] == message["role"] => {
                let more = content.as_array().unwrap().iter().cloned();
                last["content"].as_array_mut().unwrap().extend(more);
            }
            _ => turns.push(json!({ "role": message["role"], "content": content })),
        }
    }
    fields.insert("messages".to_owned(), Value::Array(turns));
    // `custom` is the type of a tool without one, and `null` is no value.
    if let Some(tools) = fields.get_mut("tools").and_then(Value::as_array_mut) {
        for tool in tools.iter_mut() {
            if tool["type"] == "custom" {
                tool.as_object_mut().unwrap().remove("type");
            }
        }
        if tools.is_empty() {
            fields.remove("tools");
        }
    }
    // The earlier name of a field.
    if let Some(format) = fields.remove("output_format") {
        fields.entry("output_config").or_insert(json!({}))["format"] = format;
    }
    // Effort means thinking in the canonical form.
    if fields.get("output_config").is_some_and(|config| config.get("effort").is_some()) {
        fields.entry("thinking").or_insert(json!({ "type": "adaptive" }));
    }
    // A thinking model takes no temperature but 1, its default.
    if fields.contains_key("thinking") {
        assert!(fields.get("temperature").is_none_or(|temperature| *temperature == json!(1.0)));
        fields.remove("temperature");
    }
    request
}

fn blocks(content: &Value) -> Value {
    let blocks = match content {
        Value::String(text) => vec![json!({ "type": "text", "text": text })],
        Value::Array(blocks) => blocks.clone(),
        other => panic!("content is {other}"),
    };
    let kept = blocks.into_iter().filter(|block| block["text"].as_str() != Some("")).map(|mut block| {
        if block["type"] == "tool_result" {
            let fields = block.as_object_mut().unwrap();
            if fields.get("is_error") == Some(&json!(false)) {
                fields.remove("is_error");
            }
            if let Some(content) = fields.get("content") {
                let content = self::blocks(content);
                fields.insert("content".to_owned(), content);
            }
            if fields.get("content").is_some_and(|content| content == &json!([])) {
                fields.remove("content");
            }
        }
        block
    });
    Value::Array(kept.collect())
}

/// The blocks of a stream put together, the fields of the message, and its last usage.
fn collected(stream: &str) -> (Vec<Value>, Value, Value) {
    let mut blocks: Vec<Value> = Vec::new();
    let mut inputs: Vec<String> = Vec::new();
    let mut message = Map::new();
    let mut usage = Map::new();
    for event in data(stream) {
        let at = event["index"].as_u64().map(|at| usize::try_from(at).unwrap());
        let append = |block: &mut Value, key: &str, more: &Value| {
            let text = block[key].as_str().unwrap_or_default().to_owned() + more.as_str().unwrap();
            block[key] = json!(text);
        };
        match event["type"].as_str().unwrap() {
            "message_start" => usage.clone_from(event["message"]["usage"].as_object().unwrap()),
            "content_block_start" => {
                assert_eq!(at.unwrap(), blocks.len());
                blocks.push(event["content_block"].clone());
                inputs.push(String::new());
            }
            "content_block_delta" => {
                let block = &mut blocks[at.unwrap()];
                let delta = &event["delta"];
                match delta["type"].as_str().unwrap() {
                    "text_delta" => append(block, "text", &delta["text"]),
                    "thinking_delta" => append(block, "thinking", &delta["thinking"]),
                    "signature_delta" => append(block, "signature", &delta["signature"]),
                    "input_json_delta" => {
                        inputs[at.unwrap()].push_str(delta["partial_json"].as_str().unwrap());
                    }
                    "citations_delta" => {
                        block["citations"].as_array_mut().unwrap().push(delta["citation"].clone());
                    }
                    other => panic!("a new delta: {other}"),
                }
            }
            "message_delta" => {
                message.extend(event["delta"].as_object().unwrap().clone());
                usage.extend(event["usage"].as_object().unwrap().clone());
            }
            _ => {}
        }
    }
    for (block, input) in blocks.iter_mut().zip(inputs) {
        if !input.is_empty() {
            block["input"] = serde_json::from_str(&input).unwrap();
        }
    }
    (blocks, Value::Object(message), Value::Object(usage))
}

/// Compares what was read with the recorded blocks, end and usage.
fn check(name: &str, said: &Said, blocks: &[Value], message: &Value, usage: &Value) {
    let of = |kind: &'static str| blocks.iter().filter(move |block| block["type"] == kind);
    let join = |kind: &'static str, key: &str| -> String {
        of(kind).map(|block| block[key].as_str().unwrap()).collect()
    };
    assert_eq!(said.text, join("text", "text"), "{name}");
    assert_eq!(said.reasoning, join("thinking", "thinking"), "{name}");
    let seals: Vec<&str> = of("thinking").map(|block| block["signature"].as_str().unwrap()).collect();
    assert_eq!(said.seals, seals, "{name}");
    let redacted: Vec<&str> = of("redacted_thinking").map(|block| block["data"].as_str().unwrap()).collect();
    assert_eq!(said.redacted, redacted, "{name}");
    let calls: Vec<(String, String, Value)> =
        of("tool_use").map(|call| (text(&call["id"]), text(&call["name"]), call["input"].clone())).collect();
    assert_eq!(said.calls, calls, "{name}");
    let known = ["text", "thinking", "redacted_thinking", "tool_use"];
    let natives: Vec<&Value> =
        blocks.iter().filter(|block| !known.contains(&block["type"].as_str().unwrap())).collect();
    assert_eq!(said.natives.iter().collect::<Vec<_>>(), natives, "{name}");
    check_citations(name, said, blocks);

    let finish = said.finish.as_ref().unwrap();
    let reason = match message["stop_reason"].as_str().unwrap() {
        "end_turn" => FinishReason::Stop,
        "tool_use" => FinishReason::ToolCalls,
        "stop_sequence" => FinishReason::StopSequence,
        other => panic!("a new stop reason: {other}"),
    };
    assert_eq!(finish.reason, reason, "{name}");
    assert_eq!(finish.stop_sequence.as_deref(), message["stop_sequence"].as_str(), "{name}");
    assert_eq!(said.usage.unwrap(), usage_of(usage), "{name}");
}

fn check_citations(name: &str, said: &Said, blocks: &[Value]) {
    let mut cited = Vec::new();
    let mut characters = Vec::new();
    for block in blocks.iter().filter(|block| block["type"] == "text") {
        characters.extend(block["text"].as_str().unwrap().chars());
        for citation in block["citations"].as_array().into_iter().flatten() {
            cited.push((citation.clone(), text(&block["text"])));
        }
    }
    assert_eq!(said.annotations.len(), cited.len(), "{name}");
    for (annotation, (citation, span)) in said.annotations.iter().zip(cited) {
        assert_eq!(annotation["type"], "url_citation");
        let page = &annotation["url_citation"];
        assert_eq!((&page["url"], &page["title"]), (&citation["url"], &citation["title"]));
        let at = |key: &str| usize::try_from(page[key].as_u64().unwrap()).unwrap();
        let marked: String = characters[at("start_index")..at("end_index")].iter().collect();
        assert_eq!(marked, span, "{name}");
    }
}

fn usage_of(usage: &Value) -> Usage {
    let count = |usage: &Value, key: &str| usage.get(key).and_then(Value::as_u64).unwrap_or(0);
    let passes: Vec<&Value> = match usage["iterations"].as_array() {
        Some(passes) => passes.iter().collect(),
        None => vec![usage],
    };
    let sum = |key: &str| passes.iter().map(|pass| count(pass, key)).sum::<u64>();
    let written = sum("cache_creation_input_tokens");
    let long: u64 =
        passes.iter().map(|pass| count(&pass["cache_creation"], "ephemeral_1h_input_tokens")).sum();
    Usage {
        input: sum("input_tokens") + sum("cache_read_input_tokens") + written,
        cached_input: sum("cache_read_input_tokens"),
        cache_write_5m: written - long,
        cache_write_1h: long,
        output: sum("output_tokens"),
        reasoning: count(&usage["output_tokens_details"], "thinking_tokens"),
        web_searches: count(&usage["server_tool_use"], "web_search_requests"),
        ..Usage::default()
    }
}

/// The recorded blocks without what has no canonical place: who called a tool, and empty lists.
fn known_content(blocks: &[Value]) -> Value {
    let kept = blocks.iter().cloned().map(|mut block| {
        let fields = block.as_object_mut().unwrap();
        if fields["type"] == "tool_use" {
            assert!(fields.remove("caller").is_none_or(|caller| caller == json!({ "type": "direct" })));
        }
        if fields.get("citations").is_some_and(|citations| citations == &json!([]) || citations.is_null()) {
            fields.remove("citations");
        }
        block
    });
    Value::Array(kept.collect())
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

/// Where two values first differ, without the rest of what may be a long recording.
fn first_difference(got: &Value, wanted: &Value, at: &str) -> String {
    let short = |value: &Value| value.to_string().chars().take(200).collect::<String>();
    match (got, wanted) {
        (Value::Object(one), Value::Object(other)) => {
            let keys = one.keys().chain(other.keys());
            let differing = keys.into_iter().find(|key| one.get(*key) != other.get(*key)).unwrap();
            first_difference(&got[differing], &wanted[differing], &format!("{at}.{differing}"))
        }
        (Value::Array(one), Value::Array(other)) if one.len() == other.len() => {
            let differing = (0..one.len()).find(|at| one[*at] != other[*at]).unwrap();
            first_difference(&one[differing], &other[differing], &format!("{at}[{differing}]"))
        }
        _ => format!("{at}: got {}, wanted {}", short(got), short(wanted)),
    }
}
