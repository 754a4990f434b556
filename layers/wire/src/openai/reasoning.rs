//! Thinking and its seals in OpenAI's dialect.
//!
//! Thinking text stands in `reasoning_content`. Seals stand in OpenRouter's `reasoning_details`, so
//! that a client that gives the message back gives the seals back. An entry's `index` is the place
//! of its block among the message's blocks (all text counting as one), so that thinking which stood
//! between text and tool calls finds its place again.

use serde_json::Value;
use tollway_core::Dialect;

use super::json::Node;
use crate::chat::{Content, Native, Part, Reasoning, Signature};

/// The `format` of what Anthropic sealed.
pub(super) const ANTHROPIC: &str = "anthropic-claude-v1";
const GEMINI: &str = "google-gemini-v1";
const OPENAI: &str = "openai-responses-v1";

/// Whose seal a `format` word names. OpenRouter documents Anthropic's as the default.
pub(super) fn dialect_of(format: Option<&str>) -> Dialect {
    match format {
        None | Some(ANTHROPIC) => Dialect::Anthropic,
        Some(format) if format.starts_with("google-") => Dialect::Gemini,
        Some(OPENAI) => Dialect::Responses,
        Some(_) => Dialect::OpenAi,
    }
}

/// The `format` word for a seal.
pub(super) fn format_of(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Gemini => GEMINI,
        Dialect::OpenAi | Dialect::Responses => OPENAI,
        _ => ANTHROPIC,
    }
}

/// One entry of `reasoning_details`, taken apart.
#[derive(Debug, PartialEq)]
pub(super) enum Entry {
    /// Thinking text or a summary, with its seal.
    Text { text: String, signature: Option<Signature> },
    /// Sealed thinking of Anthropic's.
    Redacted(String),
    /// Gemini's seal on a tool call, which OpenRouter writes as an entry with the call's id.
    CallSeal { call_id: String, value: String },
    /// An entry only its maker understands.
    Other(Native),
}

/// Reads one entry, and the place it names.
pub(super) fn decode_entry(node: Node<'_>) -> Option<(Option<u64>, Entry)> {
    let Node::Object(mut fields) = node else { return None };
    let dialect = dialect_of(fields.str("format"));
    let seal = |value: Option<String>| value.map(|value| Signature { dialect, value });
    match fields.str("type") {
        Some("reasoning.text") => {
            let index = fields.take("index").and_then(|index| index.as_count());
            let text = fields.take("text").and_then(Node::into_text).unwrap_or_default();
            let signature = seal(fields.take("signature").and_then(Node::into_words));
            Some((index, Entry::Text { text, signature }))
        }
        Some("reasoning.summary") => {
            let index = fields.take("index").and_then(|index| index.as_count());
            let text = fields.take("summary").and_then(Node::into_text).unwrap_or_default();
            Some((index, Entry::Text { text, signature: None }))
        }
        Some("reasoning.encrypted") if dialect == Dialect::Anthropic => {
            let index = fields.take("index").and_then(|index| index.as_count());
            Some((index, Entry::Redacted(fields.take("data").and_then(Node::into_words)?)))
        }
        Some("reasoning.encrypted") if dialect == Dialect::Gemini && fields.str("id").is_some() => {
            let call_id = fields.take("id").and_then(Node::into_text)?;
            let value = fields.take("data").and_then(Node::into_words)?;
            Some((None, Entry::CallSeal { call_id, value }))
        }
        Some(_) => {
            let value = Node::Object(fields).into_value();
            let index = value.get("index").and_then(Value::as_u64);
            Some((index, Entry::Other(Native { dialect: Dialect::OpenAi, value })))
        }
        None => None,
    }
}

/// Thinking read from a message: its parts with their places, and seals on tool calls by id.
#[derive(Debug, Default)]
pub(super) struct Thinking {
    parts: Vec<(Option<u64>, Part)>,
    call_seals: Vec<(String, String)>,
}

impl Thinking {
    /// Reads thinking from the plain text and the details of a message.
    pub(super) fn decode(plain: Option<String>, details: Vec<Node<'_>>) -> Self {
        let mut thinking = Self::default();
        for (index, entry) in details.into_iter().filter_map(decode_entry) {
            thinking.push(index, entry);
        }
        let texts = thinking.parts.iter().filter_map(|(_, part)| as_reasoning(part));
        if let Some(plain) = plain.filter(|plain| !plain.is_empty())
            && texts.clone().all(|reasoning| reasoning.text.is_empty())
        {
            thinking.add_plain(plain);
        }
        thinking
    }

    fn push(&mut self, index: Option<u64>, entry: Entry) {
        let part = match entry {
            Entry::CallSeal { call_id, value } => return self.call_seals.push((call_id, value)),
            Entry::Redacted(data) => Reasoning { text: String::new(), redacted: Some(data) }.into(),
            Entry::Other(native) => Content::Native(native).into(),
            Entry::Text { text, signature } => {
                // Pieces of a stream, gathered by a client that appends them: one place, one block.
                if let Some((last, part)) = self.parts.last_mut()
                    && *last == index
                    && index.is_some()
                    && part.signature.is_none()
                    && let Content::Reasoning(reasoning) = &mut part.content
                    && reasoning.redacted.is_none()
                {
                    reasoning.text.push_str(&text);
                    part.signature = signature;
                    return;
                }
                Part { signature, ..Reasoning { text, redacted: None }.into() }
            }
        };
        self.parts.push((index, part));
    }

    /// Gives the plain text to the one seal that has none, or puts it first.
    fn add_plain(&mut self, text: String) {
        let mut bare = self.parts.iter_mut().filter(|(_, part)| {
            part.signature.is_some() && as_reasoning(part).is_some_and(|r| r.redacted.is_none())
        });
        if let (Some((_, part)), None) = (bare.next(), bare.next())
            && let Content::Reasoning(reasoning) = &mut part.content
        {
            reasoning.text = text;
            return;
        }
        self.parts.insert(0, (None, Reasoning { text, redacted: None }.into()));
    }

    /// Puts thinking and the other parts of the message in the order they had.
    pub(super) fn interleave(self, others: Vec<Part>) -> Vec<Part> {
        let mut out = Vec::with_capacity(self.parts.len() + others.len());
        let call_seals = self.call_seals;
        let mut blocks = Blocks::default();
        let mut others = others.into_iter().map(|mut part| {
            if let Content::ToolCall(call) = &part.content
                && let Some((_, value)) = call_seals.iter().find(|(id, _)| *id == call.id)
            {
                let seal = || Signature { dialect: Dialect::Gemini, value: value.clone() };
                part.signature.get_or_insert_with(seal);
            }
            part
        });
        for (place, part) in self.parts {
            while place.is_some_and(|place| blocks.count < place) {
                let Some(other) = others.next() else { break };
                blocks.place(&other.content);
                out.push(other);
            }
            blocks.place(&part.content);
            out.push(part);
        }
        out.extend(others);
        out
    }
}

impl From<Reasoning> for Part {
    fn from(reasoning: Reasoning) -> Self {
        Content::Reasoning(reasoning).into()
    }
}

fn as_reasoning(part: &Part) -> Option<&Reasoning> {
    match &part.content {
        Content::Reasoning(reasoning) => Some(reasoning),
        _ => None,
    }
}

/// Numbers the blocks of a message: all text is one block, everything else one each.
#[derive(Clone, Debug, Default)]
pub(super) struct Blocks {
    count: u64,
    text: bool,
}

impl Blocks {
    /// The number of the next block.
    pub(super) fn next(&mut self) -> u64 {
        let number = self.count;
        self.count += 1;
        number
    }

    /// Counts text, the first time only.
    pub(super) fn text(&mut self) {
        if !std::mem::replace(&mut self.text, true) {
            self.count += 1;
        }
    }

    /// Counts a block, and gives its number.
    pub(super) fn place(&mut self, content: &Content) -> u64 {
        match content {
            Content::Text(_) => {
                self.text();
                self.count
            }
            _ => self.next(),
        }
    }
}

/// Whether a block is an entry of `reasoning_details`.
pub(super) fn is_detail(native: &Native) -> bool {
    let kind = native.value.get("type").and_then(Value::as_str);
    native.dialect == Dialect::OpenAi && kind.is_some_and(|kind| kind.starts_with("reasoning."))
}

#[cfg(test)]
mod tests {
    use super::super::reasoning_out::details;
    use super::*;

    fn read(plain: Option<&str>, details: &str) -> Thinking {
        let node: Node<'_> = serde_json::from_str(details).unwrap();
        Thinking::decode(plain.map(str::to_owned), node.into_elements())
    }

    fn thought(text: &str, seal: Option<&str>) -> Part {
        let seal = seal.map(|value| Signature { dialect: Dialect::Anthropic, value: value.to_owned() });
        Part { signature: seal, ..Reasoning { text: text.to_owned(), redacted: None }.into() }
    }

    fn call(id: &str) -> Part {
        let call = crate::chat::ToolCall {
            id: id.to_owned(),
            name: "f".into(),
            arguments: "{}".into(),
            custom: false,
        };
        Content::ToolCall(call).into()
    }

    #[test]
    fn interleaved_thinking_keeps_its_place() {
        let content = vec![
            thought("a", Some("s1")),
            Part::text("b"),
            thought("c", Some("s2")),
            call("1"),
            thought("d", None),
        ];
        let written = serde_json::to_string(&details(&content)).unwrap();
        let others = vec![Part::text("b"), call("1")];
        assert_eq!(read(Some("acd"), &written).interleave(others), content);
    }

    #[test]
    fn a_seal_without_its_text_finds_it_in_the_plain_text() {
        let thinking = read(Some("why"), r#"[{"type":"reasoning.text","signature":"s"}]"#);
        assert_eq!(thinking.interleave(Vec::new()), [thought("why", Some("s"))]);
    }

    #[test]
    fn streamed_pieces_with_one_index_are_one_block() {
        let details = r#"[{"type":"reasoning.text","text":"wh","index":0},
            {"type":"reasoning.text","text":"y","index":0},
            {"type":"reasoning.text","signature":"s","index":0}]"#;
        assert_eq!(read(None, details).interleave(Vec::new()), [thought("why", Some("s"))]);
    }

    #[test]
    fn openrouters_gemini_seal_finds_its_tool_call() {
        let details = r#"[{"type":"reasoning.encrypted","data":"sig","format":"google-gemini-v1","id":"c1","index":0}]"#;
        let content = read(None, details).interleave(vec![call("c0"), call("c1")]);
        assert_eq!(content[0].signature, None);
        let seal = Signature { dialect: Dialect::Gemini, value: "sig".into() };
        assert_eq!(content[1].signature, Some(seal));
    }

    #[test]
    fn openais_sealed_thinking_is_never_anthropics() {
        let details =
            r#"[{"type":"reasoning.encrypted","data":"x","format":"openai-responses-v1","id":"rs_1"}]"#;
        let content = read(None, details).interleave(Vec::new());
        assert!(matches!(&content[0].content, Content::Native(native) if is_detail(native)));
    }
}
