use std::sync::{Arc, Mutex, PoisonError};

use super::issuer::Issuer;
use super::source::{TokenSource, WeakSource};
use crate::config::Google;
use crate::upstream::Connector;

/// The token sources in use: one for each identity, whichever workers and providers share it, and
/// however often the configuration is read again.
#[derive(Clone, Debug, Default)]
pub(crate) struct Sources(Arc<Mutex<Vec<(Google, WeakSource)>>>);

impl Sources {
    /// The source of an identity.
    pub(crate) fn of(&self, google: &Google, connector: &Connector) -> TokenSource {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|(_, source)| source.upgrade().is_some());
        let found = known.iter().find(|(one, _)| one == google).and_then(|(_, source)| source.upgrade());
        found.unwrap_or_else(|| {
            let source = TokenSource::new(Issuer::new(google, connector));
            known.push((google.clone(), source.downgrade()));
            source
        })
    }
}
