use super::{Fault, Scanner};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

impl Scanner<'_> {
    /// Passes over a string from behind its opening quote; tells whether it holds escapes.
    pub(super) fn string_rest(&mut self) -> Result<bool, Fault> {
        let mut escaped = false;
        loop {
            self.at += plain(self.text.get(self.at..).unwrap_or_default());
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(escaped);
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return self.fault("no control character in a string"),
                None => return self.fault("the end of a string"),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.text.get(self.at + 1) {
            Some(b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't') => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let digits = self.text.get(self.at + 2..self.at + 6).unwrap_or_default();
                if digits.len() != 4 || !digits.iter().all(u8::is_ascii_hexdigit) {
                    return self.fault("four hexadecimal digits after '\\u'");
                }
                self.at += 6;
                Ok(())
            }
            _ => self.fault("an escape that JSON knows"),
        }
    }
}

/// How many bytes from the start are neither quote, backslash nor control character.
///
/// Most strings of a request are short, most of its bytes are in long ones: prompts, and base64 of
/// images. So the first words are looked at one by one, then blocks of eight at once.
pub(crate) fn plain(bytes: &[u8]) -> usize {
    const NEAR: usize = 256;
    let near = in_words(bytes.get(..NEAR).unwrap_or(bytes));
    if near < NEAR { near } else { NEAR + in_blocks(bytes.get(NEAR..).unwrap_or_default()) }
}

#[inline(never)]
fn in_blocks(bytes: &[u8]) -> usize {
    let (blocks, _) = bytes.as_chunks::<64>();
    let plain = blocks.iter().take_while(|block| {
        let (words, _) = block.as_chunks::<8>();
        words.iter().fold(0, |all, word| all | marks(u64::from_le_bytes(*word))) == 0
    });
    let at = plain.count() * 64;
    at + in_words(bytes.get(at..).unwrap_or_default())
}

fn in_words(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let marks = marks(u64::from_le_bytes(*word));
        if marks != 0 {
            return index * 8 + marks.trailing_zeros() as usize / 8;
        }
    }
    let in_rest = rest.iter().position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20));
    words.len() * 8 + in_rest.unwrap_or(rest.len())
}

/// Sets the high bit of every byte that ends a plain run. Borrows may set bits above the lowest one
/// set, never below, so only the lowest is to be trusted.
const fn marks(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let slash = word ^ (ONES * b'\\' as u64);
    let below = word.wrapping_sub(ONES * 0x20) & !word;
    let quote = quote.wrapping_sub(ONES) & !quote;
    let slash = slash.wrapping_sub(ONES) & !slash;
    (below | quote | slash) & HIGH
}
