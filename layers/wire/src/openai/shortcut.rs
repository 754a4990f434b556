//! A way around the parser for chunks that differ from an earlier one in a single text.
//!
//! Nearly every chunk of a stream is the one before it with another word inside. Once such a chunk
//! was parsed, the next one with the same bytes around its text is known to be the same JSON, and
//! only the text is read. This makes a chunk several times cheaper, and changes nothing else: whatever
//! does not fit takes the long way.

use std::borrow::Cow;

use memchr::{memchr2, memmem};

use super::chunk::Chunk;
use super::json::Node;
use super::lenient::Text;
use crate::chat::{Delta, Event};

/// How many are kept: text, thinking and arguments may take turns, and so may choices.
const KEPT: usize = 4;

/// By what a chunk grows its choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Text,
    Reasoning,
    /// Arguments of the call at `index`, while the choice has so many `calls`: another call may take
    /// the same place in a chunk.
    Arguments {
        index: u32,
        calls: usize,
    },
}

impl Kind {
    /// The step a text is.
    pub(super) fn delta(self, text: String) -> Delta {
        match self {
            Self::Text => Delta::Text(text),
            Self::Reasoning => Delta::Reasoning(text),
            Self::Arguments { index, .. } => Delta::ToolArguments { index, fragment: text },
        }
    }
}

/// The shortcuts learned from a stream.
#[derive(Debug, Default)]
pub(super) struct Shortcuts {
    known: Vec<Shortcut>,
    /// Which one to give up next.
    oldest: usize,
}

/// The bytes around the text of a chunk.
#[derive(Debug)]
struct Shortcut {
    choice: u32,
    kind: Kind,
    /// All before the text, its opening quote included.
    head: Vec<u8>,
    /// All behind it, its closing quote included.
    tail: Vec<u8>,
    /// Where in the tail a text stands that pads the chunk and means nothing.
    padding: Option<(usize, usize)>,
}

impl Shortcuts {
    /// The text of a chunk that fits, and what it is.
    pub(super) fn find<'a>(&self, chunk: &'a [u8]) -> Option<(u32, Kind, Text<'a>)> {
        self.known.iter().find_map(|shortcut| {
            let text = shortcut.text(chunk)?;
            Some((shortcut.choice, shortcut.kind, text))
        })
    }

    /// Learns from a chunk that was parsed, and told exactly this event.
    pub(super) fn learn(&mut self, chunk: &str, place: Place, event: &Event, calls: usize) {
        let Event::Delta { choice, delta } = event else { return };
        let (kind, told) = match delta {
            Delta::Text(text) => (Kind::Text, text),
            Delta::Reasoning(text) => (Kind::Reasoning, text),
            Delta::ToolArguments { index, fragment } => (Kind::Arguments { index: *index, calls }, fragment),
            _ => return,
        };
        let (Some(head), Some(tail)) = (chunk.get(..place.start), chunk.get(place.end..)) else { return };
        let quoted = place.start.checked_sub(1).and_then(|quote| chunk.get(quote..=place.end));
        let is_told = quoted.is_some_and(|quoted| {
            serde_json::from_str::<Text<'_>>(quoted).is_ok_and(|text| text.0 == told.as_str())
        });
        if is_told {
            let at = self.place_for(*choice, kind);
            let shortcut = Shortcut::new(*choice, kind, head.as_bytes(), tail.as_bytes());
            match self.known.get_mut(at) {
                Some(known) => *known = shortcut,
                None => self.known.push(shortcut),
            }
        }
    }

    fn place_for(&mut self, choice: u32, kind: Kind) -> usize {
        let same = self.known.iter().position(|known| known.choice == choice && known.kind == kind);
        same.unwrap_or_else(|| {
            let at = self.oldest;
            self.oldest = (at + 1) % KEPT;
            at
        })
    }
}

impl Shortcut {
    fn new(choice: u32, kind: Kind, head: &[u8], tail: &[u8]) -> Self {
        Self { choice, kind, head: head.to_vec(), tail: tail.to_vec(), padding: padding_of(tail) }
    }

    fn text<'a>(&self, chunk: &'a [u8]) -> Option<Text<'a>> {
        let rest = chunk.strip_prefix(self.head.as_slice())?;
        let end = end_of_string(rest)?;
        if !self.fits(rest.get(end..)?) {
            return None;
        }
        // With its quotes, so that escapes, control characters and UTF-8 are the parser's business.
        let quoted = chunk.get(self.head.len().checked_sub(1)?..=self.head.len() + end)?;
        serde_json::from_slice(quoted).ok()
    }

    fn fits(&self, tail: &[u8]) -> bool {
        let Some((start, end)) = self.padding else { return tail == self.tail };
        let (Some(before), Some(after)) = (self.tail.get(..start), self.tail.get(end..)) else {
            return false;
        };
        let padding = tail.strip_prefix(before).and_then(|rest| rest.strip_suffix(after));
        padding.is_some_and(|padding| padding.iter().all(u8::is_ascii_alphanumeric))
    }
}

/// How long a JSON string is whose opening quote is behind us.
fn end_of_string(rest: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr2(b'"', b'\\', rest.get(at..)?)?;
        if rest.get(at) == Some(&b'"') {
            return Some(at);
        }
        at += 2;
    }
}

/// Where the padding of OpenAI (`obfuscation`) or Mistral (`p`) stands: random letters that hide the
/// length of a chunk. No string can hold the pattern of a key, since its quotes would be escaped.
fn padding_of(tail: &[u8]) -> Option<(usize, usize)> {
    let found = [b"\"obfuscation\":\"".as_slice(), b"\"p\":\""].into_iter().find_map(|key| {
        let at = memmem::find(tail, key)?;
        Some(at + key.len())
    });
    let start = found?;
    Some((start, start + end_of_string(tail.get(start..)?)?))
}

/// Where in a chunk the one text stands by which it grows its choice.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    start: usize,
    end: usize,
}

impl Place {
    /// The place, if there is but one choice and it grows by a text.
    pub(super) fn of(chunk: &Chunk<'_>, text: &str) -> Option<Self> {
        let [choice] = chunk.choices.as_deref()? else { return None };
        let delta = choice.delta.as_ref()?;
        let said = [&delta.content, &delta.reasoning_content, &delta.reasoning];
        let said = said.into_iter().find_map(|node| match node {
            Node::String(text) if !text.is_empty() => Some(text),
            _ => None,
        });
        let arguments = || match delta.tool_calls.as_deref()? {
            [call] => Some(&call.function.as_ref()?.arguments.0),
            _ => None,
        };
        match said.or_else(arguments)? {
            Cow::Borrowed(part) => place_in(text, part),
            Cow::Owned(part) => place_escaped(text, part),
        }
    }
}

/// Where `part` stands in `whole`, from which it was borrowed.
fn place_in(whole: &str, part: &str) -> Option<Place> {
    let start = part.as_ptr().addr().checked_sub(whole.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (whole.get(start..end)? == part).then_some(Place { start, end })
}

/// Where a text with escapes stands, if it stands there once and is written as we would write it.
/// Outside of strings JSON holds no escapes, so what is found is a string.
fn place_escaped(whole: &str, part: &str) -> Option<Place> {
    let quoted = serde_json::to_string(part).ok().filter(|quoted| quoted.contains('\\'))?;
    let mut found = memmem::find_iter(whole.as_bytes(), quoted.as_bytes());
    let (start, None) = (found.next()? + 1, found.next()) else { return None };
    Some(Place { start, end: start + quoted.len() - 2 })
}
