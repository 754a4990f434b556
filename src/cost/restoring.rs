//! What budgets take over from the records of usage when a process starts.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::Serialize;
use tollway_cost::budget::{self, Budget, Budgets, Facet, Per, Place};
use tollway_usage::UsageStore;

use crate::BoxError;
use crate::config::Settings;

/// A budget of which the records do not say what was spent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unknown {
    /// Its name.
    pub budget: Arc<str>,
    /// Why they do not.
    pub why: String,
}

/// Tells budgets what was spent in the periods that run, as far as the records can say. To the hour of UTC in
/// which a period began, so that it may be a little too much and never too little.
pub(super) async fn restore(budgets: &Budgets, store: &dyn UsageStore, users_are_hashed: bool) {
    match tokio::time::timeout(PATIENCE, restored(budgets, store, users_are_hashed)).await {
        Ok(unknown) => {
            for Unknown { budget, why } in unknown {
                tracing::warn!(%budget, "what was spent before the start is not known: {why}");
            }
        }
        Err(_) => {
            tracing::warn!("what was spent before the start is not known: no answer within {PATIENCE:?}");
        }
    }
}

/// The budgets of a configuration and what was spent of them by the records, of all replicas; and those of
/// which they do not say.
pub async fn recorded_budgets(
    settings: &Settings,
    store: &dyn UsageStore,
) -> Result<(Budgets, Vec<Unknown>), BoxError> {
    // Whether replicas share it or each has its own, records are of all that write to one database.
    let alone = settings.budgets.iter().map(|budget| Budget { place: Place::Local, ..budget.clone() });
    let budgets = Budgets::new(alone, budget::Settings::default())?;
    let hashes_users = settings.usage.kept.as_ref().is_some_and(|kept| kept.hash_users);
    let unknown = restored(&budgets, store, hashes_users).await;
    Ok((budgets, unknown))
}

async fn restored(budgets: &Budgets, store: &dyn UsageStore, users_are_hashed: bool) -> Vec<Unknown> {
    let mut unknown = Vec::new();
    for budget in budgets.budgets() {
        if let Err(why) = one(budgets, budget, store, users_are_hashed).await {
            unknown.push(Unknown { budget: budget.name.clone(), why });
        }
    }
    unknown
}

async fn one(
    budgets: &Budgets,
    budget: &Budget,
    store: &dyn UsageStore,
    users_are_hashed: bool,
) -> Result<(), String> {
    let kind = match &budget.per {
        Per::Global => "global".to_owned(),
        Per::Key => "key".to_owned(),
        Per::User if users_are_hashed => return Err("users are recorded by their hashes".to_owned()),
        Per::User => "user".to_owned(),
        Per::Team => "team".to_owned(),
        Per::Tag(name) => format!("tag:{name}"),
    };
    // Sums are by one thing at a time.
    let allowed = |subject: &str| {
        budget.only.iter().all(|(facet, values)| is_of(facet, &budget.per) && values.allows(subject))
    };
    if budget.only.iter().any(|(facet, _)| !is_of(facet, &budget.per)) {
        return Err("it counts some requests only, and sums are of all".to_owned());
    }
    let now = SystemTime::now();
    let (since, _) = budget.period.bounds(now);
    let spent = store.spent_since(&kind, since).await.map_err(|error| error.to_string())?;
    for (subject, spent) in spent {
        if allowed(&subject) {
            budgets.restore(now, &budget.name, &subject, spent);
        }
    }
    Ok(())
}

/// Whether a filter looks at what the budget counts apart.
fn is_of(facet: &Facet, per: &Per) -> bool {
    match (facet, per) {
        (Facet::Key, Per::Key) | (Facet::User, Per::User) | (Facet::Team, Per::Team) => true,
        (Facet::Tag(one), Per::Tag(other)) => one == other,
        _ => false,
    }
}

/// How long a start waits for it.
const PATIENCE: Duration = Duration::from_secs(5);
