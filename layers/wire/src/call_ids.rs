//! Ids for tool calls that a provider gave none.

/// Makes ids that are unique in the answer, and by the request's seed in the conversation.
///
/// Gemini numbers nothing, and some servers of OpenAI's format do not either: the same function called in two rounds looks the same, and gateways that
/// number the calls of each answer from zero pair the second round's results with the first's calls.
#[derive(Clone, Debug)]
pub(crate) struct CallIds {
    prefix: u64,
    next: u32,
}

impl CallIds {
    pub(crate) fn new(seed: &str) -> Self {
        Self { prefix: fnv1a(seed.as_bytes()), next: 0 }
    }

    /// The next id: `call_`, sixteen hexadecimal digits of the seed, and a number. It fits the forty
    /// characters OpenAI allows.
    pub(crate) fn next_id(&mut self) -> String {
        let mut id = "call_".to_owned();
        push_hex(&mut id, self.prefix, 16);
        id.extend(["_", &self.next.to_string()]);
        self.next = self.next.saturating_add(1);
        id
    }
}

/// Appends the last hexadecimal digits of a number: what `{:0digits$x}` writes, in a tenth of its time.
pub(crate) fn push_hex(out: &mut String, number: u64, digits: u32) {
    let nibbles = (0..digits).rev().map(|at| (number >> (4 * at) & 15) as u32);
    out.extend(nibbles.filter_map(|nibble| char::from_digit(nibble, 16)));
}

/// FNV-1a, 64 bits.
pub(crate) fn fnv1a(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_within_and_between_requests() {
        let (mut one, mut two) = (CallIds::new("request-1"), CallIds::new("request-2"));
        let ids = [one.next_id(), one.next_id(), two.next_id(), two.next_id()];
        for (at, id) in ids.iter().enumerate() {
            assert!(!ids[..at].contains(id), "{ids:?}");
            assert!(id.len() <= 40);
        }
    }
}
