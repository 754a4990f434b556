//! Reads from an answer which response it is, so that it is known who made it.

use std::sync::Arc;

use bytes::Bytes;
use http_body_util::BodyExt;
use memchr::memmem;
use tollway_core::{End, Observe, Tap};

use super::{Forwarding, Made};
use crate::body::Answer;

/// The id stands in the first bytes of an answer, or of its first event.
const HEAD: usize = 1024;

/// Notes who made the responses that pass.
#[derive(Clone, Debug)]
pub(crate) struct Notes {
    made: Made,
    /// Those that keep what they make.
    providers: Arc<[Arc<str>]>,
}

impl Forwarding {
    /// Who notes, where there are several who keep responses, so that it matters.
    pub(crate) fn notes(&self) -> Option<Notes> {
        let providers = &self.0.keepers;
        (providers.len() > 1).then(|| Notes { made: self.0.made.clone(), providers: providers.clone() })
    }
}

impl Notes {
    /// The answer to a request for a response, of which the id is read as it passes.
    pub(crate) fn noting(self, answer: Answer) -> Answer {
        let told = answer.headers().get("x-tollway-upstream").and_then(|value| value.to_str().ok());
        let name = told.and_then(|told| told.split('/').next()).unwrap_or_default();
        let Some(provider) = self.providers.iter().find(|provider| ***provider == *name).cloned() else {
            return answer;
        };
        if !answer.status().is_success() {
            return answer;
        }
        let reader = Reader { made: self.made, provider, head: Vec::new(), done: false };
        answer.map(|body| Tap::new(body, reader).boxed_unsync())
    }
}

struct Reader {
    made: Made,
    provider: Arc<str>,
    head: Vec<u8>,
    done: bool,
}

impl Observe for Reader {
    fn frame(&mut self, data: &Bytes) {
        if self.done {
            return;
        }
        let room = HEAD.saturating_sub(self.head.len());
        self.head.extend_from_slice(data.get(..room.min(data.len())).unwrap_or_default());
        let id = id(&self.head);
        self.done = id.is_some() || self.head.len() >= HEAD;
        if let Some(id) = id {
            self.made.note(id, &self.provider);
        }
    }

    fn end(&mut self, _: End) {}
}

/// The first id in a text, once it is whole.
fn id(text: &[u8]) -> Option<&str> {
    let at = memmem::find(text, b"\"id\"")?;
    let rest = text.get(at + 4..)?.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
    let rest = rest.strip_prefix(b"\"")?;
    let end = memchr::memchr2(b'"', b'\\', rest)?;
    std::str::from_utf8(rest.get(..end)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_id_is_read_however_it_comes() {
        for (text, expected) in [
            (r#"{"id" : "resp_1","object":"response"}"#, Some("resp_1")),
            (
                "event: response.created\ndata: {\"type\":\"response.created\",\"response\":{\"id\":\"resp_2\",\"x\":{\"id\":\"no\"}}}\n\n",
                Some("resp_2"),
            ),
            (r#"{"object":"response"}"#, None),
            (r#"{"id":"resp_"#, None),
            (r#"{"id":7}"#, None),
        ] {
            assert_eq!(id(text.as_bytes()), expected);
            let made = Made::default();
            let mut reader =
                Reader { made: made.clone(), provider: "p".into(), head: Vec::new(), done: false };
            for byte in text.as_bytes() {
                reader.frame(&Bytes::copy_from_slice(&[*byte]));
            }
            assert_eq!(expected.is_some(), expected.is_some_and(|id| made.by(id).is_some()));
        }
    }
}
