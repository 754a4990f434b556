use schemars::generate::SchemaSettings;
use serde_json::Value;

use super::document::Document;

/// The JSON Schema (draft 2020-12) of the configuration, for editors.
pub fn schema() -> Value {
    SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Document>().to_value()
}
