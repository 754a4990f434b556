//! OpenAI's legacy text completions (`POST /v1/completions`), carried through a chat.
//!
//! For upstreams that have no such endpoint. The prompt becomes what the user says; the model's
//! answer becomes the text. OpenAI's default of 16 tokens is not imposed, since thinking alone would
//! use them up.

mod decode_request;
mod encode_response;
mod stream_encoder;

pub use self::{
    decode_request::{CompletionOptions, decode_request},
    encode_response::encode_response,
    stream_encoder::StreamEncoder,
};
