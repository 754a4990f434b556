use serde_json::Value;
use tollway_core::Dialect;

use super::{ToolCall, ToolResult};

/// Who speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Instructions.
    System,
    /// Instructions, in OpenAI's newer word for them.
    Developer,
    /// The application's user.
    User,
    /// The model.
    Assistant,
    /// Results of tool calls; the message holds only [`Content::ToolResult`] parts.
    Tool,
}

/// One turn, or one of several neighbouring messages of a turn.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// Who speaks.
    pub role: Role,
    /// The speaker's name, where a format has one.
    pub name: Option<String>,
    /// The parts, in order: text, reasoning, tool calls and the rest may interleave.
    pub content: Vec<Part>,
}

/// A piece of content and what hangs on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Part {
    /// The content.
    pub content: Content,
    /// A prompt-cache mark, as Anthropic writes it (`{"type":"ephemeral",…}`).
    pub cache_control: Option<Value>,
    /// The provider's seal on this part, to be given back unchanged to the provider that made it.
    pub signature: Option<Signature>,
}

impl From<Content> for Part {
    fn from(content: Content) -> Self {
        Self { content, cache_control: None, signature: None }
    }
}

impl Part {
    /// A part of plain text.
    pub fn text(text: impl Into<String>) -> Self {
        Content::Text(Text { text: text.into(), annotations: Vec::new() }).into()
    }
}

/// What a part is.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Content {
    /// Text.
    Text(Text),
    /// The model's refusal, in words.
    Refusal(String),
    /// A picture.
    Image(Image),
    /// A document, such as a PDF.
    Document(Document),
    /// Sound.
    Audio(Audio),
    /// The model's thinking.
    Reasoning(Reasoning),
    /// The model calls a tool.
    ToolCall(ToolCall),
    /// What a tool call came to.
    ToolResult(ToolResult),
    /// A block only its own dialect understands, kept whole.
    Native(Native),
}

/// Text, with citations where the provider gives them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Text {
    /// The text.
    pub text: String,
    /// Citations in OpenAI's `annotations` shape (`{"type":"url_citation","url_citation":{…}}`).
    pub annotations: Vec<Value>,
}

/// Where the bytes of a medium are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// In the request, as standard base64.
    Base64 {
        /// The IANA media type.
        media_type: String,
        /// The data in base64.
        data: String,
    },
    /// At an `http`, `https` or `gs` URL.
    Url {
        /// The URL.
        url: String,
        /// The IANA media type, where it is told.
        media_type: Option<String>,
    },
    /// In a file kept at the provider.
    File {
        /// The provider's id of the file.
        id: String,
    },
    /// Plain text in place of a file.
    Text(String),
}

/// A picture.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Where its bytes are.
    pub source: Source,
    /// OpenAI's `detail`: `auto`, `low` or `high`.
    pub detail: Option<String>,
}

/// A document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Where its bytes are.
    pub source: Source,
    /// Its file name or title.
    pub name: Option<String>,
}

/// Sound in a request or an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Audio {
    /// The provider's id of an earlier audio answer.
    pub id: Option<String>,
    /// The data in base64.
    pub data: Option<String>,
    /// `wav`, `mp3`, …
    pub format: Option<String>,
    /// What is said, in words.
    pub transcript: Option<String>,
    /// When the provider forgets the id, in seconds since the epoch.
    pub expires_at: Option<u64>,
}

/// The model's thinking. The seal stands in [`Part::signature`].
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reasoning {
    /// The text or summary; empty when only sealed data exists.
    pub text: String,
    /// Sealed thinking (Anthropic's `redacted_thinking.data`, OpenAI's `encrypted_content`).
    pub redacted: Option<String>,
}

/// A provider's seal, and whose it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Signature {
    /// The dialect of the provider that made it.
    pub dialect: Dialect,
    /// The seal, opaque.
    pub value: String,
}

/// A block of one dialect without an equivalent elsewhere: server tools, code execution and such.
#[derive(Clone, Debug, PartialEq)]
pub struct Native {
    /// Whose it is.
    pub dialect: Dialect,
    /// The block as JSON.
    pub value: Value,
}
