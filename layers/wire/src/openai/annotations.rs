//! Citations in an answer, as far as OpenAI's format knows them.

use serde::Serialize;
use serde_json::Value;

/// A citation of a web page: the one type OpenAI documents, with the members it documents.
#[derive(Serialize)]
pub(super) struct AnnotationOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    url_citation: UrlCitation<'a>,
}

#[derive(Serialize)]
struct UrlCitation<'a> {
    start_index: u64,
    end_index: u64,
    url: &'a str,
    title: &'a str,
}

/// The annotations that OpenAI's clients can read. Those of other types (Anthropic's citations of
/// documents, OpenRouter's parsed files) are left out, and so is what providers add within.
pub(super) fn encode_annotations(annotations: &[Value]) -> impl Iterator<Item = AnnotationOut<'_>> {
    annotations.iter().filter_map(|annotation| {
        if annotation.get("type").and_then(Value::as_str) != Some("url_citation") {
            return None;
        }
        let page = annotation.get("url_citation")?;
        let place = |name: &str| page.get(name).and_then(Value::as_u64).unwrap_or_default();
        let url_citation = UrlCitation {
            start_index: place("start_index"),
            end_index: place("end_index"),
            url: page.get("url")?.as_str()?,
            title: page.get("title").and_then(Value::as_str).unwrap_or_default(),
        };
        Some(AnnotationOut { kind: "url_citation", url_citation })
    })
}
