//! Sends a provider no more than it can take: the adaptive layer of `tollway_rate_limit`, told what a call
//! asks of it and how much it matters.

mod demanding;
mod faring;
mod pressed;
mod shedding;

use std::sync::Arc;

use tollway_rate_limit::adaptive::{Adaptive, AdaptiveLayer, AsResponse};
use tower_layer::Layer;

use self::demanding::Demanding;
use self::faring::Faring;
pub use self::pressed::Pressed;
use self::shedding::Shedding;
use crate::config::{Provider, Settings};

/// How providers fare, as all workers know it. Outlives a reload that leaves a provider as it is.
#[derive(Clone, Debug, Default)]
pub struct Pressures(Arc<[(Arc<str>, Arc<Adaptive>)]>);

impl Pressures {
    /// For the providers that are to be sent no more than they can take.
    pub fn new(settings: &Settings) -> Self {
        Self::default().renewed(settings, settings)
    }

    /// The same for newer settings, with what is known of providers that are the same.
    #[must_use]
    pub fn renewed(&self, old: &Settings, newer: &Settings) -> Self {
        let known = |provider: &Provider| {
            let before = old.provider(&provider.name)?;
            let is_same = before.adaptive == provider.adaptive
                && before.base_url.to_string() == provider.base_url.to_string();
            self.of(&provider.name).filter(|_| is_same).cloned()
        };
        let pressures = newer.providers.iter().filter_map(|provider| {
            let settings = provider.adaptive?;
            let adaptive = known(provider).unwrap_or_else(|| Arc::new(Adaptive::new(settings)));
            Some((provider.name.clone(), adaptive))
        });
        Self(pressures.collect())
    }

    /// Puts the way to a provider behind what it can take.
    pub(crate) fn before<S>(&self, provider: &Arc<str>, service: S) -> Pressed<S> {
        let Some(adaptive) = self.of(provider) else { return Pressed::Free(service) };
        let shedding = AsResponse(Shedding { provider: provider.clone() });
        let layer = AdaptiveLayer::with(adaptive.clone(), Demanding, Faring, shedding);
        Pressed::Adaptive(layer.layer(service))
    }

    fn of(&self, provider: &str) -> Option<&Arc<Adaptive>> {
        self.0.iter().find(|(name, _)| **name == *provider).map(|(_, adaptive)| adaptive)
    }
}
