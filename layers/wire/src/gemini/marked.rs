//! Other providers' seals in the keeping of Gemini's clients.

use tollway_core::Dialect;

use super::words::Words;
use crate::{
    chat::{Content, Part, Reasoning, Signature, Text},
    seal::{self, Sealed},
};

/// Base64 of `skip_thought_signature_validator`: what Google documents for a call that no Gemini
/// model made. Recorded requests send it and are answered.
pub(super) const NO_SIGNATURE: &str = "c2tpcF90aG91Z2h0X3NpZ25hdHVyZV92YWxpZGF0b3I=";

/// The `thoughtSignature` of a part shown to a client.
pub(super) fn shown(part: &Part) -> Option<Words<'_>> {
    let signature = part.signature.as_ref();
    if let Content::Reasoning(Reasoning { redacted: Some(data), .. }) = &part.content {
        let dialect = signature.map_or(Dialect::Anthropic, |signature| signature.dialect);
        return Some(redacted(dialect, data));
    }
    signature.filter(|signature| !signature.value.is_empty()).map(self::seal)
}

/// A seal: Gemini's own as it is, another's marked.
pub(super) fn seal(signature: &Signature) -> Words<'_> {
    match signature.dialect {
        Dialect::Gemini => signature.value.as_str().into(),
        _ => seal::to_base64(&seal::on_thinking(signature)).into(),
    }
}

/// Another provider's sealed thinking.
pub(super) fn redacted(dialect: Dialect, data: &str) -> Words<'static> {
    seal::to_base64(&seal::redacted(dialect, data)).into()
}

/// A part of an answer, without what stands for no seal.
pub(super) fn answered(mut part: Part) -> Part {
    part.signature = part.signature.filter(|signature| signature.value != NO_SIGNATURE);
    part
}

/// A part that a client gave back, with the seal of its maker.
pub(super) fn restored(mut part: Part) -> Part {
    let mark = part.signature.as_ref().and_then(|signature| seal::read_base64(&signature.value));
    match mark {
        None => {}
        Some(Sealed::Redacted(dialect, data)) => {
            let thinking = Reasoning { text: String::new(), redacted: Some(data) };
            part.content = Content::Reasoning(thinking);
            part.signature = Some(Signature { dialect, value: String::new() });
        }
        Some(Sealed::Thinking(signature)) => {
            // A client may have left out that it was a thought.
            if matches!(&part.content, Content::Text(Text { text, .. }) if text.is_empty()) {
                part.content = Content::Reasoning(Reasoning::default());
            }
            part.signature = Some(signature);
        }
        Some(Sealed::Text(signature) | Sealed::Call(_, signature)) => part.signature = Some(signature),
    }
    part
}
