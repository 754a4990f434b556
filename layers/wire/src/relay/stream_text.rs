//! Generators of answers as text: event streams in every line ending, and JSON answers.

use proptest::{prelude::*, sample::Index};

use crate::json_text;

/// A stream by its events, and whether each carries usage and nothing else.
#[derive(Clone, Debug)]
pub(super) struct Stream(Vec<(String, bool)>);

impl Stream {
    pub(super) fn text(&self) -> String {
        self.0.iter().map(|(event, _)| event.as_str()).collect()
    }

    pub(super) fn without_usage(&self) -> String {
        self.0.iter().filter(|(_, usage_only)| !usage_only).map(|(event, _)| event.as_str()).collect()
    }
}

/// Events of every kind in any order, perhaps cut off within the last one.
pub(super) fn stream() -> impl Strategy<Value = Stream> {
    let ending = prop_oneof![4 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    let event = (event(), ending).prop_map(|((lines, usage_only), ending)| {
        let lines: Vec<&str> = lines.iter().flat_map(|line| [line.as_str(), ending]).collect();
        (lines.concat() + ending, usage_only)
    });
    let partial = prop::option::of(("data: ?\\{\"choices\":\\[\\],\"usage\":\\{\"promp", Just(false)));
    (prop::collection::vec(event, 0..10), partial).prop_map(|(mut events, partial)| {
        events.extend(partial);
        // A `\n` right behind a `\r` is part of the same line ending.
        events.dedup_by(|next, event| event.0.ends_with('\r') && next.0.starts_with('\n'));
        Stream(events)
    })
}

fn event() -> impl Strategy<Value = (Vec<String>, bool)> {
    let data = |member: &str, value: String| format!("data: {{\"id\":\"c\",{member},\"usage\":{value}}}");
    prop_oneof![
        4 => json_text::string().prop_map(|text| {
            (vec![format!("data: {{\"choices\":[{{\"index\":0,\"delta\":{{\"content\":{text}}},\"finish_reason\":null}}],\"usage\":null}}")], false)
        }),
        3 => usage().prop_map(move |usage| (vec![data("\"choices\":[ ]", usage)], true)),
        1 => usage().prop_map(move |usage| (vec![data("\"choices\" : [{\"delta\":{}}]", usage)], false)),
        1 => usage().prop_map(move |usage| (vec![data("\"choices\":[],\"moderation\":{\"a\":1}", usage)], false)),
        1 => usage().prop_map(|usage| (vec!["data: {\"choices\":[],".to_owned(), format!("data:\"usage\":{usage}}}")], true)),
        1 => Just((vec!["data: {\"choices\":[],\"prompt_filter_results\":[{\"a\":1}]}".to_owned()], false)),
        1 => Just((vec!["data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":\"stop\"}]}".to_owned()], false)),
        1 => Just((vec!["data:{\"error\":{\"message\":\"x\"}}".to_owned()], false)),
        1 => Just((vec!["event: error".to_owned(), "data: {}".to_owned()], false)),
        1 => Just((vec![": comment".to_owned()], false)),
        1 => Just((vec!["data: [DONE]".to_owned()], false)),
        1 => Just((vec![], false)),
        1 => json_text::value().prop_map(|value| (vec!["id: 1".to_owned(), format!("data: {}", value.replace(['\n', '\r'], " "))], false)),
    ]
}

fn usage() -> impl Strategy<Value = String> {
    (0_u32..1000, 0_u32..1000).prop_map(|(input, output)| {
        format!(
            "{{ \"prompt_tokens\":{input},\"completion_tokens\" : {output},\"details\":{{\"a\":[null]}}}}"
        )
    })
}

/// A JSON answer with any further members.
pub(super) fn answer() -> impl Strategy<Value = String> {
    let fixed = |name: &'static str, value: BoxedStrategy<String>| {
        value.prop_map(move |value| (format!("\"{name}\""), value)).boxed()
    };
    let known = prop_oneof![
        fixed("usage", usage().boxed()),
        fixed("us\\u0061ge", usage().boxed()),
        fixed("usage", Just("{}".to_owned()).boxed()),
        fixed("id", json_text::string().boxed()),
        fixed("model", json_text::string().boxed()),
        fixed("choices", json_text::value().boxed()),
        // No unknown key may come out as one that is read.
        (json_text::string().prop_map(|key| key.replacen('"', "\"-", 1)), json_text::value()),
    ];
    let members = prop::collection::vec(known, 0..6).prop_map(|mut members| {
        // One usage at most: which of two holds is told elsewhere.
        let mut seen = false;
        members.retain(|(key, _)| !key.starts_with("\"us") || !std::mem::replace(&mut seen, true));
        members
    });
    json_text::object(members)
}

pub(super) fn cuts() -> impl Strategy<Value = Vec<Index>> {
    prop::collection::vec(any::<Index>(), 0..12)
}

/// The bytes cut at some places.
pub(super) fn pieces<'a>(bytes: &'a [u8], cuts: &[Index]) -> Vec<&'a [u8]> {
    let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
    at.extend([0, bytes.len()]);
    at.sort_unstable();
    at.windows(2).map(|bounds| &bytes[bounds[0]..bounds[1]]).collect()
}
