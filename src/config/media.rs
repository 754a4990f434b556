use std::time::Duration;

/// Limits on pictures and documents that the gateway fetches for providers which take only bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Media {
    /// The most bytes of one.
    pub max_bytes: usize,
    /// How long one may take.
    pub timeout: Duration,
    /// Whether `http` and addresses that are not public may be fetched from: everyone who can send
    /// a request can then make the gateway ask servers in its own network.
    pub allow_private: bool,
}

impl Default for Media {
    fn default() -> Self {
        Self { max_bytes: 20 << 20, timeout: Duration::from_secs(10), allow_private: false }
    }
}
