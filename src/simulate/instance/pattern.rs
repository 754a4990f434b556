//! A text that matches a regular expression, for the expressions that schemas use: literals, classes,
//! groups, alternatives, counted repetition and anchors.

use std::iter::Peekable;
use std::str::Chars;

/// Makes a text that matches `pattern`; nothing where the pattern uses more than this knows.
pub(super) fn example(pattern: &str) -> Option<String> {
    let mut reader = Reader { chars: pattern.chars().peekable(), depth: 0 };
    let made = reader.alternatives()?;
    reader.chars.peek().is_none().then_some(made)
}

/// Longest text that a repetition makes.
const LONGEST: usize = 10_000;

struct Reader<'p> {
    chars: Peekable<Chars<'p>>,
    depth: usize,
}

impl Reader<'_> {
    /// Takes the first alternative and reads over the others.
    fn alternatives(&mut self) -> Option<String> {
        let first = self.sequence()?;
        while self.chars.next_if_eq(&'|').is_some() {
            self.sequence()?;
        }
        Some(first)
    }

    fn sequence(&mut self) -> Option<String> {
        let mut out = String::new();
        while let Some(c) = self.chars.next_if(|c| !matches!(c, '|' | ')')) {
            let atom = match c {
                '^' | '$' => continue,
                '.' => "x".to_owned(),
                '[' => self.class()?.to_string(),
                '(' => self.group()?,
                '\\' => self.escape()?.to_string(),
                '*' | '+' | '?' | '{' => return None,
                c => c.to_string(),
            };
            let times = self.repetition()?;
            if out.len() + atom.len() * times > LONGEST {
                return None;
            }
            out.push_str(&atom.repeat(times));
        }
        Some(out)
    }

    fn group(&mut self) -> Option<String> {
        self.depth += 1;
        if self.depth > 32 {
            return None;
        }
        if self.chars.next_if_eq(&'?').is_some() && self.chars.next()? != ':' {
            return None;
        }
        let made = self.alternatives()?;
        self.depth -= 1;
        (self.chars.next()? == ')').then_some(made)
    }

    /// The first character of a class; for a negated one the first of some usual ones that it admits.
    fn class(&mut self) -> Option<char> {
        let negated = self.chars.next_if_eq(&'^').is_some();
        let mut ranges: Vec<(char, char)> = Vec::new();
        loop {
            let mut low = match self.chars.next()? {
                ']' => break,
                '\\' => self.escape()?,
                c => c,
            };
            let mut high = low;
            if self.chars.next_if_eq(&'-').is_some() {
                match self.chars.next()? {
                    ']' => {
                        ranges.push((low, low));
                        ranges.push(('-', '-'));
                        break;
                    }
                    c => high = c,
                }
            }
            if high < low {
                std::mem::swap(&mut low, &mut high);
            }
            ranges.push((low, high));
        }
        if !negated {
            return ranges.first().map(|(low, _)| *low);
        }
        "xX0-_ ".chars().find(|c| !ranges.iter().any(|(low, high)| (low..=high).contains(&c)))
    }

    fn escape(&mut self) -> Option<char> {
        Some(match self.chars.next()? {
            'd' => '0',
            'w' => 'x',
            's' => ' ',
            'n' => '\n',
            't' => '\t',
            c if c.is_ascii_alphanumeric() => return None,
            c => c,
        })
    }

    /// How often the atom before stands: the least that is allowed, once where that is none and more is.
    fn repetition(&mut self) -> Option<usize> {
        match self.chars.peek() {
            Some('*' | '+' | '?') => {
                self.chars.next();
                Some(1)
            }
            Some('{') => {
                self.chars.next();
                let mut inside = String::new();
                while let Some(c) = self.chars.next_if(|c| *c != '}') {
                    inside.push(c);
                }
                self.chars.next()?;
                inside.split(',').next()?.trim().parse().ok()
            }
            _ => Some(1),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_match_their_patterns() {
        let made = |pattern| example(pattern).unwrap_or_default();
        assert_eq!(made("^[A-Z]{3}-\\d{2,4}(x|y)?$"), "AAA-00x");
        assert_eq!(made("^(?:ab|cd)+[^x]\\.$"), "abX.");
        assert_eq!(made("^[a-z0-9_-]{2}$"), "aa");
    }

    #[test]
    fn what_is_not_known_gives_nothing_and_never_panics() {
        for pattern in ["(?=a)b", "\\p{L}", "(", "[", "a{", "\\", "*", "(a){100000}", "[^xX0\\-_ ]"] {
            assert_eq!(example(pattern), None, "{pattern}");
        }
    }
}
