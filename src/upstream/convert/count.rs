//! How many tokens a chat is, asked in another dialect's words.

use tollway_core::Endpoint;
use tollway_wire::chat::Chat;
use tollway_wire::{Encoded, count_tokens};

use super::{Prepared, Preparing, Reading};
use crate::Error;

impl Preparing<'_> {
    /// The chat whose tokens are to be counted.
    pub(super) fn counted(&self) -> Result<Chat, Error> {
        let call = self.call;
        Ok(count_tokens::decode_request(call.dialect, &call.model, &call.body)?)
    }

    /// Asks for the count in the upstream's words.
    pub(super) fn count_tokens(&self, chat: Chat) -> Result<Prepared, Error> {
        let told = Chat { dialect: chat.dialect, origins: chat.origins.clone(), ..Chat::default() };
        let Encoded { body, mut dropped, .. } =
            count_tokens::encode_request(self.upstream.dialect, chat, &self.target())
                .map_err(|refusal| told.own_refusal(refusal))?;
        for path in &mut dropped {
            *path = told.own_path(path);
        }
        Ok(Prepared {
            endpoint: Endpoint::CountTokens,
            body: body.into(),
            stream: None,
            dropped,
            reading: Reading::Count(self.upstream.dialect),
        })
    }
}
