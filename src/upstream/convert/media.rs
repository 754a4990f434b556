//! Fetches what a request names by URL, for providers that do not fetch it themselves.

use tollway_wire::Refusal;
use tollway_wire::chat::Chat;
use tollway_wire::gemini::{self, RemoteMedia};

use crate::Error;
use crate::upstream::fetch::Fetch;

/// The most pictures and documents that are fetched for one request.
const MOST_MEDIA: usize = 64;
/// How many of them at once.
const MEDIA_AT_ONCE: usize = 8;
/// The most bytes of base64 that they may come to: no Gemini request may be larger.
const MOST_MEDIA_BYTES: usize = 128 * 1024 * 1024;

/// What an upstream does not fetch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Unfetched {
    /// Pictures and documents (Gemini).
    All,
    /// Documents (`OpenAI`'s Chat Completions).
    Documents,
    /// Nothing, or that is for it to say.
    Nothing,
}

impl Unfetched {
    /// What of a chat is to be fetched for the upstream.
    pub(super) fn of(self, chat: &mut Chat) -> Vec<RemoteMedia<'_>> {
        match self {
            Self::All => gemini::remote_media(chat),
            Self::Documents => gemini::remote_documents(chat),
            Self::Nothing => Vec::new(),
        }
    }
}

/// Puts the bytes of pictures and documents in place of their URLs.
pub(super) async fn fetch_media(chat: &mut Chat, what: Unfetched, fetch: &Fetch) -> Result<(), Error> {
    let mut wanted = what.of(chat);
    if let Some(one_more) = wanted.get(MOST_MEDIA) {
        let message = format!("more than {MOST_MEDIA} pictures and documents by URL");
        return Err(Refusal::at(one_more.param.clone(), message).into());
    }
    let mut tasks = tokio::task::JoinSet::new();
    let mut waiting: Vec<(usize, String)> =
        wanted.iter().enumerate().map(|(index, media)| (index, media.url().to_owned())).rev().collect();
    let mut bytes = 0;
    loop {
        while tasks.len() < MEDIA_AT_ONCE
            && let Some((index, url)) = waiting.pop()
        {
            let fetch = fetch.clone();
            tasks.spawn(async move { (index, fetch.get(&url).await) });
        }
        let Some(done) = tasks.join_next().await else { return Ok(()) };
        let (index, fetched) = done.map_err(|_| Error::Internal)?;
        let Some(media) = wanted.get_mut(index) else { continue };
        let refuse = |reason: &str| {
            let message = format!("the URL could not be fetched, {reason}: {}", media.url());
            Err(Refusal::at(media.param.clone(), message).into())
        };
        match fetched {
            Ok(fetched) if bytes + fetched.data.len() > MOST_MEDIA_BYTES => {
                return refuse("with the others it is too large for one request");
            }
            Ok(fetched) => {
                bytes += fetched.data.len();
                media.replace(fetched.media_type.unwrap_or_default(), fetched.data);
            }
            Err(reason) => return refuse(&reason),
        }
    }
}
