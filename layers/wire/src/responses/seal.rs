//! Seals on thinking and calls, as they travel in `encrypted_content`.
//!
//! A seal of this API is the id of its `reasoning` item and the `encrypted_content`, joined by a colon:
//! the API verifies the one by the other, so both must come back. Another provider's seal is shown to a
//! client of this dialect as `tollway:DIALECT:KIND:…`, and read again from its next request.

use tollway_core::Dialect;

use crate::chat::Signature;

/// The prefix by which another provider's seal is told from OpenAI's.
const FOREIGN: &str = "tollway:";

/// What a seal that came as `encrypted_content` is on.
#[derive(Debug, PartialEq)]
pub(super) enum Sealed {
    /// The thinking beside it.
    Thinking(Signature),
    /// It is the thinking, which nobody may read.
    Redacted(Dialect, String),
    /// The text before it.
    Text(Signature),
    /// The call with this id.
    Call(String, Signature),
}

/// Reads `encrypted_content` of an item with an id.
pub(super) fn decode(id: Option<&str>, encrypted: &str) -> Sealed {
    foreign(encrypted).unwrap_or_else(|| {
        let value = format!("{}:{encrypted}", id.unwrap_or_default());
        Sealed::Thinking(Signature { dialect: Dialect::Responses, value })
    })
}

fn foreign(encrypted: &str) -> Option<Sealed> {
    let (dialect, rest) = encrypted.strip_prefix(FOREIGN)?.split_once(':')?;
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

/// The item's id and the `encrypted_content` of a seal of this API.
pub(super) fn own(signature: &Signature) -> Option<(Option<&str>, &str)> {
    if signature.dialect != Dialect::Responses {
        return None;
    }
    let (id, encrypted) = signature.value.split_once(':').unwrap_or(("", &signature.value));
    (!encrypted.is_empty()).then_some((Some(id).filter(|id| !id.is_empty()), encrypted))
}

/// Another provider's seal on thinking, for a client of this dialect.
pub(super) fn on_thinking(signature: &Signature) -> String {
    format!("{FOREIGN}{}:thinking:{}", signature.dialect.as_str(), signature.value)
}

/// Another provider's sealed thinking.
pub(super) fn redacted(dialect: Dialect, data: &str) -> String {
    format!("{FOREIGN}{}:redacted:{data}", dialect.as_str())
}

/// Another provider's seal on text.
pub(super) fn on_text(signature: &Signature) -> String {
    format!("{FOREIGN}{}:text:{}", signature.dialect.as_str(), signature.value)
}

/// Another provider's seal on a call.
pub(super) fn on_call(call_id: &str, signature: &Signature) -> String {
    let dialect = signature.dialect.as_str();
    format!("{FOREIGN}{dialect}:call:{}:{call_id}{}", call_id.len(), signature.value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seal(dialect: Dialect, value: &str) -> Signature {
        Signature { dialect, value: value.to_owned() }
    }

    #[test]
    fn openais_own_seal_keeps_id_and_content() {
        let Sealed::Thinking(signature) = decode(Some("rs_1"), "gAAA:B") else { panic!() };
        assert_eq!(own(&signature), Some((Some("rs_1"), "gAAA:B")));
        let Sealed::Thinking(signature) = decode(None, "gAAA") else { panic!() };
        assert_eq!(own(&signature), Some((None, "gAAA")));
        assert_eq!(own(&seal(Dialect::Anthropic, "x:y")), None);
    }

    #[test]
    fn other_providers_seals_come_back_as_they_were() {
        let signature = seal(Dialect::Anthropic, "Eq:Qk==");
        assert_eq!(decode(None, &on_thinking(&signature)), Sealed::Thinking(signature.clone()));
        assert_eq!(decode(Some("rs_1"), &on_text(&signature)), Sealed::Text(signature.clone()));
        let hidden = redacted(Dialect::Anthropic, "da:ta");
        assert_eq!(decode(None, &hidden), Sealed::Redacted(Dialect::Anthropic, "da:ta".into()));
        for id in ["call_1", "", "a:b:3", "größe"] {
            assert_eq!(decode(None, &on_call(id, &signature)), Sealed::Call(id.into(), signature.clone()));
        }
    }

    #[test]
    fn what_only_looks_like_a_mark_is_openais() {
        for odd in
            ["tollway:", "tollway:nobody:thinking:x", "tollway:gemini:call:99:x", "tollway:gemini:odd:x"]
        {
            let Sealed::Thinking(signature) = decode(None, odd) else { panic!("{odd}") };
            assert_eq!(own(&signature), Some((None, odd)));
        }
    }
}
