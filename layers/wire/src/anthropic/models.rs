//! The list of models (`GET /v1/models`) and one of them (`GET /v1/models/{id}`).

use serde::Serialize;

/// A model on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// Its name.
    pub id: &'a str,
    /// Its name for people.
    pub display_name: &'a str,
    /// When it was made, in seconds since the epoch.
    pub created: u64,
}

/// Writes one model.
pub fn encode(model: &Model<'_>) -> Vec<u8> {
    to_json(&ModelOut::from(*model))
}

/// Writes the list of models: one page that holds all.
pub fn encode_list<'a>(models: impl Iterator<Item = Model<'a>>) -> Vec<u8> {
    let data: Vec<ModelOut<'_>> = models.map(ModelOut::from).collect();
    let (first_id, last_id) = (data.first().map(|model| model.id), data.last().map(|model| model.id));
    to_json(&ListOut { has_more: false, first_id, last_id, data })
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Writing texts to memory cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

#[derive(Serialize)]
struct ListOut<'a> {
    data: Vec<ModelOut<'a>>,
    has_more: bool,
    first_id: Option<&'a str>,
    last_id: Option<&'a str>,
}

#[derive(Serialize)]
struct ModelOut<'a> {
    #[serde(rename = "type")]
    kind: &'static str,
    id: &'a str,
    display_name: &'a str,
    created_at: String,
}

impl<'a> From<Model<'a>> for ModelOut<'a> {
    fn from(model: Model<'a>) -> Self {
        let Model { id, display_name, created } = model;
        Self { kind: "model", id, display_name, created_at: crate::gemini::time::format(created) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_models() {
        let model = Model { id: "claude-x", display_name: "Claude X", created: 1_735_689_600 };
        let one = String::from_utf8(encode(&model)).unwrap();
        assert_eq!(
            one,
            r#"{"type":"model","id":"claude-x","display_name":"Claude X","created_at":"2025-01-01T00:00:00Z"}"#
        );
        let list = String::from_utf8(encode_list([model].into_iter())).unwrap();
        assert_eq!(
            list,
            format!(r#"{{"data":[{one}],"has_more":false,"first_id":"claude-x","last_id":"claude-x"}}"#)
        );
        let none = String::from_utf8(encode_list(std::iter::empty())).unwrap();
        assert_eq!(none, r#"{"data":[],"has_more":false,"first_id":null,"last_id":null}"#);
    }
}
