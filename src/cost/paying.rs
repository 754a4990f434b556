use std::sync::Arc;

use http::{Extensions, Method, Request};
use tollway_core::{Call, Caller, Endpoint, Exchange, Money};
use tollway_cost::Ask;
use tollway_cost::budget::{Degrade, Payer, Wanted};
use tollway_wire::peek::Peek;

use super::Tariffs;
use crate::config::Settings;
use crate::limits::expected;

/// Says who pays for a request, and what it may cost at most where it would be sent.
#[derive(Clone, Debug)]
pub struct Paying {
    settings: Arc<Settings>,
    tariffs: Arc<Tariffs>,
}

impl Paying {
    pub(super) const fn new(settings: Arc<Settings>, tariffs: Arc<Tariffs>) -> Self {
        Self { settings, tariffs }
    }

    /// What a call may cost; nothing where it leads nowhere, or is free.
    fn wanted(&self, extensions: &Extensions, call: &Call) -> Option<Wanted> {
        let resolved = self.settings.catalogue.resolve(&call.model).ok()?;
        let estimate = expected(extensions, call)?;
        let tier = extensions.get::<Arc<Peek>>().and_then(|peek| tier(peek));
        let cost = self.tariffs.expected(&resolved.upstream, tier, estimate.input, estimate.output);
        Some(cost.map_or(Wanted::UNPRICED, |cost| cost.max(LEAST).into()))
    }
}

impl<B> Ask<Request<B>> for Paying {
    fn ask<T>(&self, req: &Request<B>, with: impl FnOnce(&Payer<'_>, Wanted) -> T) -> Option<T> {
        let extensions = req.extensions();
        let caller = extensions.get::<Arc<Caller>>();
        let payer = caller.map_or_else(Payer::default, |caller| Payer::from(&**caller));
        match extensions.get::<Arc<Call>>() {
            Some(call) if call.endpoint == Endpoint::CountTokens => None,
            Some(call) => {
                let wanted = self.wanted(extensions, call)?;
                // What the client named, whichever model serves: budgets are of that.
                let exchange = extensions.get::<Arc<Exchange>>();
                let model = exchange.and_then(|exchange| exchange.request_model()).unwrap_or(&call.model);
                Some(with(&payer.asking(model), wanted))
            }
            // Lists and downloads are free.
            None if *req.method() != Method::POST => None,
            // What is relayed is not read; it is paid when it is known what it cost.
            None => Some(with(&payer, LEAST.into())),
        }
    }

    fn degrade(&self, req: &mut Request<B>, to: &Degrade) -> bool {
        let extensions = req.extensions_mut();
        let (Some(call), Some(model)) = (extensions.get::<Arc<Call>>(), &to.to) else { return false };
        if call.model == *model {
            return false;
        }
        let cheaper = Call { model: model.clone(), ..Call::clone(call) };
        extensions.insert(Arc::new(cheaper));
        true
    }
}

/// Where nothing is left of a budget, what costs next to nothing does not pass either.
const LEAST: Money = Money::from_nanos(1);

/// The tier a request asks for, which may be dearer than the standard.
fn tier(peek: &Peek) -> Option<&str> {
    let text = std::str::from_utf8(peek.value("service_tier")?).ok()?;
    text.strip_prefix('"')?.strip_suffix('"').filter(|word| *word != "auto")
}
