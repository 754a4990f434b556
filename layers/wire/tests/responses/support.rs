use std::{fs, path::PathBuf};

use serde_json::Value;
use tollway_core::Usage;
use tollway_wire::{
    DecodeContext, EncodeContext, StreamEnd, Target, Traits, Truncated,
    chat::{Collect, Content, Event, Finish, Part, Reply},
    responses::{StreamDecoder, StreamEncoder},
};

/// One recorded exchange.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) request: Value,
    pub(crate) status: u16,
    /// JSON, or the text of a stream.
    pub(crate) response: Value,
}

/// The recorded exchanges of this format of one kind (`json`, `stream`, `error`); none, told on standard
/// error, where there are none on this machine.
pub(crate) fn recordings(kind: &str) -> Vec<Recording> {
    ["openai/responses", "azure/responses"].iter().flat_map(|folder| recordings_of(folder, kind)).collect()
}

/// The recorded exchanges of one folder and kind.
pub(crate) fn recordings_of(folder: &str, kind: &str) -> Vec<Recording> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join("shared/recordings"))
        .find(|root| root.is_dir());
    let Some(root) = root else {
        eprintln!("skipped: no folder shared/recordings above {}", env!("CARGO_MANIFEST_DIR"));
        return Vec::new();
    };
    let Ok(entries) = fs::read_dir(root.join(folder).join(kind)) else { return Vec::new() };
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        Recording {
            name: format!("{folder}/{kind}/{}", path.file_name().unwrap().to_string_lossy()),
            path: file["request"]["path"].as_str().unwrap_or_default().to_owned(),
            request: file["request"]["body"].clone(),
            status: u16::try_from(file["response"]["status"].as_u64().unwrap()).unwrap(),
            response: file["response"]["body"].clone(),
        }
    };
    files.into_iter().map(read).collect()
}

/// What an answer says, gathered from its parts.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) refusal: String,
    pub(crate) reasoning: Vec<String>,
    pub(crate) seals: Vec<String>,
    /// Id, name and arguments.
    pub(crate) calls: Vec<(String, String, String)>,
    pub(crate) annotations: Vec<Value>,
    pub(crate) natives: Vec<Value>,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
}

impl Said {
    pub(crate) fn of(reply: &Reply) -> Self {
        let choice = &reply.choices[0];
        let mut said = Self {
            finish: Some(choice.finish.clone()),
            usage: reply.usage,
            ..Self::of_parts(&choice.content)
        };
        // Thinking that is not shown says nothing.
        said.reasoning.retain(|text| !text.is_empty());
        said
    }

    fn of_parts(parts: &[Part]) -> Self {
        let mut said = Self::default();
        for part in parts {
            match &part.content {
                Content::Text(text) => {
                    said.text.push_str(&text.text);
                    said.annotations.extend(text.annotations.iter().cloned());
                }
                Content::Refusal(text) => said.refusal.push_str(text),
                Content::Reasoning(reasoning) => {
                    said.reasoning.push(reasoning.text.clone());
                    said.seals.extend(part.signature.as_ref().map(|seal| seal.value.clone()));
                }
                Content::ToolCall(call) => {
                    said.calls.push((call.id.clone(), call.name.clone(), call.arguments.clone()));
                }
                Content::Native(native) => said.natives.push(native.value.clone()),
                other => panic!("an answer holds {other:?}"),
            }
        }
        said
    }
}

/// Decodes a stream fed in these pieces.
pub(crate) fn decode(chunks: &[&[u8]]) -> (Vec<Event>, Result<StreamEnd, Truncated>) {
    let mut decoder =
        StreamDecoder::new(DecodeContext { seed: "seed".to_owned(), ..DecodeContext::default() });
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    let end = decoder.finish();
    events.extend(std::iter::from_fn(|| decoder.next_event()));
    (events, end)
}

/// The events of a stream as one answer.
pub(crate) fn collect(events: Vec<Event>) -> Reply {
    let mut collect = Collect::default();
    for event in events {
        collect.push(event);
    }
    collect.finish().unwrap()
}

/// Encodes events as a whole stream.
pub(crate) fn encode(events: &[Event]) -> String {
    let mut encoder = StreamEncoder::new(cx());
    let mut out = Vec::new();
    for event in events {
        encoder.encode(event, &mut out);
    }
    encoder.finish(&mut out);
    String::from_utf8(out).unwrap()
}

pub(crate) fn cx() -> EncodeContext {
    EncodeContext { id: "req-1".to_owned(), model: "m".to_owned(), created: 7, ..EncodeContext::default() }
}

pub(crate) fn target() -> Target {
    Target { model: "m".to_owned(), traits: Traits::default() }
}

/// The `data:` of every event of a stream.
pub(crate) fn data(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data: "));
    lines.map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// Pieces of `bytes` cut at these places.
pub(crate) fn pieces<'a>(bytes: &'a [u8], cuts: &[usize]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut % (bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect()
}
