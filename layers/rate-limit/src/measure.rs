use crate::Estimate;

/// What a rule counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Measure {
    /// Requests in a window.
    Requests,
    /// Input tokens in a window, cached ones included.
    InputTokens,
    /// Output tokens in a window, reasoning included.
    OutputTokens,
    /// Input and output tokens in a window.
    TotalTokens,
    /// Requests at the same time, from admission to the end of the answer's body.
    ConcurrentRequests,
    /// Answers streamed at the same time.
    ConcurrentStreams,
}

impl Measure {
    /// The name used in configuration, logs and metrics.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Requests => "requests",
            Self::InputTokens => "input_tokens",
            Self::OutputTokens => "output_tokens",
            Self::TotalTokens => "total_tokens",
            Self::ConcurrentRequests => "concurrent_requests",
            Self::ConcurrentStreams => "concurrent_streams",
        }
    }

    /// Whether it counts what goes on at the same time, and so has no window.
    pub const fn is_concurrent(self) -> bool {
        matches!(self, Self::ConcurrentRequests | Self::ConcurrentStreams)
    }

    /// Whether it counts tokens.
    pub const fn is_tokens(self) -> bool {
        matches!(self, Self::InputTokens | Self::OutputTokens | Self::TotalTokens)
    }

    /// How much of it a request is expected to take.
    pub const fn estimated(self, estimate: &Estimate) -> u64 {
        match self {
            Self::Requests | Self::ConcurrentRequests => 1,
            Self::InputTokens => estimate.input,
            Self::OutputTokens => estimate.output,
            Self::TotalTokens => estimate.input.saturating_add(estimate.output),
            Self::ConcurrentStreams => estimate.stream as u64,
        }
    }

    /// How much of it a request took in the end. Nothing goes on any more by then.
    pub const fn settled(self, actual: &crate::Actual) -> u64 {
        match self {
            Self::Requests => actual.requests,
            Self::InputTokens => actual.input,
            Self::OutputTokens => actual.output,
            Self::TotalTokens => actual.input.saturating_add(actual.output),
            Self::ConcurrentRequests | Self::ConcurrentStreams => 0,
        }
    }
}

impl std::fmt::Display for Measure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // As in a sentence.
        f.write_str(match self {
            Self::Requests => "requests",
            Self::InputTokens => "input tokens",
            Self::OutputTokens => "output tokens",
            Self::TotalTokens => "tokens",
            Self::ConcurrentRequests => "concurrent requests",
            Self::ConcurrentStreams => "concurrent streams",
        })
    }
}
