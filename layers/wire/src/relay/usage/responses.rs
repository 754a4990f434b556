use tollway_core::Usage;

use super::each;

/// Reads the `usage` of a response. `None` where it is none or counts nothing. Searches stand
/// elsewhere.
pub(in crate::relay) fn decode_responses(text: &[u8]) -> Option<Usage> {
    let mut usage = Usage::default();
    let mut told = false;
    each(text, |within, name, count| match (within, name) {
        (b"", b"input_tokens") => (usage.input, told) = (count, true),
        (b"", b"output_tokens") => (usage.output, told) = (count, true),
        (b"input_tokens_details", b"cached_tokens") => usage.cached_input = count,
        (b"input_tokens_details", b"cache_write_tokens") => usage.cache_write_5m = count,
        (b"input_tokens_details", b"audio_tokens") => usage.input_audio = count,
        (b"input_tokens_details", b"image_tokens") => usage.input_image = count,
        (b"output_tokens_details", b"reasoning_tokens") => usage.reasoning = count,
        (b"output_tokens_details", b"audio_tokens") => usage.output_audio = count,
        _ => {}
    })?;
    told.then_some(usage)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_are_read_by_their_names_here() {
        let text = br#"{"input_tokens":75,"input_tokens_details":{"cached_tokens":5,"cache_write_tokens":2},
            "output_tokens":16,"output_tokens_details":{"reasoning_tokens":9},"total_tokens":91}"#;
        let usage = Usage {
            input: 75,
            cached_input: 5,
            cache_write_5m: 2,
            output: 16,
            reasoning: 9,
            ..Usage::default()
        };
        assert_eq!(decode_responses(text), Some(usage));
        for text in ["null", "{}", "[]", r#"{"input_tokens":null}"#, r#"{"prompt_tokens":1}"#, ""] {
            assert_eq!(decode_responses(text.as_bytes()), None, "{text}");
        }
    }
}
