//! Requests of the dialects that are not Chat Completions: only what names the model changes.

use std::ops::Range;

use bytes::Bytes;
use tollway_core::Dialect;

use super::{
    Edit, Relayed, Request,
    messages::{elements, members},
};
use crate::{
    Refusal,
    peek::Peek,
    scan::{Kind, Member, unquote},
    splice::{Splice, quote},
};

/// Makes a request ready to send.
// Apart, so that the code of the other dialects does not slow Chat Completions.
#[inline(never)]
pub(super) fn relay(request: &Request<'_>, peek: &Peek) -> Relayed {
    let mut edit = Edit { peek, splice: Splice::new(peek), dropped: Vec::new() };
    match (peek.dialect(), request.anthropic_version) {
        (Dialect::Gemini, _) => edit.resource_names(request.model),
        (Dialect::Anthropic, Some(version)) => edit.version_for_model(version),
        _ => edit.model(request.model),
    }
    Relayed { body: edit.splice.finish(), dropped: edit.dropped, strip_usage: false }
}

/// Puts `anthropic_version` in the place of `model`, as [`Request::anthropic_version`] does, in a body
/// of Anthropic's format that was written by us.
pub fn version_for_model(body: Bytes, version: &str) -> Result<Bytes, Refusal> {
    let peek = Peek::of_members(body)?;
    let mut edit = Edit { peek: &peek, splice: Splice::new(&peek), dropped: Vec::new() };
    edit.version_for_model(version);
    Ok(edit.splice.finish().into_bytes())
}

impl Edit<'_> {
    fn version_for_model(&mut self, version: &str) {
        const NAME: &str = "anthropic_version";
        for place in self.peek.places("model").collect::<Vec<_>>() {
            self.splice.remove(place);
        }
        let told: Vec<usize> = self.peek.places(NAME).collect();
        if told.is_empty() {
            self.splice.insert(NAME, &quote(version));
        }
        for place in told {
            if unquote(self.raw(place)).is_none_or(|told| told != version) {
                self.splice.replace(place, quote(version));
            }
        }
    }

    /// Sets the model wherever Gemini's bodies repeat it: in an embedding's request, in each of a
    /// batch, and in the request whose tokens are to be counted.
    fn resource_names(&mut self, model: &str) {
        let name = quote(&resource_name(model));
        let peek = self.peek;
        let body = peek.body();
        for member in peek.parts() {
            let is = |name| member.is(body, name);
            match member.kind {
                _ if is("model") => self.resource_name(member.value.clone(), &name),
                Kind::Array if is("requests") => elements(body, &member.value, |at, kind| {
                    if kind == Kind::Object {
                        self.resource_names_in(&at, &name);
                    }
                }),
                Kind::Object if is("generateContentRequest") || is("generate_content_request") => {
                    self.resource_names_in(&member.value, &name);
                }
                _ => {}
            }
        }
    }

    fn resource_names_in(&mut self, object: &Range<usize>, name: &Bytes) {
        let peek = self.peek;
        let body = peek.body();
        members(body, object, |member: Member| {
            if member.is(body, "model") {
                self.resource_name(member.value, name);
            }
        });
    }

    fn resource_name(&mut self, at: Range<usize>, name: &Bytes) {
        let told = self.peek.body().get(at.clone()).and_then(unquote);
        if told != unquote(name) {
            self.splice.patch(at, name.clone());
        }
    }
}

/// A model as Gemini's bodies name it; a name that says where it stands is one already.
fn resource_name(model: &str) -> String {
    if model.contains('/') { model.to_owned() } else { format!("models/{model}") }
}

#[cfg(test)]
mod tests;
