//! Anthropic's Messages.

mod answer;
mod block;
mod body;
mod citation;
mod decode_request;
mod decode_response;
mod decode_tools;
mod draft;
mod encode_request;
mod encode_response;
mod error;
mod extras;
mod format;
mod losses;
mod media;
mod names;
mod open_block;
mod parts;
mod sampling;
mod schema;
mod stop;
mod stream_decode;
mod stream_encode;
mod text;
mod thinking;
mod tools;
mod turns;
mod usage;

pub use self::{
    decode_request::decode_request,
    decode_response::decode_response,
    encode_request::encode_request,
    encode_response::encode_response,
    error::{decode_error, encode_error},
    stream_decode::StreamDecoder,
    stream_encode::StreamEncoder,
};
