use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Instant;

use tollway_auth::Limit;
use tollway_core::Caller;
use tollway_rate_limit::{Dimension, Lease, Limiter, OnFailure, Place, Rule, RuleError, Store};

use super::{LimitsLayer, layer};
use crate::config::{Settings, rule_of_key};

/// The limits that keys bring along, by what they are: keys with the same ones share a limiter, and are
/// counted apart in it.
#[derive(Debug)]
pub(super) struct OwnLimits {
    store: Option<Arc<dyn Store>>,
    terms: tollway_rate_limit::Settings,
    kept: RwLock<HashMap<Name, Kept>>,
}

/// What the limits are, and by what callers are told apart.
type Name = (Arc<[Limit]>, Dimension);

#[derive(Debug)]
struct Kept {
    limiter: Limiter,
    layer: LimitsLayer,
}

impl OwnLimits {
    pub(super) fn new(store: Option<Arc<dyn Store>>, terms: tollway_rate_limit::Settings) -> Self {
        Self { store, terms, kept: RwLock::default() }
    }

    /// The layer that keeps a caller to its limits.
    pub(super) fn layer(
        &self,
        limits: &Arc<[Limit]>,
        caller: Option<&Caller>,
        settings: &Arc<Settings>,
    ) -> Result<LimitsLayer, RuleError> {
        // Who comes by a token or a certificate has no key.
        let named = caller.map(|caller| (caller.key.is_some(), caller.user.is_some(), caller.team.is_some()));
        let per = match named {
            Some((true, ..)) => Dimension::Key,
            Some((_, true, _)) => Dimension::User,
            Some((.., true)) => Dimension::Team,
            _ => Dimension::Address,
        };
        let name = (limits.clone(), per);
        let known = self.kept.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(kept) = known.get(&name) {
            return Ok(kept.layer.clone());
        }
        drop(known);
        let limiter = self.limiter(limits, per)?;
        let mut all = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        // Another may have come first, and counts already.
        let kept = all.entry(name).or_insert_with(|| {
            let layer = layer(&limiter, settings.clone());
            Kept { limiter, layer }
        });
        Ok(kept.layer.clone())
    }

    /// Drops what no longer counts.
    pub(super) fn sweep(&self, now: Instant) {
        let mut all = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|_, kept| {
            kept.limiter.sweep(now);
            kept.limiter.subjects() > 0
        });
    }

    fn limiter(&self, limits: &[Limit], per: Dimension) -> Result<Limiter, RuleError> {
        let place = match &self.store {
            None => Place::Local,
            Some(_) => Place::Shared { lease: Lease::NONE, on_failure: OnFailure::Local },
        };
        let mut rules: Vec<Rule> = Vec::with_capacity(limits.len());
        for limit in limits {
            let rule = rule_of_key(limit, per, place);
            // Of two that count alike, the smaller one is the limit.
            match rules.iter_mut().find(|known| known.name == rule.name) {
                Some(known) => known.limit = known.limit.min(rule.limit),
                None => rules.push(rule),
            }
        }
        match &self.store {
            None => Limiter::new(rules, self.terms),
            Some(store) => Limiter::with_store(rules, self.terms, store.clone()),
        }
    }
}
