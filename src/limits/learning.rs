use std::sync::Arc;

use http::Request;
use tollway_core::{Attempt, End, Exchange, Outcome};
use tollway_rate_limit::{Actual, Learn, Watch};

/// Learns from the exchange what a request took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Learning;

impl<B> Learn<Request<B>> for Learning {
    type Watch = Watching;

    fn watch(&self, req: &Request<B>) -> Watching {
        Watching(req.extensions().get().cloned())
    }
}

/// Watches one request.
#[derive(Debug)]
pub struct Watching(Option<Arc<Exchange>>);

impl Watch for Watching {
    fn end(self, _: End) -> Option<Actual> {
        let exchange = self.0?;
        let (count, last) = exchange.last_attempt();
        match (count, last) {
            // It never came to a provider.
            (0, _) => Some(Actual::tokens(0, 0)),
            (1, Some(only)) => took(&only),
            _ => exchange.attempts().iter().try_fold(Actual::tokens(0, 0), |sum, attempt| {
                let more = took(attempt)?;
                Some(Actual::tokens(
                    sum.input.saturating_add(more.input),
                    sum.output.saturating_add(more.output),
                ))
            }),
        }
    }
}

/// What an attempt took; nothing where the provider was at work and has not said.
fn took(attempt: &Attempt) -> Option<Actual> {
    match (attempt.usage(), attempt.outcome()) {
        (Some(usage), _) => Some(Actual::tokens(usage.input, usage.output)),
        // An answer without usage has none: a refusal, or what is not counted in tokens.
        (None, Some(Outcome::Complete | Outcome::Refused)) => Some(Actual::tokens(0, 0)),
        (None, _) => None,
    }
}

#[cfg(test)]
mod tests {
    use tollway_core::{Dialect, RequestId, Upstream, Usage};

    use super::*;

    /// The usage told, and how it ended.
    type Tried = (Option<(u64, u64)>, Option<Outcome>);

    fn ended(attempts: &[Tried]) -> Option<Actual> {
        let exchange = Arc::new(Exchange::new(RequestId::from_random(1)));
        for (usage, outcome) in attempts {
            let upstream = Upstream { provider: "p".into(), dialect: Dialect::OpenAi, model: "m".into() };
            let attempt = exchange.begin_attempt(Arc::new(upstream));
            if let Some((input, output)) = *usage {
                attempt.set_usage(Usage { input, output, ..Usage::default() });
            }
            outcome.map(|outcome| attempt.set_outcome(outcome));
        }
        Watching(Some(exchange)).end(End::Complete)
    }

    #[test]
    fn what_is_told_counts_and_what_is_not_stands_as_estimated() {
        use Outcome::{Broken, Cancelled, Complete, Refused};
        assert_eq!(ended(&[]), Some(Actual::tokens(0, 0)));
        assert_eq!(ended(&[(Some((3, 4)), Some(Complete))]), Some(Actual::tokens(3, 4)));
        assert_eq!(ended(&[(Some((3, 1)), Some(Cancelled))]), Some(Actual::tokens(3, 1)));
        assert_eq!(ended(&[(None, Some(Refused))]), Some(Actual::tokens(0, 0)));
        assert_eq!(ended(&[(None, Some(Cancelled))]), None);
        assert_eq!(ended(&[(None, None)]), None);
        let retried = [(None, Some(Refused)), (Some((3, 4)), Some(Complete))];
        assert_eq!(ended(&retried), Some(Actual::tokens(3, 4)));
        assert_eq!(ended(&[(None, Some(Broken)), (Some((3, 4)), Some(Complete))]), None);
        assert_eq!(Watching(None).end(End::Complete), None);
    }
}
