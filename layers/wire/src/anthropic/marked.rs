//! Other providers' seals among the blocks that a client of Anthropic's gives back.

use tollway_core::Dialect;

use crate::{
    chat::{Content, Part, Reasoning, Signature, Text},
    seal::{self, FOREIGN, Sealed},
};

/// The parts of an assistant's message, each with the seal that stood beside it as sealed thinking.
pub(super) fn restored(parts: Vec<Part>) -> Vec<Part> {
    if !parts.iter().any(|part| mark_of(part).is_some()) {
        return parts;
    }
    let mut calls: Vec<(String, Signature)> = Vec::new();
    let mut out: Vec<Part> = Vec::with_capacity(parts.len());
    for mut part in parts {
        match mark_of(&part).and_then(seal::read) {
            Some(Sealed::Text(signature)) => match out.last_mut() {
                Some(text) if text.signature.is_none() && matches!(text.content, Content::Text(_)) => {
                    text.signature = Some(signature);
                }
                _ => out.push(sealed(Content::Text(Text::default()), signature)),
            },
            Some(Sealed::Call(id, signature)) => calls.push((id, signature)),
            Some(Sealed::Thinking(signature)) => {
                out.push(sealed(Content::Reasoning(Reasoning::default()), signature));
            }
            Some(Sealed::Redacted(dialect, data)) => {
                let thinking = Reasoning { text: String::new(), redacted: Some(data) };
                out.push(sealed(Content::Reasoning(thinking), Signature { dialect, value: String::new() }));
            }
            None => {
                if let Content::ToolCall(call) = &part.content
                    && let Some(place) = calls.iter().position(|(id, _)| *id == call.id)
                {
                    part.signature = Some(calls.swap_remove(place).1);
                }
                out.push(part);
            }
        }
    }
    out
}

/// The data of sealed thinking that is marked as another provider's.
fn mark_of(part: &Part) -> Option<&str> {
    match &part.content {
        Content::Reasoning(Reasoning { redacted: Some(data), .. }) if data.starts_with(FOREIGN) => Some(data),
        _ => None,
    }
}

fn sealed(content: Content, signature: Signature) -> Part {
    Part { content, cache_control: None, signature: Some(signature) }
}

/// Whose sealed thinking is: Anthropic's where nothing else is said.
pub(super) fn owner(part: &Part) -> Dialect {
    part.signature.as_ref().map_or(Dialect::Anthropic, |seal| seal.dialect)
}
