use std::sync::Arc;

use http::header::UPGRADE;
use http::{Extensions, Method, Request};
use tollway_core::{Call, Caller, Endpoint, Exchange, Money};
use tollway_cost::Ask;
use tollway_cost::budget::{Degrade, Payer, Wanted};
use tollway_wire::peek::Peek;

use super::Tariffs;
use crate::config::{Resolved, Settings};
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

    /// What a call may cost where it leads; nothing where it is free.
    fn wanted(&self, extensions: &Extensions, call: &Call, resolved: &Resolved) -> Option<Wanted> {
        let estimate = expected(extensions, call)?;
        let tier = extensions.get::<Arc<Peek>>().and_then(|peek| asked_tier(peek));
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
                let resolve = |model: &str| self.settings.catalogue.resolve(model).ok();
                let serves = resolve(&call.model)?;
                let wanted = self.wanted(extensions, call, &serves)?;
                // What the client asked for, whichever model serves: budgets are of that.
                let exchange = extensions.get::<Arc<Exchange>>();
                let model = exchange.and_then(|exchange| exchange.request_model()).unwrap_or(&call.model);
                let asked = if *model == *call.model { Some(serves) } else { resolve(model) };
                let payer = payer.asking(model);
                Some(match asked.as_ref().map(|asked| &*asked.upstream) {
                    Some(asked) => with(&payer.at(&asked.provider, &asked.model), wanted),
                    None => with(&payer, wanted),
                })
            }
            // Lists and downloads are free; a WebSocket is the dearest there is.
            None if *req.method() != Method::POST && !req.headers().contains_key(UPGRADE) => None,
            // What is relayed is not read; it is paid when it is known what it cost.
            None => Some(with(&payer, LEAST.into())),
        }
    }

    fn degrade(&self, req: &mut Request<B>, to: &Degrade) -> bool {
        let extensions = req.extensions_mut();
        let (Some(call), Some(model)) = (extensions.get::<Arc<Call>>(), &to.to) else { return false };
        // Who asks for the cheaper one gets it.
        let cheaper = Call { model: model.clone(), ..Call::clone(call) };
        extensions.insert(Arc::new(cheaper));
        true
    }
}

/// Where nothing is left of a budget, what costs next to nothing does not pass either.
const LEAST: Money = Money::from_nanos(1);

/// The tier a request asks for, which may be dearer than the standard.
pub(crate) fn asked_tier(peek: &Peek) -> Option<&str> {
    let text = std::str::from_utf8(peek.value("service_tier")?).ok()?;
    text.strip_prefix('"')?.strip_suffix('"').filter(|word| *word != "auto")
}
