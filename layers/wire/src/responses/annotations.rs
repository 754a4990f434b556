//! Citations: flat here, nested in the canonical form, which is Chat's.

use serde_json::{Map, Value, json};

/// The canonical form of an annotation of a text that `offset` characters of text stand before.
pub(super) fn decode(annotation: Value, offset: u64) -> Value {
    let Value::Object(mut flat) = annotation else { return annotation };
    if flat.get("type").and_then(Value::as_str) != Some("url_citation") || flat.contains_key("url_citation") {
        return Value::Object(flat);
    }
    flat.remove("type");
    for place in ["start_index", "end_index"] {
        if let Some(at) = flat.get(place).and_then(Value::as_u64) {
            flat.insert(place.to_owned(), json!(at.saturating_add(offset)));
        }
    }
    json!({ "type": "url_citation", "url_citation": flat })
}

/// The annotation as it is written here; `None` for one of a type OpenAI has not.
pub(super) fn encode(annotation: &Value, offset: u64) -> Option<Value> {
    match annotation.get("type")?.as_str()? {
        "url_citation" => {
            let page = annotation.get("url_citation")?;
            let place = |name: &str| page.get(name).and_then(Value::as_u64).unwrap_or(0);
            let mut flat = Map::new();
            flat.insert("type".to_owned(), json!("url_citation"));
            for name in ["start_index", "end_index"] {
                flat.insert(name.to_owned(), json!(place(name).saturating_sub(offset)));
            }
            flat.insert("url".to_owned(), json!(page.get("url")?.as_str()?));
            let title = page.get("title").and_then(Value::as_str).unwrap_or_default();
            flat.insert("title".to_owned(), json!(title));
            Some(Value::Object(flat))
        }
        "file_citation" | "container_file_citation" | "file_path" => Some(annotation.clone()),
        _ => None,
    }
}

/// How many characters a text has, as citations count them.
pub(super) fn length(text: &str) -> u64 {
    u64::try_from(text.chars().count()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_keeps_its_place() {
        let flat = json!({"type":"url_citation","start_index":2,"end_index":5,"url":"https://a","title":"A"});
        let nested = decode(flat.clone(), 10);
        assert_eq!(nested["url_citation"]["start_index"], 12);
        assert_eq!(encode(&nested, 10), Some(flat));
    }

    #[test]
    fn files_stay_as_they_are_and_others_types_have_no_place() {
        let file = json!({"type":"file_citation","file_id":"f","filename":"a.pdf","index":3});
        assert_eq!(encode(&decode(file.clone(), 10), 10), Some(file));
        assert_eq!(encode(&json!({"type":"document_citation","citation":{}}), 0), None);
    }
}
