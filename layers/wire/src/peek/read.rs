//! Reads members of a request as what they must be, and refuses them in the dialect's words.

use super::fault::Words;
use crate::{
    Refusal,
    scan::{Kind, Member, Scanner, unquote},
};

/// A request's members, and the words to refuse them in.
pub(super) struct Read<'a> {
    pub(super) body: &'a [u8],
    pub(super) members: &'a [Member],
    pub(super) words: Words,
}

impl<'a> Read<'a> {
    /// The last member of a name, and its place.
    pub(super) fn find(&self, name: &str) -> Option<(usize, &'a Member)> {
        self.members.iter().enumerate().rfind(|(_, member)| member.is(self.body, name))
    }

    /// The last member of a name that is not null.
    pub(super) fn told(&self, name: &str) -> Option<&'a Member> {
        self.find(name).map(|(_, member)| member).filter(|member| member.kind != Kind::Null)
    }

    /// The place of the model's name.
    pub(super) fn model(&self, member: Option<(usize, &Member)>) -> Result<usize, Refusal> {
        let (place, member) = member.ok_or_else(|| self.words.missing("model"))?;
        let raw = self.raw(member);
        if member.kind != Kind::String {
            return Err(self.words.wrong_type("model", "a string", member.kind, raw));
        }
        match unquote(raw) {
            Some(name) if name.is_empty() => Err(self.words.invalid("model", "empty string")),
            Some(_) => Ok(place),
            None => Err(self.words.invalid("model", "an escape that names no character")),
        }
    }

    pub(super) fn include_usage(&self, options: Option<&Member>) -> Result<Option<bool>, Refusal> {
        let Some(member) = options else { return Ok(None) };
        match member.kind {
            Kind::Null => Ok(None),
            Kind::Object => {
                let wanted = self.inner(member, "include_usage");
                self.bool("stream_options.include_usage", wanted.as_ref())
            }
            kind => Err(self.words.wrong_type("stream_options", "an object", kind, self.raw(member))),
        }
    }

    /// The last member of a name in an object.
    pub(super) fn inner(&self, object: &Member, name: &str) -> Option<Member> {
        let mut found = None;
        // The body was found valid, so the walk cannot fail.
        let _ = Scanner::new(self.body, object.value.start).object(|inner| {
            if inner.is(self.body, name) {
                found = Some(inner);
            }
        });
        found
    }

    pub(super) fn bool(&self, param: &str, member: Option<&Member>) -> Result<Option<bool>, Refusal> {
        let Some(member) = member else { return Ok(None) };
        let raw = self.raw(member);
        match member.kind {
            Kind::Bool => Ok(Some(raw == b"true")),
            Kind::Null => Ok(None),
            kind => Err(self.words.wrong_type(param, "a boolean", kind, raw)),
        }
    }

    pub(super) fn n(&self, member: Option<&Member>) -> Result<Option<u64>, Refusal> {
        let Some(member) = member.filter(|member| member.kind != Kind::Null) else { return Ok(None) };
        let text = self.whole_number("n", member)?;
        match text.parse() {
            Ok(n) if n > 0 => Ok(Some(n)),
            Err(_) if !text.starts_with('-') => Err(self.words.invalid("n", "integer too large")),
            // The text is as long as the client made it.
            _ => Err(self.words.invalid("n", "integer below minimum value, expected a value >= 1")),
        }
    }

    /// The text of a whole number.
    pub(super) fn whole_number(&self, param: &str, member: &Member) -> Result<&'a str, Refusal> {
        let raw = self.raw(member);
        let text = std::str::from_utf8(raw).unwrap_or_default();
        if member.kind == Kind::Number && !text.contains(['.', 'e', 'E']) {
            return Ok(text);
        }
        Err(self.words.wrong_type(param, "an integer", member.kind, raw))
    }

    /// Demands an array with something in it.
    pub(super) fn messages(&self, param: &str, member: Option<&Member>) -> Result<(), Refusal> {
        let member = member.ok_or_else(|| self.words.missing(param))?;
        match member.kind {
            Kind::Array => self.not_empty(param, member),
            kind => Err(self.words.wrong_type(param, "an array of objects", kind, self.raw(member))),
        }
    }

    /// Demands a text, or an array with something in it.
    pub(super) fn text_or_array(&self, param: &str, member: Option<&Member>) -> Result<(), Refusal> {
        let member = member.ok_or_else(|| self.words.missing(param))?;
        match member.kind {
            Kind::Array => self.not_empty(param, member),
            Kind::String => Ok(()),
            kind => Err(self.words.wrong_type(param, "a string or an array", kind, self.raw(member))),
        }
    }

    /// Demands an object.
    pub(super) fn object(&self, param: &str, member: &Member) -> Result<(), Refusal> {
        match member.kind {
            Kind::Object => Ok(()),
            kind => Err(self.words.wrong_type(param, "an object", kind, self.raw(member))),
        }
    }

    fn not_empty(&self, param: &str, array: &Member) -> Result<(), Refusal> {
        let inside = self.raw(array).get(1..).unwrap_or_default().trim_ascii_start();
        if inside.starts_with(b"]") {
            return Err(self.words.invalid(param, "empty array, expected at least one element"));
        }
        Ok(())
    }

    pub(super) fn raw(&self, member: &Member) -> &'a [u8] {
        self.body.get(member.value.clone()).unwrap_or_default()
    }
}
