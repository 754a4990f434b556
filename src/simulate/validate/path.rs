//! Where in a JSON document a check stands. Kept on the stack, written out only when a check fails.

use std::fmt::{self, Display, Formatter};

/// A place in a document, as a chain of segments back to the root.
#[derive(Debug, Clone, Copy)]
pub(super) struct Path<'a> {
    parent: Option<&'a Path<'a>>,
    segment: Segment<'a>,
}

/// One step into a document.
#[derive(Debug, Clone, Copy)]
pub(super) enum Segment<'a> {
    Root,
    Key(&'a str),
    Index(usize),
    /// The arm of a tagged union: pydantic names it in its paths, others do not.
    Tag(&'a str),
}

impl<'a> Path<'a> {
    pub(super) const ROOT: Path<'static> = Path { parent: None, segment: Segment::Root };

    pub(super) fn key<'b>(&'b self, key: &'b str) -> Path<'b> {
        Path { parent: Some(self), segment: Segment::Key(key) }
    }

    pub(super) fn index(&self, index: usize) -> Path<'_> {
        Path { parent: Some(self), segment: Segment::Index(index) }
    }

    pub(super) fn tag<'b>(&'b self, tag: &'b str) -> Path<'b> {
        Path { parent: Some(self), segment: Segment::Tag(tag) }
    }

    pub(super) fn is_root(&self) -> bool {
        self.parent.is_none()
    }

    /// The segments from the root on, without the root.
    pub(super) fn segments(&self) -> Vec<Segment<'a>> {
        let mut segments = Vec::new();
        let mut at = *self;
        while let Some(parent) = at.parent {
            segments.push(at.segment);
            at = *parent;
        }
        segments.reverse();
        segments
    }

    /// `messages[0].content`, as OpenAI and Google write.
    pub(super) fn bracketed(&self) -> Bracketed<'_> {
        Bracketed(self)
    }

    /// `messages.0.content`, as pydantic writes; with the arms of unions when `tags`.
    pub(super) fn dotted(&self, tags: bool) -> String {
        let mut out = String::new();
        for segment in self.segments() {
            if !out.is_empty() && (tags || !matches!(segment, Segment::Tag(_))) {
                out.push('.');
            }
            match segment {
                Segment::Key(key) => out.push_str(key),
                Segment::Index(index) => out.push_str(&index.to_string()),
                Segment::Tag(tag) if tags => out.push_str(tag),
                Segment::Tag(_) | Segment::Root => {}
            }
        }
        out
    }
}

/// See [`Path::bracketed`].
pub(super) struct Bracketed<'a>(&'a Path<'a>);

impl Display for Bracketed<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let mut first = true;
        for segment in self.0.segments() {
            match segment {
                Segment::Key(key) if first => write!(f, "{key}")?,
                Segment::Key(key) => write!(f, ".{key}")?,
                Segment::Index(index) => write!(f, "[{index}]")?,
                Segment::Tag(_) | Segment::Root => continue,
            }
            first = false;
        }
        Ok(())
    }
}
