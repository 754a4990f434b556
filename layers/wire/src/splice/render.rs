use bytes::Bytes;

use super::Patch;

/// A body with its edits, ready to be sent.
#[derive(Clone, Debug)]
pub struct Spliced {
    body: Bytes,
    /// In order, none overlapping another.
    patches: Vec<Patch>,
    length: usize,
}

impl Spliced {
    pub(super) fn new(body: Bytes, mut patches: Vec<Patch>) -> Self {
        // Stable, so that of two patches of one range the later one comes last and is kept.
        patches.sort_by_key(|patch| (patch.at.start, patch.at.end));
        patches.dedup_by(|later, earlier| {
            let same = later.at == earlier.at && !later.at.is_empty();
            if same {
                std::mem::swap(later, earlier);
            }
            same
        });
        let grown: usize = patches.iter().map(|patch| patch.text.len()).sum();
        let shrunk: usize = patches.iter().map(|patch| patch.at.len()).sum();
        Self { length: body.len() + grown - shrunk, body, patches }
    }

    /// How many bytes there are to send.
    #[expect(clippy::len_without_is_empty, reason = "a request is never empty")]
    pub const fn len(&self) -> usize {
        self.length
    }

    /// Whether the bytes are the client's own, all of them.
    pub const fn is_untouched(&self) -> bool {
        self.patches.is_empty()
    }

    /// The bytes in one piece: the original where nothing changed, else one allocation.
    pub fn into_bytes(self) -> Bytes {
        if self.is_untouched() {
            return self.body;
        }
        let mut out = Vec::with_capacity(self.length);
        self.each(|piece| out.extend_from_slice(piece.bytes(&self.body)));
        out.into()
    }

    /// The bytes in a few pieces, in order, of which the original's are not copied.
    pub fn into_chunks(self) -> Vec<Bytes> {
        let mut chunks = Vec::with_capacity(2 * self.patches.len() + 1);
        self.each(|piece| {
            let chunk = match piece {
                Piece::Original(start, end) => self.body.slice(start..end),
                Piece::Inserted(text) => text.clone(),
            };
            if !chunk.is_empty() {
                chunks.push(chunk);
            }
        });
        chunks
    }

    fn each<'a>(&'a self, mut each: impl FnMut(Piece<'a>)) {
        let mut from = 0;
        for patch in &self.patches {
            each(Piece::Original(from, patch.at.start));
            each(Piece::Inserted(&patch.text));
            from = patch.at.end;
        }
        each(Piece::Original(from, self.body.len()));
    }
}

enum Piece<'a> {
    Original(usize, usize),
    Inserted(&'a Bytes),
}

impl<'a> Piece<'a> {
    fn bytes(&self, body: &'a Bytes) -> &'a [u8] {
        match *self {
            Self::Original(start, end) => body.get(start..end).unwrap_or_default(),
            Self::Inserted(text) => text,
        }
    }
}
