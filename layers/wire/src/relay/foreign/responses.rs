use std::sync::LazyLock;

use memchr::memmem::Finder;
use tollway_core::Usage;

use super::{Format, Found, Member, Reading};
use crate::{
    relay::{chunk::keep, usage},
    scan::unquote,
};

/// OpenAI's Responses: `response.created` … `response.completed`, or one response.
#[derive(Debug, Default)]
pub(in crate::relay) struct Responses {
    kind: Kind,
    error: bool,
    usage: Option<Usage>,
    /// Searches as told, and as they stand in the output.
    searches: u64,
    search_items: u64,
    is_search: bool,
    other_action: bool,
    next_sequence: u64,
    created: u64,
    /// Why the answer ends, until the event that tells it has come whole: usage stands behind it.
    finish: Option<Box<str>>,
}

#[derive(Clone, Copy, Debug)]
pub(in crate::relay) enum Tag {
    Status,
    Kind,
    Sequence,
    Id,
    Created,
    Model,
    Tier,
    Usage,
    Searches,
    Item,
    ItemKind,
    Action,
    Error,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Kind {
    #[default]
    Other,
    Content,
    /// `response.completed`, or `response.incomplete`, which tells why.
    End,
    Failure,
}

const RESPONSE: &[Member<Tag>] = &[
    Member::value("id", Tag::Id),
    Member::value("created_at", Tag::Created),
    Member::value("model", Tag::Model),
    Member::value("service_tier", Tag::Tier),
    Member::value("usage", Tag::Usage),
    Member::value("status", Tag::Status),
    Member::within("incomplete_details", &[Member::value("reason", Tag::Status)]),
    Member::value("error", Tag::Error),
    Member::elements(
        "output",
        Tag::Item,
        &[
            Member::value("type", Tag::ItemKind),
            Member::within("action", &[Member::value("type", Tag::Action)]),
        ],
    ),
    Member::within(
        "tool_usage",
        &[Member::within("web_search", &[Member::value("num_requests", Tag::Searches)])],
    ),
];

/// Strings of which one stands in every event that matters once there was content: the key of the
/// whole response, and an error's.
static WORDS: LazyLock<[Finder<'static>; 2]> =
    LazyLock::new(|| [Finder::new(b"\"response\""), Finder::new(b"\"error\"")]);

impl Responses {
    pub(super) const fn next_sequence(&self) -> u64 {
        self.next_sequence
    }

    pub(super) const fn created(&self) -> u64 {
        self.created
    }
}

impl Format for Responses {
    type Tag = Tag;

    const EVENT: &'static [Member<Tag>] = &[
        Member::value("type", Tag::Kind),
        Member::value("sequence_number", Tag::Sequence),
        Member::within("response", RESPONSE),
        Member::value("error", Tag::Error),
    ];

    const BODY: &'static [Member<Tag>] = RESPONSE;

    fn passes(&mut self, data: &[u8], reading: &Reading) -> bool {
        // A text that holds these words has its quotes escaped.
        let passes = reading.content && WORDS.iter().all(|word| word.find(data).is_none());
        self.next_sequence += u64::from(passes);
        passes
    }

    fn found(&mut self, found: Found<'_, Tag>, reading: &mut Reading) {
        match found {
            Found::Value(Tag::Kind, kind) => self.kind = Kind::of(kind),
            Found::Value(Tag::Sequence, number) => {
                if let Some(number) = whole_number(number) {
                    self.next_sequence = number;
                }
            }
            Found::Value(Tag::Id, id) => keep(&mut reading.id, id),
            Found::Value(Tag::Created, time) => self.created = whole_number(time).unwrap_or(self.created),
            Found::Value(Tag::Model, model) => keep(&mut reading.told.model, model),
            Found::Value(Tag::Tier, tier) => keep(&mut reading.told.tier, tier),
            // While it is made its status tells nothing; why it is incomplete, more than that it is.
            Found::Value(Tag::Status, status) if status != b"\"in_progress\"" && status != b"\"queued\"" => {
                keep(&mut self.finish, status);
            }
            Found::Value(Tag::Usage, counts) => self.usage = usage::decode_responses(counts),
            Found::Value(Tag::Searches, number) => self.searches = whole_number(number).unwrap_or(0),
            Found::Value(Tag::ItemKind, kind) => self.is_search = kind == b"\"web_search_call\"",
            // Opening a found page is no search.
            Found::Value(Tag::Action, action) => self.other_action = action != b"\"search\"",
            Found::Value(Tag::Error, error) => self.error |= error != b"null",
            Found::ElementEnd(_) => {
                self.search_items += u64::from(self.is_search && !self.other_action);
                (self.is_search, self.other_action) = (false, false);
                reading.content = true;
            }
            _ => {}
        }
    }

    fn end(&mut self, whole: bool, reading: &mut Reading) {
        let told = std::mem::take(&mut self.searches);
        let items = std::mem::take(&mut self.search_items);
        let web_searches = if told > 0 { told } else { items };
        reading.count(self.usage.take().map(|usage| Usage { web_searches, ..usage }));
        let kind = std::mem::take(&mut self.kind);
        reading.error |= std::mem::take(&mut self.error) || kind == Kind::Failure;
        reading.content |= kind == Kind::Content;
        reading.done |= whole && kind == Kind::End;
        let finish = self.finish.take().filter(|_| whole);
        reading.told.finish = finish.or_else(|| reading.told.finish.take());
        // One that was cut off is not given out.
        self.next_sequence = self.next_sequence.saturating_add(u64::from(whole));
    }

    fn is_whole(&self, reading: &Reading) -> bool {
        reading.done
    }
}

impl Kind {
    fn of(raw: &[u8]) -> Self {
        let kind = unquote(raw).unwrap_or_default();
        match &*kind {
            "response.completed" | "response.incomplete" => Self::End,
            "response.failed" | "error" => Self::Failure,
            // An item may come whole, with nothing said of it before.
            "response.output_item.done" => Self::Content,
            _ if matches!(kind.rsplit('.').next(), Some("delta" | "partial_image")) => Self::Content,
            _ => Self::Other,
        }
    }
}

fn whole_number(raw: &[u8]) -> Option<u64> {
    std::str::from_utf8(raw).ok()?.parse().ok()
}
