//! Sources of grounded and recited text ⇄ OpenAI's `url_citation` annotations.

use serde_json::{Map, Value, json};

use super::{
    answer::{Candidate, WebSource},
    text_index::TextIndex,
};

/// The most citations kept of one candidate, against an answer made of nothing else.
const MOST: usize = 4096;

/// The citations a candidate has told so far. Frames of a stream may tell the same ones again.
#[derive(Clone, Debug, Default)]
pub(super) struct Citations {
    seen: Vec<(usize, usize, String)>,
}

impl Citations {
    /// The citations a candidate tells that it has not told before, in OpenAI's shape.
    pub(super) fn read(&mut self, candidate: &Candidate<'_>, text: &TextIndex) -> Vec<Value> {
        let mut new = Vec::new();
        if let Some(grounding) = &candidate.grounding_metadata {
            let source = |at: usize| {
                let chunk = grounding.chunks.get(at)?;
                chunk.web.as_ref().or(chunk.retrieved_context.as_ref()).or(chunk.maps.as_ref())
            };
            for support in &grounding.supports {
                let (start, end) = support
                    .segment
                    .as_ref()
                    .map_or((0, text.len()), |segment| (segment.start_index, segment.end_index));
                for source in support.grounding_chunk_indices.iter().filter_map(|at| source(*at)) {
                    self.add(&mut new, source, text, (start, end));
                }
            }
            // Sources that no span of text is laid to still are what the answer rests on.
            if grounding.supports.is_empty() {
                for source in (0..grounding.chunks.len()).filter_map(source) {
                    self.add(&mut new, source, text, (0, text.len()));
                }
            }
        }
        for cited in candidate.citation_metadata.iter().flat_map(|citations| &citations.citation_sources) {
            let source = WebSource { uri: cited.uri.clone(), title: cited.title.clone() };
            self.add(&mut new, &source, text, (cited.start_index, cited.end_index));
        }
        new
    }

    fn add(
        &mut self,
        new: &mut Vec<Value>,
        source: &WebSource<'_>,
        text: &TextIndex,
        (start, end): (usize, usize),
    ) {
        let Some(uri) = source.uri.as_deref().filter(|uri| !uri.is_empty()) else { return };
        let told = |(from, to, url): &(usize, usize, String)| *from == start && *to == end && url == uri;
        if self.seen.len() >= MOST || self.seen.iter().any(told) {
            return;
        }
        self.seen.push((start, end, uri.to_owned()));
        let title = source.title.as_deref().unwrap_or(uri);
        new.push(json!({
            "type": "url_citation",
            "url_citation": {
                "start_index": text.character(start),
                "end_index": text.character(end),
                "url": uri,
                "title": title,
            },
        }));
    }
}

/// Writes citations as `groundingMetadata`, and what was searched for; `None` where there is neither.
pub(super) fn encode(annotations: &[Value], searches: &[&str], text: &TextIndex) -> Option<Value> {
    let mut chunks: Vec<Value> = Vec::new();
    let mut supports = Vec::new();
    for cited in annotations.iter().filter_map(|annotation| annotation.get("url_citation")) {
        let Some(uri) = cited.get("url").and_then(Value::as_str) else { continue };
        let title = cited.get("title").and_then(Value::as_str).unwrap_or(uri);
        let place = |key: &str| {
            let character = cited.get(key).and_then(Value::as_u64).and_then(|at| usize::try_from(at).ok());
            text.byte(character.unwrap_or_default())
        };
        supports.push(json!({
            "segment": { "startIndex": place("start_index"), "endIndex": place("end_index") },
            "groundingChunkIndices": [chunks.len()],
        }));
        chunks.push(json!({ "web": { "uri": uri, "title": title } }));
    }
    let mut metadata = Map::new();
    if !searches.is_empty() {
        metadata.insert("webSearchQueries".to_owned(), json!(searches));
    }
    if !chunks.is_empty() {
        metadata.insert("groundingChunks".to_owned(), chunks.into());
        metadata.insert("groundingSupports".to_owned(), supports.into());
    }
    (!metadata.is_empty()).then_some(Value::Object(metadata))
}

/// How many web searches a candidate tells of. Each query is billed; empty ones were none.
pub(super) fn web_searches(candidate: &Candidate<'_>) -> u64 {
    let queries = candidate.grounding_metadata.iter().flat_map(|grounding| &grounding.web_search_queries);
    u64::try_from(queries.filter(|query| !query.is_empty()).count()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GROUNDED: &str = r#"{"groundingMetadata":{
        "webSearchQueries":["weather",""],
        "groundingChunks":[{"web":{"uri":"https://a.example","title":"A"}},{"web":{"uri":"https://b.example"}}],
        "groundingSupports":[{"segment":{"startIndex":3,"endIndex":9,"text":"x"},"groundingChunkIndices":[0,1,7]}]}}"#;

    /// Gemini counts bytes and OpenAI characters: taken over unchanged, the marks of every text with
    /// an umlaut in it are shifted.
    #[test]
    fn places_are_counted_in_characters() {
        let mut text = TextIndex::default();
        text.push("äö is wet");
        let candidate: Candidate<'_> = serde_json::from_str(GROUNDED).unwrap();
        let mut citations = Citations::default();
        let got = citations.read(&candidate, &text);
        assert_eq!(got.len(), 2);
        assert_eq!(got[0]["url_citation"]["url"], "https://a.example");
        assert_eq!(got[0]["url_citation"]["start_index"], 2);
        assert_eq!(got[0]["url_citation"]["end_index"], 7);
        assert_eq!(got[1]["url_citation"]["title"], "https://b.example");
        assert_eq!(citations.read(&candidate, &text), Vec::<Value>::new());
        assert_eq!(web_searches(&candidate), 1);
    }

    #[test]
    fn citations_come_back() {
        let mut text = TextIndex::default();
        text.push("äö is wet and long enough");
        let candidate: Candidate<'_> = serde_json::from_str(GROUNDED).unwrap();
        let got = Citations::default().read(&candidate, &text);
        let written = json!({ "groundingMetadata": encode(&got, &[], &text).unwrap() }).to_string();
        let again: Candidate<'_> = serde_json::from_str(&written).unwrap();
        assert_eq!(Citations::default().read(&again, &text), got);
    }

    #[test]
    fn recited_sources_are_citations_in_both_spellings() {
        for list in ["citationSources", "citations"] {
            let json = format!(
                r#"{{"citationMetadata":{{"{list}":[{{"startIndex":0,"endIndex":2,"uri":"https://c.example"}},{{"endIndex":1}}]}}}}"#
            );
            let candidate: Candidate<'_> = serde_json::from_str(&json).unwrap();
            let got = Citations::default().read(&candidate, &TextIndex::default());
            assert_eq!(got.len(), 1);
        }
    }
}
