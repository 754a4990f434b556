use std::time::{Duration, SystemTime};

use tollway_auth::keys::{Key, KeyStore, Standing, StoreError as KeysError};
use tollway_cost::Day;
use tollway_cost::advice::{Advice, KeyUse, Market, Thresholds, advise};
use tollway_usage::{Dimension, Facts, StoreError, UsageQuery, UsageStore};

use super::{offers, traffic};
use crate::config::Settings;

/// What is to be said of the last days, by what a store tells of them and of keys.
///
/// `utc_offset_hours` is what people's clocks are ahead of UTC.
pub async fn given(
    settings: &Settings,
    store: &dyn UsageStore,
    keys: &[Key],
    days: u32,
    utc_offset_hours: i32,
    now: SystemTime,
) -> Result<Vec<Advice>, StoreError> {
    // Without any key the usual ones answer, simulated, or they do where the gateway runs.
    let played = settings.uses_simulator().then(|| settings.for_simulator(settings.server.listen));
    let settings = played.as_ref().unwrap_or(settings);
    let span = DAY.saturating_mul(days);
    let from = now.checked_sub(span).unwrap_or(SystemTime::UNIX_EPOCH);
    let facts = store.facts(from, now).await?;
    let keys = uses(store, keys, now).await?;
    let traffic = traffic(settings, &facts, recorded(&facts, days, now), keys, utc_offset_hours);
    let market = Market {
        prices: &settings.prices.book(),
        offers: &offers(settings),
        own_cache: &[],
        today: Day::of(now),
    };
    Ok(advise(&traffic, &market, &Thresholds::default()))
}

/// The keys of a store that let somebody in and ask models. Those that the configuration declares are not among
/// them: nobody knows since when they are there. Nor are those that administer or read metrics: what they ask
/// is not recorded.
pub async fn good_keys(store: &dyn KeyStore, now: SystemTime) -> Result<Vec<Key>, KeysError> {
    let (mut good, mut after) = (Vec::new(), None);
    loop {
        let page = store.list(after, AT_ONCE).await?;
        after = page.last().map(|key| key.id);
        let is_last = page.len() < AT_ONCE as usize;
        good.extend(page.into_iter().filter(|key| is_asking(key, now)));
        if is_last {
            return Ok(good);
        }
    }
}

fn is_asking(key: &Key, now: SystemTime) -> bool {
    key.standing(now) == Standing::Good && key.grant.scopes.is_empty()
}

/// How many of the last days there are records of: some days' saving is a month's in proportion.
fn recorded(facts: &Facts, days: u32, now: SystemTime) -> u32 {
    let since = facts.since.and_then(|since| now.duration_since(since).ok()).unwrap_or_default();
    let recorded = u32::try_from(since.as_secs().div_ceil(DAY.as_secs())).unwrap_or(days);
    recorded.clamp(1, days.max(1))
}

/// When keys were used, and for how much.
async fn uses(store: &dyn UsageStore, keys: &[Key], now: SystemTime) -> Result<Vec<KeyUse>, StoreError> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let epoch = tollway_usage::Day::from_number(0);
    let used = store.last_use(epoch).await?;
    let today = tollway_usage::Day::of(now);
    let query = UsageQuery { by: vec![Dimension::Key], ..UsageQuery::new(epoch, today) };
    let costs = store.query(&query).await?;
    let days = store.query(&UsageQuery { by: vec![Dimension::Day], ..query }).await?;
    let days = days.iter().flat_map(|row| row.dimensions.iter().flatten());
    let known = days.filter_map(|day| day.parse::<Day>().ok()).min().unwrap_or_else(|| Day::of(now));
    let told = keys.iter().map(|key| {
        let id = key.id.to_string();
        let last = used.iter().find(|(used, _)| *used == id);
        let cost = costs.iter().find(|row| row.dimensions.iter().flatten().any(|of| *of == id));
        KeyUse {
            used: last.map(|(_, day)| day.to_string().parse().unwrap_or(Day::EPOCH)),
            cost: cost.map(|row| row.sums.cost).unwrap_or_default(),
            name: key.grant.name.as_str().into(),
            known,
            made: Day::of(key.created),
            id: id.into(),
        }
    });
    Ok(told.collect())
}

const DAY: Duration = Duration::from_hours(24);

/// How many keys are read at once.
const AT_ONCE: u32 = 1000;
