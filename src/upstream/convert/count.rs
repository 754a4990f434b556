//! How many tokens a chat is, asked in another dialect's words.

use tollway_core::Endpoint;
use tollway_wire::chat::Chat;
use tollway_wire::count_tokens::TokenCount;
use tollway_wire::estimate::{Family, estimate};
use tollway_wire::{Encoded, count_tokens, gemini};

use super::{Prepared, Preparing, Reading, list_once};
use crate::Error;

impl Preparing<'_> {
    /// The chat whose tokens are to be counted.
    pub(super) fn counted(&self) -> Result<Chat, Error> {
        let call = self.call;
        Ok(count_tokens::decode_request(call.dialect, &call.model, &call.body)?)
    }

    /// A count asked for in Gemini's own words, where Vertex AI has others.
    pub(super) fn count_at_vertex(&self) -> Result<Option<Prepared>, Error> {
        if self.call.endpoint != Endpoint::CountTokens || !self.is_gemini_at_vertex() {
            return Ok(None);
        }
        let encoded = gemini::count_tokens::for_vertex(&self.call.body)?;
        Ok(encoded.map(|Encoded { body, dropped, .. }| Prepared {
            body: body.into(),
            dropped,
            ..self.relayed(self.peek)
        }))
    }

    /// A count by our own estimate, for a provider that counts none.
    pub(super) fn guessed(&self) -> Vec<u8> {
        let input = estimate(self.peek, Family::of(&self.upstream.model)).input;
        count_tokens::encode_response(self.call.dialect, TokenCount { input, cached: 0 })
    }

    /// Asks for the count in the upstream's words.
    pub(super) fn count_tokens(&self, mut chat: Chat) -> Result<Prepared, Error> {
        let custom = self.without_custom_tools(&mut chat);
        let encoded = if self.is_gemini_at_vertex() {
            gemini::count_tokens::encode_vertex_request(&mut chat, &self.target())
        } else {
            count_tokens::encode_request(self.upstream.dialect, &mut chat, &self.target())
        };
        let Encoded { body, mut dropped, .. } = encoded.map_err(|refusal| chat.own_refusal(refusal))?;
        dropped.extend(custom.dropped);
        for path in &mut dropped {
            *path = chat.own_path(path);
        }
        list_once(&mut dropped);
        Ok(Prepared {
            endpoint: Endpoint::CountTokens,
            body: body.into(),
            stream: None,
            dropped,
            reading: Reading::Count(self.upstream.dialect),
        })
    }
}
