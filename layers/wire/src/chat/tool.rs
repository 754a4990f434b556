use serde_json::{Map, Value};

use super::Part;

/// A tool the model may call.
#[derive(Clone, Debug, PartialEq)]
pub struct Tool {
    /// Its name, as the client gave it.
    pub name: String,
    /// What it is for.
    pub description: Option<String>,
    /// How its input is described.
    pub kind: ToolKind,
    /// Whether arguments must match the schema exactly (OpenAI's `strict`).
    pub strict: Option<bool>,
    /// A prompt-cache mark, as Anthropic writes it.
    pub cache_control: Option<Value>,
}

/// What a tool takes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum ToolKind {
    /// A function whose arguments are a JSON object described by a JSON Schema; `None` when the
    /// function takes nothing.
    Function {
        /// The JSON Schema of the arguments.
        parameters: Option<Value>,
    },
    /// OpenAI's custom tool: free text, optionally by a grammar.
    Custom {
        /// OpenAI's `format` object.
        format: Option<Value>,
    },
    /// A tool the provider runs itself; the whole definition in its own dialect.
    Server(super::Native),
}

/// Which tool the model must call.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ToolChoice {
    /// As it sees fit.
    Auto,
    /// None.
    None,
    /// At least one.
    Required,
    /// This one.
    Named(String),
    /// One of these (`required`: at least one of them).
    Allowed {
        /// The names.
        names: Vec<String>,
        /// Whether one must be called.
        required: bool,
    },
}

/// A call the model made.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ToolCall {
    /// The id a result refers to. Decoders synthesise one, unique in the conversation, where the
    /// format gives none.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// The arguments as the model wrote them: JSON text for a function, free text for a custom tool.
    pub arguments: String,
    /// Whether this calls a custom tool.
    pub custom: bool,
}

impl ToolCall {
    /// The arguments as an object: an empty text is an empty object; anything that is not an object
    /// is `None`.
    pub fn arguments_object(&self) -> Option<Map<String, Value>> {
        if self.arguments.trim().is_empty() {
            return Some(Map::new());
        }
        serde_json::from_str(&self.arguments).ok()
    }
}

/// What a call came to.
#[derive(Clone, Debug, PartialEq)]
pub struct ToolResult {
    /// The id of the [`ToolCall`].
    pub call_id: String,
    /// The tool's name, where the format carries it.
    pub name: Option<String>,
    /// Text, images and documents.
    pub content: Vec<Part>,
    /// Whether the tool failed.
    pub is_error: bool,
}
