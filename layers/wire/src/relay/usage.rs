//! Usage as OpenAI and the servers that speak its format count it.

mod responses;
mod walk;

use std::ops::Range;

use tollway_core::Usage;

pub(super) use self::responses::decode_responses;
use crate::scan::{Kind, Member, Scanner};

/// Reads a `usage` object. `None` where it is none or counts nothing.
///
/// Where servers depart from OpenAI: DeepSeek counts cache reads in `prompt_cache_hit_tokens`,
/// Mistral in `num_cached_tokens`, Moonshot in `cached_tokens`; OpenRouter and OpenAI tell cache
/// writes in `prompt_tokens_details.cache_write_tokens`. xAI and Gemini's OpenAI endpoint count thinking
/// in the total but not in `completion_tokens`: the total never holds less than both, so what is over
/// was answered with.
pub(crate) fn decode(text: &[u8]) -> Option<Usage> {
    if let Some((usage, rest)) = decode_first(text)
        && rest.trim_ascii_start().is_empty()
    {
        return usage;
    }
    let mut counts = Counts::default();
    each(text, |within, name, count| counts.count(within, name, count))?;
    counts.usage()
}

/// Gives every count of an object and of the objects in it, with the name of the object it stands in
/// (empty for the outermost) and its own.
fn each(text: &[u8], mut count: impl FnMut(&[u8], &[u8], u64)) -> Option<()> {
    members(text, 0, |member| {
        let name = key(text, member);
        if let Some(number) = number(text, &member.value) {
            count(b"", name, number);
        }
        if member.kind == Kind::Object {
            members(text, member.value.start, |inner| {
                if let Some(number) = number(text, &inner.value) {
                    count(name, key(text, inner), number);
                }
            });
        }
    })
}

/// Reads a plain `usage` object at the beginning of a text, and tells what follows it. `None` where
/// there is none that is plain.
pub(super) fn decode_first(text: &[u8]) -> Option<(Option<Usage>, &[u8])> {
    let (counts, rest) = walk::counts(text, Counts::count)?;
    Some((counts.usage(), rest))
}

/// What was counted so far.
#[derive(Debug, Default)]
struct Counts {
    usage: Usage,
    input: Option<u64>,
    output: Option<u64>,
    total: Option<u64>,
    hit: Option<u64>,
    miss: Option<u64>,
    cached_elsewhere: u64,
}

impl Counts {
    /// Takes in a count, by the name of the object it stands in (empty for the outermost) and its
    /// own.
    fn count(&mut self, within: &[u8], name: &[u8], count: u64) {
        let Self { usage, input, output, total, hit, miss, cached_elsewhere } = self;
        match (within, name) {
            (b"", b"prompt_tokens") => *input = Some(count),
            (b"", b"completion_tokens") => *output = Some(count),
            (b"", b"total_tokens") => *total = Some(count),
            (b"", b"prompt_cache_hit_tokens") => *hit = Some(count),
            (b"", b"prompt_cache_miss_tokens") => *miss = Some(count),
            (b"", b"num_cached_tokens" | b"cached_tokens") => *cached_elsewhere = count,
            (b"", b"reasoning_tokens") if usage.reasoning == 0 => usage.reasoning = count,
            (b"", b"num_search_queries")
            | (b"server_tool_use_details" | b"server_tool_use", b"web_search_requests") => {
                usage.web_searches = count;
            }
            (b"prompt_tokens_details", b"cached_tokens") => usage.cached_input = count,
            (b"prompt_tokens_details", b"cache_write_tokens" | b"cache_creation_tokens") => {
                usage.cache_write_5m = count;
            }
            (b"prompt_tokens_details", b"audio_tokens") => usage.input_audio = count,
            (b"prompt_tokens_details", b"image_tokens") => usage.input_image = count,
            (b"completion_tokens_details", b"reasoning_tokens") => usage.reasoning = count,
            (b"completion_tokens_details", b"audio_tokens") => usage.output_audio = count,
            (b"completion_tokens_details", b"accepted_prediction_tokens") => {
                usage.accepted_prediction = count;
            }
            (b"completion_tokens_details", b"rejected_prediction_tokens") => {
                usage.rejected_prediction = count;
            }
            _ => {}
        }
    }

    fn usage(self) -> Option<Usage> {
        let Self { mut usage, input, output, total, hit, miss, cached_elsewhere } = self;
        let input = input.or_else(|| Some(hit?.saturating_add(miss?))).or(hit).or(miss);
        let told_output = output.unwrap_or(0);
        let total = total.or(input).or(output)?;
        usage.input = input.unwrap_or_else(|| total.saturating_sub(told_output));
        usage.output = told_output.max(total.saturating_sub(usage.input));
        if usage.cached_input == 0 {
            usage.cached_input = hit.unwrap_or(cached_elsewhere);
        }
        Some(usage)
    }
}

fn members(text: &[u8], at: usize, mut each: impl FnMut(&Member)) -> Option<()> {
    Scanner::new(text, at).object(|member| each(&member)).ok()
}

fn key<'a>(text: &'a [u8], member: &Member) -> &'a [u8] {
    text.get(member.key.start + 1..member.key.end - 1).unwrap_or_default()
}

/// A count. Some servers write whole numbers with a fraction, or as texts.
fn number(text: &[u8], at: &Range<usize>) -> Option<u64> {
    let text = text.get(at.clone())?;
    let text = text.strip_prefix(b"\"").and_then(|text| text.strip_suffix(b"\"")).unwrap_or(text);
    // Nearly all: so few digits that they cannot overflow.
    if text.len() < 19 && text.iter().all(u8::is_ascii_digit) {
        return Some(text.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0')));
    }
    let text = std::str::from_utf8(text).ok()?;
    let whole = text
        .split_once('.')
        .map_or(text, |(whole, zeros)| if zeros.bytes().all(|byte| byte == b'0') { whole } else { text });
    whole.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_openai_s_counts() {
        let text = br#"{"prompt_tokens":100,"completion_tokens":50.0,"total_tokens":150,
            "prompt_tokens_details":{"cached_tokens":60,"audio_tokens":5,"image_tokens":7,"cache_write_tokens":9},
            "completion_tokens_details":{"reasoning_tokens":20,"audio_tokens":3,
            "accepted_prediction_tokens":1,"rejected_prediction_tokens":2},"unknown":{}}"#;
        let usage = Usage {
            input: 100,
            cached_input: 60,
            cache_write_5m: 9,
            output: 50,
            reasoning: 20,
            input_audio: 5,
            output_audio: 3,
            input_image: 7,
            accepted_prediction: 1,
            rejected_prediction: 2,
            ..Usage::default()
        };
        assert_eq!(decode(text), Some(usage));
    }

    #[test]
    fn reads_cache_reads_where_other_servers_put_them() {
        for place in [
            r#""prompt_cache_hit_tokens":4,"prompt_cache_miss_tokens":6"#,
            r#""num_cached_tokens":4"#,
            r#""cached_tokens":4,"prompt_tokens_details":null"#,
            r#""prompt_cache_hit_tokens":9,"prompt_tokens_details":{"cached_tokens":4}"#,
        ] {
            let usage = decode(format!(r#"{{"prompt_tokens":10,{place}}}"#).as_bytes()).unwrap();
            assert_eq!((usage.input, usage.cached_input), (10, 4), "{place}");
        }
    }

    #[test]
    fn reasoning_left_out_of_the_output_is_added() {
        let xai = br#"{"prompt_tokens":10,"completion_tokens":5,"total_tokens":115,
            "completion_tokens_details":{"reasoning_tokens":100}}"#;
        assert_eq!(decode(xai).map(|usage| (usage.output, usage.reasoning)), Some((105, 100)));
        let openai = br#"{"prompt_tokens":10,"completion_tokens":105,"total_tokens":115,
            "completion_tokens_details":{"reasoning_tokens":100}}"#;
        assert_eq!(decode(openai).map(|usage| (usage.output, usage.reasoning)), Some((105, 100)));
    }

    #[test]
    fn what_other_servers_write_is_read() {
        let read =
            |text: &str| decode(text.as_bytes()).map(|usage| (usage.input, usage.cached_input, usage.output));
        let deepseek =
            r#"{"prompt_cache_hit_tokens":64,"prompt_cache_miss_tokens":10,"completion_tokens":5}"#;
        assert_eq!(read(deepseek), Some((74, 64, 5)));
        let total_only = r#"{"prompt_tokens":9,"num_cached_tokens":8,"total_tokens":10}"#;
        assert_eq!(read(total_only), Some((9, 8, 1)));
        let gemini = r#"{"prompt_tokens":9,"completion_tokens":1,"total_tokens":30}"#;
        assert_eq!(read(gemini), Some((9, 0, 21)));
        let odd = r#"{"prompt_tokens":"12","completion_tokens":3.0,"prompt_tokens_details":null,
            "completion_tokens_details":[]}"#;
        assert_eq!(read(odd), Some((12, 0, 3)));
        assert_eq!(read(r#"{"prompt_tokens":"12"}"#), Some((12, 0, 0)));
        assert_eq!(read(r#"{"completion_tokens":5}"#), Some((0, 0, 5)));
    }

    #[test]
    fn what_counts_nothing_is_none() {
        for text in [
            "null",
            "{}",
            "[]",
            "\"12\"",
            r#"{"prompt_tokens":null}"#,
            r#"{"prompt_tokens":"x"}"#,
            r#"{"prompt_tokens":1"#,
        ] {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
