//! What the gateway takes for a provider's last word on usage is that, wherever an answer is cut: beside a
//! reason to end, usage is charged as known.

use std::io::Write as _;

use tollway_core::{Framing, Told, Usage};
use tollway_wire::DecodeContext;
use tollway_wire::chat::Event;
use tollway_wire::format::StreamDecoder;
use tollway_wire::relay::UsageTap;

use crate::recording::Recording;
use crate::{ENDPOINTS, dialect, recording};

/// Reads the beginning of a recording's answer, and its end where it has one.
type Way = fn(&Recording, &[u8], bool) -> Read;

/// What was read of an answer, and whether that was whole.
#[derive(Default)]
struct Read {
    usage: Option<Usage>,
    told: Told,
    is_whole: bool,
}

impl Read {
    /// What a price is found by.
    fn priced(&self) -> (Option<Usage>, [&Option<Box<str>>; 3]) {
        let Told { tier, region, speed, .. } = &self.told;
        (self.usage, [tier, region, speed])
    }
}

#[test]
fn usage_beside_a_reason_to_end_is_the_last_word_wherever_an_answer_is_cut() {
    let Some(recordings) = recording::load(ENDPOINTS).unwrap() else {
        writeln!(std::io::stdout(), "no recordings beside the checkout (../shared), nothing is cut").unwrap();
        return;
    };
    let (mut cuts, mut wrong) = (0, Vec::new());
    for recording in recordings.iter().filter(|one| one.status == 200) {
        let is_chat_stream = recording.is_stream && !recording.name.contains("openai/completions");
        let ways: &[Way] = if is_chat_stream { &[relayed, translated] } else { &[relayed] };
        for (way, read) in ways.iter().enumerate() {
            let last = read(recording, &recording.body, true);
            for at in places(recording.body.len()) {
                // The connection breaks, or the stream ends as if that were all. A whole answer is always ended.
                for is_ended in [recording.is_stream.then_some(false), Some(true)].into_iter().flatten() {
                    cuts += 1;
                    let found = read(recording, &recording.body[..at], is_ended);
                    let is_last_word = found.is_whole || found.told.finish.is_some();
                    if found.usage.is_some() && is_last_word && found.priced() != last.priced() {
                        wrong.push(format!(
                            "{} (way {way}, ended {is_ended}) cut at {at}: {:?}, not {:?}",
                            recording.name,
                            found.priced(),
                            last.priced()
                        ));
                    }
                }
            }
        }
    }
    writeln!(std::io::stdout(), "cut at {cuts} places").unwrap();
    wrong.truncate(50);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(cuts > 30_000, "only {cuts} cuts");
}

/// Places all over an answer, and more of them in its end, where usage stands. Fewer in a long one, as each
/// cut reads it anew.
fn places(length: usize) -> impl Iterator<Item = usize> {
    let many = (MOST_READ / length.max(1)).clamp(8, 64);
    let end = length.saturating_sub(END);
    let spread = |from: usize, to: usize| (from..to).step_by(((to - from) / many).max(1));
    spread(0, end).chain(spread(end, length))
}

const MOST_READ: usize = 32 * 1024;
const END: usize = 500;

/// As in an answer that passes in the client's own dialect.
fn relayed(recording: &Recording, bytes: &[u8], is_ended: bool) -> Read {
    let is_array = recording.body.trim_ascii_start().starts_with(b"[");
    let mut tap = match (recording.is_stream, is_array) {
        (true, _) => UsageTap::stream(dialect(recording), Framing::Events, None),
        (false, true) => UsageTap::stream(dialect(recording), Framing::Array, None),
        (false, false) => UsageTap::body(dialect(recording)),
    };
    tap.feed(bytes);
    let is_whole = is_ended && tap.finish().is_ok();
    Read { usage: tap.reading().usage(), told: tap.take_told(), is_whole }
}

/// As in a stream that is translated.
fn translated(recording: &Recording, bytes: &[u8], is_ended: bool) -> Read {
    let mut decoder = StreamDecoder::new(dialect(recording), DecodeContext::default());
    let mut read = Read::default();
    decoder.feed(bytes);
    read.drain(&mut decoder);
    if is_ended {
        read.is_whole = decoder.finish().is_ok();
        read.drain(&mut decoder);
    }
    read
}

impl Read {
    fn drain(&mut self, decoder: &mut StreamDecoder) {
        while let Some(event) = decoder.next_event() {
            match event {
                Event::Start(start) => self.told = start.told(),
                Event::Tier(tier) => self.told.tier = Some(tier.as_str().into()),
                Event::Finish { choice: 0, finish } => self.told.finish = Some(finish.word().into()),
                Event::Usage(usage) => self.usage = Some(usage),
                Event::Error(_) => return,
                _ => {}
            }
        }
    }
}
