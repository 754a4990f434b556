//! A part of a turn, as it stands in requests and in answers.

use std::{borrow::Cow, fmt};

use serde::{Deserialize, Deserializer, Serialize, de};
use serde_json::{Map, Value, value::RawValue};

use super::words::Words;

/// A part. Read in one pass, with what is unknown kept beside, and small: most are text, and each is
/// moved several times.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct WirePart<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) text: Option<Words<'a>>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) thought: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) inline_data: Option<Box<Blob<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) file_data: Option<Box<FileData<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_call: Option<Box<FunctionCall<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) function_response: Option<Box<FunctionResponse<'a>>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) thought_signature: Option<Words<'a>>,
    /// What this module has no field for: `executableCode`, `videoMetadata`, …
    #[serde(skip)]
    pub(super) other: Vec<(Words<'a>, &'a RawValue)>,
}

/// Bytes in the request or answer.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "an object")]
pub(super) struct Blob<'a> {
    #[serde(borrow, alias = "mime_type")]
    pub(super) mime_type: Words<'a>,
    #[serde(borrow)]
    pub(super) data: Words<'a>,
}

/// A file elsewhere.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, expecting = "an object")]
pub(super) struct FileData<'a> {
    #[serde(borrow, alias = "mime_type", skip_serializing_if = "Option::is_none")]
    pub(super) mime_type: Option<Words<'a>>,
    #[serde(borrow, alias = "file_uri")]
    pub(super) file_uri: Words<'a>,
}

/// The model calls a function.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, expecting = "an object")]
pub(super) struct FunctionCall<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Words<'a>>,
    #[serde(borrow)]
    pub(super) name: Words<'a>,
    #[serde(borrow)]
    pub(super) args: Option<Args<'a>>,
}

/// A call's arguments or its result, an object as it was written.
#[derive(Clone, Debug, Serialize)]
#[serde(transparent)]
pub(super) struct Args<'a>(pub(super) Cow<'a, RawValue>);

impl<'a> From<&'a RawValue> for Args<'a> {
    fn from(raw: &'a RawValue) -> Self {
        Self(Cow::Borrowed(raw))
    }
}

impl From<Box<RawValue>> for Args<'_> {
    fn from(raw: Box<RawValue>) -> Self {
        Self(Cow::Owned(raw))
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Args<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        <&RawValue>::deserialize(deserializer).map(Into::into)
    }
}

/// What a call came to.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default, expecting = "an object")]
pub(super) struct FunctionResponse<'a> {
    #[serde(borrow, skip_serializing_if = "Option::is_none")]
    pub(super) id: Option<Words<'a>>,
    #[serde(borrow)]
    pub(super) name: Words<'a>,
    #[serde(borrow)]
    pub(super) response: ResponseObject<'a>,
    #[serde(borrow, skip_serializing_if = "Vec::is_empty")]
    pub(super) parts: Vec<WirePart<'a>>,
}

/// A function response's object.
#[derive(Clone, Debug, Serialize)]
#[serde(untagged)]
pub(super) enum ResponseObject<'a> {
    /// An object, as it was written.
    Raw(Args<'a>),
    /// A text that is no JSON object, under the key Google names for it.
    Output {
        /// What the function said.
        output: Cow<'a, str>,
    },
    /// A failure, under the key Google names for it.
    Error {
        /// What the function said.
        error: Cow<'a, str>,
    },
}

impl Default for ResponseObject<'_> {
    fn default() -> Self {
        Self::Output { output: "".into() }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for ResponseObject<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Args::deserialize(deserializer).map(Self::Raw)
    }
}

impl WirePart<'_> {
    /// The part as JSON, unknown fields and its seal included.
    pub(super) fn to_native(&self) -> Value {
        let mut map = match serde_json::to_value(self) {
            Ok(Value::Object(map)) => map,
            _ => Map::new(),
        };
        for (key, raw) in &self.other {
            map.insert(key.0.to_string(), serde_json::from_str(raw.get()).unwrap_or_default());
        }
        Value::Object(map)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for WirePart<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PartVisitor)
    }
}

struct PartVisitor;

impl<'de> de::Visitor<'de> for PartVisitor {
    type Value = WirePart<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a part")
    }

    fn visit_map<A: de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut part = WirePart::default();
        while let Some(key) = map.next_key::<Words<'de>>()? {
            match &*key {
                "text" => part.text = map.next_value()?,
                "thought" => part.thought = map.next_value::<Option<bool>>()?.unwrap_or_default(),
                "inlineData" | "inline_data" => part.inline_data = map.next_value()?,
                "fileData" | "file_data" => part.file_data = map.next_value()?,
                "functionCall" | "function_call" => part.function_call = map.next_value()?,
                "functionResponse" | "function_response" => part.function_response = map.next_value()?,
                "thoughtSignature" | "thought_signature" => part.thought_signature = map.next_value()?,
                _ => {
                    let raw: &'de RawValue = map.next_value()?;
                    if raw.get() != "null" {
                        part.other.push((key, raw));
                    }
                }
            }
        }
        Ok(part)
    }
}
