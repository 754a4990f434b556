//! Generators of JSON *text* for property tests: what values never show, such as white space,
//! escapes, duplicate keys and numbers no machine type holds.

use proptest::prelude::*;

/// White space, mostly none.
pub(crate) fn space() -> impl Strategy<Value = String> {
    prop_oneof![6 => Just(String::new()), 2 => Just(" ".to_owned()), 1 => "[ \n\r\t]{1,4}"]
}

/// A string with its quotes, some characters escaped in one of the ways there are.
pub(crate) fn string() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        8 => "[ !#-\\[\\]-~]{0,12}",
        2 => "[\u{7f}-\u{24f}\u{4e00}-\u{4e20}\u{1f600}-\u{1f610}]{1,3}",
        2 => "\\\\[\"\\\\/bfnrt]",
        1 => "\\\\u00[2-7][0-9a-fA-F]",
        1 => Just("\\ud83d\\ude00".to_owned()),
    ];
    prop::collection::vec(piece, 0..4).prop_map(|pieces| format!("\"{}\"", pieces.concat()))
}

/// A number, some of which no machine type holds.
pub(crate) fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        "-?(0|[1-9][0-9]{0,4})",
        "-?(0|[1-9][0-9]{0,2})\\.[0-9]{1,4}",
        "-?[1-9](\\.[0-9]{1,3})?[eE][+-]?[0-9]{1,2}",
        "[1-9][0-9]{20,40}",
        "0\\.[0-9]{20,30}",
    ]
}

/// A scalar.
pub(crate) fn scalar() -> impl Strategy<Value = String> {
    prop_oneof![
        3 => string(),
        2 => number(),
        1 => Just("true".to_owned()),
        1 => Just("false".to_owned()),
        1 => Just("null".to_owned()),
    ]
}

/// Any value, nested a few levels.
pub(crate) fn value() -> impl Strategy<Value = String> {
    scalar().prop_recursive(3, 24, 4, |inner| {
        prop_oneof![
            prop::collection::vec((space(), inner.clone(), space()), 0..4).prop_map(|items| {
                let items: Vec<String> = items.into_iter().map(|(a, v, b)| format!("{a}{v}{b}")).collect();
                format!("[{}]", items.join(","))
            }),
            object(prop::collection::vec((string(), inner), 0..4)),
        ]
    })
}

/// An object of the members a strategy gives (keys with their quotes), white space strewn in.
pub(crate) fn object(members: impl Strategy<Value = Vec<(String, String)>>) -> impl Strategy<Value = String> {
    let spaces = prop::collection::vec(space(), 8);
    (members, spaces).prop_map(|(members, spaces)| {
        let mut spaces = spaces.iter().cycle();
        let mut next = || spaces.next().map_or("", String::as_str);
        let mut text = format!("{{{}", next());
        for (index, (key, value)) in members.iter().enumerate() {
            if index > 0 {
                text.push(',');
            }
            for piece in [next(), key, next(), ":", next(), value, next()] {
                text.push_str(piece);
            }
        }
        text + "}"
    })
}
