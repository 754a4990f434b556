/// What a request is expected to take, before it is sent on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Estimate {
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
    /// Whether the answer will be streamed.
    pub stream: bool,
}

/// What a request took, once that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actual {
    /// Requests: one, or none where it is to be as if it had not been sent.
    pub requests: u64,
    /// Input tokens.
    pub input: u64,
    /// Output tokens.
    pub output: u64,
}

impl Actual {
    /// Nothing at all: it is as if the request had never been.
    pub const NOTHING: Self = Self { requests: 0, input: 0, output: 0 };

    /// One request of so many tokens.
    pub const fn tokens(input: u64, output: u64) -> Self {
        Self { requests: 1, input, output }
    }
}
