use memchr::memmem;
use tollway_core::Usage;

use super::TailTap;

/// So many bytes of a message are read to learn what it is: realtime events begin with their type
/// and id.
const HEAD: usize = 256;

/// Reads what a realtime session counts, from the bytes of the WebSocket (RFC 6455) that the server
/// writes. Memory is bounded by some kilobytes, whatever the messages' length.
///
/// The usage of each `response.done` is added up, and that of each transcription of what was heard,
/// which is another model's and counted beside it. Compressed messages are passed over: the gateway
/// lets no compression be agreed upon.
#[derive(Debug, Default)]
pub struct SocketTap {
    frame: Frame,
    /// The beginning of the message being read, while it may still be of interest.
    head: Vec<u8>,
    tail: TailTap,
    interest: Interest,
    usage: Option<Usage>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Interest {
    #[default]
    Open,
    Counts,
    None,
}

/// The frame being read.
#[derive(Debug, Default)]
struct Frame {
    header: Vec<u8>,
    left: u64,
    is_control: bool,
    is_final: bool,
    in_payload: bool,
}

impl SocketTap {
    /// Reads on.
    pub fn feed(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            if self.frame.in_payload {
                let most = usize::try_from(self.frame.left).unwrap_or(usize::MAX);
                let (payload, rest) = bytes.split_at(bytes.len().min(most));
                bytes = rest;
                self.frame.left -= payload.len() as u64;
                if !self.frame.is_control {
                    self.payload(payload);
                }
            } else if let Some((byte, rest)) = bytes.split_first() {
                bytes = rest;
                self.frame.header.push(*byte);
                if !self.begin() {
                    continue;
                }
            }
            if self.frame.left == 0 {
                self.frame.in_payload = false;
                if self.frame.is_final && !self.frame.is_control {
                    self.end();
                }
            }
        }
    }

    /// The usage counted so far.
    pub const fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Begins a frame once its header is whole.
    fn begin(&mut self) -> bool {
        let header = &self.frame.header;
        let [first, second, more @ ..] = header.as_slice() else { return false };
        let (first, second) = (*first, *second);
        let size = match second & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        };
        let masked = second & 0x80 != 0;
        if more.len() < size + if masked { 4 } else { 0 } {
            return false;
        }
        self.frame.left = match more.get(..size) {
            None | Some([]) => u64::from(second & 0x7f),
            Some(length) => length.iter().fold(0, |all, byte| all << 8 | u64::from(*byte)),
        };
        let opcode = first & 0x0f;
        self.frame.is_control = opcode & 0x08 != 0;
        self.frame.is_final = first & 0x80 != 0;
        // Binary, compressed and masked ones say nothing to us.
        if !self.frame.is_control && (opcode == 2 || first & 0x70 != 0 || masked) {
            self.interest = Interest::None;
        }
        self.frame.in_payload = true;
        self.frame.header.clear();
        true
    }

    fn payload(&mut self, payload: &[u8]) {
        if self.interest == Interest::Open {
            let room = HEAD.saturating_sub(self.head.len());
            self.head.extend_from_slice(payload.get(..room.min(payload.len())).unwrap_or_default());
            if self.head.len() >= HEAD {
                self.decide();
            }
        }
        if self.interest != Interest::None {
            self.tail.feed(payload);
        }
    }

    fn decide(&mut self) {
        let is_told = |what: &[u8]| memmem::find(&self.head, what).is_some();
        let counts = is_told(b"\"response.done\"")
            || is_told(b"\"conversation.item.input_audio_transcription.completed\"");
        self.interest = if counts { Interest::Counts } else { Interest::None };
    }

    fn end(&mut self) {
        if self.interest == Interest::Open {
            self.decide();
        }
        if self.interest == Interest::Counts
            && let Some(more) = self.tail.usage()
        {
            let mut usage = self.usage.unwrap_or_default();
            usage += more;
            self.usage = Some(usage);
        }
        self.interest = Interest::Open;
        self.head.clear();
        self.tail.clear();
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A frame as a server writes it.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mut out = vec![first];
        match payload.len() {
            length @ ..126 => out.push(u8::try_from(length).unwrap()),
            length @ 126..0x1_0000 => {
                out.push(126);
                out.extend(u16::try_from(length).unwrap().to_be_bytes());
            }
            length => {
                out.push(127);
                out.extend((length as u64).to_be_bytes());
            }
        }
        out.extend(payload);
        out
    }

    fn done(input: u64) -> String {
        format!(
            r#"{{"type":"response.done","event_id":"e","response":{{"object":"realtime.response","output":["{}"],"usage":{{"total_tokens":9,"input_tokens":{input},"output_tokens":2,"input_token_details":{{"cached_tokens":1,"audio_tokens":3}},"output_token_details":{{"audio_tokens":2}}}}}}}}"#,
            "x".repeat(70_000)
        )
    }

    fn read(bytes: &[u8], piece: usize) -> Option<Usage> {
        let mut tap = SocketTap::default();
        bytes.chunks(piece).for_each(|bytes| tap.feed(bytes));
        tap.usage()
    }

    #[test]
    fn adds_up_what_each_response_counts_whatever_the_frames() {
        let (text, next, whole, ping) = (0x01, 0x00, 0x80, 0x89);
        let (first, second) = (done(5), done(7));
        let (begin, end) = second.as_bytes().split_at(100);
        let audio = format!(r#"{{"type":"response.output_audio.delta","delta":"{}"}}"#, "A".repeat(9000));
        let session = [
            frame(whole | text, br#"{"type":"session.created"}"#),
            frame(whole | text, audio.as_bytes()),
            frame(whole | text, first.as_bytes()),
            frame(text, begin),
            frame(ping, b"response.done"),
            frame(whole | next, end),
            frame(whole | 2, first.as_bytes()),
            frame(whole | 0x40 | text, first.as_bytes()),
            frame(0x88, b"\x03\xe8"),
        ]
        .concat();
        for piece in [1, 2, 5, 4096, session.len()] {
            let usage = read(&session, piece).unwrap();
            assert_eq!((usage.input, usage.output, usage.cached_input), (12, 4, 2), "{piece}");
            assert_eq!((usage.input_audio, usage.output_audio), (6, 4));
        }
    }

    #[test]
    fn what_was_heard_is_counted_in_tokens_or_by_its_length() {
        let heard = |usage: &str| {
            let text = format!(
                r#"{{"event_id":"e","type":"conversation.item.input_audio_transcription.completed","item_id":"i","content_index":0,"transcript":"{}","usage":{usage}}}"#,
                "x".repeat(9000)
            );
            frame(0x81, text.as_bytes())
        };
        let delta = frame(
            0x81,
            br#"{"type":"conversation.item.input_audio_transcription.delta","usage":{"input_tokens":9}}"#,
        );
        let session = [
            heard(r#"{"type":"tokens","total_tokens":6,"input_tokens":4,"input_token_details":{"text_tokens":1,"audio_tokens":3},"output_tokens":2}"#),
            delta,
            heard(r#"{"type":"duration","seconds":1.5}"#),
        ]
        .concat();
        for piece in [1, 4096, session.len()] {
            let usage = read(&session, piece).unwrap();
            assert_eq!((usage.input, usage.output, usage.input_audio, usage.input_audio_ms), (4, 2, 3, 1500));
        }
    }

    proptest! {
        #[test]
        fn never_panics_and_holds_little(bytes in proptest::collection::vec(any::<u8>(), 0..600), piece in 1usize..50) {
            let mut tap = SocketTap::default();
            bytes.chunks(piece).for_each(|bytes| tap.feed(bytes));
            prop_assert!(tap.head.len() <= HEAD && tap.frame.header.len() <= 14);
        }
    }
}
