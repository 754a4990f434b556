//! Framing of server-sent events.
//!
//! Source: WHATWG HTML, "9.2.6 Interpreting an event stream". Lines end in `\n`, `\r\n` or `\r`;
//! comment lines are passed over; `data:` may stand without a space; a byte-order mark at the very
//! start is ignored.

use memchr::memchr2;

/// The most bytes of one event that are kept; a longer one is an error of the upstream.
pub const MAX_EVENT: usize = 32 * 1024 * 1024;

/// One event: its `event:` name, if any, and its `data:` lines joined by `\n`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SseEvent<'a> {
    /// The `event:` field; empty when there was none.
    pub name: &'a [u8],
    /// The `data:` lines joined by `\n`.
    pub data: &'a [u8],
}

/// An event grew beyond [`MAX_EVENT`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("an event of the stream is larger than {MAX_EVENT} bytes")]
pub struct EventTooLarge;

/// Cuts a byte stream, fed in any pieces, into [`SseEvent`]s.
#[derive(Clone, Debug, Default)]
pub struct SseDecoder {
    buffer: Vec<u8>,
    /// Where the next unread line begins.
    read: usize,
    /// Up to where the unread line was searched for its end, so that no byte is searched twice.
    searched: usize,
    name: Vec<u8>,
    data: Vec<u8>,
    has_data: bool,
    dispatched: bool,
    started: bool,
    skip_newline: bool,
}

impl SseDecoder {
    /// An empty decoder.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes in the next bytes of the stream.
    pub fn feed(&mut self, bytes: &[u8]) {
        if self.read > 0 {
            self.buffer.drain(..self.read);
            self.searched -= self.read;
            self.read = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole event, or `None` until more is fed.
    pub fn next_event(&mut self) -> Result<Option<SseEvent<'_>>, EventTooLarge> {
        if std::mem::take(&mut self.dispatched) {
            self.name.clear();
            self.data.clear();
            self.has_data = false;
        }
        while let Some((start, end)) = self.next_line()? {
            if start == end {
                if self.has_data {
                    self.dispatched = true;
                    return Ok(Some(SseEvent { name: &self.name, data: &self.data }));
                }
                self.name.clear();
                continue;
            }
            let line = &self.buffer[start..end];
            let (field, value) = match line.iter().position(|b| *b == b':') {
                Some(0) => continue,
                Some(at) => {
                    let value = &line[at + 1..];
                    (&line[..at], value.strip_prefix(b" ").unwrap_or(value))
                }
                None => (line, &[][..]),
            };
            match field {
                b"data" => {
                    if self.data.len() + value.len() > MAX_EVENT {
                        return Err(EventTooLarge);
                    }
                    if self.has_data {
                        self.data.push(b'\n');
                    }
                    self.data.extend_from_slice(value);
                    self.has_data = true;
                }
                b"event" => {
                    self.name.clear();
                    self.name.extend_from_slice(value);
                }
                _ => {}
            }
        }
        Ok(None)
    }

    /// Ends the stream: an event whose closing blank line never came is given out if its line was
    /// whole enough to be read. The standard discards it; several providers end so.
    pub fn finish(&mut self) -> Result<Option<SseEvent<'_>>, EventTooLarge> {
        self.feed(b"\n\n");
        self.next_event()
    }

    /// Whether bytes wait for the rest of their event.
    pub fn is_mid_event(&self) -> bool {
        self.read < self.buffer.len() || (self.has_data && !self.dispatched)
    }

    /// The bounds of the next whole line in the buffer.
    fn next_line(&mut self) -> Result<Option<(usize, usize)>, EventTooLarge> {
        if !self.started && !self.buffer.is_empty() {
            const BOM: &[u8] = b"\xef\xbb\xbf";
            if self.buffer.len() < BOM.len() && BOM.starts_with(&self.buffer) {
                return Ok(None);
            }
            self.started = true;
            if self.buffer.starts_with(BOM) {
                self.read = BOM.len();
                self.searched = BOM.len();
            }
        }
        if self.skip_newline && self.read < self.buffer.len() {
            self.skip_newline = false;
            if self.buffer[self.read] == b'\n' {
                self.read += 1;
                self.searched = self.searched.max(self.read);
            }
        }
        let Some(at) = memchr2(b'\n', b'\r', &self.buffer[self.searched..]) else {
            self.searched = self.buffer.len();
            if self.buffer.len() - self.read > MAX_EVENT {
                return Err(EventTooLarge);
            }
            return Ok(None);
        };
        let start = self.read;
        let end = self.searched + at;
        // The `\n` of a `\r\n` may only come with the next bytes.
        self.skip_newline = self.buffer[end] == b'\r';
        self.read = end + 1;
        self.searched = self.read;
        Ok(Some((start, end)))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events(chunks: &[&[u8]]) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut decoder = SseDecoder::new();
        let mut out = Vec::new();
        for chunk in chunks {
            decoder.feed(chunk);
            while let Some(event) = decoder.next_event().unwrap() {
                out.push((event.name.to_vec(), event.data.to_vec()));
            }
        }
        if let Some(event) = decoder.finish().unwrap() {
            out.push((event.name.to_vec(), event.data.to_vec()));
        }
        out
    }

    fn data(stream: &str) -> Vec<String> {
        events(&[stream.as_bytes()]).into_iter().map(|(_, data)| String::from_utf8(data).unwrap()).collect()
    }

    #[test]
    fn lines_end_in_any_of_three_ways() {
        assert_eq!(data("data: a\n\ndata: b\r\n\r\ndata: c\r\rdata: d\n\n"), ["a", "b", "c", "d"]);
    }

    #[test]
    fn comments_and_unknown_fields_are_passed_over() {
        assert_eq!(data(": keep-alive\n\nid: 1\nretry: 5\ndata: a\n\n"), ["a"]);
    }

    #[test]
    fn data_may_stand_without_a_space_and_on_several_lines() {
        assert_eq!(data("data:a\ndata: b\n\ndata\n\n"), ["a\nb", ""]);
    }

    #[test]
    fn the_event_name_belongs_to_its_event_only() {
        let got = events(&[b"event: ping\ndata: 1\n\ndata: 2\n\n"]);
        assert_eq!(got, [(b"ping".to_vec(), b"1".to_vec()), (b"".to_vec(), b"2".to_vec())]);
    }

    #[test]
    fn a_last_event_without_its_blank_line_is_given_out_at_the_end() {
        assert_eq!(data("data: a\n\ndata: b"), ["a", "b"]);
        assert_eq!(data("\u{feff}data: a\n"), ["a"]);
    }

    #[test]
    fn an_event_that_never_ends_is_refused() {
        let mut decoder = SseDecoder::new();
        decoder.feed(&vec![b'x'; MAX_EVENT + 1]);
        assert_eq!(decoder.next_event(), Err(EventTooLarge));
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_events(
            stream in r"(\u{feff})?((data|event|id|:|x)?:? ?[a-z\u{e9}:]{0,5}(\n|\r\n|\r)){0,24}",
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..12),
        ) {
            let bytes = stream.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.push(0);
            at.push(bytes.len());
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|w| &bytes[w[0]..w[1]]).collect();
            prop_assert_eq!(events(&chunks), events(&[bytes]));
        }
    }
}
