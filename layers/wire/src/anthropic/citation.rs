use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::seal::FOREIGN;

/// The key of an annotation under which Anthropic's own citation is kept whole.
const NATIVE: &str = "citation";

/// Anthropic's citation as an OpenAI annotation of the characters `start..end` of the answer.
///
/// A citation of a web page or of a search result with a URL becomes a `url_citation`. One of a
/// document's pages or characters has no word in OpenAI's Chat format: it becomes an annotation of
/// its own type. Both keep Anthropic's citation beside, so that it can be sent back.
pub(super) fn to_annotation(citation: Value, start: usize, end: usize) -> Value {
    let text = |name: &str| citation.get(name).and_then(Value::as_str);
    let url = text("url").or_else(|| text("source").filter(|source| source.starts_with("http")));
    let page = url.map(|url| {
        let title = text("title").unwrap_or_default();
        json!({ "start_index": start, "end_index": end, "url": url, "title": title })
    });
    let mut annotation = Map::new();
    match page {
        Some(page) => {
            annotation.insert("type".to_owned(), json!("url_citation"));
            annotation.insert("url_citation".to_owned(), page);
        }
        None => {
            annotation.insert("type".to_owned(), json!("document_citation"));
        }
    }
    if !is_ours(&citation) {
        annotation.insert(NATIVE.to_owned(), citation);
    }
    Value::Object(annotation)
}

/// Whether a citation of a page is one that we made of another provider's: Anthropic would refuse it.
fn is_ours(citation: &Value) -> bool {
    let index = citation.get("encrypted_index").and_then(Value::as_str);
    index.is_some_and(|index| index.is_empty() || index == FOREIGN)
}

/// A citation as Anthropic writes it.
#[derive(Debug, Serialize)]
#[serde(untagged)]
pub(super) enum CitationOut<'a> {
    /// One that came from Anthropic.
    Native(&'a Value),
    /// A web page cited by another provider.
    Page {
        #[serde(rename = "type")]
        kind: &'static str,
        cited_text: &'static str,
        url: &'a str,
        title: &'a str,
        encrypted_index: &'static str,
    },
}

/// The citation an annotation stands for; `None` for one without an equivalent.
pub(super) fn from_annotation(annotation: &Value) -> Option<CitationOut<'_>> {
    if let Some(native) = native(annotation) {
        return Some(CitationOut::Native(native));
    }
    let page = annotation.get("url_citation")?;
    Some(CitationOut::Page {
        kind: "web_search_result_location",
        cited_text: "",
        url: page.get("url")?.as_str()?,
        title: page.get("title").and_then(Value::as_str).unwrap_or_default(),
        encrypted_index: FOREIGN,
    })
}

/// Anthropic's own citation in an annotation. Only these may be sent back to Anthropic, which
/// refuses a page without its `encrypted_index`.
pub(super) fn native(annotation: &Value) -> Option<&Value> {
    annotation.get(NATIVE).filter(|citation| citation.is_object())
}
