use std::sync::LazyLock;

use memchr::memmem::Finder;

use super::{Format, Found, Member, Reading};
use crate::{anthropic::Tally, relay::chunk::keep};

/// Anthropic's Messages: `message_start` … `message_stop`, or one message.
///
/// Usage is cumulative: `message_delta` holds `message_start`'s and is laid over it, never added.
#[derive(Debug, Default)]
pub(in crate::relay) struct Anthropic {
    usage: Tally,
    kind: Kind,
    error: bool,
    /// Whether a block begins that says something by beginning, such as a call.
    speaks: bool,
    /// Why the answer ends, until the event that tells it has come whole: usage stands behind it.
    finish: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::relay) enum Tag {
    Kind,
    Id,
    Model,
    Usage,
    BlockKind,
    Content,
    Finish,
    Error,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Other,
    BlockStart,
    BlockDelta,
    Stop,
    Error,
}

const MESSAGE: &[Member<Tag>] = &[
    Member::value("id", Tag::Id),
    Member::value("model", Tag::Model),
    Member::value("usage", Tag::Usage),
    Member::sign("content", Tag::Content),
];

/// Strings of which one stands in every event that matters once there was content.
static WORDS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new(b"\"message_"), Finder::new(b"\"error\"")]);

impl Format for Anthropic {
    type Tag = Tag;

    const EVENT: &'static [Member<Tag>] = &[
        Member::value("type", Tag::Kind),
        Member::within("message", MESSAGE),
        Member::value("usage", Tag::Usage),
        Member::within("delta", &[Member::value("stop_reason", Tag::Finish)]),
        Member::within("content_block", &[Member::value("type", Tag::BlockKind)]),
        Member::value("error", Tag::Error),
    ];

    const BODY: &'static [Member<Tag>] = &[
        Member::value("type", Tag::Kind),
        Member::value("id", Tag::Id),
        Member::value("model", Tag::Model),
        Member::value("usage", Tag::Usage),
        Member::value("stop_reason", Tag::Finish),
        Member::sign("content", Tag::Content),
        Member::value("error", Tag::Error),
    ];

    fn passes(&mut self, data: &[u8], reading: &Reading) -> bool {
        // A text that holds these words has its quotes escaped.
        reading.content && WORDS.iter().all(|word| word.find(data).is_none())
    }

    fn found(&mut self, found: Found<'_, Tag>, reading: &mut Reading) {
        match found {
            Found::Value(Tag::Kind, kind) => {
                self.kind = match kind {
                    b"\"content_block_start\"" => Kind::BlockStart,
                    b"\"content_block_delta\"" => Kind::BlockDelta,
                    b"\"message_stop\"" => Kind::Stop,
                    b"\"error\"" => Kind::Error,
                    _ => Kind::Other,
                }
            }
            Found::Value(Tag::Id, id) => keep(&mut reading.id, id),
            Found::Value(Tag::Model, model) => keep(&mut reading.told.model, model),
            Found::Value(Tag::Usage, usage) => {
                self.usage.merge(usage);
                reading.count(self.usage.usage());
                if let Some(tier) = self.usage.tier() {
                    reading.told.tier = Some(tier.into());
                }
                reading.told.region = self.usage.region().map(Box::from);
                reading.told.speed = self.usage.speed().map(Box::from);
            }
            Found::Value(Tag::Finish, reason) => keep(&mut self.finish, reason),
            Found::Value(Tag::BlockKind, kind) => {
                self.speaks = !matches!(kind, b"\"text\"" | b"\"thinking\"");
            }
            Found::Value(Tag::Error, error) => self.error |= error != b"null",
            Found::Sign(Tag::Content) => reading.content = true,
            _ => {}
        }
    }

    fn end(&mut self, whole: bool, reading: &mut Reading) {
        let finish = self.finish.take().filter(|_| whole);
        reading.told.finish = finish.or_else(|| reading.told.finish.take());
        let Self { kind, error, speaks, .. } = self;
        reading.error |= std::mem::take(error) || *kind == Kind::Error;
        reading.done |= whole && *kind == Kind::Stop;
        reading.content |= *kind == Kind::BlockDelta || *kind == Kind::BlockStart && *speaks;
        (*kind, *speaks) = (Kind::Other, false);
    }

    fn is_whole(&self, reading: &Reading) -> bool {
        reading.done
    }
}
