//! Seals on thinking and calls, as they travel in `encrypted_content`.
//!
//! A seal of this API is the id of its `reasoning` item and the `encrypted_content`, joined by a colon:
//! the API verifies the one by the other, so both must come back. Another provider's seal is shown to a
//! client of this dialect as `tollway:DIALECT:KIND:…`, and read again from its next request.

use tollway_core::Dialect;

use crate::chat::Signature;
pub(super) use crate::seal::{Sealed, on_call, on_text, on_thinking, redacted};

/// Reads `encrypted_content` of an item with an id.
pub(super) fn decode(id: Option<&str>, encrypted: &str) -> Sealed {
    crate::seal::read(encrypted).unwrap_or_else(|| {
        let value = format!("{}:{encrypted}", id.unwrap_or_default());
        Sealed::Thinking(Signature { dialect: Dialect::Responses, value })
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
