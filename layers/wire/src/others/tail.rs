use memchr::memmem;
use tollway_core::Usage;

use super::counts;

/// So many bytes of an answer's end are kept: usage is its last member, or nearly, and has some 500.
const KEPT: usize = 4 * 1024;

/// How many members of the name are looked at.
const TRIES: usize = 16;

/// Reads the usage at the end of an answer, whatever stands before it: JSON with megabytes of
/// pictures in it, or an event stream whose last event counts.
#[derive(Debug, Default)]
pub struct TailTap {
    kept: Vec<u8>,
}

impl TailTap {
    /// Reads on.
    pub fn feed(&mut self, bytes: &[u8]) {
        let bytes = bytes.get(bytes.len().saturating_sub(KEPT)..).unwrap_or_default();
        // Twice as many, so that small pieces do not move all the rest each.
        if self.kept.len() + bytes.len() > 2 * KEPT {
            let over = (self.kept.len() + bytes.len()).saturating_sub(KEPT).min(self.kept.len());
            self.kept.drain(..over);
        }
        self.kept.extend_from_slice(bytes);
    }

    /// The last usage that was read.
    pub fn usage(&self) -> Option<Usage> {
        // What is kept beyond that is there by chance, as the pieces were.
        let kept = self.kept.get(self.kept.len().saturating_sub(KEPT)..).unwrap_or_default();
        memmem::rfind_iter(kept, b"\"usage\"").take(TRIES).find_map(|at| {
            // A quote within a text is escaped.
            if kept.get(at.wrapping_sub(1)) == Some(&b'\\') {
                return None;
            }
            let rest = kept.get(at + b"\"usage\"".len()..)?.trim_ascii_start();
            counts::decode(rest.strip_prefix(b":")?)
        })
    }

    /// Forgets what was read.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(answer: &str, piece: usize) -> Option<Usage> {
        let mut tap = TailTap::default();
        for bytes in answer.as_bytes().chunks(piece) {
            tap.feed(bytes);
            assert!(tap.kept.len() <= 2 * KEPT);
        }
        tap.usage()
    }

    #[test]
    fn reads_what_images_and_transcriptions_count() {
        let picture = "A".repeat(100_000);
        let image = format!(
            r#"{{"created":1,"data":[{{"b64_json":"{picture}"}}],"usage":{{"total_tokens":100,"input_tokens":50,"output_tokens":50,"input_tokens_details":{{"text_tokens":10,"image_tokens":40}}}}}}"#
        );
        for piece in [1, 1000, 200_000] {
            let usage = read(&image, piece).unwrap();
            assert_eq!((usage.input, usage.output, usage.input_image), (50, 50, 40));
        }
        let event = r#"data: {"type":"transcript.text.done","text":"a \"usage\": {\"input_tokens\":9}","usage":{"type":"tokens","input_tokens":14,"input_token_details":{"text_tokens":10,"audio_tokens":4},"output_tokens":101,"total_tokens":115}}

data: [DONE]

"#;
        let usage = read(event, 3).unwrap();
        assert_eq!((usage.input, usage.output, usage.input_audio), (14, 101, 4));
        let chat = r#"{"usage":{"prompt_tokens":3,"completion_tokens":4}}"#;
        assert_eq!(read(chat, 8).map(|usage| (usage.input, usage.output)), Some((3, 4)));
    }

    #[test]
    fn what_is_counted_by_its_length_is_read() {
        for (seconds, millis) in [("9", 9000), ("2.4756", 2476), ("1e400", 0)] {
            let usage =
                read(&format!(r#"{{"text":"x","usage":{{"type":"duration","seconds":{seconds}}}}}"#), 7);
            assert_eq!(usage.map_or(0, |usage| usage.input_audio_ms), millis);
        }
    }

    #[test]
    fn what_counts_nothing_is_none() {
        for answer in [
            "",
            "RIFF....",
            r#"{"text":"x","usage":{"type":"duration","seconds":-9}}"#,
            r#"{"text":"x","usage":{"type":"duration","seconds":"9"}}"#,
            r#"{"usage":null}"#,
            r#"{"usage":{"input_tokens":"#,
            r#"{"text":"\"usage\":{\"input_tokens\":1}"}"#,
        ] {
            assert_eq!(read(answer, 5), None, "{answer}");
        }
        // The one before it counts.
        let answer = r#"{"usage":{"input_tokens":1}} {"usage":null}"#;
        assert_eq!(read(answer, 5).map(|usage| usage.input), Some(1));
    }
}
