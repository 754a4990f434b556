//! Ids of calls that other providers made, in the keeping of Anthropic's clients.

use std::borrow::Cow;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::names::is_valid;
use crate::seal::FOREIGN_ID;

/// The id shown to a client: the call's own where Anthropic would take it, else one that holds it.
pub(super) fn shown(id: &str) -> Cow<'_, str> {
    if is_valid(id) && !id.starts_with(FOREIGN_ID) {
        return Cow::Borrowed(id);
    }
    Cow::Owned(format!("{FOREIGN_ID}{}", URL_SAFE_NO_PAD.encode(id)))
}

/// The call's own id for the one that a client gives back.
pub(super) fn given(id: Cow<'_, str>) -> String {
    let held = id.strip_prefix(FOREIGN_ID).and_then(|held| URL_SAFE_NO_PAD.decode(held).ok());
    held.and_then(|own| String::from_utf8(own).ok()).unwrap_or_else(|| id.into_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_id_comes_back_and_none_is_refused(id in "(tollway_)?[a-z0-9_.:é-]{0,12}") {
            let shown = shown(&id);
            prop_assert!(is_valid(&shown), "{shown}");
            prop_assert_eq!(given(shown), id);
        }
    }
}
