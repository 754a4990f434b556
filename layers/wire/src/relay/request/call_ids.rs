//! Ids of tool calls for servers that take only nine letters and digits.

use std::ops::Range;

use super::{
    Edit,
    messages::{elements, members},
};
use crate::{
    scan::{Kind, Member, unquote},
    splice::quote,
};

/// The length of an id at Mistral, which says of any other: "Tool call id was … but must be a-z, A-Z,
/// 0-9, with a length of 9."
const LENGTH: usize = 9;
const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

impl Edit<'_> {
    /// Shortens the ids in one message. The same id becomes the same in every message and request, so
    /// that results find their calls, and the server's prompt cache its prefix.
    pub(super) fn call_ids(&mut self, at: &Range<usize>) {
        let body: &[u8] = self.peek.body();
        members(body, at, |member| {
            if member.is(body, "tool_call_id") {
                self.call_id(&member);
            } else if member.kind == Kind::Array && member.is(body, "tool_calls") {
                elements(body, &member.value, |at, kind| {
                    if kind == Kind::Object {
                        members(body, &at, |member| {
                            if member.is(body, "id") {
                                self.call_id(&member);
                            }
                        });
                    }
                });
            }
        });
    }

    fn call_id(&mut self, member: &Member) {
        let value = self.peek.body().get(member.value.clone());
        let Some(id) = value.filter(|_| member.kind == Kind::String).and_then(unquote) else { return };
        if let Some(short) = shortened(&id) {
            self.splice.patch(member.value.clone(), quote(&short));
        }
    }
}

/// The id as nine letters and digits. None where it is that already.
fn shortened(id: &str) -> Option<String> {
    if id.len() == LENGTH && id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return None;
    }
    // FNV-1a, and a finaliser that spreads its last bytes (SplitMix64). 62⁹ ids are enough that two
    // calls of a conversation do not meet.
    let hash = id
        .bytes()
        .fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
    let hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let mut hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^= hash >> 31;
    let digits = std::iter::from_fn(|| {
        let digit = usize::try_from(hash % 62).ok()?;
        hash /= 62;
        ALPHABET.get(digit).map(|digit| char::from(*digit))
    });
    Some(digits.take(LENGTH).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn ids_become_nine_letters_and_digits_and_stay_apart() {
        let ids: HashSet<_> = (0..10_000).filter_map(|n| shortened(&format!("call_{n}"))).collect();
        assert_eq!(ids.len(), 10_000);
        let is_right = |id: &String| id.len() == 9 && id.bytes().all(|byte| byte.is_ascii_alphanumeric());
        assert!(ids.iter().all(is_right));
    }

    #[test]
    fn an_id_that_is_right_stays() {
        assert_eq!(shortened("D681PevKs"), None);
        assert!(shortened("D681PevK-").is_some() && shortened("").is_some() && shortened("éééé1").is_some());
    }
}
