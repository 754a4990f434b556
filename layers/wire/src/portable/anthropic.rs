use serde_json::Value;

use super::{Equivalent, kind_of};
use crate::chat::{Content, Document, Source, Text};

/// What stands for a block of Anthropic's.
pub(super) fn block(block: &Value) -> Equivalent {
    match kind_of(block) {
        "document" => document(block),
        "search_result" => {
            let head = ["title", "source"].into_iter().filter_map(|name| block.get(name)?.as_str());
            let body = texts(block.get("content").unwrap_or(&Value::Null));
            let said: Vec<&str> = head.chain(body).filter(|text| !text.is_empty()).collect();
            Equivalent::Content(text(said.join("\n")), told(block, &["citations"]))
        }
        "compaction" => match block.get("content").and_then(Value::as_str) {
            Some(summary) => Equivalent::Content(text(summary.to_owned()), Vec::new()),
            None => Equivalent::Nothing,
        },
        // A result that names the tools which were found: its words are their names.
        "tool_reference" => match block.get("tool_name").and_then(Value::as_str) {
            Some(name) => Equivalent::Content(text(name.to_owned()), Vec::new()),
            None => Equivalent::Nothing,
        },
        "tool_addition" | "tool_removal" => Equivalent::Nothing,
        _ => Equivalent::Unknown,
    }
}

fn document(block: &Value) -> Equivalent {
    let field = |name: &str| block.get(name).and_then(Value::as_str);
    let Some(source) = block.get("source") else { return Equivalent::Unknown };
    let told_in = |name: &str| source.get(name).and_then(Value::as_str).map(str::to_owned);
    let source = match kind_of(source) {
        "base64" => told_in("media_type")
            .zip(told_in("data"))
            .map(|(media_type, data)| Source::Base64 { media_type, data }),
        "url" => told_in("url").map(|url| Source::Url { url, media_type: None }),
        "file" => told_in("file_id").map(|id| Source::File { id }),
        "text" => told_in("data").map(Source::Text),
        "content" => {
            let content = source.get("content").unwrap_or(&Value::Null);
            // Pictures among the blocks have no place in a text.
            let all_text =
                content.as_array().is_none_or(|blocks| blocks.iter().all(|block| kind_of(block) == "text"));
            all_text.then(|| Source::Text(texts(content).join("\n")))
        }
        _ => None,
    };
    let Some(mut source) = source else { return Equivalent::Unknown };
    let mut lost = told(block, &["citations"]);
    if let Some(context) = field("context") {
        match &mut source {
            Source::Text(text) => *text = format!("{context}\n\n{text}"),
            _ => lost.push("context"),
        }
    }
    let name = field("title").map(str::to_owned);
    Equivalent::Content(Content::Document(Document { source, name }), lost)
}

/// The names of members that ask for something.
fn told(block: &Value, names: &[&'static str]) -> Vec<&'static str> {
    let asks = |name: &&&str| {
        let value = block.get(**name).unwrap_or(&Value::Null);
        !value.is_null() && value.get("enabled") != Some(&Value::Bool(false))
    };
    names.iter().filter(asks).copied().collect()
}

/// The texts of content that is one text or a list of blocks.
fn texts(content: &Value) -> Vec<&str> {
    match content {
        Value::String(text) => vec![text],
        Value::Array(blocks) => blocks.iter().filter_map(|block| block.get("text")?.as_str()).collect(),
        _ => Vec::new(),
    }
}

fn text(text: String) -> Content {
    Content::Text(Text { text, annotations: Vec::new() })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_document_with_citations_is_a_document() {
        let given = json!({
            "type": "document", "title": "T", "context": "from 1999", "citations": {"enabled": true},
            "source": {"type": "content", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]},
        });
        let document =
            Document { source: Source::Text("from 1999\n\na\nb".to_owned()), name: Some("T".to_owned()) };
        assert_eq!(block(&given), Equivalent::Content(Content::Document(document), vec!["citations"]));
        let pdf = json!({
            "type": "document", "context": "c", "citations": {"enabled": false},
            "source": {"type": "base64", "media_type": "application/pdf", "data": "JVBE"},
        });
        let Equivalent::Content(Content::Document(_), lost) = block(&pdf) else { panic!() };
        assert_eq!(lost, ["context"]);
    }

    #[test]
    fn what_was_found_is_text() {
        let given = json!({
            "type": "search_result", "source": "https://a.example", "title": "A",
            "content": [{"type": "text", "text": "fact"}],
        });
        assert_eq!(block(&given), Equivalent::Content(text("A\nhttps://a.example\nfact".to_owned()), vec![]));
    }

    #[test]
    fn a_file_of_the_providers_own_has_no_equivalent() {
        assert_eq!(block(&json!({"type": "container_upload", "file_id": "f"})), Equivalent::Unknown);
        assert_eq!(block(&json!({"type": "document"})), Equivalent::Unknown);
    }
}
