//! The canonical embeddings request and answer.

use tollway_core::Usage;

/// A request for vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingRequest {
    /// The model, as the client named it.
    pub model: String,
    /// The inputs, in order.
    pub inputs: Vec<EmbeddingInput>,
    /// How many numbers a vector shall have.
    pub dimensions: Option<u32>,
    /// How the client wants vectors written.
    pub encoding: VectorEncoding,
    /// The application's name for its user.
    pub user: Option<String>,
    /// The client's fields with no place here, by path: encoders list them as dropped.
    pub other: Vec<String>,
}

/// One input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EmbeddingInput {
    /// Text.
    Text(String),
    /// Tokens of the model's own vocabulary.
    Tokens(Vec<u32>),
}

/// How vectors are written in JSON.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum VectorEncoding {
    /// As an array of numbers.
    #[default]
    Float,
    /// As base64 of little-endian 32-bit floats.
    Base64,
}

/// Vectors, in the order of the inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingReply {
    /// The model that served them, as the provider names it.
    pub model: Option<String>,
    /// The vectors.
    pub vectors: Vec<Vec<f32>>,
    /// Tokens counted.
    pub usage: Option<Usage>,
}
