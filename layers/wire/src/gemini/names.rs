//! Tool names by Gemini's rule.

use std::{
    borrow::Cow,
    collections::{HashMap, HashSet},
};

/// The longest name taken.
const LONGEST: usize = 64;

/// Gives each tool a name Gemini takes: a letter or underscore, then up to 63 letters, digits,
/// underscores, dots and dashes. A name that fits stays; the same name always becomes the same.
#[derive(Debug, Default)]
pub(super) struct ToolNames<'a> {
    /// From the client's name to the one sent.
    sent: HashMap<&'a str, Cow<'a, str>>,
    /// All names sent.
    taken: HashSet<Cow<'a, str>>,
    /// The number to try next for a name that several others become.
    next: HashMap<String, u32>,
    /// From the name sent to the client's, where they differ, in the order of their first use.
    renamed: Vec<(String, String)>,
}

impl<'a> ToolNames<'a> {
    /// Reserves the names that stay as they are, so that no other becomes one of them.
    pub(super) fn new(names: impl Iterator<Item = &'a str>) -> Self {
        let sent: HashMap<_, _> =
            names.filter(|name| fits(name)).map(|name| (name, Cow::Borrowed(name))).collect();
        let taken = sent.values().cloned().collect();
        Self { sent, taken, ..Self::default() }
    }

    /// The name to send.
    pub(super) fn sent(&mut self, name: &'a str) -> Cow<'a, str> {
        if let Some(sent) = self.sent.get(name) {
            return sent.clone();
        }
        let sent = if fits(name) && !self.taken.contains(name) {
            Cow::Borrowed(name)
        } else {
            Cow::Owned(self.free(fitted(name)))
        };
        if sent != name {
            self.renamed.push((sent.to_string(), name.to_owned()));
        }
        self.taken.insert(sent.clone());
        self.sent.insert(name, sent.clone());
        sent
    }

    /// The names that had to change: as sent → as the client gave them.
    pub(super) fn into_renamed(self) -> Vec<(String, String)> {
        self.renamed
    }

    /// The name, or with a number where it is taken.
    fn free(&mut self, name: String) -> String {
        if !self.taken.contains(name.as_str()) {
            return name;
        }
        let next = self.next.entry(name.clone()).or_insert(2);
        loop {
            let suffix = format!("_{next}");
            *next = next.saturating_add(1);
            let kept = name.get(..name.len().min(LONGEST - suffix.len())).unwrap_or(&name);
            let numbered = format!("{kept}{suffix}");
            if !self.taken.contains(numbered.as_str()) {
                return numbered;
            }
        }
    }
}

/// Whether Gemini takes a name.
fn fits(name: &str) -> bool {
    let starts = |byte: &u8| byte.is_ascii_alphabetic() || *byte == b'_';
    name.len() <= LONGEST && name.as_bytes().first().is_some_and(starts) && name.bytes().all(is_allowed)
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-')
}

/// The nearest name that fits; ASCII, so it may be cut anywhere.
fn fitted(name: &str) -> String {
    let allowed = |character: char| u8::try_from(character).is_ok_and(is_allowed);
    let replaced = name.chars().map(|character| if allowed(character) { character } else { '_' });
    let mut fitted: String = replaced.take(LONGEST).collect();
    if !fitted.starts_with(|first: char| first.is_ascii_alphabetic() || first == '_') {
        fitted.insert(0, '_');
        fitted.truncate(LONGEST);
    }
    fitted
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_fit_stay_and_others_come_back() {
        let mut names = ToolNames::new(["get_x", "a b", "a_b", "1st", "große.liste"].into_iter());
        assert_eq!(names.sent("get_x"), "get_x");
        assert_eq!(names.sent("a b"), "a_b_2");
        assert_eq!(names.sent("a_b"), "a_b");
        assert_eq!(names.sent("1st"), "_1st");
        assert_eq!(names.sent("große.liste"), "gro_e.liste");
        assert_eq!(names.sent("a b"), "a_b_2");
        let renamed = names.into_renamed();
        assert_eq!(renamed.len(), 3);
        assert_eq!(renamed[0], ("a_b_2".to_owned(), "a b".to_owned()));
    }

    proptest! {
        #[test]
        fn any_names_become_different_names_that_fit(
            given in prop::collection::hash_set("[a_ .é1]{0,3}|[a ]{63,66}", 0..20)
        ) {
            let mut names = ToolNames::new(given.iter().map(String::as_str));
            let mut sent: Vec<String> = given.iter().map(|name| names.sent(name).into_owned()).collect();
            prop_assert!(sent.iter().all(|name| fits(name)), "{sent:?}");
            sent.sort();
            sent.dedup();
            prop_assert_eq!(sent.len(), given.len());
        }
    }
}
