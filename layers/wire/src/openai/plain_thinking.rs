//! Thinking that a stream tells twice: as plain text, and in `reasoning_details`.

/// The most plain thinking that is remembered. A server that told so much of it and then tells it again
/// otherwise is taken at its word: more is told twice rather than held.
const MOST_HELD: usize = 4 * 1024 * 1024;

/// Plain thinking that was told and has not been seen in details yet.
///
/// OpenRouter tells both in each chunk, others the details once at the end, and some tell part of the
/// thinking in one way and part in the other: what is a copy is known by its text alone.
#[derive(Debug)]
pub(super) struct Plain {
    text: String,
    /// How much of it was seen.
    seen: usize,
}

impl Plain {
    pub(super) const fn new() -> Self {
        Self { text: String::new(), seen: 0 }
    }

    /// This was told as plain text.
    pub(super) fn told(&mut self, text: &str) {
        if self.seen == self.text.len() {
            self.clear();
        }
        if self.text.len() + text.len() > MOST_HELD {
            return self.clear();
        }
        self.text.push_str(text);
    }

    /// What of a text in details was not told yet.
    pub(super) fn new_in<'t>(&mut self, text: &'t str) -> &'t str {
        let owed = self.text.get(self.seen..).unwrap_or_default();
        if owed.starts_with(text) {
            self.seen += text.len();
            return "";
        }
        let new = text.strip_prefix(owed).unwrap_or(text);
        self.clear();
        new
    }

    fn clear(&mut self) {
        self.text.clear();
        self.seen = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Plain text (`+`) and details (`-`) in order, and what the details add.
    fn added(steps: &[&str]) -> Vec<String> {
        let mut plain = Plain::new();
        let added = steps.iter().filter_map(|step| {
            if let Some(text) = step.strip_prefix('+') {
                plain.told(text);
                return None;
            }
            Some(plain.new_in(&step[1..]).to_owned())
        });
        added.collect()
    }

    #[test]
    fn copies_add_nothing_and_what_is_new_is_kept() {
        assert_eq!(added(&["+a", "-a", "+b", "-b"]), ["", ""]);
        assert_eq!(added(&["+a", "+b", "+c", "-abc"]), [""]);
        assert_eq!(added(&["+abc", "-a", "-b", "-c", "-d"]), ["", "", "", "d"]);
        assert_eq!(added(&["+a", "-ab"]), ["b"]);
        assert_eq!(added(&["-a", "+b", "-b", "-c"]), ["a", "", "c"]);
        assert_eq!(added(&["+a", "-other", "-a"]), ["other", "a"]);
        assert_eq!(added(&["+a", "-"]), [""]);
    }
}
