//! Other providers' seals in the keeping of Gemini's clients.

use tollway_core::Dialect;

use super::{encode_turns::NO_SIGNATURE, words::Words};
use crate::{
    EncodeContext,
    chat::{Content, Part, Reasoning, Signature, Text},
    seal::{self, Sealed},
};

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

/// The seals of an answer's calls. Where it is no Gemini model's and none has a seal, the first gets what
/// Google documents for such calls: a model that refuses calls without one then takes it back, unread.
pub(super) fn on_calls<'a>(
    own: impl IntoIterator<Item = Option<Words<'a>>>,
    cx: &EncodeContext,
) -> Vec<Option<Words<'a>>> {
    let mut seals: Vec<Option<Words<'a>>> = own.into_iter().collect();
    if cx.foreign
        && seals.iter().all(Option::is_none)
        && let Some(first) = seals.first_mut()
    {
        *first = Some(NO_SIGNATURE.into());
    }
    seals
}

/// Another provider's sealed thinking.
pub(super) fn redacted(dialect: Dialect, data: &str) -> Words<'static> {
    seal::to_base64(&seal::redacted(dialect, data)).into()
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

#[test]
fn calls_of_other_models_are_sealed_by_the_documented_stand_in() {
    let seals = |foreign, own: [Option<&'static str>; 2]| {
        let cx = EncodeContext { foreign, ..EncodeContext::default() };
        let seals = on_calls(own.map(|seal| seal.map(Words::from)), &cx);
        seals.into_iter().map(|seal| seal.map(Words::into_owned)).collect::<Vec<_>>()
    };
    assert_eq!(seals(true, [None, None]), [Some(NO_SIGNATURE.to_owned()), None]);
    assert_eq!(seals(true, [None, Some("own")]), [None, Some("own".to_owned())]);
    assert_eq!(seals(false, [None, None]), [None, None]);
}
