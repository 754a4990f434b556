//! Google Gemini's `generateContent`, `streamGenerateContent` and `batchEmbedContents`.
//!
//! Sources: `ai.google.dev/api/generate-content`, `ai.google.dev/gemini-api/docs/thought-signatures`,
//! `…/function-calling`, `…/structured-output`, and exchanges recorded from the AI Studio and Vertex
//! endpoints, which win where they differ from the documents. Requests are read in `camelCase` and in
//! `snake_case`, answers also with enums as numbers (`$alt=json;enum-encoding=int`).
//!
//! Choices made where the formats differ:
//!
//! - **Instructions** all go to `systemInstruction`, in order, also those that stand in
//!   mid-conversation: Gemini has no place for them there, and as a user's words they would lose
//!   their authority. A request of nothing but instructions says them as the user.
//! - **Tool results** stand in a turn of their own, in the order of the calls. Text that is a JSON
//!   object is sent as that object, other text as `{"output": …}`, a failure as `{"error": …}`.
//!   Pictures and PDFs go inside the result where calls have ids (Gemini 3), other media and older
//!   models have them in a user turn right after.
//! - **Schemas** go as JSON Schema (`parametersJsonSchema`, `responseJsonSchema`), which every current
//!   model is recorded to accept, `$ref`, recursion and `additionalProperties` included. The narrower
//!   OpenAPI form (`parameters`, `responseSchema`) is read, not written.
//! - **Thought signatures** come back with their part. Another provider's seal is shown marked, in base64
//!   as Google's SDKs want it, and goes back to its maker; a stream tells it by an empty thought behind
//!   the thought, and both are one again when they come back. A call made by another model is given the
//!   documented `skip_thought_signature_validator` where a model that thinks by level would refuse
//!   the step without one; so does a client get it, which may send the call to such a model by itself.
//!   Parallel calls stand in one frame of a stream, as they are one step.
//! - **Strict tools** ask for `VALIDATED` calling. So do tool choices that allow some tools and demand
//!   none, because `AUTO` takes no list.
//! - **Custom tools** are refused: free text cannot be asked for by a schema. As functions they can be
//!   ([`custom_tools_as_functions`](crate::custom_tools_as_functions)).

mod answer;
mod decode_config;
mod decode_request;
mod decode_response;
mod decode_turns;
mod encode_calls;
mod encode_config;
mod encode_request;
mod encode_response;
mod encode_tools;
mod encode_turns;
mod error;
mod finish;
mod framed;
mod frames;
mod grounding;
mod lenient;
mod logprobs;
mod marked;
mod media;
mod model;
mod names;
mod openapi;
mod part;
mod passing;
mod raw;
mod schema;
mod stream_decoder;
mod stream_encoder;
mod text_index;
mod tier;
pub(crate) mod time;
mod usage;
mod words;

pub mod count_tokens;
pub mod embeddings;
pub mod models;
pub mod vertex_embeddings;

pub(crate) use self::{
    decode_response::decode_content,
    passing::{Passing, is_block_reason, is_final_reason},
};

pub use self::{
    decode_request::decode_request,
    decode_response::decode_response,
    encode_request::encode_request,
    encode_response::encode_response,
    error::{decode_error, encode_error, is_error_shape},
    media::{RemoteMedia, remote_documents, remote_media},
    model::model_path_segment,
    stream_decoder::StreamDecoder,
    stream_encoder::StreamEncoder,
};
