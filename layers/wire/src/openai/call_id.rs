//! Ids of calls as OpenAI takes them.

use std::borrow::Cow;

use crate::call_ids::fnv1a;

/// The longest id, in characters: "Expected a string with maximum length 40".
const LONGEST: usize = 40;

/// The id to send for a call or its result: the same one, or one made from it where it is too long.
/// Servers that take what OpenAI's own does not know take long ids, too (recorded).
pub(super) fn sent(id: &str, extensions: bool) -> Cow<'_, str> {
    if extensions || id.chars().take(LONGEST + 1).count() <= LONGEST {
        return Cow::Borrowed(id);
    }
    let reversed: Vec<u8> = id.bytes().rev().collect();
    Cow::Owned(format!("call_{:016x}{:016x}", fnv1a(id.as_bytes()), fnv1a(&reversed)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_that_are_too_long_are_made_anew_and_stay_apart() {
        let fits = "x".repeat(40);
        assert_eq!(sent(&fits, false), fits);
        assert_eq!(sent(&"x".repeat(41), true), "x".repeat(41));
        let made: Vec<String> = ["a", "b", "ab"]
            .into_iter()
            .map(|end| sent(&format!("{fits}{end}"), false).into_owned())
            .collect();
        for (at, id) in made.iter().enumerate() {
            assert!(id.len() <= LONGEST && !made[..at].contains(id), "{made:?}");
        }
    }
}
