//! The canonical embeddings request and answer.

use tollway_core::Usage;

/// A request for vectors.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EmbeddingRequest {
    /// The model, as the client named it.
    pub model: String,
    /// The inputs, in order.
    pub inputs: Vec<EmbeddingInput>,
    /// What each input is for; empty where none was told.
    pub purposes: Vec<Purpose>,
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

/// What a vector is for, by which some models make it a better one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Purpose {
    /// The use it is put to, in Gemini's words (`RETRIEVAL_DOCUMENT`).
    pub task: Option<String>,
    /// The title of the document whose text it is.
    pub title: Option<String>,
    /// The client's fields that told it, by path: encoders that have no place for them list them.
    pub paths: Vec<String>,
}

impl EmbeddingRequest {
    /// The client's fields that tell what vectors are for, by path.
    pub(crate) fn purpose_paths(&self) -> impl Iterator<Item = String> {
        self.purposes.iter().flat_map(|purpose| purpose.paths.iter().cloned())
    }

    /// What an input is for.
    pub(crate) fn purpose(&self, at: usize) -> (Option<&str>, Option<&str>) {
        let purpose = self.purposes.get(at);
        (purpose.and_then(|one| one.task.as_deref()), purpose.and_then(|one| one.title.as_deref()))
    }
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
