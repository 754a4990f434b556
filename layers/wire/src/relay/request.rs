//! What must change in a request's bytes before they go to a server of the same dialect.

mod call_ids;
mod effort;
mod foreign;
mod messages;
mod parts;
mod shape;
mod stream_options;
mod turns;

use std::collections::HashMap;

use serde_json::value::RawValue;
use tollway_core::Dialect;

use crate::{
    Quirks, Traits,
    peek::Peek,
    scan::{Kind, unquote},
    splice::{Splice, Spliced, quote},
};

pub use self::foreign::version_for_model;

/// How a request is to be sent on to a server of its own dialect.
///
/// Of the dialects but Chat Completions only what names the model changes: all but `model` and
/// `anthropic_version` is for that one.
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// The model's name at the server.
    pub model: &'a str,
    /// Whether usage must be read from the answer, so that a stream has to carry it.
    pub read_usage: bool,
    /// Where the server departs from OpenAI's format.
    pub quirks: &'a Quirks,
    /// What the model takes, as far as quirks ask for it.
    pub traits: &'a Traits,
    /// The version that stands in the body of an Anthropic request in place of the model, where both
    /// the model in the path and the version in the body are asked for: `vertex-2023-10-16` at Vertex
    /// AI, `bedrock-2023-05-31` at Bedrock.
    pub anthropic_version: Option<&'a str>,
}

/// The most dropped fields that are listed.
const MOST_LISTED: usize = 256;

/// A request made ready to send.
#[derive(Clone, Debug)]
pub struct Relayed {
    /// The bytes to send.
    pub body: Spliced,
    /// What the client sent and the server is not sent, by path, in the client's words; of very many
    /// the first.
    pub dropped: Vec<String>,
    /// Whether usage in the stream was our idea, so that the client must not see its chunk.
    pub strip_usage: bool,
}

impl Request<'_> {
    /// Makes a request ready to send. What needs no change stays byte for byte.
    pub fn relay(&self, peek: &Peek) -> Relayed {
        if peek.dialect() != Dialect::OpenAi {
            return foreign::relay(self, peek);
        }
        let shaped = shape::shaped(peek, self.quirks, self.traits);
        let peek = shaped.as_ref().unwrap_or(peek);
        let mut edit = Edit { peek, splice: Splice::new(peek), dropped: Vec::new() };
        edit.model(self.model);
        if self.quirks.drop_nulls {
            edit.nulls();
        }
        let strip_usage = edit.stream_options(self.read_usage, self.quirks);
        edit.top_level(self.quirks);
        if self.quirks.nearest_effort {
            edit.effort(self.traits);
        }
        if messages::concerned(self.quirks, peek.body()) {
            edit.messages(self.quirks);
        }
        Relayed { body: edit.splice.finish(), dropped: edit.dropped, strip_usage }
    }
}

/// A request under change.
struct Edit<'a> {
    peek: &'a Peek,
    splice: Splice<'a>,
    dropped: Vec<String>,
}

impl Edit<'_> {
    /// Sets the model in every member that names one: which of two duplicates a server reads is its
    /// own affair, and must not decide which model is used.
    fn model(&mut self, name: &str) {
        for place in self.peek.places("model") {
            let raw = self.raw(place);
            if unquote(raw).is_none_or(|model| model != name) {
                self.splice.replace(place, quote(name));
            }
        }
    }

    /// Takes members out that are null, and with a name's last one all before it: they are overruled,
    /// and without it the server would go by one that the client does not mean.
    fn nulls(&mut self) {
        let members = self.peek.parts();
        if members.iter().all(|member| member.kind != Kind::Null) {
            return;
        }
        let mut is_null = HashMap::new();
        for (place, member) in members.iter().enumerate().rev() {
            let null = member.kind == Kind::Null;
            let name = member.name(self.peek.body());
            if name.map_or(null, |name| *is_null.entry(name).or_insert(null)) || null {
                self.splice.remove(place);
            }
        }
    }

    fn top_level(&mut self, quirks: &Quirks) {
        for name in &quirks.drop {
            self.drop_member(name);
        }
        for (from, to) in &quirks.rename {
            // What already has the server's name is the client's explicit word for that server.
            if self.live(to).next().is_some() {
                self.drop_member(from);
                continue;
            }
            for place in self.live(from).collect::<Vec<_>>() {
                self.splice.rename(place, to);
            }
        }
        if quirks.tool_choice_any {
            self.tool_choice_any();
        }
    }

    fn tool_choice_any(&mut self) {
        for place in self.live("tool_choice").collect::<Vec<_>>() {
            let Some(member) = self.peek.parts().get(place) else { continue };
            match member.kind {
                Kind::Object => {
                    self.splice.replace(place, &b"\"any\""[..]);
                    // Any of one tool is that tool.
                    if !self.offer_only(self.raw(place).to_vec().as_slice()) {
                        self.list("tool_choice".to_owned());
                    }
                }
                Kind::String if unquote(self.raw(place)).is_some_and(|choice| choice == "required") => {
                    self.splice.replace(place, &b"\"any\""[..]);
                }
                _ => {}
            }
        }
    }

    /// Leaves only the tool that a choice names on offer; says whether there is one.
    fn offer_only(&mut self, choice: &[u8]) -> bool {
        #[derive(serde::Deserialize)]
        struct Named<'a> {
            #[serde(borrow)]
            function: Function<'a>,
        }
        #[derive(serde::Deserialize)]
        struct Function<'a> {
            #[serde(borrow)]
            name: std::borrow::Cow<'a, str>,
        }
        let Ok(wanted) = serde_json::from_slice::<Named<'_>>(choice) else { return false };
        let places: Vec<usize> = self.live("tools").collect();
        let Some(place) = places.last().copied() else { return false };
        let Ok(tools) = serde_json::from_slice::<Vec<&RawValue>>(self.raw(place)) else { return false };
        let tool = tools.into_iter().map(RawValue::get).find(|tool| {
            serde_json::from_str::<Named<'_>>(tool)
                .is_ok_and(|tool| tool.function.name == wanted.function.name)
        });
        let Some(offer) = tool.map(|tool| format!("[{tool}]")) else { return false };
        self.splice.replace(place, offer);
        true
    }

    fn drop_member(&mut self, name: &str) {
        let places: Vec<usize> = self.live(name).collect();
        for place in &places {
            self.splice.remove(*place);
        }
        if !places.is_empty() {
            self.list(name.to_owned());
        }
    }

    /// The places of a name's members that are still there.
    fn live<'s>(&'s self, name: &'s str) -> impl Iterator<Item = usize> + 's {
        self.peek.places(name).filter(|place| !self.splice.is_removed(*place))
    }

    fn list(&mut self, path: String) {
        // Told to a reader, who learns nothing from more of them; and each is compared with all.
        if self.dropped.len() < MOST_LISTED && !self.dropped.contains(&path) {
            self.dropped.push(path);
        }
    }

    fn raw(&self, place: usize) -> &[u8] {
        let member = self.peek.parts().get(place);
        member.and_then(|member| self.peek.body().get(member.value.clone())).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests;
