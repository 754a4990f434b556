//! Arguments that arrive in pieces, and when they are there.

/// Tells when a JSON value that comes in pieces is whole.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Whole {
    depth: u64,
    begun: bool,
    in_string: bool,
    escaped: bool,
}

impl Whole {
    /// Takes the next piece.
    pub(crate) fn feed(&mut self, piece: &str) {
        for byte in piece.bytes() {
            if self.in_string {
                match byte {
                    _ if self.escaped => self.escaped = false,
                    b'\\' => self.escaped = true,
                    b'"' => self.in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' => self.in_string = true,
                b'{' | b'[' => self.depth += 1,
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
            self.begun |= !byte.is_ascii_whitespace();
        }
    }

    /// Whether nothing is missing.
    pub(crate) const fn is_whole(self) -> bool {
        self.begun && self.depth == 0 && !self.in_string
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_whole_at_their_last_brace_wherever_they_are_cut() {
        let text = r#" {"a": "}\"{", "b": [{"c": 1}]} "#;
        let end = text.rfind('}').unwrap();
        for cut in 0..text.len() {
            let mut whole = Whole::default();
            whole.feed(&text[..cut]);
            assert_eq!(whole.is_whole(), cut > end, "{cut}");
            whole.feed(&text[cut..]);
            assert!(whole.is_whole());
        }
    }
}
