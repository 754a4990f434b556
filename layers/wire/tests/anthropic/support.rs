use std::{fs, path::PathBuf};

use serde_json::Value;
use tollway_core::Usage;
use tollway_wire::{
    DecodeContext, EncodeContext, StreamEnd, Target, Traits, Truncated,
    anthropic::{StreamDecoder, StreamEncoder},
    chat::{Content, Delta, Event, Finish, Part, Text},
};

/// One recorded exchange.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) request: Value,
    pub(crate) status: u16,
    /// JSON, or the text of a stream.
    pub(crate) response: Value,
}

/// The recorded exchanges with Anthropic, of one kind (`json`, `stream`, `error`); `None`, told on
/// standard error, where there are none on this machine.
pub(crate) fn recordings(kind: &str) -> Option<Vec<Recording>> {
    let folder = format!("shared/recordings/anthropic/messages/{kind}");
    let found = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join(&folder))
        .find(|folder| folder.is_dir());
    let Some(folder) = found else {
        eprintln!("skipped: no folder {folder} above {}", env!("CARGO_MANIFEST_DIR"));
        return None;
    };
    let mut files: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let read = |path: PathBuf| {
        let file: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
        Recording {
            name: path.file_name().unwrap().to_string_lossy().into_owned(),
            request: file["request"]["body"].clone(),
            status: u16::try_from(file["response"]["status"].as_u64().unwrap()).unwrap(),
            response: file["response"]["body"].clone(),
        }
    };
    Some(files.into_iter().map(read).collect())
}

/// What an answer says, gathered from its parts or from its events.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) refusal: String,
    pub(crate) reasoning: String,
    pub(crate) redacted: Vec<String>,
    pub(crate) seals: Vec<String>,
    /// Id, name and arguments.
    pub(crate) calls: Vec<(String, String, Value)>,
    pub(crate) annotations: Vec<Value>,
    pub(crate) natives: Vec<Value>,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
}

impl Said {
    pub(crate) fn by_parts(parts: &[Part]) -> Self {
        let mut said = Self::default();
        for part in parts {
            match &part.content {
                Content::Text(Text { text, annotations }) => {
                    said.text.push_str(text);
                    said.annotations.extend(annotations.iter().cloned());
                }
                Content::Refusal(text) => said.refusal.push_str(text),
                Content::Reasoning(reasoning) => {
                    said.reasoning.push_str(&reasoning.text);
                    said.redacted.extend(reasoning.redacted.clone());
                    let seal = part.signature.as_ref().map(|seal| seal.value.clone());
                    said.seals.extend(seal.filter(|seal| !seal.is_empty()));
                }
                Content::ToolCall(call) => {
                    let arguments = serde_json::from_str(&call.arguments).unwrap();
                    said.calls.push((call.id.clone(), call.name.clone(), arguments));
                }
                Content::Native(native) => said.natives.push(native.value.clone()),
                other => panic!("an answer holds {other:?}"),
            }
        }
        said
    }

    pub(crate) fn by_events(events: &[Event]) -> Self {
        let mut said = Self::default();
        let mut calls: Vec<(String, String, String)> = Vec::new();
        for event in events {
            match event {
                Event::Delta { choice: 0, delta } => match delta {
                    Delta::Text(text) => said.text.push_str(text),
                    Delta::Refusal(text) => said.refusal.push_str(text),
                    Delta::Reasoning(text) => said.reasoning.push_str(text),
                    Delta::RedactedReasoning(data) => said.redacted.push(data.clone()),
                    Delta::Signature(seal) => said.seals.push(seal.value.clone()),
                    Delta::ToolCall { index, id, name, .. } => {
                        assert_eq!(*index as usize, calls.len());
                        calls.push((id.clone(), name.clone(), String::new()));
                    }
                    Delta::ToolArguments { index, fragment } => calls[*index as usize].2.push_str(fragment),
                    Delta::Annotations(more) => said.annotations.extend(more.iter().cloned()),
                    Delta::Native(native) => said.natives.push(native.value.clone()),
                    other => panic!("a stream holds {other:?}"),
                },
                Event::Finish { finish, .. } => {
                    assert!(said.finish.is_none(), "the end is told once");
                    said.finish = Some(finish.clone());
                }
                Event::Usage(usage) => said.usage = Some(*usage),
                _ => {}
            }
        }
        said.calls = calls
            .into_iter()
            .map(|(id, name, arguments)| (id, name, serde_json::from_str(&arguments).unwrap()))
            .collect();
        said
    }
}

/// Decodes a stream fed in these pieces.
pub(crate) fn decode(chunks: &[&[u8]]) -> (Vec<Event>, Result<StreamEnd, Truncated>) {
    decode_with(DecodeContext { seed: "seed".to_owned(), ..DecodeContext::default() }, chunks)
}

pub(crate) fn decode_with(cx: DecodeContext, chunks: &[&[u8]]) -> (Vec<Event>, Result<StreamEnd, Truncated>) {
    let mut decoder = StreamDecoder::new(cx);
    let mut events = Vec::new();
    for chunk in chunks {
        decoder.feed(chunk);
        events.extend(std::iter::from_fn(|| decoder.next_event()));
    }
    let end = decoder.finish();
    events.extend(std::iter::from_fn(|| decoder.next_event()));
    (events, end)
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
    EncodeContext {
        id: "msg_own".to_owned(),
        model: "claude".to_owned(),
        created: 7,
        include_usage: true,
        ..EncodeContext::default()
    }
}

pub(crate) fn target() -> Target {
    Target {
        model: "claude".to_owned(),
        traits: Traits { max_output_tokens: Some(64_000), ..Traits::default() },
    }
}

/// The `data:` of every event of a stream.
pub(crate) fn data(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| line.strip_prefix("data:"));
    lines.map(|data| serde_json::from_str(data).unwrap()).collect()
}
