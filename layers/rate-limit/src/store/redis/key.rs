use std::fmt::Write as _;
use std::sync::Arc;

use crc16::{State, XMODEM};
use ring::digest::{SHA256, digest};

use super::terms::Terms;
use crate::Rule;

/// The key under which a subject of a rule is counted: `prefix:{subject}:rule:terms`.
///
/// What would be counted otherwise after a change of the rule stands in it. A subject that is long, or
/// has what a key must not, is there by its hash: clients choose some of the subjects.
pub(super) fn key(prefix: &str, rule: &Rule, subject: &str) -> Arc<str> {
    let mut key = String::with_capacity(prefix.len() + subject.len().min(2 * LONGEST) + rule.name.len() + 50);
    key.push_str(prefix);
    key.push_str(":{");
    // A text, if there is one, begins with its length, so that none is like the other two.
    if subject.is_empty() {
        key.push('*');
    } else if subject.len() <= LONGEST && !subject.contains(|c: char| c.is_control() || "{}".contains(c)) {
        key.push_str(subject);
    } else {
        key.push('#');
        for byte in digest(&SHA256, subject.as_bytes()).as_ref() {
            // Writing to a text does not fail.
            let _ = write!(key, "{byte:02x}");
        }
    }
    key.push_str("}:");
    key.push_str(&rule.name);
    let _ = write!(key, ":{}", Terms::new(rule));
    key.into()
}

/// The key of the set of replicas.
pub(super) fn replicas(prefix: &str) -> Arc<str> {
    format!("{prefix}:{{*}}:replicas").into()
}

/// The slot of a key in a cluster: by what stands in its first braces, if anything does.
///
/// <https://redis.io/docs/latest/operate/oss_and_stack/reference/cluster-spec/#hash-tags>
pub(super) fn slot(key: &str) -> u16 {
    let tag = key.split_once('{').and_then(|(_, rest)| rest.split_once('}')).map_or("", |(tag, _)| tag);
    let hashed = if tag.is_empty() { key } else { tag };
    State::<XMODEM>::calculate(hashed.as_bytes()) % 16384
}

const LONGEST: usize = 100;

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::Measure;

    fn rule(name: &str) -> Rule {
        Rule::new(name, Measure::Requests, 5, Duration::from_mins(1))
    }

    #[test]
    fn keys_can_be_read() {
        assert_eq!(&*key("tollway", &rule("rpm"), "3:abc"), "tollway:{3:abc}:rpm:w60000000");
        assert_eq!(&*key("tollway", &rule("rpm"), ""), "tollway:{*}:rpm:w60000000");
        assert_eq!(&*key("t", &rule("rpm").gcra(2), "1:a"), "t:{1:a}:rpm:g60000000/5");
        assert_eq!(&*key("t", &Rule::concurrent("c", Measure::ConcurrentStreams, 1), "1:a"), "t:{1:a}:c:c");
    }

    #[test]
    fn no_subject_makes_a_key_long_or_leaves_its_slot() {
        for subject in ["3:}{x", "2:\r\n", &"9".repeat(10_000)] {
            let [one, other] = ["a", "b"].map(|name| key("tollway", &rule(name), subject));
            assert!(one.len() < 200 && !one.contains(subject), "{one}");
            assert_eq!(slot(&one), slot(&other));
        }
        assert_ne!(key("t", &rule("a"), &"9".repeat(101)), key("t", &rule("a"), &"9".repeat(102)));
    }

    #[test]
    fn slots_are_the_servers() {
        // As `CLUSTER KEYSLOT` says.
        assert_eq!(slot("foo"), 12182);
        assert_eq!(slot("{user1000}.following"), slot("{user1000}.followers"));
        assert_eq!(slot("foo{}{bar}"), slot("foo{}{bar}"));
        assert_ne!(slot("foo{}{bar}"), slot("bar"));
        let tagged = |subject| slot(&key("{tollway}", &rule("a"), subject));
        assert_eq!(tagged("1:a"), tagged("1:b"));
    }
}
