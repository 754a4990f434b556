//! The list of models (`GET /v1/models`).

use serde::Serialize;

use super::out::to_json;

/// A model on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// Its name.
    pub id: &'a str,
    /// When it was made, in seconds since the epoch.
    pub created: u64,
    /// Whose it is.
    pub owned_by: &'a str,
}

/// Writes one model.
pub fn encode(model: &Model<'_>) -> Vec<u8> {
    to_json(&ModelOut::from(*model))
}

/// Writes the list of models.
pub fn encode_list<'a>(models: impl Iterator<Item = Model<'a>>) -> Vec<u8> {
    to_json(&ListOut { object: "list", data: models.map(ModelOut::from).collect() })
}

#[derive(Serialize)]
struct ListOut<'a> {
    object: &'static str,
    data: Vec<ModelOut<'a>>,
}

#[derive(Serialize)]
struct ModelOut<'a> {
    id: &'a str,
    object: &'static str,
    created: u64,
    owned_by: &'a str,
}

impl<'a> From<Model<'a>> for ModelOut<'a> {
    fn from(model: Model<'a>) -> Self {
        Self { id: model.id, object: "model", created: model.created, owned_by: model.owned_by }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_models() {
        let model = Model { id: "gpt-4o", created: 7, owned_by: "openai" };
        let one = String::from_utf8(encode(&model)).unwrap();
        assert_eq!(one, r#"{"id":"gpt-4o","object":"model","created":7,"owned_by":"openai"}"#);
        let list = String::from_utf8(encode_list([model].into_iter())).unwrap();
        assert_eq!(list, format!(r#"{{"object":"list","data":[{one}]}}"#));
    }
}
