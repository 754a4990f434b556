//! Vectors in another dialect's words.

use tollway_core::{Dialect, Endpoint};
use tollway_wire::{Encoded, Refusal, gemini, openai};

use super::{EmbeddingsReading, Prepared, Preparing, Reading, encode_context};
use crate::Error;

impl Preparing<'_> {
    /// Says a request for vectors in the upstream's words.
    pub(super) fn embeddings(&self) -> Result<Prepared, Error> {
        let Self { call, upstream, .. } = *self;
        let request = openai::embeddings::decode_request(&call.body)?;
        if upstream.dialect != Dialect::Gemini {
            return Err(Refusal::at(
                "model",
                format!("the provider of this model has no embeddings: {}", call.model),
            )
            .into());
        }
        let Encoded { body, dropped, .. } = gemini::embeddings::encode_request(&request, &upstream.model)?;
        let encode = encode_context(call, self.exchange);
        Ok(Prepared {
            endpoint: Endpoint::Embeddings,
            body: body.into(),
            stream: None,
            dropped,
            reading: Reading::Embeddings(Box::new(EmbeddingsReading {
                upstream: upstream.dialect,
                client: call.dialect,
                request,
                encode,
            })),
        })
    }
}
