//! Seals of one provider in the keeping of another dialect's client.
//!
//! A client gives back what it was given, so that a provider finds its own seals again though the
//! conversation went through others. Where a dialect has no place for another provider's seal, it is shown
//! as one of its own, marked `tollway:DIALECT:KIND:…`. A marked seal must never reach a provider:
//! [`holds_foreign`] tells where a request cannot be relayed as it is.

use base64::{
    Engine,
    alphabet::{STANDARD, URL_SAFE},
    engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig},
};
use tollway_core::Dialect;

use crate::chat::Signature;

/// The mark's beginning.
pub(crate) const FOREIGN: &str = "tollway:";

/// The same in base64, as far as what follows it has no part in it.
const FOREIGN_BASE64: &str = "dG9sbHdheT";

/// Ids of calls begin so that were made anew for a client of another dialect.
pub(crate) const FOREIGN_ID: &str = "tollway_";

/// What a seal is on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Sealed {
    /// The thinking beside it.
    Thinking(Signature),
    /// It is the thinking, which nobody may read.
    Redacted(Dialect, String),
    /// The text before it.
    Text(Signature),
    /// The call with this id.
    Call(String, Signature),
}

/// Whether a request in a dialect holds what stands for another provider's seals, ids or citations.
///
/// Such a request must be decoded and encoded even where the provider speaks the client's dialect: it would
/// refuse the marks. May say so of a request that only speaks of them, which does no harm.
pub fn holds_foreign(dialect: Dialect, body: &[u8]) -> bool {
    let holds = |mark: &str| memchr::memmem::find(body, mark.as_bytes()).is_some();
    match dialect {
        // Thinking that nobody sealed is shown with an empty seal.
        Dialect::Anthropic => {
            holds(FOREIGN) || holds(FOREIGN_ID) || holds("\"signature\":\"\"") || holds("\"signature\": \"\"")
        }
        Dialect::Gemini => holds(FOREIGN_BASE64),
        Dialect::Responses => holds(FOREIGN) || holds(FOREIGN_ID),
        _ => false,
    }
}

/// Reads a marked seal; `None` for any other text.
pub(crate) fn read(mark: &str) -> Option<Sealed> {
    let (dialect, rest) = mark.strip_prefix(FOREIGN)?.split_once(':')?;
    let (kind, value) = rest.split_once(':')?;
    let dialect = [Dialect::OpenAi, Dialect::Responses, Dialect::Anthropic, Dialect::Gemini]
        .into_iter()
        .find(|known| known.as_str() == dialect)?;
    let seal = |value: &str| Signature { dialect, value: value.to_owned() };
    Some(match kind {
        "thinking" => Sealed::Thinking(seal(value)),
        "redacted" => Sealed::Redacted(dialect, value.to_owned()),
        "text" => Sealed::Text(seal(value)),
        "call" => {
            let (length, rest) = value.split_once(':')?;
            let (id, value) = rest.split_at_checked(length.parse().ok()?)?;
            Sealed::Call(id.to_owned(), seal(value))
        }
        _ => return None,
    })
}

/// A seal on thinking, marked.
pub(crate) fn on_thinking(signature: &Signature) -> String {
    format!("{FOREIGN}{}:thinking:{}", signature.dialect.as_str(), signature.value)
}

/// Sealed thinking, marked.
pub(crate) fn redacted(dialect: Dialect, data: &str) -> String {
    format!("{FOREIGN}{}:redacted:{data}", dialect.as_str())
}

/// A seal on text, marked.
pub(crate) fn on_text(signature: &Signature) -> String {
    format!("{FOREIGN}{}:text:{}", signature.dialect.as_str(), signature.value)
}

/// A seal on a call, marked.
pub(crate) fn on_call(call_id: &str, signature: &Signature) -> String {
    let dialect = signature.dialect.as_str();
    format!("{FOREIGN}{dialect}:call:{}:{call_id}{}", call_id.len(), signature.value)
}

/// A mark in base64, for a place whose clients decode it and write it again.
pub(crate) fn to_base64(mark: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(mark)
}

/// Reads a marked seal in base64 of either alphabet, padded or not.
pub(crate) fn read_base64(text: &str) -> Option<Sealed> {
    if !text.starts_with(FOREIGN_BASE64) {
        return None;
    }
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    let alphabet = if text.contains(['-', '_']) { &URL_SAFE } else { &STANDARD };
    let mark = GeneralPurpose::new(alphabet, lenient).decode(text).ok()?;
    read(std::str::from_utf8(&mark).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn sealed() -> impl Strategy<Value = Sealed> {
        let dialect = prop::sample::select(vec![Dialect::Responses, Dialect::Anthropic, Dialect::Gemini]);
        (dialect, "[a-zA-Z0-9+/=:_é-]{0,12}", "[a-z0-9:é]{0,6}", 0..4u8).prop_map(
            |(dialect, value, id, kind)| {
                let signature = Signature { dialect, value: value.clone() };
                match kind {
                    0 => Sealed::Thinking(signature),
                    1 => Sealed::Redacted(dialect, value),
                    2 => Sealed::Text(signature),
                    _ => Sealed::Call(id, signature),
                }
            },
        )
    }

    fn written(sealed: &Sealed) -> String {
        match sealed {
            Sealed::Thinking(signature) => on_thinking(signature),
            Sealed::Redacted(dialect, data) => redacted(*dialect, data),
            Sealed::Text(signature) => on_text(signature),
            Sealed::Call(id, signature) => on_call(id, signature),
        }
    }

    proptest! {
        #[test]
        fn a_seal_comes_back_as_it_was(sealed in sealed(), padded in any::<bool>(), url_safe in any::<bool>()) {
            let mark = written(&sealed);
            prop_assert_eq!(read(&mark), Some(sealed.clone()));
            let mut base64 = to_base64(&mark);
            prop_assert!(holds_foreign(Dialect::Gemini, base64.as_bytes()));
            // Google's SDKs decode it and write it in the other alphabet.
            if url_safe {
                base64 = base64.replace('+', "-").replace('/', "_");
            }
            if !padded {
                base64 = base64.trim_end_matches('=').to_owned();
            }
            prop_assert_eq!(read_base64(&base64), Some(sealed));
        }

        #[test]
        fn what_only_looks_like_a_mark_is_none(text in "(tollway:|dG9sbHdheT)?(gemini:|nobody:)?(call:|odd:)?[0-9a-z:=é]{0,8}") {
            if let Some(sealed) = read(&text) {
                prop_assert_eq!(written(&sealed).len() >= FOREIGN.len(), true);
            }
            let _ = read_base64(&text);
        }
    }

    #[test]
    fn what_a_provider_would_refuse_is_seen() {
        for (dialect, body, seen) in [
            (Dialect::Anthropic, r#"{"type":"thinking","signature":"tollway:gemini:thinking:x"}"#, true),
            (Dialect::Anthropic, r#"{"type":"thinking","signature": ""}"#, true),
            (Dialect::Anthropic, r#"{"type":"thinking","signature":"EqQB"}"#, false),
            (Dialect::Responses, r#"{"type":"reasoning","id":"rs_tollway_0","summary":[]}"#, true),
            (Dialect::Responses, r#"{"type":"reasoning","id":"rs_0","encrypted_content":"gAAA"}"#, false),
            (Dialect::Gemini, r#"{"thoughtSignature":"dG9sbHdheTpvcGVuYWk6"}"#, true),
            (Dialect::OpenAi, "tollway:", false),
        ] {
            assert_eq!(holds_foreign(dialect, body.as_bytes()), seen, "{body}");
        }
    }

    #[test]
    fn marks_of_nobody_are_none() {
        for odd in [
            "tollway:",
            "tollway:nobody:thinking:x",
            "tollway:gemini:call:99:x",
            "tollway:gemini:odd:x",
            "EqkB",
        ] {
            assert_eq!(read(odd), None, "{odd}");
        }
    }
}
