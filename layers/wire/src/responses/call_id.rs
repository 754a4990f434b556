//! Ids of calls as the API takes them.

use std::borrow::Cow;

/// The longest id of a call, in characters.
const LONGEST: usize = 64;

/// The id to send for a call or its result: the same one, or one made from it where the API would refuse
/// it.
pub(super) fn sent(id: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    if (1..=LONGEST).contains(&id.len()) && id.bytes().all(is_plain) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!("call_{:016x}{:016x}", crate::call_ids::fnv1a(id.as_bytes()), id.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_change_only_where_they_must_and_stay_apart() {
        assert_eq!(sent("call_abc-1"), "call_abc-1");
        let long = "x".repeat(65);
        let longer = "x".repeat(66);
        let made = [sent(&long), sent(&longer), sent("a.b"), sent("a b"), sent("")];
        for (at, id) in made.iter().enumerate() {
            assert!(id.len() <= LONGEST && !made[..at].contains(id), "{made:?}");
        }
        assert_eq!(sent(&long), sent(&long));
    }
}
