//! Where in a document a refused field stands.

use std::fmt;

use super::json::{Fields, Node};
use crate::Refusal;

/// Where in a document we are, as OpenAI writes it: `messages[2].content[0].type`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy, Debug)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl Path<'static> {
    /// The document itself.
    pub(crate) const ROOT: Self = Self { parent: None, step: Step::Root };
}

impl<'p> Path<'p> {
    /// A member of the object here.
    pub(crate) fn key(&'p self, name: &'p str) -> Path<'p> {
        Path { parent: Some(self), step: Step::Key(name) }
    }

    /// An element of the array here.
    pub(crate) fn at(&'p self, index: usize) -> Path<'p> {
        Path { parent: Some(self), step: Step::Index(index) }
    }

    /// Whether this is the document itself.
    pub(crate) fn is_root(&self) -> bool {
        matches!(self.step, Step::Root)
    }

    /// The text here.
    pub(crate) fn string(&self, node: Node<'_>) -> Result<String, Refusal> {
        match node {
            Node::String(text) => Ok(text.into_owned()),
            other => Err(self.wrong_type("a string", &other)),
        }
    }

    /// The array here.
    pub(crate) fn array<'a>(&self, node: Node<'a>) -> Result<Vec<Node<'a>>, Refusal> {
        match node {
            Node::Array(elements) => Ok(elements),
            other => Err(self.wrong_type("an array", &other)),
        }
    }

    /// The object here.
    pub(crate) fn object<'a>(&self, node: Node<'a>) -> Result<Fields<'a>, Refusal> {
        match node {
            Node::Object(fields) => Ok(fields),
            other => Err(self.wrong_type("an object", &other)),
        }
    }

    /// Refuses a value of the wrong type.
    pub(crate) fn wrong_type(&self, expected: &str, got: &Node<'_>) -> Refusal {
        if self.is_root() {
            return Refusal::whole(format!(
                "invalid type for the body: expected {expected}, got {}",
                got.kind()
            ));
        }
        let path = self.to_string();
        let message = format!("invalid type for '{path}': expected {expected}, got {}", got.kind());
        Refusal::at(path, message)
    }

    /// Refuses a value out of range.
    pub(crate) fn wrong_value(&self, expected: &str, got: &str) -> Refusal {
        const SHOWN: usize = 64;
        let path = self.to_string();
        let shown: String = got.chars().take(SHOWN).collect();
        let cut = if got.chars().nth(SHOWN).is_some() { "…" } else { "" };
        let message = format!("invalid value for '{path}': expected {expected}, got '{shown}{cut}'");
        Refusal::at(path, message)
    }

    /// Refuses a missing value.
    pub(crate) fn missing(&self) -> Refusal {
        let path = self.to_string();
        let message = format!("missing required parameter: '{path}'");
        Refusal::at(path, message)
    }
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(parent) = self.parent {
            parent.fmt(f)?;
        }
        match self.step {
            Step::Root => Ok(()),
            Step::Key(name) if self.parent.is_none_or(Path::is_root) => f.write_str(name),
            Step::Key(name) => write!(f, ".{name}"),
            Step::Index(index) => write!(f, "[{index}]"),
        }
    }
}
