//! Vectors in another dialect's words.

use tollway_core::{Dialect, Endpoint};
use tollway_wire::{Encoded, Refusal, gemini, openai};

use super::{EmbeddingsReading, Prepared, Preparing, Reading, encode_context};
use crate::Error;
use crate::config::Kind;

impl Preparing<'_> {
    /// Whether vectors are asked of Vertex AI.
    pub(super) fn is_embeddings_at_vertex(&self) -> bool {
        self.provider.kind == Kind::Vertex
            && self.upstream.dialect == Dialect::Gemini
            && matches!(self.call.endpoint, Endpoint::Embeddings | Endpoint::Embedding)
    }

    /// Says a request for vectors in the upstream's words.
    pub(super) fn embeddings(&self) -> Result<Prepared, Error> {
        let Self { call, upstream, .. } = *self;
        let at_vertex = self.is_embeddings_at_vertex();
        if at_vertex && call.dialect != Dialect::OpenAi {
            let message =
                format!("Vertex AI has embeddings of this model for OpenAI's clients only: {}", call.model);
            return Err(Refusal::at("model", message).into());
        }
        let request = openai::embeddings::decode_request(&call.body)?;
        if upstream.dialect != Dialect::Gemini {
            return Err(Refusal::at(
                "model",
                format!("the provider of this model has no embeddings: {}", call.model),
            )
            .into());
        }
        let Encoded { body, dropped, .. } = if at_vertex {
            gemini::vertex_embeddings::encode_request(&request, &upstream.model)?
        } else {
            gemini::embeddings::encode_request(&request, &upstream.model)?
        };
        let takes_one = at_vertex && gemini::vertex_embeddings::takes_one(&upstream.model);
        let endpoint = if takes_one { Endpoint::Embedding } else { Endpoint::Embeddings };
        let encode = encode_context(call, self.exchange);
        Ok(Prepared {
            endpoint,
            body: body.into(),
            stream: None,
            dropped,
            reading: Reading::Embeddings(Box::new(EmbeddingsReading {
                upstream: upstream.dialect,
                client: call.dialect,
                at_vertex,
                request,
                encode,
            })),
        })
    }
}
