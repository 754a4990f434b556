//! One cell of the matrix: the exchange, what is expected of it, and what came of it.

use crate::answer::Answer;
use crate::ask::{self, Ask};
use crate::check::check;
use crate::dialect::{Dialect, Mode};
use crate::feature::Feature;
use crate::listed::listed;
use crate::read::read;
use crate::road::{Raw, Road, alias};

/// What is tried, from where to where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Cell {
    pub(crate) feature: Feature,
    pub(crate) client: Dialect,
    pub(crate) upstream: Dialect,
    pub(crate) mode: Mode,
}

/// What came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Carried,
    /// Not carried, in the way that is listed, for the reason that is.
    Listed(&'static str),
    /// The client's dialect has no word for it, or it is no matter of this mode.
    NoWord,
    Failed(String),
}

/// A request and its answer.
pub(crate) struct Step {
    pub(crate) raw: Raw,
    pub(crate) answer: Answer,
}

impl Cell {
    /// Tries it through the gateway.
    pub(crate) async fn run(self, road: &Road) -> Outcome {
        let Some(steps) = self.exchange(road, false).await else { return Outcome::NoWord };
        let steps = match steps {
            Ok(steps) => steps,
            Err(fault) => return Outcome::Failed(fault),
        };
        let reference = self.reference(road).await;
        let carried = check(self, &steps, reference.as_ref());
        match (listed(self), carried) {
            (None, Ok(())) => Outcome::Carried,
            (None, Err(fault)) => Outcome::Failed(fault),
            (Some(listed), Ok(())) => Outcome::Failed(format!("carried, though listed: {}", listed.reason)),
            (Some(listed), Err(_)) => match listed.check(self, &steps) {
                Ok(()) => Outcome::Listed(listed.reason),
                Err(fault) => Outcome::Failed(fault),
            },
        }
    }

    /// Tries it without the gateway: client and provider speak the same, and nothing stands between.
    pub(crate) async fn run_directly(self, road: &Road) -> Outcome {
        match self.exchange(road, true).await {
            None => Outcome::NoWord,
            Some(Err(fault)) => Outcome::Failed(fault),
            Some(Ok(steps)) => check(self, &steps, None).map_or_else(Outcome::Failed, |()| Outcome::Carried),
        }
    }

    /// What the provider says of itself to a client that speaks as it does.
    async fn reference(self, road: &Road) -> Option<Answer> {
        let asked = ask::ask(self.upstream, self.feature, self.feature.model(self.upstream), Mode::Plain)?;
        let asked = at_provider(self.upstream, self.feature, asked);
        Some(read(self.upstream, Mode::Plain, &road.ask_directly(self.upstream, &asked).await))
    }

    /// All steps of the exchange, as far as it gets. None where there is nothing to ask.
    async fn exchange(self, road: &Road, directly: bool) -> Option<Result<Vec<Step>, String>> {
        let Self { feature, client, upstream, mode } = self;
        let without_gateway = directly && matches!(feature, Feature::Cut | Feature::NoBody);
        if without_gateway || (feature == Feature::ErrorInStream && !mode.is_stream()) {
            return None;
        }
        let name = |upstream: Dialect| {
            if directly { feature.model(upstream).to_owned() } else { alias(feature, upstream) }
        };
        let first = ask::ask(client, feature, &name(upstream), mode)?;
        let mut steps = Vec::new();
        let mut asked = first;
        macro_rules! step {
            () => {
                match self.step(road, directly, &asked).await {
                    Ok(step) => steps.push(step),
                    Err(fault) => return Some(Err(fault)),
                }
            };
        }
        step!();
        let called = steps.last().is_some_and(|step| !step.answer.calls.is_empty());
        if feature.has_results() && called {
            asked = ask::with_results(client, feature, &asked, &steps.last()?.answer);
            let moves = feature == Feature::Moved && !directly;
            if moves {
                asked = ask::to_model(client, &asked, &name(upstream), &name(upstream.next()));
            }
            step!();
            if feature == Feature::Moved && steps.last()?.raw.status == 200 {
                asked = ask::with_text(client, &asked, &steps.last()?.answer, "thanks [sim:text,thoughts]");
                if moves {
                    asked = ask::to_model(client, &asked, &name(upstream.next()), &name(upstream));
                }
                step!();
            }
        }
        Some(Ok(steps))
    }

    async fn step(self, road: &Road, directly: bool, asked: &Ask) -> Result<Step, String> {
        let raw = if directly {
            let asked = at_provider(self.upstream, self.feature, asked.clone());
            road.ask_directly(self.client, &asked).await
        } else {
            road.ask(self.client, asked).await
        };
        let is_relayed = self.client == self.upstream && self.feature != Feature::Moved;
        if is_relayed && !directly && !matches!(self.feature, Feature::Cut | Feature::NoBody) {
            self.same_bytes(road, &raw).await?;
        }
        let answer = read(self.client, self.mode, &raw);
        Ok(Step { raw, answer })
    }

    /// Where client and provider speak the same, the client gets the provider's bytes.
    async fn same_bytes(self, road: &Road, raw: &Raw) -> Result<(), String> {
        let Some(sent) = road.last().await else { return Err("nothing reached the provider".into()) };
        let own = road.ask_directly(self.upstream, &sent).await;
        if own.body == raw.body {
            return Ok(());
        }
        let text = |raw: &Raw| String::from_utf8_lossy(&raw.body).into_owned();
        Err(format!("not the provider's bytes:\n      {:.300}\n      {:.300}", text(raw), text(&own)))
    }
}

/// A provider that shows its reasoning in OpenAI's format is not OpenAI.
fn at_provider(upstream: Dialect, feature: Feature, mut asked: Ask) -> Ask {
    if upstream == Dialect::Chat && feature.thinks() {
        asked.path = format!("/compatible{}", asked.path);
    }
    asked
}
