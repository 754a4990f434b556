//! OpenAI's legacy text completions (`POST /v1/completions`), carried through a chat.
//!
//! For upstreams that have no such endpoint. The prompt becomes what the user says; the model's
//! answer becomes the text. Where the client sets no `max_tokens`, OpenAI's default holds.

mod decode_request;
mod encode_response;
mod reshape;
mod stream_encoder;

pub use self::{
    decode_request::{CompletionOptions, decode_request},
    encode_response::encode_response,
    reshape::{stream_to_whole, whole_to_stream},
    stream_encoder::StreamEncoder,
};
