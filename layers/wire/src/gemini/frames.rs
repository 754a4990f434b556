//! The frames of a stream: server-sent events, or without `alt=sse` a JSON array that grows.

use crate::sse::{MAX_EVENT, SseDecoder};

/// Cuts a stream, fed in any pieces, into the JSON texts of its frames.
#[derive(Debug)]
pub(super) enum Frames {
    /// Nothing but whitespace has come; it tells the framing by its first byte.
    Unknown,
    /// Server-sent events.
    Sse(SseDecoder),
    /// Objects, in an array or bare.
    Objects(Objects),
}

/// A frame grew beyond what is kept.
#[derive(Debug)]
pub(super) struct TooLarge;

impl Frames {
    /// Takes in the next bytes.
    pub(super) fn feed(&mut self, bytes: &[u8]) {
        let mut bytes = bytes;
        if matches!(self, Self::Unknown) {
            bytes = bytes.trim_ascii_start();
            *self = match bytes.first() {
                None => return,
                Some(b'[' | b'{') => Self::Objects(Objects::default()),
                Some(_) => Self::Sse(SseDecoder::new()),
            };
        }
        match self {
            Self::Unknown => {}
            Self::Sse(sse) => sse.feed(bytes),
            Self::Objects(objects) => objects.feed(bytes),
        }
    }

    /// The next whole frame.
    pub(super) fn next_frame(&mut self) -> Result<Option<&[u8]>, TooLarge> {
        match self {
            Self::Unknown => Ok(None),
            Self::Sse(sse) => Ok(sse.next_event().map_err(|_| TooLarge)?.map(|event| event.data)),
            Self::Objects(objects) => objects.next_object(),
        }
    }

    /// Whether the stream ended within an object, or in an array that has not closed. The tail of server-sent events is given out by
    /// [`finish`](Self::finish) instead.
    pub(super) fn is_cut(&self) -> bool {
        matches!(self, Self::Objects(objects) if objects.depth > 0 || objects.in_array)
    }

    /// The last frame, if the stream ended without closing it.
    pub(super) fn finish(&mut self) -> Result<Option<&[u8]>, TooLarge> {
        match self {
            Self::Sse(sse) => Ok(sse.finish().map_err(|_| TooLarge)?.map(|event| event.data)),
            Self::Unknown | Self::Objects(_) => Ok(None),
        }
    }
}

/// Cuts a growing array into its objects. What stands between them is passed over.
#[derive(Debug, Default)]
pub(super) struct Objects {
    buffer: Vec<u8>,
    /// Where the object being read begins, or where to look for the next one.
    start: usize,
    /// Up to where bytes were looked at, so that none is looked at twice.
    searched: usize,
    depth: usize,
    /// Whether an array has opened around the objects, and has not closed.
    in_array: bool,
    in_string: bool,
    escaped: bool,
}

impl Objects {
    fn feed(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.searched -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    fn next_object(&mut self) -> Result<Option<&[u8]>, TooLarge> {
        let Self { buffer, start, searched, depth, in_array, in_string, escaped } = self;
        for (at, byte) in buffer.iter().enumerate().skip(*searched) {
            if *in_string {
                match byte {
                    _ if *escaped => *escaped = false,
                    b'\\' => *escaped = true,
                    b'"' => *in_string = false,
                    _ => {}
                }
                continue;
            }
            match byte {
                b'"' if *depth > 0 => *in_string = true,
                b'{' => {
                    if *depth == 0 {
                        *start = at;
                    }
                    *depth += 1;
                }
                b'}' if *depth > 0 => {
                    *depth -= 1;
                    if *depth == 0 {
                        let end = at + 1;
                        let begin = std::mem::replace(start, end);
                        *searched = end;
                        return Ok(buffer.get(begin..end));
                    }
                }
                b'[' if *depth == 0 => *in_array = true,
                b']' if *depth == 0 => *in_array = false,
                _ => {}
            }
        }
        *searched = buffer.len();
        if *depth == 0 {
            *start = buffer.len();
        }
        if buffer.len() - *start > MAX_EVENT { Err(TooLarge) } else { Ok(None) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frames(chunks: &[&[u8]]) -> Vec<String> {
        let mut frames = Frames::Unknown;
        let mut out = Vec::new();
        for chunk in chunks {
            frames.feed(chunk);
            while let Some(frame) = frames.next_frame().unwrap() {
                out.push(String::from_utf8_lossy(frame).into_owned());
            }
        }
        if let Some(frame) = frames.finish().unwrap() {
            out.push(String::from_utf8_lossy(frame).into_owned());
        }
        out
    }

    #[test]
    fn both_framings_give_the_same_frames() {
        let objects = [r#"{"a":"}]\"{"}"#, r#"{"b":{"c":[{}]}}"#];
        assert_eq!(frames(&[b"[", objects[0].as_bytes(), b"\n,\r\n", objects[1].as_bytes(), b"]"]), objects);
        assert_eq!(frames(&[format!("data: {}\n\ndata:{}", objects[0], objects[1]).as_bytes()]), objects);
        assert_eq!(frames(&[b" \n", objects[1].as_bytes()]), [objects[1]]);
    }

    /// A stream that breaks off behind an element that looks like the last one is still broken.
    #[test]
    fn an_array_that_has_not_closed_is_cut() {
        for (stream, is_cut) in [
            ("[{}", true),
            ("[", true),
            ("[{},{}]", false),
            ("[{}]\n", false),
            ("{}", false),
            ("[{\"a\":[]}", true),
        ] {
            let mut frames = Frames::Unknown;
            frames.feed(stream.as_bytes());
            while frames.next_frame().unwrap().is_some() {}
            assert_eq!(frames.is_cut(), is_cut, "{stream}");
        }
    }

    #[test]
    fn an_object_that_never_ends_is_refused() {
        let mut frames = Frames::Unknown;
        frames.feed(b"[{\"");
        frames.feed(&vec![b'x'; MAX_EVENT + 1]);
        assert!(frames.next_frame().is_err());
    }

    proptest! {
        #[test]
        fn any_chunking_gives_the_same_frames(
            stream in r#"[ \n]{0,2}(\[|data: )?([\[\]{}",\\a\n: ]|data: ){0,30}"#,
            cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let bytes = stream.as_bytes();
            let mut at: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            at.extend([0, bytes.len()]);
            at.sort_unstable();
            let chunks: Vec<&[u8]> = at.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            prop_assert_eq!(frames(&chunks), frames(&[bytes]));
        }
    }
}
