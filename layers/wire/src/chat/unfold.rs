use serde_json::{Value, json};
use tollway_core::Dialect;

use super::{Audio, Choice, Content, Delta, Event, Image, Native, Part, Reply, Source, Start};

impl Reply {
    /// The answer as the steps of a stream: what [`Collect`](super::Collect) puts together again.
    ///
    /// Used where a client wants a stream and the provider answered at once.
    pub fn into_events(self) -> Vec<Event> {
        let Self { id, model, created, choices, usage, service_tier, system_fingerprint, extra } = self;
        let start = Start { id, model, created, service_tier, system_fingerprint, extra };
        let mut events = vec![Event::Start(start)];
        for choice in choices {
            unfold(choice, &mut events);
        }
        events.extend(usage.map(Event::Usage));
        events
    }
}

fn unfold(choice: Choice, events: &mut Vec<Event>) {
    let Choice { index: choice, content, finish, logprobs } = choice;
    let mut calls = 0;
    let mut say = |delta| events.push(Event::Delta { choice, delta });
    for part in content {
        step(part, &mut calls, &mut say);
    }
    if let Some(logprobs) = logprobs {
        say(Delta::Logprobs(logprobs));
    }
    events.push(Event::Finish { choice, finish });
}

/// The steps of one part, its seal last.
fn step(part: Part, calls: &mut u32, say: &mut impl FnMut(Delta)) {
    let Part { content, mut signature, .. } = part;
    match content {
        Content::Text(text) => {
            if !text.text.is_empty() {
                say(Delta::Text(text.text));
            }
            if !text.annotations.is_empty() {
                say(Delta::Annotations(text.annotations));
            }
        }
        Content::Refusal(text) => say(Delta::Refusal(text)),
        Content::Reasoning(reasoning) => {
            if !reasoning.text.is_empty() {
                say(Delta::Reasoning(reasoning.text));
            }
            if let Some(data) = reasoning.redacted {
                say(Delta::RedactedReasoning(data));
                // An empty seal beside it only says whose it is.
                signature = signature.filter(|seal| !seal.value.is_empty());
            }
        }
        Content::ToolCall(call) => {
            let index = *calls;
            *calls += 1;
            let signature = signature.take();
            say(Delta::ToolCall { index, id: call.id, name: call.name, custom: call.custom, signature });
            if !call.arguments.is_empty() {
                say(Delta::ToolArguments { index, fragment: call.arguments });
            }
        }
        Content::Audio(audio) => say(Delta::Audio(sound(audio))),
        Content::Native(native) => say(Delta::Native(native)),
        Content::Image(image) => {
            if let Some(picture) = picture(&image) {
                say(Delta::Native(picture));
            }
        }
        // No model answers with these.
        Content::Document(_) | Content::ToolResult(_) => {}
    }
    if let Some(signature) = signature {
        say(Delta::Signature(signature));
    }
}

/// Sound in OpenAI's `delta.audio` shape.
fn sound(audio: Audio) -> Value {
    let members = [
        ("id", audio.id.map(Value::from)),
        ("data", audio.data.map(Value::from)),
        ("transcript", audio.transcript.map(Value::from)),
        ("expires_at", audio.expires_at.map(Value::from)),
    ];
    let told = members.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?)));
    Value::Object(told.into_iter().collect())
}

/// A picture in OpenRouter's shape, the one in which streams hold pictures.
fn picture(image: &Image) -> Option<Native> {
    let url = match &image.source {
        Source::Base64 { media_type, data } => format!("data:{media_type};base64,{data}"),
        Source::Url { url, .. } => url.clone(),
        Source::File { .. } | Source::Text(_) => return None,
    };
    let value = json!({ "type": "image_url", "image_url": { "url": url } });
    Some(Native { dialect: Dialect::OpenAi, value })
}

#[cfg(test)]
mod tests {
    use tollway_core::Usage;

    use super::super::{Collect, FinishReason, Reasoning, Signature, Text, ToolCall};
    use super::*;

    fn sealed(content: Content, dialect: Dialect, value: &str) -> Part {
        Part { content, cache_control: None, signature: Some(Signature { dialect, value: value.to_owned() }) }
    }

    fn call(id: &str, arguments: &str) -> Content {
        Content::ToolCall(ToolCall {
            id: id.into(),
            name: "f".into(),
            arguments: arguments.into(),
            custom: false,
        })
    }

    #[test]
    fn what_is_collected_again_is_the_same_answer() {
        let thought = Reasoning { text: "hm".into(), redacted: None };
        let hidden = Reasoning { text: String::new(), redacted: Some("x".into()) };
        let cited = Text { text: "hello".into(), annotations: vec![json!({"type": "url_citation"})] };
        let content = vec![
            sealed(Content::Reasoning(thought), Dialect::Anthropic, "s1"),
            Content::Reasoning(hidden).into(),
            Content::Text(cited).into(),
            call("a", "{\"x\":1}").into(),
            sealed(call("b", ""), Dialect::Gemini, "s2"),
            Content::Refusal("no".into()).into(),
        ];
        let choice = |index, content| Choice {
            index,
            content,
            finish: FinishReason::ToolCalls.into(),
            logprobs: Some(json!({"content": [{"token": "a"}]})),
        };
        let reply = Reply {
            id: Some("i".into()),
            model: Some("m".into()),
            created: Some(7),
            choices: vec![choice(0, content), choice(1, vec![Part::text("other")])],
            usage: Some(Usage { input: 3, output: 5, ..Usage::default() }),
            service_tier: Some("flex".into()),
            system_fingerprint: Some("fp".into()),
            extra: std::iter::once(("openai".to_owned(), json!({"x": 1}))).collect(),
        };
        let mut collect = Collect::default();
        for event in reply.clone().into_events() {
            collect.push(event);
        }
        assert_eq!(collect.finish().unwrap(), reply);
    }

    #[test]
    fn an_empty_answer_still_begins_and_ends() {
        let choice =
            Choice { index: 0, content: Vec::new(), finish: FinishReason::Length.into(), logprobs: None };
        let events = Reply { choices: vec![choice], ..Reply::default() }.into_events();
        assert!(matches!(events.as_slice(), [Event::Start(_), Event::Finish { choice: 0, .. }]));
    }
}
