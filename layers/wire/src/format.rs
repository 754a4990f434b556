//! A format that is chosen at run time: each function hands on to the format's own.

use tollway_core::{Dialect, Framing};

use crate::{
    ApiError, DecodeContext, EncodeContext, Encoded, Refusal, StreamEnd, Target, Truncated, anthropic,
    chat::{Chat, Event, Reply},
    gemini, openai,
    portable::custom_tool::{self, Restoring},
    responses,
};

/// Reads a chat request. Of the model and the stream, which Gemini's clients name in the path, the
/// other formats read what the body says.
pub fn decode_request(dialect: Dialect, model: &str, stream: bool, body: &[u8]) -> Result<Chat, Refusal> {
    match dialect {
        Dialect::Responses => responses::decode_request(body),
        Dialect::Anthropic => anthropic::decode_request(body),
        Dialect::Gemini => gemini::decode_request(model, stream, body),
        _ => openai::decode_request(body),
    }
}

/// Writes a chat request for a model.
pub fn encode_request(dialect: Dialect, chat: &Chat, target: &Target) -> Result<Encoded, Refusal> {
    match dialect {
        Dialect::Responses => responses::encode_request(chat, target),
        Dialect::Anthropic => anthropic::encode_request(chat, target),
        Dialect::Gemini => gemini::encode_request(chat, target),
        _ => openai::encode_request(chat, target),
    }
}

/// Reads a whole answer.
pub fn decode_response(dialect: Dialect, body: &[u8], cx: &DecodeContext) -> Result<Reply, ApiError> {
    let mut reply = match dialect {
        Dialect::Responses => responses::decode_response(body, cx),
        Dialect::Anthropic => anthropic::decode_response(body, cx),
        Dialect::Gemini => gemini::decode_response(body, cx),
        _ => openai::decode_response(body, cx),
    }?;
    if !cx.custom_tools.is_empty() {
        custom_tool::restore(&mut reply, &cx.custom_tools);
    }
    Ok(reply)
}

/// Writes a whole answer.
pub fn encode_response(dialect: Dialect, reply: &Reply, cx: &EncodeContext) -> Vec<u8> {
    match dialect {
        Dialect::Responses => responses::encode_response(reply, cx),
        Dialect::Anthropic => anthropic::encode_response(reply, cx),
        Dialect::Gemini => gemini::encode_response(reply, cx),
        _ => openai::encode_response(reply, cx),
    }
}

/// Reads an error.
pub fn decode_error(dialect: Dialect, status: u16, body: &[u8]) -> ApiError {
    match dialect {
        Dialect::Anthropic => anthropic::decode_error(status, body),
        Dialect::Gemini => gemini::decode_error(status, body),
        _ => openai::decode_error(status, body),
    }
}

/// Writes an error.
pub fn encode_error(dialect: Dialect, error: &ApiError) -> Vec<u8> {
    match dialect {
        Dialect::Anthropic => anthropic::encode_error(error),
        Dialect::Gemini => gemini::encode_error(error),
        _ => openai::encode_error(error),
    }
}

/// Whether a body has the shape of a dialect's errors, so that its clients can read it as it is.
pub fn is_error_shape(dialect: Dialect, body: &[u8]) -> bool {
    match dialect {
        Dialect::Anthropic => anthropic::is_error_shape(body),
        Dialect::Gemini => gemini::is_error_shape(body),
        _ => openai::is_error_shape(body),
    }
}

/// The decoder of a stream.
#[derive(Debug)]
pub struct StreamDecoder {
    format: Decoder,
    custom: Restoring,
}

#[derive(Debug)]
enum Decoder {
    OpenAi(openai::StreamDecoder),
    Responses(responses::StreamDecoder),
    Anthropic(anthropic::StreamDecoder),
    Gemini(gemini::StreamDecoder),
}

impl StreamDecoder {
    /// A decoder of a dialect's streams.
    pub fn new(dialect: Dialect, mut cx: DecodeContext) -> Self {
        let custom = Restoring::new(std::mem::take(&mut cx.custom_tools));
        let format = match dialect {
            Dialect::Responses => Decoder::Responses(responses::StreamDecoder::new(cx)),
            Dialect::Anthropic => Decoder::Anthropic(anthropic::StreamDecoder::new(cx)),
            Dialect::Gemini => Decoder::Gemini(gemini::StreamDecoder::new(cx)),
            _ => Decoder::OpenAi(openai::StreamDecoder::new(cx)),
        };
        Self { format, custom }
    }

    /// Takes the stream's next bytes, in pieces of any size.
    pub fn feed(&mut self, bytes: &[u8]) {
        match &mut self.format {
            Decoder::OpenAi(decoder) => decoder.feed(bytes),
            Decoder::Responses(decoder) => decoder.feed(bytes),
            Decoder::Anthropic(decoder) => decoder.feed(bytes),
            Decoder::Gemini(decoder) => decoder.feed(bytes),
        }
    }

    /// The next event, if one is there.
    pub fn next_event(&mut self) -> Option<Event> {
        if self.custom.is_idle() {
            return self.format.next_event();
        }
        loop {
            if let Some(event) = self.custom.ready() {
                return Some(event);
            }
            self.custom.take(self.format.next_event()?);
        }
    }

    /// Ends the stream, and tells whether the answer was whole. More events may be there after it.
    pub fn finish(&mut self) -> Result<StreamEnd, Truncated> {
        match &mut self.format {
            Decoder::OpenAi(decoder) => decoder.finish(),
            Decoder::Responses(decoder) => decoder.finish(),
            Decoder::Anthropic(decoder) => decoder.finish(),
            Decoder::Gemini(decoder) => decoder.finish(),
        }
    }
}

impl Decoder {
    fn next_event(&mut self) -> Option<Event> {
        match self {
            Self::OpenAi(decoder) => decoder.next_event(),
            Self::Responses(decoder) => decoder.next_event(),
            Self::Anthropic(decoder) => decoder.next_event(),
            Self::Gemini(decoder) => decoder.next_event(),
        }
    }
}

/// The encoder of a stream.
#[derive(Debug)]
pub enum StreamEncoder {
    /// Of Chat Completions.
    OpenAi(openai::StreamEncoder),
    /// Of Responses.
    Responses(responses::StreamEncoder),
    /// Of Messages.
    Anthropic(anthropic::StreamEncoder),
    /// Of `streamGenerateContent`.
    Gemini(gemini::StreamEncoder),
}

impl StreamEncoder {
    /// An encoder of a dialect's streams, in the form that the client asked for.
    pub fn new(dialect: Dialect, framing: Framing, cx: EncodeContext) -> Self {
        match dialect {
            Dialect::Responses => Self::Responses(responses::StreamEncoder::new(cx)),
            Dialect::Anthropic => Self::Anthropic(anthropic::StreamEncoder::new(cx)),
            Dialect::Gemini => Self::Gemini(gemini::StreamEncoder::new(cx).with_framing(framing)),
            _ => Self::OpenAi(openai::StreamEncoder::new(cx)),
        }
    }

    /// Writes an event.
    pub fn encode(&mut self, event: &Event, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(encoder) => encoder.encode(event, out),
            Self::Responses(encoder) => encoder.encode(event, out),
            Self::Anthropic(encoder) => encoder.encode(event, out),
            Self::Gemini(encoder) => encoder.encode(event, out),
        }
    }

    /// Ends a whole answer.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(encoder) => encoder.finish(out),
            Self::Responses(encoder) => encoder.finish(out),
            Self::Anthropic(encoder) => encoder.finish(out),
            Self::Gemini(encoder) => encoder.finish(out),
        }
    }

    /// Ends a broken answer with an error.
    pub fn fail(&mut self, error: &ApiError, out: &mut Vec<u8>) {
        match self {
            Self::OpenAi(encoder) => encoder.fail(error, out),
            Self::Responses(encoder) => encoder.fail(error, out),
            Self::Anthropic(encoder) => encoder.fail(error, out),
            Self::Gemini(encoder) => encoder.fail(error, out),
        }
    }
}
