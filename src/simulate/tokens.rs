//! How the simulator counts: one rule for every dialect, so that usage can be compared across them.
//!
//! A token is a run of white space followed by at most eight other characters. A picture counts 85
//! tokens, a document 258, a declared tool the tokens of its name and description. Nothing else (roles,
//! schemas, ids) counts, because translations change it.

/// Tokens of a picture, of whatever size.
pub(super) const IMAGE: u64 = 85;
/// Tokens of a document or another file, of whatever size.
pub(super) const DOCUMENT: u64 = 258;

const WORD: usize = 8;

/// Splits `text` into tokens; joined they are the text again.
pub(super) fn tokens(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let end = token_end(rest);
        let (token, after) = rest.split_at(end);
        rest = after;
        Some(token)
    })
}

/// Counts the tokens of `text`.
pub(super) fn count(text: &str) -> u64 {
    tokens(text).fold(0, |n, _| n + 1)
}

fn token_end(text: &str) -> usize {
    let mut letters = 0;
    for (at, c) in text.char_indices() {
        let space = c.is_whitespace();
        if (space && letters > 0) || letters == WORD {
            return at;
        }
        letters += usize::from(!space);
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_token_is_white_space_and_at_most_eight_characters() {
        let all: Vec<_> = tokens("Hi  there, internationalist \n").collect();
        assert_eq!(all, ["Hi", "  there,", " internat", "ionalist", " \n"]);
        assert_eq!((count(""), count("日本語のテキストです")), (0, 2));
    }

    proptest! {
        #[test]
        fn tokens_join_to_the_text(text in any::<String>()) {
            prop_assert_eq!(tokens(&text).collect::<String>(), text);
        }
    }
}
