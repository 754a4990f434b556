//! OpenAI's Chat Completions, and what the servers that speak it make of it.

mod decode_message;
mod decode_part;
mod decode_request;
mod decode_tools;
mod encode_message;
mod encode_part;
mod encode_request;
mod encode_tools;
mod finish;
mod json;
mod lenient;
mod out;
mod reasoning;
mod tool_names;
mod usage;

pub use self::{decode_request::decode_request, encode_request::encode_request};
