use std::sync::Arc;

use foldhash::HashSet;

/// Words that are said again and again, each kept once: those of a batch are few.
#[derive(Debug, Default)]
pub(crate) struct Words(HashSet<Arc<str>>);

impl Words {
    /// The word, which is copied only if it is new.
    pub(crate) fn of(&mut self, word: &str) -> Arc<str> {
        if let Some(known) = self.0.get(word) {
            return known.clone();
        }
        let new: Arc<str> = word.into();
        self.0.insert(new.clone());
        new
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_kept_once() {
        let mut words = Words::default();
        let (one, other, again) = (words.of("one"), words.of("other"), words.of("one"));
        assert_eq!((&*one, &*other), ("one", "other"));
        assert!(Arc::ptr_eq(&one, &again));
    }
}
