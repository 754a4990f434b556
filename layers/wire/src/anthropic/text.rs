use std::borrow::Cow;

use serde::Deserialize;

/// A JSON string, borrowed from the input where it holds no escapes.
///
/// `Option<Cow<str>>` never borrows under serde's derive; a newtype does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub(super) struct Str<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl Str<'_> {
    /// The text, owned; empty for a field that was not there.
    pub(super) fn or_empty(text: Option<Str<'_>>) -> String {
        text.map(|text| text.0.into_owned()).unwrap_or_default()
    }
}
