use http::HeaderName;

use crate::{Credential, Presented, Way};

/// Where in a request the tokens of an issuer stand.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Place {
    /// In `Authorization`, after `Bearer`.
    #[default]
    Bearer,
    /// Wherever clients present keys, so that SDKs of every dialect can send tokens.
    AsKeys,
    /// In a header of that name, with or without `Bearer`.
    Header(HeaderName),
}

impl Place {
    /// What a request presents there.
    pub(super) fn find<'r>(
        &self,
        presented: &Presented<'r>,
    ) -> impl Iterator<Item = Credential<'r>> + use<'r, '_> {
        let name = if let Self::Header(name) = self { Some(name) } else { None };
        presented
            .credentials()
            .filter(|credential| self.covers(&credential.way))
            .chain(presented.elsewhere(name))
    }

    /// Whether a token that was found some way is one that this place speaks of.
    pub(super) fn covers(&self, way: &Way) -> bool {
        match self {
            Self::Bearer => *way == Way::Bearer,
            Self::AsKeys => way.is_of_keys(),
            Self::Header(name) => matches!(way, Way::Header(found) if found == name),
        }
    }
}
