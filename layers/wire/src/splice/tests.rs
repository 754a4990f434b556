use proptest::prelude::*;
use serde_json::{Map, Value};
use tollway_core::{Dialect, Endpoint, Operation};

use super::*;
use crate::json_text;

fn peek(body: &str) -> Peek {
    Peek::new(&Operation::new(Dialect::OpenAi, Endpoint::Chat), Bytes::copy_from_slice(body.as_bytes()))
        .unwrap()
}

fn edited(body: &str, edit: impl FnOnce(&mut Splice<'_>)) -> String {
    let peek = peek(body);
    let mut splice = Splice::new(&peek);
    edit(&mut splice);
    let spliced = splice.finish();
    let length = spliced.len();
    let chunks = spliced.clone().into_chunks().concat();
    let bytes = spliced.into_bytes();
    assert_eq!(bytes, chunks);
    assert_eq!(bytes.len(), length);
    String::from_utf8(bytes.to_vec()).unwrap()
}

const BODY: &str = "{ \"model\" : \"a\" ,\n \"messages\":[0] , \"x\": 1e400 }\n";

#[test]
fn a_value_is_replaced_and_nothing_else() {
    let got = edited(BODY, |splice| splice.replace(0, "\"b\""));
    assert_eq!(got, BODY.replace("\"a\"", "\"b\""));
}

#[test]
fn of_two_replacements_the_later_one_holds() {
    let got = edited(BODY, |splice| {
        splice.replace(0, "\"b\"");
        splice.replace(0, "\"c\"");
    });
    assert_eq!(got, BODY.replace("\"a\"", "\"c\""));
}

#[test]
fn a_key_is_renamed() {
    let got = edited(BODY, |splice| splice.rename(2, "y\"z"));
    assert_eq!(got, BODY.replace("\"x\"", "\"y\\\"z\""));
}

#[test]
fn members_are_removed_with_one_comma_each() {
    let removed =
        |places: &[usize]| edited(BODY, |splice| places.iter().for_each(|place| splice.remove(*place)));
    assert_eq!(removed(&[0]), "{ \"messages\":[0] , \"x\": 1e400 }\n");
    assert_eq!(removed(&[1]), "{ \"model\" : \"a\" , \"x\": 1e400 }\n");
    assert_eq!(removed(&[2]), "{ \"model\" : \"a\" ,\n \"messages\":[0] }\n");
    assert_eq!(removed(&[1, 0]), "{ \"x\": 1e400 }\n");
    assert_eq!(removed(&[2, 1]), "{ \"model\" : \"a\" }\n");
    assert_eq!(removed(&[0, 2, 0]), "{ \"messages\":[0] }\n");
    assert_eq!(removed(&[0, 1, 2]), "{  }\n");
}

#[test]
fn members_are_added_at_the_end_of_what_stays() {
    let add = |splice: &mut Splice<'_>| splice.insert("n", b"2");
    assert_eq!(edited(BODY, add), BODY.replace("1e400", "1e400,\"n\":2"));
    let got = edited(BODY, |splice| {
        splice.remove(2);
        splice.insert("n", b"2");
        splice.insert("m", b"[]");
    });
    assert_eq!(got, "{ \"model\" : \"a\" ,\n \"messages\":[0],\"n\":2,\"m\":[] }\n");
    let got = edited(BODY, |splice| {
        (0..3).for_each(|place| splice.remove(place));
        splice.insert("n", b"2");
    });
    assert_eq!(got, "{ \"n\":2 }\n");
}

#[test]
fn edits_of_a_removed_member_are_void() {
    let got = edited(BODY, |splice| {
        splice.replace(2, "2");
        splice.rename(2, "y");
        splice.remove(2);
    });
    assert_eq!(got, "{ \"model\" : \"a\" ,\n \"messages\":[0] }\n");
}

#[test]
fn an_untouched_body_is_not_copied() {
    let peek = peek(BODY);
    let spliced = Splice::new(&peek).finish();
    assert!(spliced.is_untouched());
    assert_eq!(spliced.into_bytes().as_ptr(), peek.body().as_ptr());
}

#[test]
fn a_large_body_is_cut_into_slices_not_copied() {
    let peek = peek(BODY);
    let mut splice = Splice::new(&peek);
    splice.replace(0, "\"b\"");
    let chunks = splice.finish().into_chunks();
    assert_eq!(chunks.len(), 3);
    assert_eq!(chunks[0].as_ptr(), peek.body().as_ptr());
}

#[derive(Clone, Debug)]
enum Edit {
    Replace(prop::sample::Index, String),
    Rename(prop::sample::Index, String),
    Remove(prop::sample::Index),
    Insert(String, String),
}

fn edit() -> impl Strategy<Value = Edit> {
    prop_oneof![
        (any::<prop::sample::Index>(), json_text::value()).prop_map(|(at, value)| Edit::Replace(at, value)),
        (any::<prop::sample::Index>(), "[a-c\"\\\\\u{e9}]{0,3}")
            .prop_map(|(at, name)| Edit::Rename(at, name)),
        any::<prop::sample::Index>().prop_map(Edit::Remove),
        ("[a-c]{0,2}", json_text::value()).prop_map(|(name, value)| Edit::Insert(name, value)),
    ]
}

/// A chat request with any further members, some of them duplicates, in any order.
pub(crate) fn request() -> impl Strategy<Value = String> {
    // No unknown key may come out as one that is read, such as an escaped `n`.
    let unknown = json_text::string().prop_map(|key| key.replacen('"', "\"-", 1));
    let key = prop_oneof![unknown, "\"[a-c]{0,2}\""];
    let extra = prop::collection::vec((key, json_text::value()), 0..6);
    let known = [
        ("\"model\"".to_owned(), "\"m\"".to_owned()),
        ("\"mess\\u0061ges\"".to_owned(), "[ { } ]".to_owned()),
    ];
    json_text::object(
        extra.prop_map(move |extra| known.iter().cloned().chain(extra).collect::<Vec<_>>()).prop_shuffle(),
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1024))]

    #[test]
    fn the_result_parses_as_the_edited_object(body in request(), edits in prop::collection::vec(edit(), 0..6)) {
        // Numbers as text, so that none is rounded on either side.
        let members = |text: &str| -> Vec<(String, String)> {
            let mut scanner = crate::scan::Scanner::new(text.as_bytes(), 0);
            let mut members = Vec::new();
            scanner.object(|member| members.push((
                member.name(text.as_bytes()).unwrap().into_owned(),
                text[member.value].to_owned(),
            ))).unwrap();
            members
        };
        let mut model: Vec<Option<(String, String)>> = members(&body).into_iter().map(Some).collect();
        let original = model.len();
        let mut inserted = Vec::new();
        let got = edited(&body, |splice| {
            for edit in edits {
                match edit {
                    Edit::Replace(at, value) => {
                        let at = at.index(original);
                        splice.replace(at, value.clone());
                        if let Some(slot) = &mut model[at] { slot.1 = value; }
                    }
                    Edit::Rename(at, name) => {
                        let at = at.index(original);
                        splice.rename(at, &name);
                        if let Some(slot) = &mut model[at] { slot.0 = name; }
                    }
                    Edit::Remove(at) => {
                        let at = at.index(original);
                        splice.remove(at);
                        model[at] = None;
                    }
                    Edit::Insert(name, value) => {
                        splice.insert(&name, value.as_bytes());
                        inserted.push((name, value));
                    }
                }
            }
        });
        let wanted: Vec<_> = model.into_iter().flatten().chain(inserted).collect();
        prop_assert_eq!(members(&got), wanted.clone());

        let values: Result<Map<String, Value>, _> =
            wanted.iter().map(|(key, value)| Ok((key.clone(), serde_json::from_str(value)?))).collect();
        // A number beyond what a float holds has no `Value`; the members above are compared as text.
        if let Result::<_, serde_json::Error>::Ok(values) = values {
            prop_assert_eq!(serde_json::from_str::<Map<String, Value>>(&got).unwrap(), values);
        }
    }
}
