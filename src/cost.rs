//! What requests cost: the layer of `tollway_cost`, told who pays, what a call is expected to cost and what
//! each attempt at a provider came to.

mod bill;
mod costed;
mod fingerprints;
pub(crate) mod metered;
mod paying;
mod record;
mod refusal;
mod restoring;
mod taken;
mod tariffs;
mod telling;
mod usage;

use std::sync::Arc;

use std::time::SystemTime;

use tokio::sync::Semaphore;
use tollway_cost::CostLayer;
use tollway_cost::budget::redis::{RedisSettings, RedisStore};
use tollway_cost::budget::{self, Budgets, Place, Store, Watch};

use crate::BoxError;
use crate::config::Settings;
use crate::respond::InDialect;
use crate::upstream::Connector;

use self::fingerprints::Fingerprints;
pub(crate) use self::paying::asked_tier;
use self::restoring::restore;
pub(crate) use self::tariffs::section;
use self::telling::Telling;
pub use self::{
    bill::{Bill, Billing},
    costed::Costed,
    paying::Paying,
    restoring::{Unknown, recorded_budgets},
    tariffs::Tariffs,
    usage::{UsageBook, open},
};

/// What all workers bill by, and pay from.
#[derive(Clone, Debug)]
pub struct Costs {
    tariffs: Arc<Tariffs>,
    /// What may be spent, if that is limited.
    budgets: Option<Budgets>,
    draining: Arc<Semaphore>,
    book: Option<UsageBook>,
}

impl Costs {
    /// By the prices of a configuration, from its budgets. To be called within a Tokio runtime where there is
    /// a webhook.
    pub fn new(settings: &Settings, connector: &Connector) -> Result<Self, BoxError> {
        Ok(Self {
            tariffs: Arc::new(Tariffs::new(settings)),
            budgets: budgets(settings, connector)?,
            draining: Arc::new(Semaphore::new(MOST_DRAINED as usize)),
            book: None,
        })
    }

    /// The same, and what was used is kept in a book. Budgets take over what it says was spent.
    pub async fn kept_in(self, book: Option<UsageBook>) -> Self {
        if let (Some(budgets), Some(book)) = (&self.budgets, &book) {
            restore(budgets, &**book.store(), book.hashes_users()).await;
        }
        Self { book, ..self }
    }

    /// By the prices and budgets of a newer configuration. What was spent of a budget that stays counts on.
    pub fn renewed(&self, old: &Settings, newer: &Settings, connector: &Connector) -> Result<Self, BoxError> {
        let terms = |settings: &Settings| {
            let Settings { budgets, notify, state, .. } = settings;
            (budgets.clone(), notify.clone(), state.redis.clone(), state.redis_timeout)
        };
        let is_same = terms(old) == terms(newer);
        let budgets = if is_same { self.budgets.clone() } else { budgets(newer, connector)? };
        if let (false, Some(before), Some(after)) = (is_same, &self.budgets, &budgets) {
            let now = SystemTime::now();
            for spent in before.spent(now) {
                let so_far = spent.spent.saturating_add(spent.reserved);
                after.restore(now, &spent.budget.name, &spent.subject, so_far);
            }
        }
        Ok(Self { tariffs: Arc::new(Tariffs::new(newer)), budgets, ..self.clone() })
    }

    /// Where what was used is kept, if it is.
    pub const fn book(&self) -> Option<&UsageBook> {
        self.book.as_ref()
    }

    /// What may be spent, if that is limited.
    pub const fn budgets(&self) -> Option<&Budgets> {
        self.budgets.as_ref()
    }

    /// Puts a service behind the layer that knows what its requests cost, and may cost.
    pub(crate) fn before<S>(&self, settings: &Arc<Settings>, service: S) -> Costed<S> {
        let billing = Billing::new(
            self.tariffs.clone(),
            settings.usage.drain,
            self.draining.clone(),
            self.book.clone(),
        );
        let paying = Paying::new(settings.clone(), self.tariffs.clone());
        Costed::new(&CostLayer::with(billing, self.budgets.clone(), paying, InDialect), service)
    }

    /// Waits until no answer is read on any more that nobody waits for.
    pub(crate) async fn drained(&self) {
        // It is never closed; were it so, there would be nothing to wait for.
        let _ = self.draining.acquire_many(MOST_DRAINED).await;
    }

    /// Writes what was recorded, and gives back what budgets hold.
    pub async fn close(&self) {
        if let Some(budgets) = &self.budgets {
            budgets.close().await;
        }
        if let Some(book) = &self.book {
            book.close().await;
        }
    }
}

fn budgets(settings: &Settings, connector: &Connector) -> Result<Option<Budgets>, BoxError> {
    if settings.budgets.is_empty() {
        return Ok(None);
    }
    let telling: Arc<dyn Watch> = Arc::new(Telling::new(settings, connector));
    let mut terms = budget::Settings::default();
    terms.store_timeout = settings.state.redis_timeout;
    let rules = settings.budgets.iter().cloned();
    let shares = settings.budgets.iter().any(|budget| matches!(budget.place, Place::Shared { .. }));
    let store = settings.state.redis.as_ref().filter(|_| shares).map(|url| {
        let store = RedisStore::new(&RedisSettings::new(url.expose()));
        let store = store.map_err(|error| format!("state.redis: {error}"))?;
        Ok::<_, BoxError>(Arc::new(store) as Arc<dyn Store>)
    });
    Ok(Some(Budgets::build(rules, terms, store.transpose()?, Some(telling))?))
}

/// How many answers are read on at once that nobody waits for: who asks and leaves, over and over, must not
/// have more of the gateway and its providers than who stays.
const MOST_DRAINED: u32 = 1_000;
