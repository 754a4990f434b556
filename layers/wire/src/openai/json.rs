//! A JSON document borrowed from its bytes, taken apart with exact paths for refusals.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::lenient::Text;
use super::path::Path;
use crate::{Refusal, unfit};

/// A JSON value whose strings borrow from the document where they hold no escape.
///
/// The parser's own depth limit (128) bounds every recursion over it.
#[derive(Debug, Default)]
pub(crate) enum Node<'a> {
    #[default]
    Null,
    Bool(bool),
    Number(Number),
    String(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    Object(Fields<'a>),
}

impl<'a> Node<'a> {
    /// Reads a client's request body.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, Refusal> {
        let text = std::str::from_utf8(body).map_err(|error| {
            Refusal::whole(format!("the body is not valid UTF-8, from byte {}", error.valid_up_to()))
        })?;
        serde_json::from_str(text).map_err(|error| {
            let message = format!("the body is not valid JSON: {error}");
            match unfit::place::<Self>(text) {
                Some(path) => Refusal::at(path, message),
                None => Refusal::whole(message),
            }
        })
    }

    /// What it is, in JSON's words, with an article.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(number) if number.is_f64() => "a decimal number",
            Self::Number(_) => "an integer",
            Self::String(_) => "a string",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
        }
    }

    /// The text, if it is a string.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::String(text) => Some(text.into_owned()),
            _ => None,
        }
    }

    /// The text, if it is a string that says something.
    pub(crate) fn into_words(self) -> Option<String> {
        self.into_text().filter(|text| !text.is_empty())
    }

    /// The members, if it is an object.
    pub(crate) fn into_fields(self) -> Option<Fields<'a>> {
        match self {
            Self::Object(fields) => Some(fields),
            _ => None,
        }
    }

    /// The elements; none if it is not an array.
    pub(crate) fn into_elements(self) -> Vec<Node<'a>> {
        match self {
            Self::Array(elements) => elements,
            _ => Vec::new(),
        }
    }

    /// The number as a whole one, whatever way it is written.
    pub(crate) fn as_count(&self) -> Option<u64> {
        match self {
            Self::Number(number) => number.as_u64().or_else(|| super::lenient::whole(number.as_f64()?)),
            Self::String(text) => text.trim().parse().ok(),
            _ => None,
        }
    }

    /// The same as an owned value.
    pub(crate) fn into_value(self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Bool(yes) => Value::Bool(yes),
            Self::Number(number) => Value::Number(number),
            Self::String(text) => Value::String(text.into_owned()),
            Self::Array(elements) => Value::Array(elements.into_iter().map(Node::into_value).collect()),
            Self::Object(fields) => Value::Object(fields.into_map()),
        }
    }

    /// Whether it is `null`, or absent where absent is the default.
    pub(crate) const fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    fn says_nothing(&self) -> bool {
        match self {
            Self::Null => true,
            Self::Array(elements) => elements.is_empty(),
            Self::Object(fields) => fields.0.is_empty(),
            _ => false,
        }
    }
}

/// The members of an object, to be taken out by name. Of members with one name the last counts.
#[derive(Debug)]
pub(crate) struct Fields<'a>(Vec<(Cow<'a, str>, Option<Node<'a>>)>);

impl<'a> Fields<'a> {
    /// Whether it has no members at all.
    pub(crate) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes a member out; `null` is as good as absent.
    pub(crate) fn take(&mut self, name: &str) -> Option<Node<'a>> {
        let mut last = None;
        for (key, node) in &mut self.0 {
            if key == name {
                last = node.take().or(last);
            }
        }
        last.filter(|node| !matches!(node, Node::Null))
    }

    /// Whether a member is there, and says something.
    pub(crate) fn has(&self, name: &str) -> bool {
        let mut found = self.0.iter().filter(|(key, _)| key == name);
        found.any(|(_, node)| node.as_ref().is_some_and(|node| !node.is_null()))
    }

    /// Looks at a member that is a string.
    pub(crate) fn str(&self, name: &str) -> Option<&str> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        match found {
            Some((_, Some(Node::String(text)))) => Some(text),
            _ => None,
        }
    }

    /// How many elements a member has that is an array.
    pub(crate) fn elements(&self, name: &str) -> Option<usize> {
        let found = self.0.iter().rev().find(|(key, _)| key == name);
        match found {
            Some((_, Some(Node::Array(elements)))) => Some(elements.len()),
            _ => None,
        }
    }

    /// Looks at the `type`.
    pub(crate) fn kind(&self, path: &Path<'_>) -> Result<Option<Cow<'a, str>>, Refusal> {
        let found = self.0.iter().rev().find(|(key, _)| key == "type");
        match found.and_then(|(_, node)| node.as_ref()) {
            None | Some(Node::Null) => Ok(None),
            Some(Node::String(kind)) => Ok(Some(kind.clone())),
            Some(other) => Err(path.key("type").wrong_type("a string", other)),
        }
    }

    /// Takes a member that must be there.
    pub(crate) fn require(&mut self, path: &Path<'_>, name: &str) -> Result<Node<'a>, Refusal> {
        self.take(name).ok_or_else(|| path.key(name).missing())
    }

    /// Takes a text that must be there.
    pub(crate) fn require_string(&mut self, path: &Path<'_>, name: &str) -> Result<String, Refusal> {
        path.key(name).string(self.require(path, name)?)
    }

    /// Takes an object that must be there.
    pub(crate) fn require_object(&mut self, path: &Path<'_>, name: &str) -> Result<Fields<'a>, Refusal> {
        path.key(name).object(self.require(path, name)?)
    }

    /// Takes a text.
    pub(crate) fn string(&mut self, path: &Path<'_>, name: &str) -> Result<Option<String>, Refusal> {
        self.take(name).map(|node| path.key(name).string(node)).transpose()
    }

    /// Takes a boolean.
    pub(crate) fn boolean(&mut self, path: &Path<'_>, name: &str) -> Result<Option<bool>, Refusal> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match node {
            Node::Bool(yes) => Ok(Some(yes)),
            other => Err(path.key(name).wrong_type("a boolean", &other)),
        }
    }

    /// Takes a number.
    pub(crate) fn float(&mut self, path: &Path<'_>, name: &str) -> Result<Option<f64>, Refusal> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match &node {
            Node::Number(number) => Ok(number.as_f64()),
            other => Err(path.key(name).wrong_type("a number", other)),
        }
    }

    /// Takes an integer.
    pub(crate) fn signed(&mut self, path: &Path<'_>, name: &str) -> Result<Option<i64>, Refusal> {
        let Some(node) = self.take(name) else { return Ok(None) };
        match &node {
            Node::Number(number) if number.is_i64() => Ok(number.as_i64()),
            other => Err(path.key(name).wrong_type("an integer of 64 bits", other)),
        }
    }

    /// Takes an integer of at least `least`.
    pub(crate) fn count(&mut self, path: &Path<'_>, name: &str, least: u64) -> Result<Option<u64>, Refusal> {
        let Some(node) = self.take(name) else { return Ok(None) };
        let Node::Number(number) = &node else {
            return Err(path.key(name).wrong_type("an integer", &node));
        };
        match number.as_u64() {
            Some(count) if count >= least => Ok(Some(count)),
            _ if number.is_f64() => Err(path.key(name).wrong_type("an integer", &node)),
            _ => Err(path
                .key(name)
                .wrong_value(&format!("an integer of at least {least}"), &number.to_string())),
        }
    }

    /// Takes an integer of at least `least` that fits 32 bits.
    pub(crate) fn small_count(
        &mut self,
        path: &Path<'_>,
        name: &str,
        least: u64,
    ) -> Result<Option<u32>, Refusal> {
        let Some(count) = self.count(path, name, least)? else { return Ok(None) };
        let small = u32::try_from(count);
        small.map(Some).map_err(|_| path.key(name).wrong_value("a smaller integer", &count.to_string()))
    }

    /// Takes an object as it is.
    pub(crate) fn map(&mut self, path: &Path<'_>, name: &str) -> Result<Option<Map<String, Value>>, Refusal> {
        let Some(node) = self.take(name) else { return Ok(None) };
        path.key(name).object(node).map(|fields| Some(fields.into_map()))
    }

    /// Keeps what was not taken under its whole path, so that no encoder can lose it unseen.
    pub(crate) fn keep_rest(self, path: &Path<'_>, extra: &mut Map<String, Value>) {
        for (key, node) in self.0 {
            if let Some(node) = node.filter(|node| path.is_root() || !node.says_nothing()) {
                extra.insert(path.key(&key).to_string(), node.into_value());
            }
        }
    }

    /// The paths of what was not taken and says something.
    pub(crate) fn rest(self, path: &Path<'_>) -> Vec<String> {
        let said =
            self.0.into_iter().filter(|(_, node)| node.as_ref().is_some_and(|node| !node.says_nothing()));
        said.map(|(key, _)| path.key(&key).to_string()).collect()
    }

    /// The same as an owned map.
    pub(crate) fn into_map(self) -> Map<String, Value> {
        let pairs = self.0.into_iter();
        pairs.filter_map(|(key, node)| Some((key.into_owned(), node?.into_value()))).collect()
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Node<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(NodeVisitor)
    }
}

struct NodeVisitor;

impl<'de> Visitor<'de> for NodeVisitor {
    type Value = Node<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any JSON value")
    }

    fn visit_unit<E>(self) -> Result<Node<'de>, E> {
        Ok(Node::Null)
    }

    fn visit_bool<E>(self, yes: bool) -> Result<Node<'de>, E> {
        Ok(Node::Bool(yes))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Node<'de>, E> {
        Ok(Node::Number(number.into()))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Node<'de>, E> {
        Ok(Number::from_f64(number).map_or(Node::Null, Node::Number))
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Node<'de>, E> {
        Ok(Node::String(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Node<'de>, E> {
        Ok(Node::String(Cow::Owned(text.to_owned())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Node<'de>, A::Error> {
        let mut elements = Vec::new();
        while let Some(element) = seq.next_element()? {
            elements.push(element);
        }
        Ok(Node::Array(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Node<'de>, A::Error> {
        let mut fields = Vec::new();
        while let Some(key) = map.next_key::<Text<'de>>()? {
            fields.push((key.0, Some(map.next_value()?)));
        }
        Ok(Node::Object(Fields(fields)))
    }
}
