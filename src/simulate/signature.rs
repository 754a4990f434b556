//! Signatures of thoughts: given out with an answer, held to it when they come back.
//!
//! A real provider refuses a thinking block whose signature is not its own or whose text was changed,
//! and so does the simulator. Gemini's documented stand-ins for calls of other models are let through.

use super::fault::{Fault, Provider};
use super::hash::hash;
use super::validate::{decode_base64, field, items};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;

const MARK: &[u8] = b"tollway-sim";

/// What a signature vouches for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Of {
    /// The text of an Anthropic thinking block.
    Thinking = 1,
    /// An Anthropic redacted thinking block.
    Redacted = 2,
    /// The name of the function that a Gemini part calls.
    Call = 3,
    /// Any other Gemini part.
    Part = 4,
    /// The id of an OpenAI reasoning item.
    Reasoning = 5,
}

/// Signs `text`.
pub(super) fn sign(of: Of, text: &str) -> String {
    let mut bytes = MARK.to_vec();
    bytes.push(of as u8);
    for seed in [11, 17] {
        bytes.extend(hash(seed + of as u64, text.as_bytes()).to_be_bytes());
    }
    STANDARD.encode(bytes)
}

/// Whether `signature` was given out for anything of this kind.
fn is_of(of: Of, signature: &str) -> bool {
    decode_base64(signature).is_some_and(|bytes| {
        bytes.strip_prefix(MARK).is_some_and(|rest| rest.len() == 17 && rest.first() == Some(&(of as u8)))
    })
}

/// Whether `signature` was given out for `text`.
pub(super) fn holds(of: Of, text: &str, signature: &str) -> bool {
    decode_base64(signature)
        .is_some_and(|bytes| decode_base64(&sign(of, text)).is_some_and(|own| own == bytes))
}

/// Holds the thinking blocks of a Messages request to their signatures.
pub(super) fn check_anthropic(body: &Value) -> Result<(), Fault> {
    for (i, message) in items(body, "messages").iter().enumerate() {
        for (j, block) in message["content"].as_array().into_iter().flatten().enumerate() {
            let text = |name: &str| block[name].as_str().unwrap_or_default();
            let good = match block["type"].as_str() {
                Some("thinking") => sign(Of::Thinking, text("thinking")) == text("signature"),
                Some("redacted_thinking") => sign(Of::Redacted, "") == text("data"),
                _ => true,
            };
            if !good {
                let kind = text("type");
                let field = if kind == "thinking" { "signature" } else { "data" };
                let message = format!("messages.{i}.content.{j}: Invalid `{field}` in `{kind}` block");
                return Err(Fault::new(Provider::Anthropic, 400, message));
            }
        }
    }
    Ok(())
}

/// Stand-ins that Gemini documents for function calls which it did not make.
const STAND_INS: [&[u8]; 2] = [b"skip_thought_signature_validator", b"context_engineering_is_the_way_to_go"];

/// Whether a part of a `generateContent` request carries a signature that was given out for it.
pub(super) fn is_own_thought(part: &Value) -> bool {
    let of = |signature: &str| match field(part, "functionCall") {
        Some(call) => holds(Of::Call, call["name"].as_str().unwrap_or_default(), signature),
        None => holds(Of::Part, "", signature),
    };
    field(part, "thoughtSignature").and_then(Value::as_str).is_some_and(of)
}

/// Holds the parts of a `generateContent` request to their signatures.
pub(super) fn check_gemini(body: &Value) -> Result<(), Fault> {
    for part in items(body, "contents").iter().flat_map(|content| items(content, "parts")) {
        let Some(signature) = field(part, "thoughtSignature").and_then(Value::as_str) else { continue };
        let stand_in = || {
            let bytes = decode_base64(signature).unwrap_or_default();
            STAND_INS.iter().any(|known| *known == bytes || *known == signature.as_bytes())
        };
        if !is_own_thought(part) && !stand_in() {
            return Err(Fault::new(Provider::Gemini, 400, "Thought signature is not valid"));
        }
    }
    Ok(())
}

/// Holds the reasoning items of a Responses request to their encrypted content.
pub(super) fn check_responses(body: &Value) -> Result<(), Fault> {
    for item in body["input"].as_array().into_iter().flatten() {
        let Some(content) = item["encrypted_content"].as_str() else { continue };
        if item["type"] != "reasoning" {
            continue;
        }
        let reason = match item["id"].as_str() {
            _ if !is_of(Of::Reasoning, content) => "could not be decrypted or parsed",
            Some(id) if sign(Of::Reasoning, id) != content => "item_id did not match the target item id",
            _ => continue,
        };
        let message = format!(
            "The encrypted content {content} could not be verified. Reason: Encrypted content {reason}."
        );
        return Err(Fault::new(Provider::OpenAi, 400, message).code("invalid_encrypted_content"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn thinking(text: &str, signature: &str) -> Value {
        json!({"messages": [{"role": "assistant", "content": [
            {"type": "thinking", "thinking": text, "signature": signature},
        ]}]})
    }

    #[test]
    fn thinking_comes_back_unchanged_or_is_refused() {
        let signature = sign(Of::Thinking, "so it is");
        assert_eq!(check_anthropic(&thinking("so it is", &signature)), Ok(()));
        let fault = check_anthropic(&thinking("so it was", &signature)).unwrap_err();
        assert_eq!(fault.message, "messages.0.content.0: Invalid `signature` in `thinking` block");
        check_anthropic(&thinking("so it is", "AAAA")).unwrap_err();
    }

    #[test]
    fn a_call_keeps_the_signature_of_its_own_name() {
        let body = |signature: &str| {
            json!({"contents": [{"role": "model", "parts": [
                {"functionCall": {"name": "look"}, "thought_signature": signature},
            ]}]})
        };
        assert_eq!(check_gemini(&body(&sign(Of::Call, "look"))), Ok(()));
        check_gemini(&body(&sign(Of::Call, "walk"))).unwrap_err();
        assert_eq!(check_gemini(&body(&STANDARD.encode("skip_thought_signature_validator"))), Ok(()));
    }
}
