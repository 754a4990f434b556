//! OpenAI's Responses, `POST /v1/responses`: as an upstream's format and as a client's dialect.
//!
//! Sources: OpenAI's API description and its SDKs' models, and recorded exchanges, which win where they
//! differ.
//!
//! # What a request becomes
//!
//! | here | canonical |
//! |---|---|
//! | `instructions` | a system message before all others |
//! | `input` as a text | a message of the user |
//! | messages, with or without a `type` | messages |
//! | `reasoning`, calls, hosted tools' items beside the assistant's messages | parts of one message of the assistant |
//! | `reasoning.encrypted_content` and the item's id | the seal of the thinking |
//! | results of calls in a row | one message of results |
//! | `text.format`, `text.verbosity` | the response format; `verbosity` in [`Chat::extra`](crate::chat::Chat::extra) |
//! | `reasoning.summary` | whether thoughts are wanted; words other than `auto` stay in `extra` |
//! | hosted tools and their items | kept whole, of this dialect |
//! | everything else | in `extra`: by name, further down by path |
//!
//! # What a request of another dialect becomes
//!
//! - **No state is left behind**: `store` is false, and thinking comes sealed
//!   (`include: ["reasoning.encrypted_content"]`) from models that think, so that it goes back with the
//!   conversation. A seal holds the item's id and its `encrypted_content`.
//! - **Items carry no ids** but sealed thinking, whose seal names its own: the API refuses others' ids.
//!   Ids of calls longer than 64 characters or with others than letters, digits, `_` and `-` are made
//!   anew, alike for the call and its result.
//! - **The first instructions** become `instructions`, if they are one plain text; all others stand where
//!   they stood.
//! - **Functions** without `strict` are sent as `strict: false`: here its absence means true.
//! - **Web search** of Anthropic, Gemini and OpenAI's Chat becomes the hosted tool.
//! - **A limit** below 16 tokens, the least the API takes, is sent as 16 and listed.
//!
//! # What is dropped, and listed in [`Encoded::dropped`](crate::Encoded::dropped)
//!
//! `seed`, `logit_bias`, `frequency_penalty`, `presence_penalty`, `top_k`; sampling parameters that the
//! model refuses; `name` of messages; `cache_control`; `is_error`; thinking without a seal of this API,
//! and that which nothing follows in its turn; seals of other providers; an assistant's blocks of another
//! provider's own; `phase` and other fields of items with no canonical place; every other field of another
//! dialect.
//!
//! # What is refused, by its path
//!
//! `n` above 1; `stop`; tools another provider runs, but for web search; pictures, files and sound of
//! the assistant; a user's blocks of another provider's own; of this dialect, parts of messages and
//! results of no known type. Towards any other format also what names state kept at OpenAI: `previous_response_id`, `conversation`, `background`, `prompt`, `moderation`,
//! and input items that refer to it or hold it (`item_reference`, `compaction`, `additional_tools`).
//!
//! # What an answer of another provider becomes
//!
//! The first choice. Ids of the answer (`resp_…`) and its items (`msg_…`, `fc_…`, `ctc_…`, `rs_…`) are
//! made from the request's id where the provider gave none of the kind. The request's settings are
//! repeated as clients expect ([`Echo`]). Another provider's seal on thinking, text or a call is marked
//! and stands as the `encrypted_content` of a `reasoning` item, so that it goes back to its maker. Blocks
//! only another dialect understands, sound beside its transcript, and annotations that OpenAI has no
//! type for are left out. Log probabilities stand with the first text.
//!
//! # What an answer of this format becomes
//!
//! Summaries and raw thoughts are both thinking. Hosted tools' items are kept whole. The fields of an
//! answer with no canonical place (`billing`, `moderation`, …), the ids of messages and calls, and
//! `phase` are passed over. An answer is whole when `response.completed` or `response.incomplete` came;
//! one that is `queued` or `in_progress` is none.

mod annotations;
mod call_id;
mod call_out;
mod decode_call;
mod decode_input;
mod decode_output;
mod decode_part;
mod decode_request;
mod decode_response;
mod decode_settings;
mod decode_tools;
mod echo;
mod encode_input;
mod encode_part;
mod encode_request;
mod encode_response;
mod encode_settings;
mod encode_tools;
mod events_out;
mod frame;
mod ids;
mod message_out;
mod output;
mod reasoning_out;
mod response_out;
mod seal;
mod status;
mod stream_decoder;
mod stream_encoder;
mod stream_ends;
mod stream_item;
mod stream_state;
mod usage;
mod web_search;
mod wire_event;

pub mod count_tokens;

pub(crate) use self::frame::{Failed, write_error};
pub use self::{
    decode_request::decode_request, decode_response::decode_response, echo::Echo,
    encode_request::encode_request, encode_response::encode_response, stream_decoder::StreamDecoder,
    stream_encoder::StreamEncoder,
};
pub use crate::openai::{decode_error, encode_error, is_error_shape};
