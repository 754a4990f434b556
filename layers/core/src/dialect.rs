/// A family of language-model API formats: what a client speaks, and what an upstream expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Dialect {
    /// OpenAI's Chat Completions, legacy Completions and Embeddings.
    OpenAi,
    /// OpenAI's Responses.
    Responses,
    /// Anthropic's Messages.
    Anthropic,
    /// Google Gemini's `generateContent`.
    Gemini,
}

impl Dialect {
    /// The name used in configuration, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenAi => "openai",
            Self::Responses => "responses",
            Self::Anthropic => "anthropic",
            Self::Gemini => "gemini",
        }
    }
}

/// What a request asks for. Names follow OpenTelemetry's `gen_ai.operation.name`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Endpoint {
    /// A conversation's next message.
    Chat,
    /// A legacy text completion.
    TextCompletion,
    /// Vectors for texts.
    Embeddings,
    /// One vector for one text, in a dialect where that is a request of its own (Gemini).
    Embedding,
    /// How many tokens a conversation is, without an answer to it.
    CountTokens,
    /// Something else that is relayed without being understood, by its name.
    Other(&'static str),
}

impl Endpoint {
    /// The name used in logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chat => "chat",
            Self::TextCompletion => "text_completion",
            Self::Embeddings | Self::Embedding => "embeddings",
            Self::CountTokens => "count_tokens",
            Self::Other(name) => name,
        }
    }
}
