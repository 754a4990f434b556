use serde_json::{Map, Value};

use super::Equivalent;

/// What stands for a part of Gemini's: a file without what is told of how to look at it.
pub(super) fn block(part: &Value) -> Equivalent {
    const BESIDE: [(&str, &str); 3] = [
        ("videoMetadata", "video_metadata"),
        ("mediaResolution", "media_resolution"),
        ("partMetadata", "part_metadata"),
    ];
    let Some(fields) = part.as_object() else { return Equivalent::Unknown };
    let mut rest: Map<String, Value> = fields.clone();
    let lost: Vec<&'static str> = BESIDE
        .into_iter()
        .filter(|(camel, snake)| rest.remove(*camel).or_else(|| rest.remove(*snake)).is_some())
        .map(|(camel, _)| camel)
        .collect();
    if lost.is_empty() {
        return Equivalent::Unknown;
    }
    match crate::gemini::decode_content(&Value::Object(rest)) {
        Some(content) => Equivalent::Content(content, lost),
        None => Equivalent::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::chat::{Content, Document, Source};

    #[test]
    fn a_film_is_a_film_however_it_is_looked_at() {
        let given = json!({
            "fileData": {"fileUri": "gs://b/a.mp4", "mimeType": "video/mp4"}, "videoMetadata": {"fps": 0.2},
        });
        let source = Source::Url { url: "gs://b/a.mp4".to_owned(), media_type: Some("video/mp4".to_owned()) };
        let document = Content::Document(Document { source, name: None });
        assert_eq!(block(&given), Equivalent::Content(document, vec!["videoMetadata"]));
        assert_eq!(block(&json!({"executableCode": {"code": "1"}})), Equivalent::Unknown);
    }
}
