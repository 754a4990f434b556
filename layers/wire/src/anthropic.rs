//! Anthropic's Messages, `POST /v1/messages`: as an upstream's format and as a client's dialect.
//!
//! Sources: Anthropic's API reference, and recorded exchanges, which win where the two differ.
//!
//! # What a request of another dialect becomes
//!
//! | canonical | Anthropic |
//! |---|---|
//! | leading instructions | `system` |
//! | instructions in mid-conversation | a `system` turn after the user's, where the model takes it; else text in the user's turn, in its place, marked `<system>…</system>` |
//! | neighbouring messages of one role | one turn |
//! | a conversation that the assistant opens | a placeholder turn of the user goes before it |
//! | instructions alone | the user's turn |
//! | results of tools | at the front of the user's turn after the calls |
//! | tool names and call ids with other characters | renamed alike everywhere, and back in the answer |
//! | no `max_tokens` | the model's own limit, or 4,096 |
//! | temperature above 1 | 1, listed |
//! | [`ToolChoice::Allowed`](crate::chat::ToolChoice::Allowed) | only these tools are offered |
//! | forced choice, where the model takes none | `auto`, an instruction, `tool_choice` listed |
//! | calls in the history, but no tools | these tools, and a choice of `none` |
//! | `json_schema` | `output_config.format`, its schema in the subset that is enforced |
//! | `json_schema` on an older model or beyond the subset, `json_object` | a call of the reserved tool `tollway_answer`, which decoders turn back into text; by words where no tool can be forced |
//! | effort | adaptive thinking with `output_config.effort`, or a budget, as the model takes it |
//! | `web_search_options` | Anthropic's own search tool |
//! | Anthropic's own fields in [`Chat::extra`](crate::chat::Chat::extra) | as they are |
//!
//! # What is dropped, and listed in [`Encoded::dropped`](crate::Encoded::dropped)
//!
//! `seed`, `logit_bias`, `frequency_penalty`, `presence_penalty`; sampling parameters that the model
//! refuses, and `top_p` beside `temperature`; `messages[i].name`; blank `stop` texts; `user` where it
//! looks like an e-mail address or a phone number; `metadata`; a `service_tier` other than `auto` and
//! `default`; an image's `detail`; `reasoning_content` without Anthropic's own seal;
//! `reasoning_effort` where the model does not think, or may not in this place; `max_tokens` beyond
//! the model's; `strict` where it cannot be held; every other field with no canonical place.
//!
//! # What is refused, by its path
//!
//! `n` above 1; `logprobs`; audio, in messages or as `modalities`; custom tools; tools and blocks that
//! another provider runs; arguments that are not an object; a call without its result, or a result
//! without its call; media types and URLs that Anthropic does not fetch; an assistant's last message
//! where the model does not go on with it; a schema that neither way can carry; content cached at
//! another provider.
//!
//! # What an answer of another provider becomes
//!
//! The first choice. Thinking without a seal has an empty one. Another provider's seal is marked, so that
//! it goes back to its maker: on thinking it stands in its place, on text or a call as sealed thinking
//! (`redacted_thinking`) behind or before it. An id of a call that Anthropic would refuse is held in one
//! that it takes. Log probabilities have no place. Arguments that are not an object
//! stand in one, as `raw_arguments`. In a stream, neighbouring blocks of text become one.

mod answer;
mod block;
mod body;
mod call_id;
mod citation;
mod common_delta;
mod decode_request;
mod decode_response;
mod decode_tools;
mod draft;
mod encode_request;
mod encode_response;
mod error;
mod extras;
mod format;
mod interleaved;
mod losses;
mod marked;
mod media;
mod message_id;
mod names;
mod open_block;
mod parts;
mod sampling;
mod schema;
mod stop;
mod stream_decode;
mod stream_encode;
mod tally;
mod text;
mod thinking;
mod tools;
mod turns;
mod usage;
pub(crate) use self::usage::USAGE_EXTRA;

pub use self::{
    decode_request::decode_request,
    decode_response::decode_response,
    encode_request::encode_request,
    encode_response::encode_response,
    error::{decode_error, encode_error, is_error_shape},
    stream_decode::StreamDecoder,
    stream_encode::StreamEncoder,
};
pub mod count_tokens;
pub mod models;

pub(crate) use self::{decode_tools::TOOL_OPTIONS, tally::Tally};
