//! A whole answer in OpenAI's Responses format.

use super::stream_encoder::StreamEncoder;
use crate::EncodeContext;
use crate::chat::{Delta, Event, Reply};

/// Writes an answer of `POST /v1/responses`: what its stream would come to.
pub fn encode_response(reply: &Reply, cx: &EncodeContext) -> Vec<u8> {
    let mut encoder = StreamEncoder::silent(cx.clone());
    let mut none = Vec::new();
    for event in reply.clone().into_events() {
        if !matches!(event, Event::Delta { delta: Delta::Logprobs(_), .. }) {
            encoder.encode(&event, &mut none);
        }
        // Whole, they stand with the first text.
        if let Event::Start(_) = event
            && let Some(logprobs) = reply.choices.first().and_then(|choice| choice.logprobs.clone())
        {
            encoder.encode(&Event::Delta { choice: 0, delta: Delta::Logprobs(logprobs) }, &mut none);
        }
    }
    encoder.whole()
}
