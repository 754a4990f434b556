use std::collections::VecDeque;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    common_delta::common_delta,
    error::{Details, from_parts, unreadable},
    open_block::Blocks,
    text::Str,
    usage::{USAGE_EXTRA, WireUsage},
};
use crate::{
    ApiError, DecodeContext, StreamEnd, Truncated,
    chat::{Event, Start},
    sse::SseDecoder,
};

/// Reads the event stream of an answer, fed in any pieces.
#[derive(Debug)]
pub struct StreamDecoder {
    sse: SseDecoder,
    machine: Machine,
}

/// What is known of the answer so far.
#[derive(Debug)]
struct Machine {
    queue: VecDeque<Event>,
    blocks: Blocks,
    usage: WireUsage,
    started: bool,
    /// Why the answer ended has been told.
    finished: bool,
    /// `message_stop` has come: the answer is whole.
    stopped: bool,
    failed: bool,
}

impl StreamDecoder {
    /// A decoder at the start of a stream.
    pub fn new(cx: DecodeContext) -> Self {
        let machine = Machine {
            queue: VecDeque::new(),
            blocks: Blocks::new(cx),
            usage: WireUsage::default(),
            started: false,
            finished: false,
            stopped: false,
            failed: false,
        };
        Self { sse: SseDecoder::new(), machine }
    }

    /// Takes in the next bytes.
    pub fn feed(&mut self, bytes: &[u8]) {
        if !self.machine.is_over() {
            self.sse.feed(bytes);
        }
    }

    /// The next event, or `None` until more is fed.
    pub fn next_event(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.machine.queue.pop_front() {
                return Some(event);
            }
            if self.machine.is_over() {
                return None;
            }
            match self.sse.next_event() {
                Ok(Some(event)) => self.machine.event(event.data),
                Ok(None) => return None,
                Err(error) => self.machine.fail(unreadable(error)),
            }
        }
    }

    /// Ends the stream after its last byte: whole only after `message_stop`. Events may become
    /// available by it.
    pub fn finish(&mut self) -> Result<StreamEnd, Truncated> {
        let mut pending = VecDeque::new();
        while let Some(event) = self.next_event() {
            pending.push_back(event);
        }
        if !self.machine.is_over() {
            match self.sse.finish() {
                // A last event that was cut is no event.
                Ok(Some(event)) if serde_json::from_slice::<&RawValue>(event.data).is_ok() => {
                    self.machine.event(event.data);
                }
                Ok(_) => {}
                Err(error) => self.machine.fail(unreadable(error)),
            }
        }
        pending.append(&mut self.machine.queue);
        self.machine.queue = pending;
        if self.machine.stopped && !self.machine.failed { Ok(StreamEnd) } else { Err(Truncated) }
    }
}

impl Machine {
    const fn is_over(&self) -> bool {
        self.stopped || self.failed
    }

    fn event(&mut self, data: &[u8]) {
        if let Some((index, delta)) = common_delta(data) {
            self.start(None);
            let result = self.blocks.grow(Some(index), delta, &mut self.queue);
            return self.check(result);
        }
        let event: WireEvent<'_> = match serde_json::from_slice(data) {
            Ok(event) => event,
            Err(error) => return self.odd_event(data, &error),
        };
        match &*event.kind.0 {
            "content_block_delta" => {
                self.start(None);
                let result = match event.delta {
                    Some(delta) => self.blocks.grow(event.index, delta, &mut self.queue),
                    None => Err("a delta is missing".to_owned()),
                };
                self.check(result);
            }
            "content_block_start" => {
                self.start(None);
                let result = match event.content_block {
                    Some(block) => self.blocks.open(event.index, block, &mut self.queue),
                    None => Err("a content block is missing".to_owned()),
                };
                self.check(result);
            }
            "content_block_stop" => self.blocks.close(event.index, &mut self.queue),
            "message_start" => self.start(event.message),
            "message_delta" => self.message_delta(event),
            "message_stop" => {
                self.start(None);
                self.end(None);
                self.stopped = true;
            }
            "error" => self.fail(from_parts(None, event.error.unwrap_or_default())),
            // `ping`, and what the provider adds one day.
            _ => {}
        }
    }

    /// An event that is not of the shape we know: passed over if its type is not known either.
    /// One of a known type would be a hole in the answer.
    fn odd_event(&mut self, data: &[u8], error: &serde_json::Error) {
        const KNOWN: [&str; 7] = [
            "content_block_delta",
            "content_block_start",
            "content_block_stop",
            "message_start",
            "message_delta",
            "message_stop",
            "error",
        ];
        #[derive(Deserialize)]
        struct Kind<'a> {
            #[serde(rename = "type", borrow)]
            kind: Str<'a>,
        }
        // Some compatible servers end as OpenAI does.
        if data == b"[DONE]" {
            return;
        }
        match serde_json::from_slice::<Kind<'_>>(data) {
            Ok(Kind { kind }) if !KNOWN.contains(&&*kind.0) => {}
            _ => self.fail(unreadable(error)),
        }
    }

    /// Tells the start, once.
    fn start(&mut self, message: Option<&RawValue>) {
        if self.started {
            return;
        }
        let wire: WireMessage<'_> = match message.map(|raw| serde_json::from_str(raw.get())) {
            Some(Ok(wire)) => wire,
            Some(Err(error)) => return self.fail(unreadable(error)),
            None => WireMessage::default(),
        };
        self.started = true;
        let usage = wire.usage;
        let mut start = Start {
            id: wire.id.map(|id| id.0.into_owned()),
            model: wire.model.map(|model| model.0.into_owned()),
            ..Start::default()
        };
        if let Some(usage) = &usage {
            start.service_tier = usage.canonical_tier();
            if let Some(extra) = usage.extra() {
                start.extra.insert(USAGE_EXTRA.to_owned(), extra);
            }
        }
        self.queue.push_back(Event::Start(start));
        if let Some(usage) = usage {
            self.count(usage);
        }
    }

    fn message_delta(&mut self, event: WireEvent<'_>) {
        self.start(None);
        if let Some(delta) = event.delta
            && delta.stop_reason.is_some()
        {
            self.end(Some(delta));
        }
        if let Some(usage) = event.usage {
            match serde_json::from_str(usage.get()) {
                Ok(usage) => self.count(usage),
                Err(error) => self.fail(unreadable(error)),
            }
        }
    }

    fn count(&mut self, usage: WireUsage) {
        self.usage.merge(usage);
        self.queue.push_back(Event::Usage(self.usage.to_canonical()));
    }

    /// Tells why the answer ended, once.
    fn end(&mut self, delta: Option<WireDelta<'_>>) {
        if !self.finished {
            self.finished = true;
            self.blocks.finish(delta, &mut self.queue);
        }
    }

    fn check(&mut self, result: Result<(), String>) {
        if let Err(error) = result {
            self.fail(unreadable(error));
        }
    }

    fn fail(&mut self, error: ApiError) {
        if !self.failed {
            self.failed = true;
            if !self.started {
                self.started = true;
                self.queue.push_back(Event::Start(Start::default()));
            }
            self.queue.push_back(Event::Error(error));
        }
    }
}

/// Every event there is, read at once: most fields are missing in each.
#[derive(Deserialize)]
struct WireEvent<'a> {
    #[serde(rename = "type", borrow)]
    kind: Str<'a>,
    #[serde(default)]
    index: Option<u64>,
    #[serde(borrow, default)]
    delta: Option<WireDelta<'a>>,
    #[serde(borrow, default)]
    content_block: Option<&'a RawValue>,
    #[serde(borrow, default)]
    message: Option<&'a RawValue>,
    #[serde(borrow, default)]
    usage: Option<&'a RawValue>,
    #[serde(borrow, default)]
    error: Option<Details<'a>>,
}

/// The `delta` of a block, or of the message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct WireDelta<'a> {
    #[serde(rename = "type", borrow)]
    pub(super) kind: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) text: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) partial_json: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) thinking: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) signature: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) citation: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) content: Option<&'a RawValue>,
    #[serde(borrow)]
    pub(super) stop_reason: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) stop_sequence: Option<Str<'a>>,
    #[serde(borrow)]
    pub(super) stop_details: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct WireMessage<'a> {
    #[serde(borrow)]
    id: Option<Str<'a>>,
    #[serde(borrow)]
    model: Option<Str<'a>>,
    usage: Option<WireUsage>,
}
