//! A relayed legacy completion in the other shape than the server gave it: a stream of a whole answer,
//! and a whole answer of a stream. Unknown fields stay.

use serde_json::{Map, Value, json};

use crate::ApiError;
use crate::openai::error::{in_answer, unreadable};
use crate::openai::out::json;
use crate::sse::SseDecoder;

/// The most choices of a stream that are put together.
const MOST_CHOICES: usize = 128;

/// A whole answer as an event stream. A chunk of a completion has the shape of a whole one, so that
/// one chunk holds it; usage follows in its own, where the client asked for it.
pub fn whole_to_stream(body: &[u8], include_usage: bool) -> Result<Vec<u8>, ApiError> {
    let mut whole = answer(body)?;
    let usage = whole.remove("usage").filter(Value::is_object);
    let mut out = Vec::with_capacity(body.len() + 64);
    frame(&whole, &mut out);
    if let (true, Some(usage)) = (include_usage, usage) {
        whole.insert("choices".to_owned(), json!([]));
        whole.insert("usage".to_owned(), usage);
        frame(&whole, &mut out);
    }
    out.extend_from_slice(b"data: [DONE]\n\n");
    Ok(out)
}

/// An event stream as a whole answer. The stream must be whole: that is for the caller to tell.
pub fn stream_to_whole(stream: &[u8]) -> Result<Vec<u8>, ApiError> {
    let mut sse = SseDecoder::new();
    sse.feed(stream);
    let mut whole: Option<Map<String, Value>> = None;
    let mut choices: Vec<Map<String, Value>> = Vec::new();
    let mut last = false;
    loop {
        let event = match sse.next_event().map_err(unreadable)? {
            Some(event) => event,
            None if std::mem::replace(&mut last, true) => break,
            None => match sse.finish().map_err(unreadable)? {
                Some(event) => event,
                None => break,
            },
        };
        if event.data.trim_ascii() == b"[DONE]" {
            break;
        }
        // A chunk that carries usage alone may have no choices.
        let mut chunk = object(event.data)?;
        if let Some(Value::Array(pieces)) = chunk.remove("choices") {
            for piece in pieces {
                grow(&mut choices, piece);
            }
        }
        let whole = whole.get_or_insert_default();
        for (name, value) in chunk {
            // What a later chunk leaves open stays as it was.
            if !value.is_null() || !whole.contains_key(&name) {
                whole.insert(name, value);
            }
        }
    }
    let mut whole = whole.ok_or_else(|| unreadable("it is empty"))?;
    whole.insert("choices".to_owned(), choices.into_iter().map(Value::Object).collect());
    let mut out = Vec::with_capacity(1024);
    json(&mut out, &whole);
    Ok(out)
}

/// An answer.
fn answer(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let answer = object(body)?;
    if answer.contains_key("choices") { Ok(answer) } else { Err(in_answer(&Value::Object(answer))) }
}

/// An object; an error that stands in its place is told.
fn object(body: &[u8]) -> Result<Map<String, Value>, ApiError> {
    let value: Value = serde_json::from_slice(body).map_err(unreadable)?;
    match value {
        Value::Object(answer) if answer.get("error").is_none_or(Value::is_null) => Ok(answer),
        other => Err(in_answer(&other)),
    }
}

fn frame(chunk: &Map<String, Value>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"data: ");
    json(out, chunk);
    out.extend_from_slice(b"\n\n");
}

/// Adds a piece to the choice of its index.
fn grow(choices: &mut Vec<Map<String, Value>>, piece: Value) {
    let Value::Object(piece) = piece else { return };
    let index = piece.get("index").and_then(Value::as_u64).unwrap_or(0);
    let known = choices.iter().position(|choice| choice.get("index").and_then(Value::as_u64) == Some(index));
    let at = known.unwrap_or(choices.len());
    if known.is_none() && choices.len() < MOST_CHOICES {
        choices.push(Map::from_iter([("index".to_owned(), Value::from(index))]));
    }
    let Some(choice) = choices.get_mut(at) else { return };
    merge(choice, piece);
}

/// Texts and lists of a choice grow, as those of its log probabilities do; other members are replaced.
fn merge(whole: &mut Map<String, Value>, more: Map<String, Value>) {
    for (name, value) in more {
        match (whole.get_mut(&name), value) {
            (Some(Value::String(text)), Value::String(more)) if name == "text" => text.push_str(&more),
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (Some(Value::Object(whole)), Value::Object(more)) => merge(whole, more),
            (Some(_), Value::Null) => {}
            (_, value) => {
                whole.insert(name, value);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = r#"{"id":"c","object":"text_completion","x":1,"choices":[{"index":0,"text":"hello","logprobs":{"tokens":["he","llo"]},"finish_reason":"stop"}],"usage":{"prompt_tokens":1,"completion_tokens":2}}"#;

    #[test]
    fn a_whole_answer_becomes_a_stream_and_usage_its_own_chunk_where_asked_for() {
        let stream = |usage| String::from_utf8(whole_to_stream(WHOLE.as_bytes(), usage).unwrap()).unwrap();
        let without = stream(false);
        assert_eq!(without.matches("data: ").count(), 2);
        assert!(without.contains(r#""x":1"#) && !without.contains("usage"), "{without}");
        assert!(without.ends_with("data: [DONE]\n\n"));
        let with = stream(true);
        assert!(with.contains(r#""choices":[],"#) && with.contains(r#""completion_tokens":2"#), "{with}");
    }

    #[test]
    fn and_back() {
        let stream = whole_to_stream(WHOLE.as_bytes(), true).unwrap();
        let whole: Value = serde_json::from_slice(&stream_to_whole(&stream).unwrap()).unwrap();
        assert_eq!(whole, serde_json::from_str::<Value>(WHOLE).unwrap());
    }

    #[test]
    fn pieces_grow_by_choice() {
        let chunk = |index: u32, text: &str, token: &str| {
            format!(
                "data: {{\"choices\":[{{\"index\":{index},\"text\":\"{text}\",\"logprobs\":{{\"tokens\":[\"{token}\"]}},\"finish_reason\":null}}]}}\n\n"
            )
        };
        let stream = [chunk(0, "he", "he"), chunk(1, "x", "x"), chunk(0, "llo", "llo")].concat();
        let whole: Value = serde_json::from_slice(&stream_to_whole(stream.as_bytes()).unwrap()).unwrap();
        assert_eq!(whole["choices"][0]["text"], "hello");
        assert_eq!(whole["choices"][0]["logprobs"]["tokens"], json!(["he", "llo"]));
        assert_eq!(whole["choices"][1]["text"], "x");
    }

    #[test]
    fn what_is_no_answer_is_an_error() {
        for wrong in ["", "null", "[]", "<html>", r#"{"error":{"message":"no"}}"#] {
            assert!(whole_to_stream(wrong.as_bytes(), true).is_err(), "{wrong}");
            assert!(stream_to_whole(format!("data: {wrong}\n\n").as_bytes()).is_err(), "{wrong}");
        }
        assert!(stream_to_whole(b"").is_err());
    }
}
