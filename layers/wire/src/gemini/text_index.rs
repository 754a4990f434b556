//! Places in a text that grows: bytes, as Gemini counts, ⇄ characters, as OpenAI does.

/// The most characters beyond ASCII that are remembered; places after that many are told in bytes.
const MOST: usize = 1 << 20;

/// Knows where the characters of more than one byte stand. Costs nothing for ASCII.
#[derive(Clone, Debug, Default)]
pub(super) struct TextIndex {
    bytes: usize,
    wide: Vec<Wide>,
}

/// A character of more than one byte.
#[derive(Clone, Copy, Debug)]
struct Wide {
    /// The byte at which it begins.
    at: usize,
    /// Bytes beyond the first, of all wide characters up to and with this one.
    extra: usize,
    /// The same without this one.
    extra_before: usize,
}

impl TextIndex {
    /// Takes in the next piece of the text.
    pub(super) fn push(&mut self, text: &str) {
        if !text.is_ascii() {
            let mut extra = self.wide.last().map_or(0, |wide| wide.extra);
            for (at, character) in text.char_indices() {
                if character.len_utf8() > 1 && self.wide.len() < MOST {
                    let extra_before = extra;
                    extra += character.len_utf8() - 1;
                    self.wide.push(Wide { at: self.bytes + at, extra, extra_before });
                }
            }
        }
        self.bytes += text.len();
    }

    /// How many bytes the text has.
    pub(super) fn len(&self) -> usize {
        self.bytes
    }

    /// The character that begins at a byte, or the next one when the byte is within one.
    pub(super) fn character(&self, byte: usize) -> usize {
        let byte = byte.min(self.bytes);
        let before = self.wide.partition_point(|wide| wide.at < byte);
        let Some(last) = before.checked_sub(1).and_then(|at| self.wide.get(at)) else { return byte };
        // Within the last wide character only its bytes up to the place count.
        let passed = (last.extra - last.extra_before).min(byte - last.at - 1);
        byte - last.extra_before - passed
    }

    /// The byte at which a character begins.
    pub(super) fn byte(&self, character: usize) -> usize {
        let before = self.wide.partition_point(|wide| wide.at - wide.extra_before < character);
        let extra = before.checked_sub(1).and_then(|at| self.wide.get(at)).map_or(0, |wide| wide.extra);
        character.saturating_add(extra).min(self.bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn bytes_and_characters_agree_with_the_text(pieces in prop::collection::vec("[aé漢😀]{0,6}", 0..6)) {
            let mut index = TextIndex::default();
            for piece in &pieces {
                index.push(piece);
            }
            let text = pieces.concat();
            prop_assert_eq!(index.len(), text.len());
            for (character, (byte, _)) in text.char_indices().enumerate() {
                prop_assert_eq!(index.character(byte), character);
                prop_assert_eq!(index.byte(character), byte);
            }
            prop_assert_eq!(index.character(text.len()), text.chars().count());
            prop_assert_eq!(index.byte(text.chars().count()), text.len());
        }

        #[test]
        fn places_that_do_not_exist_stay_within(text in "[aé漢]{0,8}", place in any::<usize>()) {
            let mut index = TextIndex::default();
            index.push(&text);
            prop_assert!(index.character(place) <= text.len());
            prop_assert!(index.byte(place) <= text.len());
        }
    }
}
