use std::sync::Arc;

use http::header::UPGRADE;
use http::{Extensions, Request};
use tollway_auth::ClientAddress;
use tollway_core::{Call, Caller, Endpoint, Exchange, Expected, Extract};
use tollway_rate_limit::{Dimension, Dimensions, Estimate, Limiter};
use tollway_wire::estimate::{Family, estimate};
use tollway_wire::peek::Peek;

use crate::config::Settings;

/// Says under which names a request is counted, and what it will take. Reads the caller, the call and
/// the client's address, as far as some rule asks for them.
#[derive(Clone, Debug)]
pub struct Asking {
    settings: Arc<Settings>,
    asked: [bool; Dimension::ALL.len()],
    /// Whether some rule counts tokens.
    tokens: bool,
}

/// The output that is expected of a chat whose client sets no limit. What it takes in the end counts.
pub(crate) const USUAL_OUTPUT: u64 = 1_000;

impl Asking {
    pub(super) fn new(settings: Arc<Settings>, limiter: &Limiter) -> Self {
        let asks = |dimension: Dimension| {
            limiter.rules().any(|rule| {
                rule.per.contains(dimension) || rule.only.iter().any(|(named, _)| *named == dimension)
            })
        };
        let tokens = limiter.rules().any(|rule| rule.measure.is_tokens());
        Self { settings, asked: Dimension::ALL.map(asks), tokens }
    }

    fn asks(&self, dimension: Dimension) -> bool {
        self.asked.get(dimension as usize).copied().unwrap_or(true)
    }

    fn dimensions<B>(&self, req: &Request<B>) -> Dimensions {
        let mut dimensions = Dimensions::new();
        if let Some(ClientAddress(address)) = req.extensions().get()
            && self.asks(Dimension::Address)
        {
            dimensions = dimensions.with_address(*address);
        }
        let mut set = |dimension, value: &dyn Fn() -> Option<Arc<str>>| {
            if self.asks(dimension) {
                dimensions.set(dimension, value());
            }
        };
        let extensions = req.extensions();
        if let Some(caller) = extensions.get::<Arc<Caller>>() {
            set(Dimension::Key, &|| caller.key.clone());
            set(Dimension::User, &|| caller.user.clone());
            set(Dimension::Team, &|| caller.team.clone());
        }
        if let Some(call) = extensions.get::<Arc<Call>>() {
            set(Dimension::Model, &|| Some(call.model.clone()));
            set(Dimension::Provider, &|| {
                let resolved = self.settings.catalogue.resolve(&call.model).ok()?;
                Some(resolved.upstream.provider.clone())
            });
        }
        set(Dimension::Route, &|| Some(req.uri().path().into()));
        dimensions
    }

    fn estimate<B>(&self, req: &Request<B>) -> Estimate {
        let Some(call) = req.extensions().get::<Arc<Call>>() else {
            // A WebSocket is one stream for as long as it is open.
            return Estimate { stream: req.headers().contains_key(UPGRADE), ..Estimate::default() };
        };
        let expected = self.tokens.then(|| expected(req.extensions(), call)).flatten();
        expected.unwrap_or(Estimate { stream: call.stream, ..Estimate::default() })
    }
}

/// What a call will take, as far as its body was read; a count of tokens takes none.
pub(crate) fn expected(extensions: &Extensions, call: &Call) -> Option<Estimate> {
    let guess = foreseen(extensions, call)?;
    let answers = matches!(call.endpoint, Endpoint::Chat | Endpoint::TextCompletion);
    let output = if answers { guess.output.unwrap_or(USUAL_OUTPUT) } else { 0 };
    Some(Estimate { input: guess.input, output, stream: call.stream })
}

/// The same, as far as the call itself tells it. Guessed once a request.
pub(crate) fn foreseen(extensions: &Extensions, call: &Call) -> Option<Expected> {
    let exchange = extensions.get::<Arc<Exchange>>().map(|exchange| &**exchange);
    foreseen_in(exchange, extensions.get::<Arc<Peek>>()?, call)
}

/// The same of a call that is no request any more.
pub(crate) fn foreseen_in(exchange: Option<&Exchange>, peek: &Peek, call: &Call) -> Option<Expected> {
    if let Some(known) = exchange.and_then(Exchange::expected) {
        return Some(known);
    }
    if call.endpoint == Endpoint::CountTokens {
        return None;
    }
    let guess = estimate(peek, Family::of(&call.model));
    let expected = Expected { input: guess.input, output: guess.output };
    if let Some(exchange) = exchange {
        exchange.set_expected(expected);
    }
    Some(expected)
}

impl<B> Extract<(Dimensions, Estimate), Request<B>> for Asking {
    fn extract(&self, req: &Request<B>) -> Option<(Dimensions, Estimate)> {
        Some((self.dimensions(req), self.estimate(req)))
    }
}
