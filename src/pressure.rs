//! Sends a provider no more than it can take: the adaptive layer of `tollway_rate_limit`, told what a call
//! asks of it and how much it matters.

mod demanding;
mod faring;
mod pressed;
mod shedding;

use std::sync::Arc;

use metrics::{Unit, describe_counter, describe_gauge, gauge};
use tollway_rate_limit::adaptive::{Adaptive, AdaptiveLayer, AsResponse};
use tower_layer::Layer;

use self::demanding::Demanding;
use self::faring::Faring;
pub use self::pressed::Pressed;
use self::shedding::Shedding;
use crate::config::{Provider, Settings};

/// Requests that a provider may be sent at once, by `provider`.
const CONCURRENCY_LIMIT: &str = "tollway_adaptive_concurrency_limit";
/// Requests it is working on.
const IN_FLIGHT: &str = "tollway_adaptive_in_flight";
/// Requests that wait for others to end.
const WAITING: &str = "tollway_adaptive_waiting";
/// Requests not sent to a provider, by `provider` and `reason`.
const SHED: &str = "tollway_adaptive_shed_total";

/// Tells the recorder what the names mean.
pub(crate) fn describe() {
    describe_gauge!(
        CONCURRENCY_LIMIT,
        Unit::Count,
        "Requests that a provider with `adaptive` is sent at once"
    );
    describe_gauge!(IN_FLIGHT, Unit::Count, "Requests in flight to a provider with `adaptive`");
    describe_gauge!(WAITING, Unit::Count, "Requests that wait to be sent to a provider with `adaptive`");
    describe_counter!(SHED, Unit::Count, "Requests not sent to a provider with `adaptive`, by reason");
}

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

    /// Tells how providers stand now.
    pub(crate) fn tell(&self) {
        for (provider, adaptive) in self.0.iter() {
            let stands = adaptive.snapshot();
            let set = |name: &'static str, value: usize| {
                gauge!(name, "provider" => provider.clone()).set(u32::try_from(value).unwrap_or(u32::MAX));
            };
            set(CONCURRENCY_LIMIT, stands.limit);
            set(IN_FLIGHT, stands.in_flight);
            set(WAITING, stands.waiting.iter().sum());
        }
    }

    fn of(&self, provider: &str) -> Option<&Arc<Adaptive>> {
        self.0.iter().find(|(name, _)| **name == *provider).map(|(_, adaptive)| adaptive)
    }
}
