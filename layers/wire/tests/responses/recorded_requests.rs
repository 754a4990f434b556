//! Every recorded request: read, written back with the same meaning, and written for every other format.

use serde_json::{Map, Value, json};
use tollway_wire::{
    Encoded, Refusal, Target, Traits, anthropic,
    chat::Chat,
    gemini, openai,
    responses::{decode_request, encode_request},
};

use crate::sent::check_sent;
use crate::support::{Recording, recordings, recordings_of, target};

/// The recorded requests for answers, those that were refused included.
fn requests() -> Vec<Recording> {
    let all = ["json", "stream", "error"].into_iter().flat_map(recordings);
    all.filter(|recording| recording.path.ends_with("/responses") && recording.request.is_object()).collect()
}

#[test]
fn every_recorded_request_means_the_same_when_it_is_written_back() {
    let all = requests();
    let (total, mut same, mut listed) = (all.len(), 0, 0);
    for recording in all {
        let name = &recording.name;
        let body = recording.request.to_string();
        let chat = decode_request(body.as_bytes()).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let target = Target { model: chat.model.clone(), ..target() };
        let encoded = encode_request(&chat, &target).unwrap_or_else(|refusal| panic!("{name}: {refusal}"));
        let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
        // What is listed has no place in our form; the rest must be there.
        for field in &encoded.dropped {
            let last = field.rsplit('.').next().unwrap();
            let known = matches!(last, "phase" | "namespace" | "defer_loading" | "reasoning_content");
            assert!(known, "{name} lists {field}");
        }
        let wanted = normalised(&recording.request);
        let got = normalised(&sent);
        assert_eq!(got, wanted, "{name}");
        let again = decode_request(&encoded.body).unwrap();
        let unlisted = |mut chat: Chat| {
            chat.extra.retain(|path, _| !path.contains("].") || path.ends_with("].type"));
            chat
        };
        assert_eq!(unlisted(again), unlisted(chat), "{name}");
        if encoded.dropped.is_empty() { same += 1 } else { listed += 1 }
    }
    eprintln!("responses requests: {same} of {total} written back whole, {listed} with losses listed");
    assert_eq!(same + listed, total);
}

/// A request without what its absence says as well, and in one of several ways to say it.
fn normalised(request: &Value) -> Value {
    let mut fields = request.as_object().unwrap().clone();
    fields.retain(|_, value| !value.is_null() && *value != json!([]));
    fields.remove("include");
    if fields.get("stream") == Some(&json!(false)) {
        fields.remove("stream");
    }
    if fields.get("instructions") == Some(&json!("")) {
        fields.remove("instructions");
    }
    if let Some(reasoning) = fields.get_mut("reasoning").and_then(Value::as_object_mut) {
        reasoning.retain(|_, value| !value.is_null());
    }
    if fields.get("reasoning") == Some(&json!({})) {
        fields.remove("reasoning");
    }
    for name in ["temperature", "top_p"] {
        fields.get_mut(name).into_iter().for_each(|number| *number = json!(number.as_f64()));
    }
    let input = match &fields["input"] {
        Value::String(text) => vec![json!({ "role": "user", "content": text })],
        Value::Array(items) => items.clone(),
        other => panic!("input is {other}"),
    };
    let mut items: Vec<Value> = input.iter().filter_map(item).collect();
    if let Some(instructions) = fields.remove("instructions") {
        items.insert(0, json!({ "type": "message", "role": "system", "content": text_of(&instructions) }));
    }
    fields.insert("input".to_owned(), Value::Array(items));
    if let Some(tools) = fields.get_mut("tools").and_then(Value::as_array_mut) {
        for tool in tools.iter_mut().filter_map(Value::as_object_mut) {
            if tool["type"] == "function" {
                tool.retain(|name, value| name != "defer_loading" && !value.is_null());
            }
        }
    }
    Value::Object(fields)
}

fn item(item: &Value) -> Option<Value> {
    let mut fields: Map<String, Value> = item.as_object().unwrap().clone();
    let kind = fields.entry("type").or_insert(json!("message")).as_str().unwrap().to_owned();
    if matches!(kind.as_str(), "message" | "function_call" | "function_call_output") {
        fields.retain(|name, _| !matches!(name.as_str(), "id" | "status" | "phase" | "namespace"));
    }
    if kind == "reasoning" {
        // The parts of a summary are one text.
        fields.retain(|name, value| name != "content" || *value != json!([]));
        let parts = fields["summary"].as_array().unwrap().iter();
        let words: Vec<&str> = parts.map(|part| part["text"].as_str().unwrap()).collect();
        fields.insert("summary".to_owned(), json!(words.join("\n\n")));
    }
    for name in ["content", "output"] {
        if kind.starts_with("message") || kind.ends_with("_output") {
            fields.get_mut(name).into_iter().for_each(|content| *content = text_of(content));
        }
    }
    if kind == "message" && fields["role"] == "assistant" && fields["content"] == json!([{"text": ""}]) {
        return None;
    }
    Some(Value::Object(fields))
}

/// Content as parts, text as text whoever says it.
fn text_of(content: &Value) -> Value {
    match content {
        Value::String(text) => json!([{ "text": text }]),
        Value::Array(parts) => {
            let part = |part: &Value| match part["type"].as_str() {
                Some("input_text" | "output_text")
                    if part["annotations"].as_array().is_none_or(Vec::is_empty) =>
                {
                    json!({ "text": part["text"] })
                }
                // A name beside a URL or id is no part of the answer's meaning.
                _ => part.clone(),
            };
            Value::Array(parts.iter().map(part).collect())
        }
        other => other.clone(),
    }
}

type Encode = fn(&Chat, &Target) -> Result<Encoded, Refusal>;

/// Every request goes to every other format, or is refused by a path.
#[test]
fn every_recorded_request_is_written_for_the_other_formats() {
    let formats: [(&str, Encode); 3] = [
        ("openai", openai::encode_request),
        ("anthropic", anthropic::encode_request),
        ("gemini", gemini::encode_request),
    ];
    let all = requests();
    for (format, encode) in formats {
        let (mut carried, mut refused) = (0, std::collections::BTreeMap::<String, u32>::new());
        for recording in &all {
            let chat = decode_request(recording.request.to_string().as_bytes()).unwrap();
            let traits = Traits { function_call_ids: true, ..Traits::default() };
            match encode(&chat, &Target { model: "m".to_owned(), traits }) {
                Ok(encoded) => {
                    let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
                    let sent = sent.to_string();
                    // Nobody else may see a seal of OpenAI's, or its ids.
                    let seals = ["\"gAAAA", "\"rs_"].iter().any(|own| sent.contains(own));
                    assert!(format == "openai" || !seals, "{}", recording.name);
                    carried += 1;
                }
                Err(refusal) => {
                    assert!(refusal.param.is_some(), "{}: {refusal}", recording.name);
                    let words: String = refusal.message.chars().take(60).collect();
                    *refused.entry(words).or_default() += 1;
                }
            }
        }
        eprintln!("responses requests to {format}: {carried} of {} carried; refused: {refused:?}", all.len());
        assert!(all.is_empty() || carried * 2 > all.len(), "most go to {format}");
    }
}

type Decode = fn(&[u8]) -> Result<Chat, Refusal>;

/// Requests of the other formats are written so that the API takes them.
#[test]
fn recorded_requests_of_other_formats_are_written_here() {
    let gemini: Decode = |body| gemini::decode_request("m", false, body);
    let formats: [(&str, &[&str], Decode); 3] = [
        (
            "openai",
            &[
                "openai/chat-completions",
                "azure/completions",
                "groq/completions",
                "deepseek/completions",
                "mistral/completions",
                "openrouter/completions",
            ],
            openai::decode_request,
        ),
        ("anthropic", &["anthropic/messages"], anthropic::decode_request),
        (
            "gemini",
            &[
                "gemini/generateContent",
                "gemini/streamGenerateContent",
                "vertex/generateContent",
                "vertex/streamGenerateContent",
            ],
            gemini,
        ),
    ];
    for (format, folders, decode) in formats {
        let (mut total, mut carried) = (0, 0);
        let mut refused = std::collections::BTreeMap::<String, u32>::new();
        for folder in folders {
            for recording in ["json", "stream"].into_iter().flat_map(|kind| recordings_of(folder, kind)) {
                let Ok(chat) = decode(recording.request.to_string().as_bytes()) else { continue };
                total += 1;
                match encode_request(&chat, &target()) {
                    Ok(encoded) => {
                        let sent: Value = serde_json::from_slice(&encoded.body).unwrap();
                        check_sent(&sent).unwrap_or_else(|fault| panic!("{}: {fault}", recording.name));
                        carried += 1;
                    }
                    Err(refusal) => {
                        assert!(refusal.param.is_some(), "{}: {refusal}", recording.name);
                        let words: String = refusal.message.chars().take(90).collect();
                        *refused.entry(words).or_default() += 1;
                    }
                }
            }
        }
        eprintln!("{format} requests to responses: {carried} of {total} carried; refused: {refused:?}");
    }
}
