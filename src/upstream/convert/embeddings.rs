//! Vectors in another dialect's words.

use tollway_core::{Dialect, Endpoint};
use tollway_wire::{Encoded, Refusal, gemini, openai};

use super::{EmbeddingsReading, Prepared, Preparing, Reading, encode_context};
use crate::Error;

impl Preparing<'_> {
    /// Whether vectors are asked of Vertex AI, whose request is another than Gemini's.
    pub(super) fn is_embeddings_at_vertex(&self) -> bool {
        self.is_gemini_at_vertex() && matches!(self.call.endpoint, Endpoint::Embeddings | Endpoint::Embedding)
    }

    /// A refusal of all inputs, which a client of Gemini's calls otherwise.
    fn own_embeddings_refusal(&self, refusal: Refusal) -> Refusal {
        let is_all = refusal.param.as_deref() == Some("input") && self.call.dialect == Dialect::Gemini;
        if is_all { Refusal { param: Some("requests".to_owned()), ..refusal } } else { refusal }
    }

    /// Says a request for vectors in the upstream's words.
    pub(super) fn embeddings(&self) -> Result<Prepared, Error> {
        let Self { call, upstream, .. } = *self;
        let request = match call.dialect {
            Dialect::Gemini => gemini::embeddings::decode_request(call.endpoint, &call.model, &call.body)?,
            _ => openai::embeddings::decode_request(&call.body)?,
        };
        let at_vertex = self.is_embeddings_at_vertex();
        let Encoded { body, dropped, .. } = match upstream.dialect {
            Dialect::Gemini if at_vertex => {
                gemini::vertex_embeddings::encode_request(&request, &upstream.model)
                    .map_err(|refusal| self.own_embeddings_refusal(refusal))?
            }
            Dialect::Gemini => gemini::embeddings::encode_request(&request, &upstream.model)?,
            Dialect::OpenAi | Dialect::Responses => {
                openai::embeddings::encode_request(&request, &upstream.model)?
            }
            _ => {
                let message = format!("the provider of this model has no embeddings: {}", call.model);
                return Err(Refusal::at("model", message).into());
            }
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
                at_vertex,
                request,
                encode,
            })),
        })
    }
}
