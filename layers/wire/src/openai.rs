//! OpenAI's Chat Completions, and what the servers that speak it make of it.

pub mod completions;
pub mod embeddings;
pub mod models;

mod annotations;
mod chunk;
mod decode_answer;
mod decode_message;
mod decode_part;
mod decode_request;
mod decode_response;
mod decode_tools;
mod encode_answer;
mod encode_message;
mod encode_part;
mod encode_request;
mod encode_response;
mod encode_tools;
mod error;
mod finish;
mod frame;
mod growing;
mod ids;
mod json;
mod lenient;
mod out;
mod reasoning;
mod stream_decoder;
mod stream_encoder;
mod stream_image;
mod thinking_out;
mod tool_names;
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
