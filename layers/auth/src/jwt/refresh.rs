use std::fmt;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::{Duration, SystemTime};

use http::Uri;
use serde_json::Value;
use tokio::time::{sleep, timeout};

use super::issuer::check_url;
use super::judge::{Judge, KnownIssuer};
use super::key_set::MOST_BYTES;
use super::{Fetch, FetchError, KeySet, KeySource, strict};
use crate::metered;

/// Fetches the keys of issuers: at once, again before they are too old, and when a token names one that is
/// not known, but never more often than [`Freshness::pause`](super::Freshness::pause) says.
///
/// Somebody must [run](Self::run) it. A request only asks, and waits for a while: one whose client hangs up
/// breaks no fetch off, and a thousand of them make one.
pub struct KeyRefresh {
    judge: Arc<Judge>,
    fetch: Arc<dyn Fetch>,
    clock: Arc<dyn Fn() -> SystemTime + Send + Sync>,
}

impl KeyRefresh {
    pub(super) fn new(judge: Arc<Judge>, fetch: Arc<dyn Fetch>) -> Self {
        Self { judge, fetch, clock: Arc::new(SystemTime::now) }
    }

    /// Takes the time from `clock`, to say until when keys are believed.
    #[must_use]
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.clock = Arc::new(clock);
        self
    }

    /// Fetches for ever. Dropping the future ends it; keys that are held are believed until their time is
    /// over.
    pub async fn run(self) {
        let known = self.judge.issuers.iter();
        let fetched = known.filter(|known| !matches!(known.issuer.keys, KeySource::Fixed(_)));
        let mut all: Vec<_> = fetched.map(|known| Box::pin(self.follow(known))).collect();
        // None of them ends. There are as many as issuers: to ask all when one stirs costs nothing.
        poll_fn(|context| {
            for one in &mut all {
                let _ = one.as_mut().poll(context);
            }
            Poll::<()>::Pending
        })
        .await;
    }

    /// Keeps the keys of one issuer fresh.
    async fn follow(&self, known: &KnownIssuer) {
        let freshness = known.issuer.freshness;
        let (mut failures, mut source) = (0_u32, None);
        loop {
            let fetched = timeout(freshness.timeout, self.fetch_keys(known, &mut source)).await;
            let fetched = fetched.unwrap_or_else(|_| Err("the issuer does not answer in time".into()));
            let failed = match fetched {
                Ok(keys) => {
                    self.put(known, keys, failures > 0);
                    failures = 0;
                    None
                }
                Err(error) => {
                    let error = error.to_string();
                    self.warn(known, &error, failures);
                    failures = failures.saturating_add(1);
                    Some(error)
                }
            };
            known.held.rest(failed);
            let pause = pause(freshness.pause, failures);
            sleep(pause).await;
            known.held.wake();
            if failures == 0 {
                // Whether somebody has asked or it is time makes no difference.
                let _ = timeout(freshness.refresh.saturating_sub(pause), known.held.asked()).await;
            }
        }
    }

    fn put(&self, known: &KnownIssuer, keys: KeySet, was_lost: bool) {
        let (issuer, count) = (&known.issuer.issuer, keys.len());
        let now = (self.clock)();
        let until = now.checked_add(known.issuer.freshness.keep).unwrap_or(now);
        metered::issuer_is_up(issuer, true);
        if known.held.put(keys, until) || was_lost {
            tracing::info!(issuer, keys = count, "fetched the keys of an issuer");
        }
    }

    /// Says once that an issuer is lost, and that of its keys, when they are too old.
    fn warn(&self, known: &KnownIssuer, error: &str, failures: u32) {
        let issuer = &known.issuer.issuer;
        metered::issuer_is_up(issuer, false);
        if failures == 0 {
            tracing::warn!(issuer, error, "the keys of an issuer cannot be fetched; known ones go on");
        }
        if known.held.withdraw((self.clock)()) {
            tracing::error!(issuer, error, "the keys of an issuer are too old; its tokens are refused");
        }
    }

    /// Gets the keys of an issuer. Where they are is remembered in `source`, until it fails.
    async fn fetch_keys(&self, known: &KnownIssuer, source: &mut Option<Uri>) -> Result<KeySet, FetchError> {
        let url = match (&known.issuer.keys, source.take()) {
            (KeySource::Url(url), _) => url.clone(),
            (KeySource::Fixed(keys), _) => return Ok(keys.clone()),
            (KeySource::Discovery, Some(url)) => url,
            (KeySource::Discovery, None) => self.discover(known).await?,
        };
        let keys = KeySet::from_jwks(&self.fetch.get(&url, MOST_BYTES).await?)?;
        *source = Some(url);
        Ok(keys)
    }

    /// Asks an issuer where its keys are.
    async fn discover(&self, known: &KnownIssuer) -> Result<Uri, FetchError> {
        let answer = self.fetch.get(&known.issuer.discovery()?, MOST_BYTES).await?;
        let answer = if answer.len() > MOST_BYTES { None } else { strict::object(&answer) };
        let answer = answer.ok_or("what the issuer says of itself is not a JSON object")?;
        let text = |name: &str| answer.get(name).and_then(Value::as_str);
        // Whoever answers for an issuer must be it (OIDC Discovery 1.0 §4.3).
        if text("issuer") != Some(&known.issuer.issuer) {
            return Err("the issuer says that it is another one".into());
        }
        let url: Uri = text("jwks_uri").ok_or("the issuer does not say where its keys are")?.parse()?;
        check_url(&url)?;
        Ok(url)
    }
}

/// How long no fetch may begin: after failures shortly at first, so that a gateway which starts before its
/// issuer is soon ready.
fn pause(most: Duration, failures: u32) -> Duration {
    match failures.checked_sub(1) {
        None => most,
        Some(before) => Duration::from_secs(1_u64 << before.min(10)).min(most),
    }
}

impl fmt::Debug for KeyRefresh {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyRefresh").field("judge", &self.judge).finish_non_exhaustive()
    }
}
