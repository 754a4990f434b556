use std::sync::LazyLock;

use memchr::memmem::Finder;
use tollway_core::{Told, Usage};

use super::{body::Member, chunk, events, usage};

/// What was read of an answer so far, in passing.
#[derive(Debug, Default)]
pub struct Reading {
    pub(super) usage: Option<Usage>,
    pub(super) id: Option<Box<str>>,
    pub(super) told: Told,
    pub(super) error: bool,
    pub(super) content: bool,
    pub(super) done: bool,
    /// Which choices have told why they end, by index.
    pub(super) finished: u128,
    pub(super) scratch: Vec<u8>,
}

impl Reading {
    /// The usage the server counted; of several the last one, which holds the earlier ones.
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The answer's id.
    pub fn id(&self) -> Option<&str> {
        self.id.as_deref()
    }

    /// The model that serves, as the server names it.
    pub fn model(&self) -> Option<&str> {
        self.told.model.as_deref()
    }

    /// The service tier that serves.
    pub fn service_tier(&self) -> Option<&str> {
        self.told.tier.as_deref()
    }

    /// What was told of how the answer was served, as far as it was read.
    pub const fn told(&self) -> &Told {
        &self.told
    }

    pub(super) const fn take_told(&mut self) -> Told {
        std::mem::replace(&mut self.told, Told::NONE)
    }

    /// Whether an error has passed to the client in place of the answer or its rest.
    pub const fn error_passed(&self) -> bool {
        self.error
    }

    /// Whether any content has passed: text, reasoning, a refusal, a tool call.
    pub const fn content_passed(&self) -> bool {
        self.content
    }

    /// Whether the dialect's mark of a whole stream has passed: `[DONE]`, `message_stop`,
    /// `response.completed` or `response.incomplete`. Gemini has none.
    pub const fn done_passed(&self) -> bool {
        self.done
    }

    /// How many choices have told why they end, in a dialect that has several.
    pub const fn finished_choices(&self) -> u32 {
        self.finished.count_ones()
    }

    /// Reads a raw event; tells whether it is a chunk that carries usage and nothing else.
    pub(super) fn event(&mut self, event: &[u8]) -> bool {
        let mut scratch = std::mem::take(&mut self.scratch);
        let said = events::read(event, &mut scratch);
        self.error |= said.is_error;
        let usage_only = match said.data {
            Some(data) if data.starts_with(b"[") => {
                self.done |= data.trim_ascii_end() == b"[DONE]";
                false
            }
            Some(data) if !self.content || MARKS.stand_in(data) => chunk::read(self, data),
            _ => false,
        };
        self.scratch = scratch;
        usage_only
    }

    /// Reads a top-level member of a JSON answer.
    pub(super) fn member(&mut self, member: Member, value: &[u8]) {
        match member {
            Member::Usage => self.count(usage::decode(value)),
            Member::Groq => {
                if self.usage.is_none() {
                    self.count(chunk::groq_usage(value));
                }
            }
            Member::Error => self.error |= !matches!(value, b"null" | b""),
            Member::Id => chunk::keep(&mut self.id, value),
            Member::Model => chunk::keep(&mut self.told.model, value),
            Member::ServiceTier => chunk::keep(&mut self.told.tier, value),
            Member::FinishReason => chunk::keep(&mut self.told.finish, value),
        }
    }

    pub(super) fn count(&mut self, usage: Option<Usage>) {
        self.usage = usage.or(self.usage);
    }
}

/// Keys whose values, unless null, make a chunk worth reading. All others pass unread.
struct Marks {
    usage: Finder<'static>,
    finish: Finder<'static>,
    error: Finder<'static>,
}

static MARKS: LazyLock<Marks> = LazyLock::new(|| Marks {
    usage: Finder::new(b"\"usage\""),
    finish: Finder::new(b"\"finish_reason\""),
    error: Finder::new(b"\"error\""),
});

impl Marks {
    fn stand_in(&self, data: &[u8]) -> bool {
        // A text that holds these words has its quotes escaped, so a hit is a whole JSON string.
        [&self.finish, &self.usage, &self.error].into_iter().any(|finder| {
            finder.find_iter(data).any(|at| {
                let behind = data.get(at + finder.needle().len()..).unwrap_or_default().trim_ascii_start();
                let value = behind.strip_prefix(b":").map(<[u8]>::trim_ascii_start);
                value.is_none_or(|value| !value.starts_with(b"null"))
            })
        })
    }
}
