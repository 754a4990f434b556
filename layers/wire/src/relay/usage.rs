//! Usage as OpenAI and the servers that speak its format count it.

mod walk;

use std::ops::Range;

use tollway_core::Usage;

use crate::scan::{Kind, Member, Scanner};

/// Reads a `usage` object. `None` where it is none or counts nothing.
///
/// Where servers depart from OpenAI: DeepSeek counts cache reads in `prompt_cache_hit_tokens`,
/// Mistral in `num_cached_tokens`, Moonshot in `cached_tokens`; OpenRouter and OpenAI tell cache
/// writes in `prompt_tokens_details.cache_write_tokens`. xAI leaves reasoning out of `completion_tokens`, which
/// shows in the total.
pub(crate) fn decode(text: &[u8]) -> Option<Usage> {
    if let Some(counts) = walk::counts(text, Counts::count) {
        return counts.usage();
    }
    let mut counts = Counts::default();
    members(text, 0, |member| {
        let name = key(text, member);
        if let Some(count) = number(text, &member.value) {
            counts.count(b"", name, count);
        }
        if member.kind == Kind::Object {
            members(text, member.value.start, |inner| {
                if let Some(count) = number(text, &inner.value) {
                    counts.count(name, key(text, inner), count);
                }
            });
        }
    })?;
    counts.usage()
}

/// What was counted so far.
#[derive(Debug, Default)]
struct Counts {
    usage: Usage,
    counted: bool,
    total: Option<u64>,
    cached_elsewhere: u64,
}

impl Counts {
    /// Takes in a count, by the name of the object it stands in (empty for the outermost) and its
    /// own.
    fn count(&mut self, within: &[u8], name: &[u8], count: u64) {
        let Self { usage, counted, total, cached_elsewhere } = self;
        match (within, name) {
            (b"", b"prompt_tokens") => {
                usage.input = count;
                *counted = true;
            }
            (b"", b"completion_tokens") => {
                usage.output = count;
                *counted = true;
            }
            (b"", b"total_tokens") => *total = Some(count),
            (b"", b"prompt_cache_hit_tokens" | b"num_cached_tokens" | b"cached_tokens") => {
                *cached_elsewhere = count;
            }
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
        let Self { mut usage, counted, total, cached_elsewhere } = self;
        if usage.cached_input == 0 {
            usage.cached_input = cached_elsewhere;
        }
        if let Some(total) = total {
            let apart = usage.input.saturating_add(usage.output).saturating_add(usage.reasoning);
            if usage.reasoning > 0 && total == apart {
                usage.output = usage.output.saturating_add(usage.reasoning);
            }
        }
        (counted || total.is_some()).then_some(usage)
    }
}

fn members(text: &[u8], at: usize, mut each: impl FnMut(&Member)) -> Option<()> {
    Scanner::new(text, at).object(|member| each(&member)).ok()
}

fn key<'a>(text: &'a [u8], member: &Member) -> &'a [u8] {
    text.get(member.key.start + 1..member.key.end - 1).unwrap_or_default()
}

/// A count. Some servers write whole numbers with a fraction.
fn number(text: &[u8], at: &Range<usize>) -> Option<u64> {
    let text = text.get(at.clone())?;
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
    fn what_counts_nothing_is_none() {
        for text in
            ["null", "{}", r#"{"prompt_tokens":null}"#, r#"{"prompt_tokens":"1"}"#, r#"{"prompt_tokens":1"#]
        {
            assert_eq!(decode(text.as_bytes()), None, "{text}");
        }
    }
}
