//! Thinking in a stream, and its seals.

use super::reasoning::Blocks;
use super::reasoning_out::Detail;
use crate::chat::Signature;
use crate::sse::MAX_EVENT;

/// The thinking of a choice, until its seal comes.
///
/// The text streams as `reasoning_content`. The entry of `reasoning_details` that a seal makes holds
/// the block's whole text, so that a client which gives the entries back gives back all there is. As
/// in a whole answer, there are entries only once something is sealed.
#[derive(Debug, Default)]
pub(super) struct ThinkingOut {
    blocks: Blocks,
    open: Option<Block>,
    /// Blocks that ended without a seal while nothing was sealed yet.
    unsealed: Vec<Block>,
    sealed: bool,
    /// Bytes of text held.
    held: usize,
}

#[derive(Debug)]
struct Block {
    place: u64,
    text: String,
}

impl ThinkingOut {
    /// Thinking goes on. Beyond what may be held, text is streamed but no longer kept.
    pub(super) fn think(&mut self, text: &str) {
        let block = match &mut self.open {
            Some(block) => block,
            open => open.insert(Block { place: self.blocks.next(), text: String::new() }),
        };
        if self.held + text.len() <= MAX_EVENT {
            self.held += text.len();
            block.text.push_str(text);
        }
    }

    /// Whether the last thing said was thinking.
    pub(super) const fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Text goes on. Hands out an entry that is due.
    pub(super) fn text(&mut self) -> Option<Entry> {
        let due = self.close();
        self.blocks.text();
        due
    }

    /// Another block came. Hands out an entry that is due.
    pub(super) fn block(&mut self) -> Option<Entry> {
        let due = self.close();
        self.blocks.next();
        due
    }

    /// Ends thinking without a seal.
    pub(super) fn close(&mut self) -> Option<Entry> {
        let block = self.open.take()?;
        if self.sealed {
            return Some(Entry { block, seal: None, redacted: None });
        }
        self.unsealed.push(block);
        None
    }

    /// The entries a seal makes due.
    pub(super) fn seal(&mut self, seal: &Signature) -> Vec<Entry> {
        let block = match self.open.take() {
            Some(block) => block,
            None => Block { place: self.blocks.next(), text: String::new() },
        };
        self.with_earlier(Entry { block, seal: Some(seal.clone()), redacted: None })
    }

    /// The entries sealed thinking makes due.
    pub(super) fn redacted(&mut self, data: &str) -> Vec<Entry> {
        let due = self.close();
        let block = Block { place: self.blocks.next(), text: String::new() };
        let mut entries = self.with_earlier(Entry { block, seal: None, redacted: Some(data.to_owned()) });
        if let Some(due) = due {
            entries.insert(0, due);
        }
        entries
    }

    fn with_earlier(&mut self, entry: Entry) -> Vec<Entry> {
        self.sealed = true;
        self.held = 0;
        let earlier = self.unsealed.drain(..).map(|block| Entry { block, seal: None, redacted: None });
        earlier.chain([entry]).collect()
    }
}

/// An entry of `reasoning_details` that is due.
#[derive(Debug)]
pub(super) struct Entry {
    block: Block,
    seal: Option<Signature>,
    redacted: Option<String>,
}

impl Entry {
    /// The same, to be written.
    pub(super) fn detail(&self) -> Detail<'_> {
        match &self.redacted {
            Some(data) => Detail::encrypted(data, self.block.place),
            None => Detail::text(&self.block.text, self.seal.as_ref(), self.block.place),
        }
    }
}
