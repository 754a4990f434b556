//! What the readers and writers of an answer must know of the request.

use tollway_core::{Call, Exchange, RequestId};
use tollway_wire::{DecodeContext, EncodeContext};

/// What an encoder of an answer to a call must know.
pub(in crate::upstream) fn encode_context(call: &Call, exchange: Option<&Exchange>) -> EncodeContext {
    let made_up = || RequestId::from_random(fastrand::u128(..));
    let request_id = exchange.map_or_else(made_up, |exchange| exchange.request_id().clone());
    EncodeContext {
        id: request_id.as_str().to_owned(),
        model: call.model.to_string(),
        created: now(),
        ..EncodeContext::default()
    }
}

/// What a decoder must know. Its seed is not the request's id: a client that names all calls of a run
/// alike would see ids of tool calls come again.
pub(in crate::upstream) fn decode_context(
    renamed_tools: Vec<(String, String)>,
    custom_tools: Vec<String>,
) -> DecodeContext {
    DecodeContext { renamed_tools, custom_tools, seed: format!("{:032x}", fastrand::u128(..)) }
}

/// What a request says of the stream it wants, where it is relayed and not otherwise read.
#[derive(Debug, Default, PartialEq, Eq)]
pub(in crate::upstream) struct StreamWishes {
    pub(in crate::upstream) include_usage: bool,
    pub(in crate::upstream) legacy_functions: bool,
}

/// Reads the wishes; where the request is odd, there are none.
pub(in crate::upstream) fn stream_wishes(request: &[u8]) -> StreamWishes {
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Wishes<'a> {
        stream_options: Option<Options>,
        #[serde(borrow)]
        functions: Option<&'a serde_json::value::RawValue>,
    }
    #[derive(Default, serde::Deserialize)]
    #[serde(default)]
    struct Options {
        include_usage: Option<bool>,
    }
    let wishes: Wishes<'_> = serde_json::from_slice(request).unwrap_or_default();
    StreamWishes {
        include_usage: wishes.stream_options.and_then(|options| options.include_usage).unwrap_or(false),
        legacy_functions: wishes.functions.is_some(),
    }
}

/// Seconds since the epoch.
fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
