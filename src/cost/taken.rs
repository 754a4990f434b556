use tollway_core::{Attempt, Endpoint, Exchange, Outcome, Usage};

/// What an attempt is billed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Nothing.
    Nothing,
    /// Nobody here knows what, and perhaps nothing.
    Unknown,
    /// What its provider has counted to the end.
    Known(Usage),
    /// About this, of which the provider may have counted a part.
    About(Usage),
}

impl Taken {
    /// What an attempt that has ended is billed for.
    ///
    /// An answer that is whole, or has told why it ends, has told its usage to the end. Of another that has told
    /// some, the output is at least what was counted here. A provider that has taken a request and then answers
    /// nothing, breaks off or keeps silent may bill it all the same, as far as anybody can tell from here: it is
    /// taken to bill what it was asked and what it has said. Only a refusal is known to be free.
    pub(super) fn by(exchange: &Exchange, attempt: &Attempt) -> Self {
        if !attempt.was_sent() {
            return Self::Nothing;
        }
        let (outcome, output) = (attempt.outcome(), attempt.counted_output().unwrap_or(0));
        match attempt.usage() {
            Some(usage) if outcome == Some(Outcome::Complete) || attempt.told().finish.is_some() => {
                Self::Known(usage)
            }
            Some(usage) => Self::About(Usage { output: usage.output.max(output), ..usage }),
            None => uncounted(exchange, attempt, outcome, output),
        }
    }

    /// The tokens to record, by which it is priced too.
    pub(super) fn usage(self) -> Usage {
        match self {
            Self::Known(usage) | Self::About(usage) => usage,
            Self::Nothing | Self::Unknown => Usage::default(),
        }
    }
}

fn uncounted(exchange: &Exchange, attempt: &Attempt, outcome: Option<Outcome>, output: u64) -> Taken {
    let generates = matches!(
        exchange.endpoint(),
        Some(Endpoint::Chat | Endpoint::TextCompletion | Endpoint::Embeddings | Endpoint::Embedding)
    );
    let is_success = attempt.status().is_some_and(|status| status.is_success());
    match outcome {
        // An error in place of an answer costs nothing; one in the middle, what came before it.
        Some(Outcome::Refused) if output == 0 && !(exchange.stream() && is_success) => Taken::Nothing,
        _ if generates => {
            let input = exchange.expected().map_or(0, |expected| expected.input);
            Taken::About(Usage { input, output, ..Usage::default() })
        }
        // Lists, files, counts of tokens: nothing that a model does.
        _ if attempt.is_free() || exchange.endpoint() == Some(Endpoint::CountTokens) => Taken::Nothing,
        _ => Taken::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tollway_core::{Dialect, Expected, RequestId, Upstream};

    use super::*;

    #[test]
    fn what_is_recorded_of_a_cut_answer_is_what_it_is_charged_by() {
        let exchange = Arc::new(Exchange::new(RequestId::from_random(1)));
        exchange.set_call(Endpoint::Chat, "m".into(), false);
        exchange.set_expected(Expected { input: 1_000, output: None });
        let attempt = |outcome| {
            let upstream = Upstream { provider: "p".into(), dialect: Dialect::OpenAi, model: "m".into() };
            let attempt = exchange.begin_attempt(Arc::new(upstream));
            attempt.set_outcome(outcome);
            attempt
        };
        let cut = attempt(Outcome::Broken);
        cut.set_counted_output(100);
        let about = Usage { input: 1_000, output: 100, ..Usage::default() };
        assert_eq!(Taken::by(&exchange, &cut), Taken::About(about));
        assert_eq!(Taken::by(&exchange, &cut).usage(), about);
        let refused = attempt(Outcome::Refused);
        assert_eq!(Taken::by(&exchange, &refused), Taken::Nothing);
        let unsent = attempt(Outcome::Broken);
        unsent.set_unsent();
        assert_eq!(Taken::by(&exchange, &unsent).usage(), Usage::default());
    }
}
