//! Ids for tool calls that the server gave none.

/// Makes ids that are unique in the answer, and by the request's seed in the conversation.
#[derive(Clone, Debug)]
pub(super) struct CallIds {
    prefix: u64,
    next: u32,
}

impl CallIds {
    pub(super) fn new(seed: &str) -> Self {
        Self { prefix: fnv1a(seed.as_bytes()), next: 0 }
    }

    /// The next id. It fits the forty characters OpenAI allows.
    pub(super) fn next_id(&mut self) -> String {
        let id = format!("call_{:016x}_{}", self.prefix, self.next);
        self.next = self.next.saturating_add(1);
        id
    }
}

/// FNV-1a, 64 bits.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}
