use std::ops::Range;

use bytes::{Buf, Bytes, BytesMut};
use memchr::memmem;

/// The longest name of a model, and the longest head of a part.
const LONGEST_NAME: usize = 256;
const LONGEST_HEAD: usize = 8 * 1024;

/// The boundary that the content type of a multipart body tells.
pub fn boundary(content_type: &str) -> Option<String> {
    let (kind, mut rest) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    loop {
        let (name, value) = rest.trim_start().split_once('=')?;
        let (value, next) = match value.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => value.split_at(value.find(';').unwrap_or(value.len())),
        };
        if name.trim().eq_ignore_ascii_case("boundary") {
            let value = value.trim();
            // RFC 2046 §5.1.1 allows no longer one.
            return (1..=70).contains(&value.len()).then(|| value.to_owned());
        }
        rest = next.trim_start().strip_prefix(';')?;
    }
}

/// Looks for the field `model` in the beginning of a multipart form, of which it keeps what it has
/// read. Work is linear in what is fed, in pieces of any size.
#[derive(Debug)]
pub struct FormModel {
    /// `CRLF -- boundary`.
    delimiter: Vec<u8>,
    read: BytesMut,
    /// From where the next thing is looked for.
    from: usize,
    within: Within,
}

/// Where in a form a model's name stands, in bytes from its beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InForm {
    /// The name.
    pub name: String,
    /// Its place.
    pub at: Range<usize>,
}

/// What a form is being read for.
#[derive(Clone, Copy, Debug)]
enum Within {
    Preamble,
    /// The head of a part, which begins behind its delimiter.
    Head(usize),
    /// The content of a part.
    Content {
        start: usize,
        is_model: bool,
    },
}

impl FormModel {
    /// Reads a form whose parts are told apart by `boundary`.
    pub fn new(boundary: &str) -> Self {
        let delimiter = [b"\r\n--", boundary.as_bytes()].concat();
        Self { delimiter, read: BytesMut::new(), from: 0, within: Within::Preamble }
    }

    /// How many bytes were read.
    pub fn len(&self) -> usize {
        self.read.len()
    }

    /// Whether nothing was read.
    pub fn is_empty(&self) -> bool {
        self.read.is_empty()
    }

    /// What was read.
    pub fn into_bytes(self) -> Bytes {
        self.read.freeze()
    }

    /// Takes what was read, and is ready to read on. Places are told from here on in what is kept.
    pub fn take(&mut self) -> Bytes {
        let taken = Bytes::copy_from_slice(&self.read);
        self.forget();
        taken
    }

    /// Lets go of what was read, but for some kilobytes at most that it takes to read on. Places are
    /// told from here on in what is kept.
    pub fn forget(&mut self) {
        let needed = match self.within {
            // What is not at the beginning needs a line's end before it.
            Within::Preamble => self.from.saturating_sub(1),
            Within::Head(start) | Within::Content { start, is_model: true } => start.min(self.from),
            Within::Content { is_model: false, .. } => self.from,
        };
        let gone = needed.min(self.read.len());
        self.read.advance(gone);
        self.from -= gone;
        if let Within::Head(start) | Within::Content { start, .. } = &mut self.within {
            *start = start.saturating_sub(gone);
        }
    }

    /// Reads on. `None` while nothing is known; `Some(None)` when the form names no model.
    pub fn feed(&mut self, bytes: &[u8]) -> Option<Option<InForm>> {
        self.read.extend_from_slice(bytes);
        loop {
            match self.within {
                Within::Preamble => {
                    // The first delimiter may stand at the very beginning, without a line's end.
                    let bare = self.delimiter.get(2..).unwrap_or_default();
                    if self.read.len() < bare.len() {
                        return None;
                    }
                    let start = if self.from == 0 && self.read.starts_with(bare) {
                        bare.len()
                    } else {
                        self.find_delimiter()? + self.delimiter.len()
                    };
                    self.begin_head(start);
                }
                Within::Head(start) => {
                    let head = self.read.get(start..)?;
                    if head.starts_with(b"--") {
                        return Some(None);
                    }
                    let Some(at) = find(&self.read, self.from, b"\r\n\r\n") else {
                        self.from = start.max(self.read.len().saturating_sub(3));
                        return (head.len() >= LONGEST_HEAD + 4).then_some(None);
                    };
                    // However much of it came at once.
                    if at - start > LONGEST_HEAD {
                        return Some(None);
                    }
                    let is_model = is_model(self.read.get(start..at).unwrap_or_default());
                    // The line's end may belong to the next delimiter, where the content is empty.
                    self.from = at + 2;
                    self.within = Within::Content { start: at + 4, is_model };
                }
                Within::Content { start, is_model } => {
                    let Some(end) = self.find_delimiter() else {
                        let long =
                            self.read.len().saturating_sub(start) > LONGEST_NAME + self.delimiter.len();
                        return (is_model && long).then_some(None);
                    };
                    let end = end.max(start);
                    if is_model {
                        let text = self.read.get(start..end).and_then(|name| std::str::from_utf8(name).ok());
                        let name = text.filter(|name| !name.is_empty() && name.len() <= LONGEST_NAME);
                        return Some(name.map(|name| InForm { name: name.to_owned(), at: start..end }));
                    }
                    self.begin_head(end.max(self.from) + self.delimiter.len());
                }
            }
        }
    }

    fn begin_head(&mut self, start: usize) {
        self.within = Within::Head(start);
        self.from = start;
    }

    /// Where the next delimiter stands; what was looked through is not looked through again.
    fn find_delimiter(&mut self) -> Option<usize> {
        let found = find(&self.read, self.from, &self.delimiter);
        match found {
            Some(at) => self.from = at,
            None => self.from = self.from.max((self.read.len() + 1).saturating_sub(self.delimiter.len())),
        }
        found
    }
}

fn find(text: &[u8], from: usize, what: &[u8]) -> Option<usize> {
    memmem::find(text.get(from..)?, what).map(|at| from + at)
}

/// Whether a part's head names the field `model`, and no file.
fn is_model(head: &[u8]) -> bool {
    let Ok(head) = std::str::from_utf8(head) else { return false };
    head.split("\r\n").any(|line| {
        let Some((name, value)) = line.split_once(':') else { return false };
        let mut words = value.split(';').map(str::trim);
        name.trim().eq_ignore_ascii_case("content-disposition")
            && words.next().is_some_and(|kind| kind.eq_ignore_ascii_case("form-data"))
            && words.clone().any(|word| matches!(word, "name=\"model\"" | "name=model"))
            && !words.any(|word| word.starts_with("filename"))
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn part(head: &str, content: &str) -> String {
        format!("--b\r\ncontent-disposition: form-data; {head}\r\n\r\n{content}\r\n")
    }

    #[expect(clippy::option_option, reason = "as the reader says it")]
    fn read(form: &str, piece: usize) -> Option<Option<InForm>> {
        let mut reader = FormModel::new("b");
        form.as_bytes().chunks(piece).find_map(|bytes| reader.feed(bytes))
    }

    #[test]
    fn finds_the_model_wherever_it_stands_and_however_it_comes() {
        let file = part("name=\"file\"; filename=\"a\"\r\ncontent-type: audio/wav", "RIFF\r\n--x\r\nmodel");
        let empty = part("name=\"prompt\"", "");
        let model = part("name=\"model\"", "whisper-1");
        for before in [String::new(), file.clone(), format!("{empty}{file}"), format!("x\r\n{empty}")] {
            let form = format!("{before}{model}--b--\r\n");
            for piece in [1, 2, 3, 7, 4096] {
                let found = read(&form, piece).unwrap().unwrap();
                assert_eq!(found.name, "whisper-1");
                assert_eq!(&form[found.at], "whisper-1");
            }
        }
    }

    #[test]
    fn a_form_without_one_says_so_and_one_that_goes_on_does_not() {
        let file = part("name=\"model\"; filename=\"a\"", "x");
        for piece in [1, 4096] {
            assert_eq!(read(&format!("{file}--b--"), piece), Some(None));
            assert_eq!(read(&file, piece), None);
            assert_eq!(read(&part("name=\"model\"", ""), piece), None);
            assert_eq!(read(&format!("{}--b--", part("name=\"model\"", "")), piece), Some(None));
        }
        assert_eq!(read(&format!("--b\r\n{}", "x".repeat(LONGEST_HEAD + 8)), 64), Some(None));
        assert_eq!(read(&part("name=\"model\"", &"m".repeat(400)), 64), Some(None));
    }

    #[test]
    fn a_head_is_too_long_however_it_comes() {
        let named = "content-disposition: form-data; name=\"model\"\r\nx: ";
        for (over, found) in [(0, true), (1, false)] {
            let filled = format!("{named}{}", "x".repeat(LONGEST_HEAD - 2 - named.len() + over));
            let form = format!("--b\r\n{filled}\r\n\r\nwhisper-1\r\n--b");
            for piece in [1, 7, 8000, 8199, form.len()] {
                assert_eq!(read(&form, piece).unwrap().is_some(), found, "{over} {piece}");
            }
        }
    }

    #[test]
    fn what_has_passed_is_not_held() {
        let mut form = FormModel::new("b");
        assert_eq!(form.feed(part("name=\"file\"; filename=\"a\"", "RIFF").as_bytes()), None);
        assert!(form.take().ends_with(b"RIFF\r\n"));
        for _ in 0..1000 {
            assert_eq!(form.feed(&[b'\r'; 4096]), None);
            form.forget();
            assert!(form.len() < 8, "{}", form.len());
        }
        assert_eq!(form.feed(b"\r\n--b\r\nx: y\r\nContent-Disposition: form-data; name=model\r\n"), None);
        form.forget();
        let found = form.feed(b"\r\nwhisper-1\r\n--b").unwrap().unwrap();
        assert_eq!(found.name, "whisper-1");
    }

    #[test]
    fn boundaries_are_read() {
        for (text, told) in [
            ("multipart/form-data; boundary=abc", Some("abc")),
            ("Multipart/Form-Data; charset=utf-8; Boundary=\"a b;c\"; x=y", Some("a b;c")),
            ("multipart/form-data", None),
            ("multipart/mixed; boundary=abc", None),
            ("multipart/form-data; boundary=", None),
            ("application/json", None),
        ] {
            assert_eq!(boundary(text).as_deref(), told, "{text}");
        }
    }

    proptest! {
        #[test]
        fn pieces_make_no_difference(text in "(--b|\r\n|name=\"model\"|content-disposition: form-data; |x|--){0,24}", piece in 1usize..9) {
            prop_assert_eq!(read(&text, piece), read(&text, 4096));
            let mut passing = FormModel::new("b");
            let found = text.as_bytes().chunks(piece).find_map(|bytes| {
                let found = passing.feed(bytes);
                if let Some(Some(found)) = &found {
                    assert_eq!(&passing.read[found.at.clone()], found.name.as_bytes());
                }
                passing.forget();
                found
            });
            let name = |found: Option<Option<InForm>>| found.map(|found| found.map(|found| found.name));
            prop_assert_eq!(name(found), name(read(&text, 4096)));
        }
    }
}
