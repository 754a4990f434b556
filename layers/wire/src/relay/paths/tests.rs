use proptest::prelude::*;
use serde_json::Value;

use super::*;
use crate::json_text;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Tag {
    Usage,
    Index,
    Said,
    Item,
}

const ROOT: &[Member<Tag>] = &[
    Member::value("usage", Tag::Usage),
    Member::elements(
        "items",
        Tag::Item,
        &[Member::value("index", Tag::Index), Member::within("parts", &[Member::sign("text", Tag::Said)])],
    ),
];

type Seen = Vec<(Tag, Option<String>)>;

fn seen(pieces: &[&[u8]]) -> (Seen, bool) {
    let mut paths = Paths::new(ROOT);
    let mut seen = Vec::new();
    for piece in pieces {
        paths.feed(piece, |found| {
            seen.push(match found {
                Found::Value(tag, value) => (tag, Some(String::from_utf8_lossy(value).into_owned())),
                Found::Sign(tag) | Found::ElementEnd(tag) => (tag, None),
            });
        });
    }
    (seen, paths.is_whole())
}

#[test]
fn members_are_found_where_they_are_looked_for() {
    let text = br#" {"x":{"usage":1},"us\u0061ge" : {"a":"}"} ,"items":[1,[{"index":9}],
        {"index":0,"parts":[{"text":""},{"text":"a"}],"y":{"index":8}},{"parts":{"text":"b"},"index":"c"}]} "#;
    let value = |tag, text: &str| (tag, Some(text.to_owned()));
    let expected = vec![
        value(Tag::Usage, r#"{"a":"}"}"#),
        value(Tag::Index, "0"),
        (Tag::Said, None),
        (Tag::Item, None),
        (Tag::Said, None),
        value(Tag::Index, "\"c\""),
        (Tag::Item, None),
    ];
    assert_eq!(seen(&[text]), (expected.clone(), true));
    assert_eq!(seen(&text.chunks(1).collect::<Vec<_>>()), (expected, true));
}

#[test]
fn what_is_no_whole_object_is_not_called_one() {
    for text in ["", "{", "[]", "[{}]", "{}x", "{}\"", "{},", "{}}", "{}{", "{\"a\":\"}", "1"] {
        assert!(!seen(&[text.as_bytes()]).1, "{text}");
    }
    assert!(seen(&[b"data: {} \n"]).1);
}

#[test]
fn a_value_too_large_is_not_kept_whole() {
    let text = format!(r#"{{"usage":"{}"}}"#, "u".repeat(1 << 20));
    let (seen, whole) = seen(&[text.as_bytes()]);
    assert_eq!((seen[0].1.as_ref().map(String::len), whole), (Some(MAX_VALUE), true));
}

fn object() -> impl Strategy<Value = String> {
    let key = |key: &'static str, value: BoxedStrategy<String>| {
        value.prop_map(move |value| (format!("\"{key}\""), value)).boxed()
    };
    let item = json_text::object(prop::collection::vec(
        prop_oneof![key("index", json_text::scalar().boxed()), key("parts", json_text::value().boxed())],
        0..3,
    ));
    let items = prop::collection::vec(prop_oneof![3 => item, 1 => json_text::value()], 0..4)
        .prop_map(|items| format!("[{}]", items.join(" ,")));
    json_text::object(prop::collection::vec(
        prop_oneof![
            key("usage", json_text::value().boxed()),
            key("items", items.boxed()),
            key("other", json_text::value().boxed()),
        ],
        0..4,
    ))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn any_chunking_finds_the_same(text in object(), cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8)) {
        let bytes = text.as_bytes();
        let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        at.extend([0, bytes.len()]);
        at.sort_unstable();
        let pieces: Vec<&[u8]> = at.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
        prop_assert_eq!(seen(&pieces), seen(&[bytes]));
        prop_assert!(seen(&[bytes]).1);
        let trimmed = text.trim_end().len();
        for at in 0..trimmed {
            prop_assert!(!seen(&[&bytes[..at]]).1);
        }
    }

    /// Of several members of a name the last value found is the one serde_json has.
    #[test]
    fn the_last_value_is_serde_json_s(text in object()) {
        if let Ok(value) = serde_json::from_str::<Value>(&text) {
            let (seen, _) = seen(&[text.as_bytes()]);
            let last = seen.iter().rfind(|(tag, _)| *tag == Tag::Usage);
            let last = last.and_then(|(_, text)| serde_json::from_str(text.as_deref()?).ok());
            prop_assert_eq!(last.as_ref(), value.get("usage"));
            let ends = seen.iter().filter(|(tag, _)| *tag == Tag::Item).count();
            if text.matches("\"items\"").count() == 1 {
                let objects = value["items"].as_array().map_or(0, |items| items.iter().filter(|it| it.is_object()).count());
                prop_assert_eq!(ends, objects);
            }
        }
    }
}
