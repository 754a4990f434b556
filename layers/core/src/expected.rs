/// What a call is expected to take, before anybody counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expected {
    /// Tokens of the input.
    pub input: u64,
    /// The most tokens of output that the client asked for, all answers together, if it set a limit.
    pub output: Option<u64>,
}
