use memchr::memchr2;

use super::{stream_decode::WireDelta, text::Str};

/// Reads the delta that nearly every event of a stream is, in the very bytes Anthropic writes:
/// `{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"…"}}`.
///
/// `None` for anything else, which the general reader reads. It takes a third of that one's time.
pub(super) fn common_delta(data: &[u8]) -> Option<(u64, WireDelta<'_>)> {
    let rest = data.strip_prefix(br#"{"type":"content_block_delta","index":"#)?;
    let digits =
        rest.iter().position(|byte| !byte.is_ascii_digit()).filter(|digits| (1..=9).contains(digits))?;
    let (index, rest) = rest.split_at(digits);
    let index = index.iter().fold(0, |index, digit| index * 10 + u64::from(digit - b'0'));
    let rest = rest.strip_prefix(br#","delta":{"type":"#)?;
    let value = |prefix: &[u8]| text(rest.strip_prefix(prefix)?);
    let delta = match rest.get(1)? {
        b't' => match value(br#""text_delta","text":"#) {
            Some(text) => {
                WireDelta { kind: Some(kind("text_delta")), text: Some(text), ..WireDelta::default() }
            }
            None => WireDelta {
                kind: Some(kind("thinking_delta")),
                thinking: Some(value(br#""thinking_delta","thinking":"#)?),
                ..WireDelta::default()
            },
        },
        b'i' => WireDelta {
            kind: Some(kind("input_json_delta")),
            partial_json: Some(value(br#""input_json_delta","partial_json":"#)?),
            ..WireDelta::default()
        },
        _ => return None,
    };
    Some((index, delta))
}

fn kind(name: &'static str) -> Str<'static> {
    Str(name.into())
}

/// The string that stands before the two closing braces of the event, and nothing else.
fn text(json: &[u8]) -> Option<Str<'_>> {
    let mut at = 1;
    loop {
        let found = at + memchr2(b'"', b'\\', json.get(at..)?)?;
        if json.get(found) == Some(&b'"') {
            let (string, rest) = json.split_at_checked(found + 1)?;
            let is_last = rest.trim_ascii_end() == b"}}";
            return if is_last { serde_json::from_slice(string).ok() } else { None };
        }
        at = found + 2;
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    proptest! {
        #[test]
        fn the_common_reader_reads_what_the_general_one_does(text in any::<String>(), index in 0u64..9999) {
            for (kind, key) in
                [("text_delta", "text"), ("thinking_delta", "thinking"), ("input_json_delta", "partial_json")]
            {
                let text = json!(text).to_string();
                let delta = format!(r#"{{"type":"{kind}","{key}":{text}}}"#);
                let event =
                    format!(r#"{{"type":"content_block_delta","index":{index},"delta":{delta}}}  "#);
                let (read, common) = common_delta(event.as_bytes()).expect("common");
                let general: WireDelta<'_> = serde_json::from_str(&delta).expect("valid");
                prop_assert_eq!(read, index);
                prop_assert_eq!(format!("{common:?}"), format!("{general:?}"));
                // Any prefix of it is not whole.
                for cut in 0..event.trim_end().len() {
                    prop_assert!(common_delta(&event.as_bytes()[..cut]).is_none());
                }
            }
        }

        #[test]
        fn any_other_tail_is_left_to_the_general_reader(tail in r#"[}" ,a\\]{0,4}"#) {
            let event =
                format!(r#"{{"type":"content_block_delta","index":0,"delta":{{"type":"text_delta","text":"a"{tail}"#);
            let is_common = common_delta(event.as_bytes()).is_some();
            prop_assert!(!is_common || serde_json::from_str::<serde_json::Value>(&event).is_ok());
        }
    }
}
