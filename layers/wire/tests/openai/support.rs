use std::{fs, path::PathBuf};

use serde_json::Value;
use tollway_core::Usage;
use tollway_wire::{
    DecodeContext, EncodeContext, StreamEnd, Target, Truncated,
    chat::{Content, Delta, Event, Finish, Part},
    openai::{StreamDecoder, StreamEncoder},
};

/// The recorded exchanges of OpenAI's chat format: the provider, and its folder.
pub(crate) const CHATS: [&str; 6] = [
    "openai/chat-completions",
    "azure/completions",
    "groq/completions",
    "mistral/completions",
    "deepseek/completions",
    "openrouter/completions",
];

/// One recorded exchange.
pub(crate) struct Recording {
    pub(crate) name: String,
    pub(crate) request: Value,
    pub(crate) status: u16,
    /// JSON, or the text of a stream.
    pub(crate) response: Value,
}

/// The recorded exchanges of one folder and kind (`json`, `stream`, `error`); none, told on standard
/// error, where there are none on this machine.
pub(crate) fn recordings(folder: &str, kind: &str) -> Vec<Recording> {
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
            request: file["request"]["body"].clone(),
            status: u16::try_from(file["response"]["status"].as_u64().unwrap()).unwrap(),
            response: file["response"]["body"].clone(),
        }
    };
    files.into_iter().map(read).collect()
}

/// What one choice of an answer says, gathered from its parts or from its events.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Said {
    pub(crate) text: String,
    pub(crate) refusal: String,
    pub(crate) reasoning: String,
    pub(crate) redacted: Vec<String>,
    pub(crate) seals: Vec<String>,
    /// Id, name and arguments.
    pub(crate) calls: Vec<(String, String, String)>,
    pub(crate) annotations: Vec<Value>,
    pub(crate) natives: Vec<Value>,
    pub(crate) finish: Option<Finish>,
    pub(crate) usage: Option<Usage>,
}

impl Said {
    pub(crate) fn by_parts(parts: &[Part]) -> Self {
        let mut said = Self::default();
        for part in parts {
            said.seals.extend(part.signature.as_ref().map(|seal| seal.value.clone()));
            match &part.content {
                Content::Text(text) => {
                    said.text.push_str(&text.text);
                    said.annotations.extend(text.annotations.iter().cloned());
                }
                Content::Refusal(text) => said.refusal.push_str(text),
                Content::Reasoning(reasoning) => {
                    said.reasoning.push_str(&reasoning.text);
                    said.redacted.extend(reasoning.redacted.clone());
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

    pub(crate) fn by_events(events: &[Event], wanted: u32) -> Self {
        let mut said = Self::default();
        for event in events {
            match event {
                Event::Delta { choice, delta } if *choice == wanted => match delta {
                    Delta::Text(text) => said.text.push_str(text),
                    Delta::Refusal(text) => said.refusal.push_str(text),
                    Delta::Reasoning(text) => said.reasoning.push_str(text),
                    Delta::RedactedReasoning(data) => said.redacted.push(data.clone()),
                    Delta::Signature(seal) => said.seals.push(seal.value.clone()),
                    Delta::ToolCall { index, id, name, signature, .. } => {
                        assert_eq!(*index as usize, said.calls.len());
                        said.seals.extend(signature.as_ref().map(|seal| seal.value.clone()));
                        said.calls.push((id.clone(), name.clone(), String::new()));
                    }
                    Delta::ToolArguments { index, fragment } => {
                        said.calls[*index as usize].2.push_str(fragment);
                    }
                    Delta::Annotations(more) => said.annotations.extend(more.iter().cloned()),
                    Delta::Native(native) => said.natives.push(native.value.clone()),
                    other => panic!("a stream holds {other:?}"),
                },
                Event::Finish { choice, finish } if *choice == wanted => {
                    assert!(said.finish.is_none(), "the end is told once");
                    said.finish = Some(finish.clone());
                }
                Event::Usage(usage) => said.usage = Some(*usage),
                _ => {}
            }
        }
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
    encode_with(cx(), events)
}

pub(crate) fn encode_with(cx: EncodeContext, events: &[Event]) -> String {
    let mut encoder = StreamEncoder::new(cx);
    let mut out = Vec::new();
    for event in events {
        encoder.encode(event, &mut out);
    }
    encoder.finish(&mut out);
    String::from_utf8(out).unwrap()
}

pub(crate) fn cx() -> EncodeContext {
    EncodeContext {
        id: "chatcmpl-own".to_owned(),
        model: "model-own".to_owned(),
        created: 7,
        include_usage: true,
        ..EncodeContext::default()
    }
}

pub(crate) fn target(model: &str) -> Target {
    Target { model: model.to_owned(), ..Target::default() }
}

/// The JSON `data:` of every frame of a stream, the end mark left out.
pub(crate) fn data(stream: &str) -> Vec<Value> {
    let lines = stream.lines().filter_map(|line| Some(line.strip_prefix("data:")?.trim()));
    lines.filter(|data| *data != "[DONE]").map(|data| serde_json::from_str(data).unwrap()).collect()
}

/// `data:` frames, with the end mark.
pub(crate) fn stream(frames: &[&str]) -> String {
    let mut stream = String::new();
    for frame in frames.iter().chain(&["[DONE]"]) {
        stream.extend(["data: ", frame, "\n\n"]);
    }
    stream
}
