//! A quick walk over the counts of a small, plain object.

use crate::scan::plain;

/// Gives `count` every whole number of an object and of the objects in it, with the name of the
/// object it stands in (empty for the outermost) and its own. Returns with what was found the text
/// that follows. `None` where the object is not plain: deeper nesting, arrays, escapes, fractions,
/// anything that is not JSON.
pub(super) fn counts<T: Default>(
    text: &[u8],
    count: impl Fn(&mut T, &[u8], &[u8], u64),
) -> Option<(T, &[u8])> {
    let mut found = T::default();
    let mut walk = Walk { rest: text };
    walk.expect(b'{')?;
    walk.members(|walk, name| {
        if walk.peek()? != b'{' {
            if let Some(number) = walk.scalar()? {
                count(&mut found, b"", name, number);
            }
            return Some(());
        }
        walk.expect(b'{')?;
        walk.members(|walk, inner| {
            if let Some(number) = walk.scalar()? {
                count(&mut found, name, inner, number);
            }
            Some(())
        })
    })?;
    Some((found, walk.rest))
}

struct Walk<'a> {
    rest: &'a [u8],
}

impl<'a> Walk<'a> {
    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        loop {
            match self.rest {
                [b' ' | b'\n' | b'\r' | b'\t', rest @ ..] => self.rest = rest,
                _ => return self.rest.first().copied(),
            }
        }
    }

    fn expect(&mut self, byte: u8) -> Option<()> {
        if self.peek()? != byte {
            return None;
        }
        self.rest = self.rest.get(1..).unwrap_or_default();
        Some(())
    }

    /// The members of an object whose brace has been read, up to its end.
    fn members(&mut self, mut each: impl FnMut(&mut Self, &'a [u8]) -> Option<()>) -> Option<()> {
        if self.peek()? == b'}' {
            return self.expect(b'}');
        }
        loop {
            let name = self.string()?;
            self.expect(b':')?;
            each(self, name)?;
            if self.peek()? != b',' {
                return self.expect(b'}');
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Option<&'a [u8]> {
        self.expect(b'"')?;
        let end = plain(self.rest);
        if *self.rest.get(end)? != b'"' {
            return None;
        }
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.get(1..)?;
        Some(text)
    }

    /// A scalar, and its value if it is a count.
    #[expect(clippy::option_option, reason = "whether it is plain, and whether it counts")]
    fn scalar(&mut self) -> Option<Option<u64>> {
        match self.peek()? {
            b'"' => {
                // A count in quotes is for others to read.
                let text = self.string()?;
                (text.is_empty() || !text.iter().all(u8::is_ascii_digit)).then_some(None)
            }
            b'n' => self.word(b"null"),
            b't' => self.word(b"true"),
            b'f' => self.word(b"false"),
            b'0'..=b'9' => {
                let digits = self.rest.iter().take_while(|byte| byte.is_ascii_digit()).count();
                let (number, rest) = self.rest.split_at_checked(digits)?;
                // More could overflow; a leading zero, a fraction or an exponent is not plain.
                let plain = digits < 19 && (digits == 1 || number.first() != Some(&b'0'));
                if !plain || matches!(rest.first(), Some(b'.' | b'e' | b'E')) {
                    return None;
                }
                self.rest = rest;
                Some(Some(number.iter().fold(0, |count, digit| count * 10 + u64::from(digit - b'0'))))
            }
            _ => None,
        }
    }

    #[expect(clippy::option_option, reason = "as `scalar`")]
    fn word(&mut self, word: &[u8]) -> Option<Option<u64>> {
        self.rest = self.rest.strip_prefix(word)?;
        Some(None)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    type Found = Vec<(String, String, u64)>;

    fn walked(text: &str) -> Option<Found> {
        let name = |name: &[u8]| String::from_utf8(name.to_vec()).unwrap();
        let (found, rest) = counts(text.as_bytes(), |found: &mut Found, within, own, count| {
            found.push((name(within), name(own), count));
        })?;
        rest.trim_ascii().is_empty().then_some(found)
    }

    #[test]
    fn plain_objects_are_walked() {
        let text = r#" {"a":1, "b" : {"c":20,"d":null}, "e":true,"f":"x","g":{},"h":0 } "#;
        let expected = [("", "a", 1), ("b", "c", 20), ("", "h", 0)];
        let expected = expected.map(|(within, own, count)| (within.to_owned(), own.to_owned(), count));
        assert_eq!(walked(text), Some(expected.to_vec()));
        assert_eq!(walked("{}"), Some(Vec::new()));
    }

    #[test]
    fn what_is_not_plain_is_left_to_others() {
        for text in [
            "",
            "{",
            "[]",
            "null",
            r#"{"a":1.0}"#,
            r#"{"a":1e3}"#,
            r#"{"a":-1}"#,
            r#"{"a":[]}"#,
            r#"{"a":01}"#,
            r#"{"\u0061":1}"#,
            r#"{"a":{"b":{}}}"#,
            r#"{"a":1}x"#,
            r#"{"a":1,}"#,
            r#"{"a" 1}"#,
            r#"{"a":9999999999999999999}"#,
            r#"{"a":"9"}"#,
        ] {
            assert_eq!(walked(text), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_walked_is_json(text in r#"[{}":,a01. nul]{0,24}"#) {
            if walked(&text).is_some() {
                prop_assert!(serde_json::from_str::<serde_json::Value>(&text).is_ok());
            }
        }
    }
}
