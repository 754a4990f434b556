//! Anthropic's body as Vertex AI takes it.

use bytes::Bytes;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::value::RawValue;
use tollway_wire::Refusal;

use crate::Error;

/// Puts the version in the place of the model, which stands in the path.
pub(super) fn version_for_model(body: &Bytes, version: &str) -> Result<Bytes, Error> {
    let refused = |error: serde_json::Error| Refusal::whole(format!("the body is not valid JSON: {error}"));
    let mut fields: Fields = serde_json::from_slice(body).map_err(refused)?;
    fields.0.retain(|(name, _)| name != "model" && name != "anthropic_version");
    let version = serde_json::value::to_raw_value(version).map_err(refused)?;
    fields.0.insert(0, ("anthropic_version".to_owned(), version));
    Ok(serde_json::to_vec(&fields).map_err(refused)?.into())
}

/// The fields of an object in their order, each value as it was written.
struct Fields(Vec<(String, Box<RawValue>)>);

impl<'de> Deserialize<'de> for Fields {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reading;
        impl<'de> Visitor<'de> for Reading {
            type Value = Fields;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields, A::Error> {
                let mut fields = Vec::new();
                while let Some(field) = map.next_entry()? {
                    fields.push(field);
                }
                Ok(Fields(fields))
            }
        }
        deserializer.deserialize_map(Reading)
    }
}

impl Serialize for Fields {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, value)| (name, value)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rest_stays_as_it_was_written() {
        let body =
            Bytes::from_static(br#"{"a": 1.0 , "model":"m","b":{ "model": 2},"anthropic_version":"x"}"#);
        assert_eq!(
            version_for_model(&body, "v").unwrap(),
            r#"{"anthropic_version":"v","a":1.0,"b":{ "model": 2}}"#
        );
        assert!(version_for_model(&Bytes::from_static(b"[]"), "v").is_err());
    }
}
