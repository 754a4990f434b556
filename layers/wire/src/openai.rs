//! OpenAI's Chat Completions, legacy Completions, Embeddings and model list, and what the servers that
//! speak this format make of it.
//!
//! Sources: `OpenAI`'s API description, `docs.mistral.ai/api`, `console.groq.com/docs`,
//! `api-docs.deepseek.com`, `openrouter.ai/docs`, `ai.google.dev/gemini-api/docs/openai`, and recorded
//! exchanges, which win where they differ from the documents.
//!
//! Choices made where the format says too little:
//!
//! - **Thinking** stands in `reasoning_content` (DeepSeek's and vLLM's word) and is also read from
//!   `reasoning` (Groq, OpenRouter) and from Mistral's `thinking` parts. Its seals stand in OpenRouter's
//!   `reasoning_details`, which a client gives back as they are.
//! - **Gemini's seals** on text and calls stand in `extra_content.google.thought_signature`, as at
//!   Google's own OpenAI endpoint.
//! - **Pictures** in an answer stand in OpenRouter's `images`.
//! - **Tool calls** of a stream are told apart by index, id or name, whichever the server gives; calls
//!   without an id are given one. Calls without arguments are written with `{}`.
//! - **Usage** of a stream is what was told last, wherever it stood: never a sum.
//! - **Annotations** are written only as `url_citation`, the one type OpenAI documents; blocks that
//!   only another dialect understands are left out.
//! - **An answer is whole** when `[DONE]` came or every choice told why it ended. `finish_reason:
//!   "error"`, `error` frames and frames that cannot be read are errors, after which nothing follows.
//! - **Fields without a canonical place** are kept by path and written back at the top level; further
//!   down in a request they are listed as dropped.

pub mod completions;
pub mod embeddings;
pub mod models;

mod annotations;
mod call_id;
mod choice_writer;
mod chunk;
mod decode_answer;
mod decode_message;
pub(crate) mod decode_part;
mod decode_request;
mod decode_response;
mod decode_tools;
mod delay;
mod encode_answer;
mod encode_message;
pub(crate) mod encode_part;
pub(crate) mod encode_request;
pub(crate) mod encode_response;
mod encode_tools;
pub(crate) mod error;
mod finish;
mod frame;
mod growing;
pub(crate) mod json;
pub(crate) mod lenient;
mod out;
pub(crate) mod path;
mod plain_thinking;
mod reasoning;
mod reasoning_out;
mod shortcut;
mod stream_decoder;
mod stream_encoder;
mod stream_image;
mod stream_state;
pub(crate) mod strict;
mod thinking_out;
pub(crate) mod tool_names;
mod turns;
mod usage;

pub use self::{
    decode_request::decode_request,
    decode_response::decode_response,
    encode_request::encode_request,
    encode_response::encode_response,
    error::{decode_error, encode_error, is_error_shape},
    stream_decoder::StreamDecoder,
    stream_encoder::StreamEncoder,
};
