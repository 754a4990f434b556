use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use foldhash::{HashMap, HashSet};
use tollway_core::{Attempt, Charge, Exchange, Money, Told, Upstream, Usage};
use tollway_cost::{Day, Model, PriceBook, Served, Unpriced};

use super::taken::Taken;
use crate::config::{Kind, Retirement, Settings};

/// What the configured providers charge.
#[derive(Clone, Debug)]
pub struct Tariffs {
    book: Arc<PriceBook>,
    /// The price list's section of each provider, by the provider's name.
    sections: HashMap<Arc<str>, Section>,
    /// The models of which it was told on a day that they go away.
    told: Arc<Mutex<(Day, HashSet<Box<str>>)>>,
}

#[derive(Clone, Debug)]
struct Section {
    name: Box<str>,
    /// The region by whose prices it is billed, where answers do not tell.
    region: Option<Arc<str>>,
}

impl Tariffs {
    /// The prices in force. A provider's are those of the section of its own name, where the list has
    /// one, and else those of its kind.
    pub fn new(settings: &Settings) -> Self {
        let book = settings.prices.book();
        let sections = settings.providers.iter().map(|provider| {
            let name = section(&book, &provider.name, provider.kind).into();
            (provider.name.clone(), Section { name, region: provider.region.clone() })
        });
        Self { sections: sections.collect(), book, told: Arc::default() }
    }

    /// Whether a provider has prices.
    pub fn bills(&self, provider: &str) -> bool {
        self.sections.get(provider).is_some_and(|section| self.book.has_provider(&section.name))
    }

    /// What an attempt that has ended came to, and the listed model that it was priced as.
    pub fn charge(&self, exchange: &Exchange, attempt: &Attempt, day: Day) -> (Charge, Option<&str>) {
        let (usage, is_known) = match Taken::by(exchange, attempt) {
            Taken::Nothing => return (Charge::Known(Money::ZERO), None),
            Taken::Unknown => return (Charge::Unpriced(NO_USAGE), None),
            Taken::Known(usage) => (usage, true),
            Taken::About(usage) => (usage, false),
        };
        match self.price(attempt.upstream(), &attempt.told(), &usage, day) {
            Ok((cost, model)) => {
                self.warn_of_end(attempt.upstream(), model, day);
                let charge = if is_known { Charge::Known(cost) } else { Charge::Estimated(cost) };
                (charge, Some(model.id()))
            }
            Err(why) => (Charge::Unpriced(why.as_str()), None),
        }
    }

    /// Says in the log, once a day, that a model that is asked goes away soon.
    fn warn_of_end(&self, upstream: &Upstream, model: &Model, today: Day) {
        let soon = today.number().saturating_add(Retirement::SOON);
        let Some(retires) = model.retires().filter(|day| day.number() <= soon) else { return };
        let name = format!("{}/{}", upstream.provider, model.id());
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        if told.0 != today {
            *told = (today, HashSet::default());
        }
        if told.1.insert(name.as_str().into()) {
            tracing::warn!(
                model = name, %retires,
                "a model that is asked goes away; `tollway advise` says what follows it"
            );
        }
    }

    /// What usage costs at an upstream that told so much of how it served, and the id of the listed model.
    fn price(
        &self,
        upstream: &Upstream,
        told: &Told,
        usage: &Usage,
        day: Day,
    ) -> Result<(Money, &Model), Unpriced> {
        let section = self.sections.get(&upstream.provider).ok_or(Unpriced::Provider)?;
        let served = Served {
            provider: &section.name,
            model: told.model.as_deref().unwrap_or(&upstream.model),
            tier: told.tier.as_deref(),
            region: told.region.as_deref().or(section.region.as_deref()),
            speed: told.speed.as_deref(),
            day,
        };
        let price = match self.book.find(&served) {
            // Some servers tell a name of their own, which is in no list.
            Err(Unpriced::Model) => self.book.find(&Served { model: &upstream.model, ..served })?,
            price => price?,
        };
        Ok((price.cost(usage)?.total(), price.model()))
    }

    /// What so many tokens would cost at an upstream, at the tier that was asked for.
    pub fn expected(
        &self,
        upstream: &Upstream,
        tier: Option<&str>,
        input: u64,
        output: u64,
    ) -> Result<Money, Unpriced> {
        let usage = Usage { input, output, ..Usage::default() };
        let day = Day::of(SystemTime::now());
        let told = Told { tier: tier.map(Box::from), ..Told::default() };
        match self.price(upstream, &told, &usage, day) {
            // A tier that is asked for need not be one that is served.
            Err(Unpriced::Tier) => self.price(upstream, &Told::default(), &usage, day),
            cost => cost,
        }
        .map(|(cost, _)| cost)
    }
}

/// The price list's section of a provider: of its own name, where the list has one, and else of its kind.
pub(crate) fn section<'a>(book: &PriceBook, name: &'a str, kind: Kind) -> &'a str {
    if book.has_provider(name) { name } else { kind.as_str() }
}

/// Why there is no price where the provider did something, and tells nothing that could be priced.
const NO_USAGE: &str = "usage";
