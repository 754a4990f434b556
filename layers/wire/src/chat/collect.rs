use std::collections::BTreeMap;

use serde_json::{Value, json};
use tollway_core::{Dialect, Usage};

use super::{
    Audio, Choice, Content, Delta, Event, Finish, FinishReason, Part, Reasoning, Reply, Signature, Start,
    Text, ToolCall,
};
use crate::ApiError;

/// Puts a streamed answer together again.
///
/// Used where a provider must be asked for a stream though the client wants a whole answer.
#[derive(Debug, Default)]
pub struct Collect {
    start: Start,
    choices: BTreeMap<u32, Growing>,
    usage: Option<Usage>,
    error: Option<ApiError>,
}

/// A choice on its way.
#[derive(Debug, Default)]
struct Growing {
    content: Vec<Part>,
    /// Where each tool call stands in `content`.
    calls: BTreeMap<u32, usize>,
    finish: Option<Finish>,
    logprobs: Option<Value>,
}

impl Collect {
    /// Takes in the next event.
    pub fn push(&mut self, event: Event) {
        match event {
            Event::Start(start) => self.start = start,
            Event::Delta { choice, delta } => self.choices.entry(choice).or_default().grow(delta),
            Event::Finish { choice, finish } => {
                self.choices.entry(choice).or_default().finish = Some(finish);
            }
            Event::Tier(tier) => self.start.service_tier = Some(tier),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::Error(error) => self.error = Some(error),
        }
    }

    /// The whole answer, or the provider's error. Call it only when the decoder said that the
    /// stream was whole, or an error was pushed.
    pub fn finish(self) -> Result<Reply, ApiError> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let choices = self.choices.into_iter().map(|(index, growing)| Choice {
            index,
            content: growing.content,
            finish: growing.finish.unwrap_or(FinishReason::Stop.into()),
            logprobs: growing.logprobs,
        });
        Ok(Reply {
            id: self.start.id,
            model: self.start.model,
            created: self.start.created,
            choices: choices.collect(),
            usage: self.usage,
            service_tier: self.start.service_tier,
            system_fingerprint: self.start.system_fingerprint,
            extra: self.start.extra,
        })
    }
}

impl Growing {
    fn grow(&mut self, delta: Delta) {
        match delta {
            Delta::Text(more) => match self.last() {
                Some(Content::Text(text)) => text.text.push_str(&more),
                _ => self.content.push(Part::text(more)),
            },
            Delta::Refusal(more) => match self.last() {
                Some(Content::Refusal(text)) => text.push_str(&more),
                _ => self.content.push(Content::Refusal(more).into()),
            },
            Delta::Reasoning(more) => match self.last() {
                Some(Content::Reasoning(Reasoning { text, redacted: None })) => text.push_str(&more),
                _ => self.content.push(Content::Reasoning(Reasoning { text: more, redacted: None }).into()),
            },
            Delta::RedactedReasoning(data) => {
                let reasoning = Reasoning { text: String::new(), redacted: Some(data) };
                self.content.push(Content::Reasoning(reasoning).into());
            }
            Delta::Signature(signature) => match self.content.last_mut() {
                Some(part) if part.signature.is_none() && may_seal(&signature, part) => {
                    part.signature = Some(signature);
                }
                // Anthropic and OpenAI's Responses may seal thinking whose text they do not show; Gemini
                // an empty text.
                _ => {
                    let content = match signature.dialect {
                        Dialect::Anthropic | Dialect::Responses => Content::Reasoning(Reasoning::default()),
                        _ => Content::Text(Text::default()),
                    };
                    self.content.push(Part { content, cache_control: None, signature: Some(signature) });
                }
            },
            Delta::ToolCall { index, id, name, custom, signature } => {
                self.calls.insert(index, self.content.len());
                let call = ToolCall { id, name, arguments: String::new(), custom };
                self.content.push(Part { content: Content::ToolCall(call), cache_control: None, signature });
            }
            Delta::ToolArguments { index, fragment } => {
                let part = self.calls.get(&index).and_then(|at| self.content.get_mut(*at));
                if let Some(Part { content: Content::ToolCall(call), .. }) = part {
                    call.arguments.push_str(&fragment);
                }
            }
            Delta::Annotations(more) => {
                let text = self.content.iter_mut().rev().find_map(|part| match &mut part.content {
                    Content::Text(text) => Some(text),
                    _ => None,
                });
                if let Some(text) = text {
                    text.annotations.extend(more);
                }
            }
            Delta::Logprobs(more) => merge_logprobs(&mut self.logprobs, more),
            Delta::Audio(more) => {
                if !matches!(self.last(), Some(Content::Audio(_))) {
                    self.content.push(Content::Audio(Audio::default()).into());
                }
                if let Some(Content::Audio(audio)) = self.last() {
                    merge_audio(audio, &more);
                }
            }
            Delta::Native(native) => self.content.push(Content::Native(native).into()),
        }
    }

    /// The content that may still grow: a sealed part does not.
    fn last(&mut self) -> Option<&mut Content> {
        self.content.last_mut().filter(|part| part.signature.is_none()).map(|part| &mut part.content)
    }
}

/// Whether a seal may be this part's: OpenAI's Responses seal thinking only.
fn may_seal(signature: &Signature, part: &Part) -> bool {
    signature.dialect != Dialect::Responses || matches!(part.content, Content::Reasoning(_))
}

/// Appends the lists of OpenAI's `{"content":[…],"refusal":[…]}`.
fn merge_logprobs(whole: &mut Option<Value>, more: Value) {
    let whole = whole.get_or_insert_with(|| json!({}));
    let (Value::Object(whole), Value::Object(more)) = (whole, more) else { return };
    for (name, value) in more {
        match (whole.get_mut(&name), value) {
            (Some(Value::Array(list)), Value::Array(more)) => list.extend(more),
            (_, value) => {
                whole.insert(name, value);
            }
        }
    }
}

/// Appends what OpenAI's `delta.audio` brings.
fn merge_audio(audio: &mut Audio, more: &Value) {
    let text = |name: &str| more.get(name).and_then(Value::as_str);
    if let Some(id) = text("id") {
        audio.id = Some(id.to_owned());
    }
    if let Some(data) = text("data") {
        audio.data.get_or_insert_default().push_str(data);
    }
    if let Some(transcript) = text("transcript") {
        audio.transcript.get_or_insert_default().push_str(transcript);
    }
    if let Some(expires_at) = more.get("expires_at").and_then(Value::as_u64) {
        audio.expires_at = Some(expires_at);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn collect(deltas: Vec<Delta>) -> Vec<Part> {
        let mut collect = Collect::default();
        for delta in deltas {
            collect.push(Event::Delta { choice: 0, delta });
        }
        let mut reply = collect.finish().unwrap();
        reply.choices.remove(0).content
    }

    #[test]
    fn pieces_of_one_kind_become_one_part() {
        let call = |index, name: &str| Delta::ToolCall {
            index,
            id: format!("id{index}"),
            name: name.into(),
            custom: false,
            signature: None,
        };
        let arguments = |index, fragment: &str| Delta::ToolArguments { index, fragment: fragment.into() };
        let parts = collect(vec![
            Delta::Reasoning("th".into()),
            Delta::Reasoning("ink".into()),
            Delta::Text("he".into()),
            Delta::Text("llo".into()),
            call(0, "a"),
            call(1, "b"),
            arguments(0, "{\"x\""),
            arguments(1, "{}"),
            arguments(0, ":1}"),
        ]);
        let seen: Vec<String> = parts
            .iter()
            .map(|part| match &part.content {
                Content::Reasoning(reasoning) => reasoning.text.clone(),
                Content::Text(text) => text.text.clone(),
                Content::ToolCall(call) => format!("{}{}", call.name, call.arguments),
                other => format!("{other:?}"),
            })
            .collect();
        assert_eq!(seen, ["think", "hello", "a{\"x\":1}", "b{}"]);
    }

    #[test]
    fn a_sealed_thought_is_not_continued() {
        let seal = |value: &str| {
            Delta::Signature(Signature { dialect: Dialect::Anthropic, value: value.to_owned() })
        };
        let parts = collect(vec![
            Delta::Reasoning("one".into()),
            seal("s1"),
            Delta::Reasoning("two".into()),
            seal("s2"),
        ]);
        assert_eq!(parts.len(), 2);
        assert_eq!(parts[1].signature.as_ref().unwrap().value, "s2");
    }
}
