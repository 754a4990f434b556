use std::sync::Arc;

use bytes::Bytes;

use crate::{Dialect, Endpoint, Framing};

/// A request for a model, read once from the client's body.
///
/// It holds what policy needs and the body as it came. A full typed decode happens only where a
/// conversion needs it.
#[derive(Clone, Debug)]
pub struct Call {
    /// The format the client speaks.
    pub dialect: Dialect,
    /// What is asked for.
    pub endpoint: Endpoint,
    /// The model as the client named it.
    pub model: Arc<str>,
    /// Whether the client asked for a stream.
    pub stream: bool,
    /// The form the stream is to have.
    pub framing: Framing,
    /// The request body, byte for byte.
    pub body: Bytes,
}
