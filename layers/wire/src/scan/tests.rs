use proptest::prelude::*;
use serde_json::value::RawValue;

use super::*;

fn accepts(text: &[u8]) -> bool {
    let mut scanner = Scanner::new(text, 0);
    scanner.space();
    std::str::from_utf8(text).is_ok() && scanner.value().is_ok() && scanner.end().is_ok()
}

fn serde_accepts(text: &[u8]) -> bool {
    serde_json::from_slice::<&RawValue>(text).is_ok()
}

#[test]
fn accepts_what_json_is_and_nothing_else() {
    for text in [
        "0",
        "-0",
        "01",
        "1.",
        ".5",
        "1e",
        "1e+",
        "1E-3",
        "-",
        "+1",
        "1.5e10",
        "1e999",
        "nul",
        "null",
        "nullx",
        "true ",
        "[]",
        "[1,]",
        "[,1]",
        "{}",
        "{\"a\":1,}",
        "{\"a\" 1}",
        "{a:1}",
        "\"\\u12g4\"",
        "\"\\ud800\"",
        "\"\\x\"",
        "\"\t\"",
        "\"",
        "",
        " ",
        "[[[]]",
        "[}",
        "{]",
        "[1 2]",
        "{\"a\":[{\"b\":{}}],\"c\":null}",
        "\u{feff}{}",
        "\"\u{7f}\"",
        "\"\u{e9}\"",
        "\"\\\"",
        "{\"a\":1}{}",
        "\r\n\t 1 \r\n\t",
        "\u{c}1",
    ] {
        assert_eq!(accepts(text.as_bytes()), serde_accepts(text.as_bytes()), "{text}");
    }
}

#[test]
fn every_byte_ends_a_plain_run_or_does_not_at_every_place() {
    for byte in 0..=u8::MAX {
        for before in (0..20).chain(250..340).chain(600..610) {
            let mut text = vec![b'"'];
            text.extend(std::iter::repeat_n(b'x', before));
            text.push(byte);
            text.extend(b"yyyyyyyyyy\"");
            let mut scanner = Scanner::new(&text, 0);
            let fault = scanner.value().and_then(|_| scanner.end());
            let bad = byte < 0x20 || byte == b'"' || byte == b'\\';
            assert_eq!(fault.is_err(), bad, "byte {byte} after {before}");
        }
    }
}

#[test]
fn depth_is_no_danger() {
    let deep = 1 << 20;
    let mut text = vec![b'['; deep];
    assert!(Scanner::new(&text, 0).value().is_err());
    text.extend(vec![b']'; deep]);
    assert!(Scanner::new(&text, 0).value().is_ok());
    let objects = "{\"a\":[".repeat(1000) + &"]}".repeat(1000);
    assert!(Scanner::new(objects.as_bytes(), 0).value().is_ok());
    let crossed = "{\"a\":[".repeat(1000) + &"}]".repeat(1000);
    assert!(Scanner::new(crossed.as_bytes(), 0).value().is_err());
}

/// JSON text, valid or nearly so: tokens in any order.
fn tokens() -> impl Strategy<Value = String> {
    let token = prop_oneof![
        Just("{".to_owned()),
        Just("}".to_owned()),
        Just("[".to_owned()),
        Just("]".to_owned()),
        Just(",".to_owned()),
        Just(":".to_owned()),
        Just("\"a\":".to_owned()),
        Just("\"".to_owned()),
        Just("\\".to_owned()),
        Just("null".to_owned()),
        Just("true".to_owned()),
        "-?[0-9.eE+-]{1,5}",
        "[ \n\r\t]{1,3}",
        "\"[a-z\\\\u0-9\"\u{1}]{0,9}\"",
    ];
    prop::collection::vec(token, 0..12).prop_map(|tokens| tokens.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4096))]

    #[test]
    fn agrees_with_serde_json_on_near_json(text in tokens()) {
        prop_assert_eq!(accepts(text.as_bytes()), serde_accepts(text.as_bytes()), "{}", text);
    }

    #[test]
    fn agrees_with_serde_json_on_any_bytes(text in prop::collection::vec(any::<u8>(), 0..24)) {
        prop_assert_eq!(accepts(&text), serde_accepts(&text));
    }

    #[test]
    fn agrees_with_serde_json_on_mutated_json(
        text in crate::json_text::value(),
        at in any::<prop::sample::Index>(),
        change in prop_oneof![Just(None), any::<u8>().prop_map(Some), "[\\[\\]{},:\"\\\\0-9a-z ]".prop_map(|s| s.bytes().next())],
    ) {
        prop_assert!(accepts(text.as_bytes()), "{}", text);
        let mut bytes = text.into_bytes();
        let at = at.index(bytes.len());
        match change {
            Some(byte) => bytes[at] = byte,
            None => drop(bytes.remove(at)),
        }
        prop_assert_eq!(accepts(&bytes), serde_accepts(&bytes), "{}", String::from_utf8_lossy(&bytes));
    }
}
