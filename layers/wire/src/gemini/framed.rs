use tollway_core::Framing;

/// What stands around the frames of a stream that is written.
#[derive(Debug, Default)]
pub(super) struct Framed {
    framing: Framing,
    /// Whether a frame has been written.
    any: bool,
}

impl Framed {
    pub(super) const fn new(framing: Framing) -> Self {
        Self { framing, any: false }
    }

    /// Writes what goes before a frame.
    pub(super) fn open(&mut self, out: &mut Vec<u8>) {
        let any = std::mem::replace(&mut self.any, true);
        out.extend_from_slice(match (self.framing, any) {
            (Framing::Events, _) => b"data: ",
            (Framing::Array, false) => b"[",
            (Framing::Array, true) => b",\r\n",
        });
    }

    /// Writes what goes after a frame.
    pub(super) fn close(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(match self.framing {
            Framing::Events => b"\n\n",
            Framing::Array => b"\n",
        });
    }

    /// Writes the end of the stream.
    pub(super) fn end(&self, out: &mut Vec<u8>) {
        if self.framing == Framing::Array {
            out.extend_from_slice(b"]");
        }
    }
}
