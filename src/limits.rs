//! Limits on what is asked: the layer of `tollway_rate_limit`, told who asks, what a call will take and
//! what it took.

mod asking;
mod learning;
mod limited;
mod own;
mod refusal;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use http::Extensions;
use tollway_core::Dialect;
use tollway_rate_limit::store::redis::{RedisSettings, RedisStore};
use tollway_rate_limit::{Headers, Limiter, RateLimitLayer, Store};
use tower_layer::Layer;

use self::asking::Asking;
pub(crate) use self::asking::{USUAL_OUTPUT, expected, foreseen_in};
use self::learning::Learning;
pub use self::limited::{Configured, Limited};
use self::own::OwnLimits;
use crate::BoxError;
use crate::config::Settings;
use crate::respond::InDialect;

/// What all workers count in. Outlives a reload that leaves the limits as they are.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The limits of the configuration, if there are any.
    configured: Option<Arc<Limiter>>,
    /// Those that keys bring along.
    own: Arc<OwnLimits>,
}

impl Limits {
    /// Counters for the limits of a configuration. Redis is asked once a request needs it.
    pub fn new(settings: &Settings) -> Result<Self, BoxError> {
        let store = settings.state.redis.as_ref().map(|url| {
            let store = RedisStore::new(&RedisSettings::new(url.expose()));
            let store = store.map_err(|error| format!("state.redis: {error}"))?;
            Ok::<_, BoxError>(Arc::new(store) as Arc<dyn Store>)
        });
        let store = store.transpose()?;
        let usual = tollway_rate_limit::Settings::default();
        let terms = tollway_rate_limit::Settings { store_timeout: settings.state.redis_timeout, ..usual };
        let rules = settings.limits.iter().cloned();
        let configured = match &store {
            _ if settings.limits.is_empty() => None,
            None => Some(Limiter::new(rules, terms)?),
            Some(store) => Some(Limiter::with_store(rules, terms, store.clone())?),
        };
        Ok(Self { configured: configured.map(Arc::new), own: Arc::new(OwnLimits::new(store, terms)) })
    }

    /// The counters for newer settings: these, where the limits are the same and counted at the same
    /// place.
    pub fn renewed(&self, old: &Settings, newer: &Settings) -> Result<Self, BoxError> {
        let place = |settings: &Settings| (settings.state.redis.clone(), settings.state.redis_timeout);
        let is_same = old.limits == newer.limits && place(old) == place(newer);
        if is_same { Ok(self.clone()) } else { Self::new(newer) }
    }

    /// Drops what no longer counts of whoever was here and is not, for ever: each minute that of the
    /// limits in force.
    pub(crate) async fn sweep(in_force: impl Fn() -> Self) -> Infallible {
        loop {
            tokio::time::sleep(SWEEP_EVERY).await;
            let Self { configured, own } = in_force();
            // A million subjects take longer than anybody may keep a runtime's thread.
            let swept = tokio::task::spawn_blocking(move || {
                let now = tokio::time::Instant::now().into_std();
                if let Some(limiter) = &configured {
                    limiter.sweep(now);
                }
                own.sweep(now);
            });
            let _ = swept.await;
        }
    }

    /// Puts a service behind the limits.
    pub(crate) fn before<S>(&self, settings: &Arc<Settings>, service: S) -> Limited<S> {
        let service = match &self.configured {
            None => Configured::None(service),
            Some(limiter) => Configured::Some(layer(limiter, settings.clone()).layer(service)),
        };
        Limited::new(service, self.own.clone(), settings.clone())
    }
}

/// What keeps to the rules of a limiter.
type LimitsLayer = RateLimitLayer<Asking, Learning, InDialect>;

fn layer(limiter: &Limiter, settings: Arc<Settings>) -> LimitsLayer {
    let asking = Asking::new(settings, limiter);
    RateLimitLayer::with(limiter, asking, Learning, InDialect).headers(headers)
}

/// New subjects push out old ones by and by; this is for the memory of those that nobody follows.
const SWEEP_EVERY: Duration = Duration::from_mins(1);

/// In whose words a client is told how it stands.
fn headers(request: &Extensions) -> Headers {
    match request.get() {
        Some(Dialect::Anthropic) => Headers::Anthropic,
        _ => Headers::OpenAi,
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use tokio::time::{Instant, timeout};
    use tollway_rate_limit::{Dimensions, Estimate};

    use super::*;
    use crate::config::{Env, Source};

    #[tokio::test(start_paused = true)]
    async fn who_is_gone_is_forgotten_though_nobody_follows() {
        let few = Source::text("limits: {few: {requests: 9, window: 1s, per: address}}");
        let limits = Limits::new(&Settings::load(&few, &Env::default()).unwrap()).unwrap();
        let limiter = limits.configured.clone().unwrap();
        let of = Dimensions::new().with_address(Ipv4Addr::LOCALHOST.into());
        drop(limiter.reserve(Instant::now().into_std(), &of, &Estimate::default()).unwrap());
        assert_eq!(limiter.subjects(), 1);
        timeout(SWEEP_EVERY * 3 / 2, Limits::sweep(|| limits.clone())).await.unwrap_err();
        assert_eq!(limiter.subjects(), 0);
    }
}
