//! The list of models (`GET /v1beta/models`) and one of them (`GET /v1beta/models/{model}`).

use serde::Serialize;

/// A model on offer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Model<'a> {
    /// Its name, without `models/` before it.
    pub id: &'a str,
    /// Its name for people.
    pub display_name: &'a str,
    /// The most tokens it takes, where known.
    pub input_token_limit: Option<u64>,
    /// The most tokens it answers with, where known.
    pub output_token_limit: Option<u64>,
    /// What may be asked of it, such as `generateContent`.
    pub methods: &'a [&'a str],
}

/// Writes one model.
pub fn encode(model: &Model<'_>) -> Vec<u8> {
    to_json(&ModelOut::from(*model))
}

/// Writes the list of models: one page that holds all.
pub fn encode_list<'a>(models: impl Iterator<Item = Model<'a>>) -> Vec<u8> {
    to_json(&ListOut { models: models.map(ModelOut::from).collect() })
}

fn to_json(value: &impl Serialize) -> Vec<u8> {
    // Writing texts and numbers to memory cannot fail.
    serde_json::to_vec(value).unwrap_or_default()
}

#[derive(Serialize)]
struct ListOut<'a> {
    models: Vec<ModelOut<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ModelOut<'a> {
    name: String,
    display_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    input_token_limit: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    output_token_limit: Option<u64>,
    supported_generation_methods: &'a [&'a str],
}

impl<'a> From<Model<'a>> for ModelOut<'a> {
    fn from(model: Model<'a>) -> Self {
        Self {
            name: format!("models/{}", model.id),
            display_name: model.display_name,
            input_token_limit: model.input_token_limit,
            output_token_limit: model.output_token_limit,
            supported_generation_methods: model.methods,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_holds_models() {
        let model = Model {
            id: "gemini-x",
            display_name: "Gemini X",
            input_token_limit: Some(1_048_576),
            output_token_limit: None,
            methods: &["generateContent", "countTokens"],
        };
        let one = String::from_utf8(encode(&model)).unwrap();
        assert_eq!(
            one,
            r#"{"name":"models/gemini-x","displayName":"Gemini X","inputTokenLimit":1048576,"supportedGenerationMethods":["generateContent","countTokens"]}"#
        );
        let list = String::from_utf8(encode_list([model].into_iter())).unwrap();
        assert_eq!(list, format!(r#"{{"models":[{one}]}}"#));
    }
}
