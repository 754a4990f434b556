//! Local stand-in.
pub use crate::openai::{
    StreamDecoder, StreamEncoder, decode_request, decode_response, encode_request, encode_response,
};
