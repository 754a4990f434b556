//! Holds requests to the rules of their provider, in the provider's own words.
//!
//! Pure functions over parsed JSON, written from the providers' documentation and from recorded
//! exchanges, without any type of the gateway: they are the judge of its translations. Form is judged
//! here; whether a signature was really given out is judged by `super::signature`.

mod anthropic;
mod anthropic_blocks;
mod anthropic_shape;
mod gemini;
mod gemini_generation;
mod gemini_shape;
mod gemini_turns;
mod groq;
mod mistral;
mod mistral_shape;
mod openai;
mod openai_messages;
mod openai_shape;
mod path;
mod responses;
mod responses_shape;
mod schema;
mod shape;

pub use anthropic::{anthropic_count_tokens, anthropic_messages};
pub(super) use gemini::{declarations, field, items};
pub use gemini::{gemini_batch_embed, gemini_count_tokens, gemini_embed, gemini_generate};
pub use groq::groq_chat;
pub use mistral::{mistral_chat, mistral_embeddings};
pub use openai::{compatible_chat, openai_chat, openai_completions, openai_embeddings};
pub use responses::openai_responses;

#[cfg(test)]
mod tests;

use base64::Engine as _;

/// Whether `data` is base64 of the standard or the URL alphabet, padded or not.
pub(super) fn base64_form(data: &str) -> bool {
    decode_base64(data).is_some_and(|bytes| !bytes.is_empty())
}

/// Decodes base64 of the standard or the URL alphabet, padded or not.
pub(super) fn decode_base64(data: &str) -> Option<Vec<u8>> {
    use base64::alphabet::{STANDARD, URL_SAFE};
    use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
    let lenient = GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent);
    GeneralPurpose::new(&STANDARD, lenient)
        .decode(data)
        .or_else(|_| GeneralPurpose::new(&URL_SAFE, lenient).decode(data))
        .ok()
}
