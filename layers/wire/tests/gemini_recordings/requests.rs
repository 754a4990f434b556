use std::collections::BTreeMap;

use serde_json::{Map, Value, json};
use tollway_wire::{
    ReasoningStyle, Target, Traits,
    gemini::{decode_request, encode_request, remote_media},
};

use crate::recording::{Recording, recordings};

/// The type and data put in the place of what the gateway would fetch.
const FETCHED: (&str, &str) = ("image/png", "AAAA");

/// What the recorded model takes, as the catalogue would tell.
fn target(recording: &Recording) -> Target {
    let model = recording.model();
    let by_level = model.starts_with("gemini-3") || model == "gemini-flash-latest";
    let text = recording.request["contents"].to_string();
    let ids = text.contains("\"id\":");
    let reasoning = if by_level { ReasoningStyle::Effort } else { ReasoningStyle::Budget };
    Target {
        model: model.to_owned(),
        traits: Traits { reasoning, function_call_ids: ids, ..Traits::default() },
    }
}

#[test]
fn every_recorded_request_comes_back_from_the_canonical_form() {
    let Some(all) = recordings("generateContent") else { return };
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    for recording in &all {
        let stream = recording.endpoint == "streamGenerateContent";
        let body = serde_json::to_vec(&recording.request).unwrap();
        let decoded = decode_request(recording.model(), stream, &body);
        if recording.request["contents"][0]["role"] == "invalid_role" {
            assert_eq!(decoded.unwrap_err().param.as_deref(), Some("contents[0].role"));
            *seen.entry("refused, as by Gemini").or_default() += 1;
            continue;
        }
        let mut chat = decoded.unwrap();
        let target = target(recording);
        let mut expected = normal(&recording.request);
        let remote = fetch(&mut expected);
        if remote > 0 {
            let refusal = encode_request(&chat, &target).unwrap_err();
            assert!(refusal.param.unwrap().starts_with("messages["), "{}", recording.name);
            let mut found = remote_media(&mut chat);
            assert_eq!(found.len(), remote, "{}", recording.name);
            for medium in &mut found {
                medium.replace(FETCHED.0, FETCHED.1);
            }
            *seen.entry("with media to fetch").or_default() += 1;
        }
        let encoded = encode_request(&chat, &target).unwrap();
        let again: Value = serde_json::from_slice(&encoded.body).unwrap();
        assert_eq!(difference(&again, &expected, "$"), None, "{}", recording.name);
        assert_eq!(encoded.dropped, Vec::<String>::new(), "{}", recording.name);
        assert_eq!(encoded.renamed_tools, Vec::new());
        *seen.entry("equal").or_default() += 1;
    }
    eprintln!("requests: {} of {}: {seen:?}", seen["equal"] + seen["refused, as by Gemini"], all.len());
}

/// What a second pass makes of a request must be the same: nothing drifts.
#[test]
fn a_second_pass_changes_nothing() {
    let Some(all) = recordings("generateContent") else { return };
    for recording in &all {
        let body = serde_json::to_vec(&recording.request).unwrap();
        let Ok(mut chat) = decode_request(recording.model(), false, &body) else { continue };
        for mut medium in remote_media(&mut chat) {
            medium.replace(FETCHED.0, FETCHED.1);
        }
        let target = target(recording);
        let first = encode_request(&chat, &target).unwrap().body;
        let again = decode_request(recording.model(), false, &first).unwrap();
        let second = encode_request(&again, &target).unwrap().body;
        assert_eq!(String::from_utf8(first), String::from_utf8(second), "{}", recording.name);
    }
}

/// The request with what may be said in several ways said in one:
/// names in camel case; lists where one thing stood; neighbouring turns of one kind together, turns
/// that say nothing left out; instructions said by the user when nobody else speaks; no role on
/// instructions; functions first and in one entry; schemas as
/// JSON Schema; standard base64.
fn normal(request: &Value) -> Value {
    let mut out = Map::new();
    for (key, value) in request.as_object().unwrap() {
        let value = match key.as_str() {
            "contents" => contents(value),
            "systemInstruction" => json!({ "parts": value["parts"] }),
            "tools" => tools(value),
            "generationConfig" => generation(value),
            _ => value.clone(),
        };
        if value != json!({}) {
            out.insert(key.clone(), value);
        }
    }
    if out["contents"] == json!([]) {
        let said = out.remove("systemInstruction").unwrap();
        out.insert("contents".into(), json!([{ "role": "user", "parts": said["parts"] }]));
    }
    Value::Object(out)
}

fn contents(given: &Value) -> Value {
    let mut turns: Vec<(String, bool, Vec<Value>)> = Vec::new();
    for turn in given.as_array().unwrap() {
        let role = turn["role"].as_str().unwrap_or("user").to_owned();
        for part in turn["parts"].as_array().unwrap() {
            let part = self::part(part);
            let sealed = part.get("thoughtSignature").is_some();
            if part.get("text") == Some(&json!("")) && !sealed {
                continue;
            }
            let result = part.get("functionResponse").is_some();
            match turns.last_mut() {
                Some((last, results, parts)) if *last == role && *results == result => parts.push(part),
                _ => turns.push((role.clone(), result, vec![part])),
            }
        }
    }
    // A call that begins a conversation answers a user who says nothing, as it was recorded.
    let calls = |(role, _, parts): &(String, bool, Vec<Value>)| {
        role == "model" && parts.iter().any(|part| part.get("functionCall").is_some())
    };
    if turns.first().is_some_and(calls) {
        turns.insert(0, ("user".to_owned(), false, vec![json!({ "text": "" })]));
    }
    turns.into_iter().map(|(role, _, parts)| json!({ "role": role, "parts": parts })).collect()
}

fn part(given: &Value) -> Value {
    let camel = |key: &str| match key {
        "function_call" => "functionCall".to_owned(),
        "function_response" => "functionResponse".to_owned(),
        "inline_data" => "inlineData".to_owned(),
        "file_data" => "fileData".to_owned(),
        "thought_signature" => "thoughtSignature".to_owned(),
        "mime_type" => "mimeType".to_owned(),
        "file_uri" => "fileUri".to_owned(),
        other => other.to_owned(),
    };
    let mut out = Map::new();
    for (key, value) in given.as_object().unwrap() {
        let key = camel(key);
        let value = match (key.as_str(), value) {
            ("inlineData" | "fileData" | "functionResponse", value) => part(value),
            ("parts", Value::Array(parts)) => parts.iter().map(part).collect(),
            ("data", Value::String(data)) => data.replace('-', "+").replace('_', "/").into(),
            (_, value) => value.clone(),
        };
        out.insert(key, value);
    }
    Value::Object(out)
}

fn tools(given: &Value) -> Value {
    let entries = match given {
        Value::Array(entries) => entries.clone(),
        one => vec![one.clone()],
    };
    let mut functions = Vec::new();
    let mut others = Vec::new();
    for entry in entries {
        for (key, value) in entry.as_object().unwrap() {
            if !key.starts_with("function") {
                others.push(json!({ key.as_str(): value }));
                continue;
            }
            for declaration in value.as_array().unwrap() {
                let mut declaration = declaration.as_object().unwrap().clone();
                let schema = declaration
                    .remove("parameters")
                    .or_else(|| declaration.remove("parametersJsonSchema"))
                    .or_else(|| declaration.remove("parameters_json_schema"));
                if let Some(schema) = schema {
                    declaration.insert("parametersJsonSchema".into(), self::schema(&schema));
                }
                functions.push(Value::Object(declaration));
            }
        }
    }
    if !functions.is_empty() {
        others.insert(0, json!({ "functionDeclarations": functions }));
    }
    Value::Array(others)
}

fn generation(given: &Value) -> Value {
    let mut out = Map::new();
    for (key, value) in given.as_object().unwrap() {
        let (key, value) = match key.as_str() {
            "response_schema" | "responseSchema" | "responseJsonSchema" => {
                ("responseJsonSchema", schema(value))
            }
            "response_mime_type" => ("responseMimeType", value.clone()),
            "thinkingConfig" => {
                let include = value.get("include_thoughts").or(value.get("includeThoughts")).unwrap();
                (key.as_str(), json!({ "includeThoughts": include }))
            }
            key => (key, value.clone()),
        };
        out.insert(key.to_owned(), value);
    }
    Value::Object(out)
}

/// A schema with its types in JSON Schema's spelling, and what its root refers to in the root's place.
fn schema(given: &Value) -> Value {
    let mut schema = small_types(given);
    if let Some(reference) = schema.as_object_mut().unwrap().remove("$ref") {
        let name = reference.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
        let target = schema["$defs"][&name].clone();
        for (key, value) in target.as_object().unwrap() {
            schema[key] = value.clone();
        }
    }
    schema
}

fn small_types(given: &Value) -> Value {
    const TYPES: [&str; 7] = ["", "string", "number", "integer", "boolean", "array", "object"];
    match given {
        Value::Object(fields) => fields
            .iter()
            .map(|(key, value)| {
                let value = match (key.as_str(), value) {
                    ("type", Value::String(kind)) => kind.to_lowercase().into(),
                    ("type", Value::Number(kind)) => {
                        TYPES[usize::try_from(kind.as_u64().unwrap()).unwrap()].into()
                    }
                    (_, value) => small_types(value),
                };
                (key.clone(), value)
            })
            .collect(),
        Value::Array(values) => values.iter().map(small_types).collect(),
        other => other.clone(),
    }
}

/// Puts fetched data in the place of what stands on the web; says how much there was.
fn fetch(value: &mut Value) -> usize {
    match value {
        Value::Object(fields) => {
            let url = fields.get("fileData").and_then(|file| file["fileUri"].as_str()).unwrap_or_default();
            let kept = ["generativelanguage.googleapis.com", "youtu.be/", "youtube.com/"];
            if url.starts_with("http") && !kept.iter().any(|host| url.contains(host)) {
                fields.remove("fileData");
                fields.insert("inlineData".into(), json!({ "mimeType": FETCHED.0, "data": FETCHED.1 }));
                return 1;
            }
            fields.values_mut().map(fetch).sum()
        }
        Value::Array(values) => values.iter_mut().map(fetch).sum(),
        _ => 0,
    }
}

/// The first place where two values differ. Gemini takes `40.0` for `40`.
fn difference(got: &Value, expected: &Value, at: &str) -> Option<String> {
    match (got, expected) {
        (Value::Number(got), Value::Number(expected)) if got.as_f64() == expected.as_f64() => None,
        (Value::Array(got), Value::Array(expected)) if got.len() == expected.len() => {
            let mut pairs = got.iter().zip(expected).enumerate();
            pairs.find_map(|(place, (got, expected))| difference(got, expected, &format!("{at}[{place}]")))
        }
        (Value::Object(got), Value::Object(expected))
            if got.len() == expected.len() && got.keys().all(|key| expected.contains_key(key)) =>
        {
            got.iter().find_map(|(key, got)| difference(got, &expected[key], &format!("{at}.{key}")))
        }
        (Value::Object(got), Value::Object(expected)) => {
            let keys = |fields: &Map<String, Value>| fields.keys().cloned().collect::<Vec<_>>();
            Some(format!("{at}: {:?}, expected {:?}", keys(got), keys(expected)))
        }
        _ if got == expected => None,
        _ => Some(format!("{at}: {got:.300}, expected {expected:.300}")),
    }
}
