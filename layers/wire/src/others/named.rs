use std::ops::Range;

use bytes::Bytes;

use crate::{
    scan::{Kind, Member, Scanner, unquote},
    splice::quote,
};

/// The model that a JSON body names: `model`, or `session.model` where there is none, as when a
/// realtime session is prepared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedModel {
    name: String,
    /// Every value of that name: which of two duplicates a server reads is its own affair.
    places: Vec<Range<usize>>,
}

impl NamedModel {
    /// Reads a body; `None` where it is no JSON object that names a model.
    pub fn in_json(body: &[u8]) -> Option<Self> {
        std::str::from_utf8(body).ok()?;
        let mut session = None;
        let mut top = Found::default();
        let mut scanner = Scanner::new(body, 0);
        let whole = scanner.object(|member| {
            top.look(body, &member);
            if member.kind == Kind::Object && member.is(body, "session") {
                session = Some(member.value.start);
            }
        });
        whole.and_then(|()| scanner.end()).ok()?;
        top.model().or_else(|| {
            let mut within = Found::default();
            Scanner::new(body, session?).object(|member| within.look(body, &member)).ok()?;
            within.model()
        })
    }

    /// The name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The body with another name in its place.
    pub fn renamed(&self, body: &Bytes, name: &str) -> Bytes {
        if name == self.name {
            return body.clone();
        }
        let name = quote(name);
        let mut out = Vec::with_capacity(body.len() + self.places.len() * name.len());
        let mut done = 0;
        for place in &self.places {
            out.extend_from_slice(body.get(done..place.start).unwrap_or_default());
            out.extend_from_slice(&name);
            done = place.end;
        }
        out.extend_from_slice(body.get(done..).unwrap_or_default());
        out.into()
    }
}

#[derive(Default)]
struct Found {
    name: Option<String>,
    places: Vec<Range<usize>>,
}

impl Found {
    fn look(&mut self, body: &[u8], member: &Member) {
        if !member.is(body, "model") {
            return;
        }
        // The last one counts; where it is none, as with `null`, none is named.
        self.name = unquote(body.get(member.value.clone()).unwrap_or_default()).map(Into::into);
        if member.kind == Kind::String {
            self.places.push(member.value.clone());
        }
    }

    fn model(self) -> Option<NamedModel> {
        let name = self.name.filter(|name| !name.is_empty())?;
        Some(NamedModel { name, places: self.places })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn renamed(body: &'static str) -> Option<(String, String)> {
        let body = Bytes::from_static(body.as_bytes());
        let model = NamedModel::in_json(&body)?;
        let out = model.renamed(&body, "n\"ew");
        Some((model.name().to_owned(), String::from_utf8(out.to_vec()).unwrap()))
    }

    #[test]
    fn finds_and_replaces_the_model_and_nothing_else() {
        let (name, out) = renamed(r#"{"prompt":"a \"model\"", "model" : "openai\/gpt", "n":1}"#).unwrap();
        assert_eq!(name, "openai/gpt");
        assert_eq!(out, r#"{"prompt":"a \"model\"", "model" : "n\"ew", "n":1}"#);
        let (name, out) = renamed(r#"{"model":"a","model":"b"}"#).unwrap();
        assert_eq!((&*name, &*out), ("b", r#"{"model":"n\"ew","model":"n\"ew"}"#));
        let (name, out) = renamed(r#"{"session":{"type":"realtime","model":"r"}}"#).unwrap();
        assert_eq!((&*name, &*out), ("r", r#"{"session":{"type":"realtime","model":"n\"ew"}}"#));
        assert_eq!(renamed(r#"{"model":"top","session":{"model":"in"}}"#).unwrap().0, "top");
    }

    #[test]
    fn what_names_none_is_none() {
        for body in [
            "",
            "[]",
            r#"{"model":1}"#,
            r#"{"model":"x","model":null}"#,
            r#"{"model":""}"#,
            r#"{"a":{"model":"x"}}"#,
            r#"{"model":"x""#,
            "{} {}",
        ] {
            assert_eq!(NamedModel::in_json(body.as_bytes()), None, "{body}");
        }
        assert_eq!(NamedModel::in_json(b"{\"model\":\"\xff\"}"), None);
    }
}
