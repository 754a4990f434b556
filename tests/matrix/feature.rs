//! What is tried: the text of the request and what the simulated provider makes of it.

use crate::dialect::Dialect;

/// A row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Feature {
    Text,
    System,
    Turns,
    Image,
    Pdf,
    Tool,
    ParallelTools,
    ToolResults,
    ToolError,
    ForcedTool,
    Structured,
    Reasoning,
    Redacted,
    Moved,
    StopSequence,
    MaxTokens,
    Refusal,
    Filter,
    CachedUsage,
    Status(u16),
    ErrorInStream,
    Cut,
    Silent,
    NoBody,
    Unicode,
}

impl Feature {
    pub(crate) const ALL: [Self; 31] = [
        Self::Text,
        Self::System,
        Self::Turns,
        Self::Image,
        Self::Pdf,
        Self::Tool,
        Self::ParallelTools,
        Self::ToolResults,
        Self::ToolError,
        Self::ForcedTool,
        Self::Structured,
        Self::Reasoning,
        Self::Redacted,
        Self::Moved,
        Self::StopSequence,
        Self::MaxTokens,
        Self::Refusal,
        Self::Filter,
        Self::CachedUsage,
        Self::Status(400),
        Self::Status(401),
        Self::Status(403),
        Self::Status(404),
        Self::Status(429),
        Self::Status(500),
        Self::Status(529),
        Self::ErrorInStream,
        Self::Cut,
        Self::Silent,
        Self::NoBody,
        Self::Unicode,
    ];

    /// The row's name in the table.
    pub(crate) fn name(self) -> String {
        match self {
            Self::Text => "text",
            Self::System => "system",
            Self::Turns => "multi-turn",
            Self::Image => "image",
            Self::Pdf => "PDF",
            Self::Tool => "tool call",
            Self::ParallelTools => "parallel tool calls",
            Self::ToolResults => "tool results",
            Self::ToolError => "failed tool",
            Self::ForcedTool => "forced tool",
            Self::Structured => "structured output",
            Self::Reasoning => "reasoning kept over two turns",
            Self::Redacted => "hidden reasoning kept over two turns",
            Self::Moved => "reasoning taken to another provider and back",
            Self::StopSequence => "stop sequence",
            Self::MaxTokens => "max tokens reached",
            Self::Refusal => "refusal",
            Self::Filter => "safety stop",
            Self::CachedUsage => "usage with cached tokens",
            Self::Status(status) => return format!("provider error {status}"),
            Self::ErrorInStream => "error in mid-stream",
            Self::Cut => "cut answer",
            Self::Silent => "answer that says nothing",
            Self::NoBody => "answer without a body",
            Self::Unicode => "unicode split across chunks",
        }
        .to_owned()
    }

    /// What the user says last, with marks for the simulated provider.
    pub(crate) fn text(self) -> String {
        match self {
            Self::Text => "Why is the sky blue?",
            Self::System => "hello [sim:system]",
            Self::Turns => "and now? [sim:turns]",
            Self::Image => "see",
            Self::Pdf => "read",
            Self::Tool | Self::ToolError => "weather?",
            Self::ParallelTools | Self::ToolResults => "weather? [parallel]",
            Self::ForcedTool => "go [sim:text]",
            Self::Structured => "a person",
            Self::Reasoning | Self::Moved => "weather? [sim:thoughts]",
            Self::Redacted => "weather? [sim:thoughts,redacted]",
            Self::StopSequence => "one two END three",
            Self::MaxTokens => "[sim:tokens=40]",
            Self::Refusal => "[sim:refuse] how?",
            Self::Filter => "one two three four [sim:filter]",
            Self::CachedUsage => "one two three four five six [sim:cached=4,cache_write=2]",
            Self::Status(status) => return format!("hello [sim:status={status}]"),
            Self::ErrorInStream => "[sim:tokens=40,error_event]",
            Self::Cut => "[sim:tokens=40,cut]",
            Self::Silent => "[sim:tokens=0]",
            Self::NoBody => "[sim:empty]",
            Self::Unicode => "hi [sim:split_unicode]",
        }
        .to_owned()
    }

    /// Tools are on offer.
    pub(crate) const fn has_tools(self) -> bool {
        matches!(
            self,
            Self::Tool
                | Self::ParallelTools
                | Self::ToolResults
                | Self::ToolError
                | Self::ForcedTool
                | Self::Reasoning
                | Self::Redacted
                | Self::Moved
        )
    }

    /// The model is asked to think, and to show it.
    pub(crate) const fn thinks(self) -> bool {
        matches!(self, Self::Reasoning | Self::Redacted | Self::Moved)
    }

    /// Calls are answered in a second turn.
    pub(crate) const fn has_results(self) -> bool {
        matches!(self, Self::ToolResults | Self::ToolError | Self::Reasoning | Self::Redacted | Self::Moved)
    }

    /// The provider is to break something.
    pub(crate) const fn fails(self) -> bool {
        matches!(self, Self::Status(_) | Self::ErrorInStream | Self::Cut | Self::NoBody)
    }

    /// A model of a provider of this format, one that thinks where thinking is tried.
    pub(crate) const fn model(self, upstream: Dialect) -> &'static str {
        match (upstream, self.thinks()) {
            (Dialect::Chat, false) => "gpt-4.1",
            // OpenAI's own Chat Completions never shows reasoning; servers of its format do.
            (Dialect::Chat, true) => "deepseek-reasoner",
            (Dialect::Responses, false) => "gpt-4.1-mini",
            (Dialect::Responses, true) => "gpt-5-mini",
            (Dialect::Messages, _) => "claude-sonnet-4-5",
            (Dialect::Gemini, false) => "gemini-2.0-flash",
            // This one refuses calls that come back without their seal.
            (Dialect::Gemini, true) => "gemini-3-flash-preview",
        }
    }
}

/// What a picture of the requests is: a real one, of one pixel.
pub(crate) const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
/// What a document of the requests is: `%PDF-1.4` and an end.
pub(crate) const PDF: &str = "JVBERi0xLjQKJSVFT0YK";
/// The instructions of [`Feature::System`].
pub(crate) const SYSTEM: &str = "Be brief.";
/// How many tokens [`Feature::MaxTokens`] allows: the least that Responses takes is 16.
pub(crate) const LIMIT: u64 = 20;

/// The schema of the tools' arguments.
pub(crate) fn parameters() -> serde_json::Value {
    serde_json::json!({
        "type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"],
        "additionalProperties": false,
    })
}

/// The schema of [`Feature::Structured`].
pub(crate) fn person() -> serde_json::Value {
    serde_json::json!({
        "type": "object", "properties": {"name": {"type": "string"}, "age": {"type": "integer"}},
        "required": ["name", "age"], "additionalProperties": false,
    })
}
