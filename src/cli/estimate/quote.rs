use tollway_core::{Money, Usage};
use tollway_cost::{Cost, Day, PriceBook, Served, Unpriced};

use super::asked::Asked;
use crate::config::{Kind, Reason, Resolved, Settings};
use crate::cost::section;
use crate::error::BoxError;
use crate::limits::USUAL_OUTPUT;

/// What a request costs where it goes, and where else it could go.
#[derive(Debug)]
pub(super) struct Quotes {
    pub(super) here: Quote,
    /// The same model elsewhere, the cheapest first.
    pub(super) elsewhere: Vec<Quote>,
    /// The day the price list was last looked over.
    pub(super) as_of: Day,
}

/// What a request costs at a provider.
#[derive(Debug)]
pub(super) struct Quote {
    pub(super) provider: String,
    pub(super) model: String,
    pub(super) tier: Option<String>,
    /// Whether the gateway would ask it: it is configured and has its key.
    pub(super) is_ready: bool,
    /// Where the price is from, and the day from which it holds.
    pub(super) source: String,
    pub(super) from: Day,
    pub(super) retires: Option<Day>,
    /// Tokens of output there will usually be, and at most where that is known.
    pub(super) output: (u64, Option<u64>),
    pub(super) usually: Cost,
    pub(super) at_most: Option<Cost>,
}

impl Quotes {
    pub(super) fn of(
        asked: &Asked,
        settings: &Settings,
        tier: Option<&str>,
        today: Day,
    ) -> Result<Self, BoxError> {
        let book = settings.prices.book();
        // As if every provider had its key: prices need none.
        let all = settings.for_simulator(settings.server.listen);
        let resolved = match settings.catalogue.resolve(&asked.model) {
            Ok(resolved) if !settings.uses_simulator() => resolved,
            Err(unresolved) if !settings.uses_simulator() && !is_left_out(&unresolved.reason) => {
                return Err(unresolved.into());
            }
            _ => all.catalogue.resolve(&asked.model)?,
        };
        let quote = |name: &str, kind: Kind, resolved: &Resolved| {
            let is_ready = settings.providers.iter().any(|provider| *provider.name == *name);
            quote(asked, &book, (name, section(&book, name, kind)), resolved, (tier, today), is_ready)
        };
        let (provider, model) = (&*resolved.upstream.provider, &*resolved.upstream.model);
        let kind =
            all.providers.iter().find(|one| *one.name == *provider).map_or(Kind::Openai, |one| one.kind);
        let here = quote(provider, kind, &resolved).map_err(|why| format!("{why}: {provider}/{model}"))?;
        let others = all.providers.iter().filter(|other| *other.name != *provider);
        let priced = others.filter_map(|other| {
            // Who serves anything that is asked for would serve this too: only who is known to have it.
            book.model(section(&book, &other.name, other.kind), model)?;
            let resolved = all.catalogue.resolve(&format!("{}/{model}", other.name)).ok()?;
            quote(&other.name, other.kind, &resolved).ok()
        });
        let mut elsewhere: Vec<_> = priced.collect();
        elsewhere.sort_by(|a, b| (a.usually.total(), &a.provider).cmp(&(b.usually.total(), &b.provider)));
        Ok(Self { here, elsewhere, as_of: book.as_of() })
    }
}

/// Whether it is a key that is missing, and not a model.
const fn is_left_out(reason: &Reason) -> bool {
    matches!(reason, Reason::Disabled { .. } | Reason::NotConfigured { .. })
}

fn quote(
    asked: &Asked,
    book: &PriceBook,
    (name, section): (&str, &str),
    resolved: &Resolved,
    (tier, today): (Option<&str>, Day),
    is_ready: bool,
) -> Result<Quote, Unpriced> {
    let model = &*resolved.upstream.model;
    let served = Served::new(section, model, today);
    let priced = |tier| book.find(&Served { tier, ..served });
    // A tier that is asked for need not be one that is served; one that is named here is to be.
    let is_listed = |tier| priced(Some(tier)).and_then(|price| price.cost(&Usage::default())).is_ok();
    let tier = tier.or_else(|| asked.tier.as_deref().filter(|tier| is_listed(*tier)));
    let price = priced(tier)?;
    let (usually, at_most) = output(asked, resolved);
    let cost = |output| {
        price.cost(&Usage { input: asked.input, cached_input: asked.cached, output, ..Usage::default() })
    };
    Ok(Quote {
        provider: name.to_owned(),
        model: model.to_owned(),
        tier: tier.map(str::to_owned),
        is_ready,
        source: book.source(price.source()).unwrap_or_default().to_owned(),
        from: price.from(),
        retires: price.model().retires(),
        output: (usually, at_most),
        usually: cost(usually)?,
        at_most: at_most.map(cost).transpose()?,
    })
}

/// How many tokens of output there will usually be, and at most.
fn output(asked: &Asked, resolved: &Resolved) -> (u64, Option<u64>) {
    if !asked.is_answered() {
        return (0, Some(0));
    }
    let at_most = asked.output.or(resolved.traits.max_output_tokens);
    let usual = if asked.is_output_known { u64::MAX } else { USUAL_OUTPUT };
    (at_most.map_or(usual, |most| most.min(usual)), at_most)
}

impl Quote {
    /// By what it differs from another one's usual cost.
    pub(super) fn saves(&self, other: &Self) -> Money {
        other.usually.total().saturating_sub(self.usually.total())
    }
}
