use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::response::Parts;
use http::{HeaderMap, Request};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tollway_core::{Attempt, Call, Dialect, End, Exchange, Hold, Money, Outcome};
use tollway_cost::{Day, OpenTab, Tab};
use tollway_wire::peek::Peek;

use super::metered::Meters;
use super::record::{Known, record};
use super::{Tariffs, UsageBook};
use crate::Error;
use crate::config::Drain;
use crate::limits::foreseen_in;

/// Writes bills: what each attempt at a provider came to.
#[derive(Clone, Debug)]
pub struct Billing(Arc<Terms>);

#[derive(Debug)]
struct Terms {
    tariffs: Arc<Tariffs>,
    drain: Drain,
    /// How many more answers may be read on that nobody waits for.
    draining: Arc<Semaphore>,
    /// Where records go, if they are kept.
    book: Option<UsageBook>,
    meters: Meters,
}

impl Billing {
    /// By these prices, and with so much patience for answers that nobody reads, and for so many.
    pub(super) fn new(
        tariffs: Arc<Tariffs>,
        drain: Drain,
        draining: Arc<Semaphore>,
        book: Option<UsageBook>,
    ) -> Self {
        Self(Arc::new(Terms { tariffs, drain, draining, book, meters: Meters::default() }))
    }
}

impl<B> OpenTab<Request<B>, Error> for Billing {
    type Tab = Bill;

    fn open(&self, req: &Request<B>) -> Bill {
        let extensions = req.extensions();
        let exchange = extensions.get::<Arc<Exchange>>();
        let known = self.0.book.as_ref().map(|book| Known {
            route: req.uri().path().into(),
            dialect: extensions.get().copied().unwrap_or(Dialect::OpenAi),
            fingerprint: book
                .fingerprints()
                .zip(extensions.get::<Arc<Peek>>())
                .map(|(key, peek)| key.of(peek)),
            status: None,
            outcome: Outcome::Cancelled,
            ended: Instant::now(),
        });
        Bill {
            terms: self.0.clone(),
            known: known.map(Box::new),
            of: exchange.map(|exchange| (exchange.hold(), exchange.clone())),
            asked: extensions.get().cloned().zip(extensions.get().cloned()),
            is_json: false,
            left: None,
            place: None,
        }
    }

    fn failed(&self, bill: &mut Bill, error: &Error) {
        if let Some(known) = &mut bill.known {
            known.status = Some(error.status().as_u16());
        }
    }
}

/// The bill of one request.
#[derive(Debug)]
pub struct Bill {
    terms: Arc<Terms>,
    of: Option<(Hold, Arc<Exchange>)>,
    /// What was asked, for as long as it may have to be guessed what it took.
    asked: Option<(Arc<Call>, Arc<Peek>)>,
    /// What else the record of it says, if one is kept.
    known: Option<Box<Known>>,
    /// Whether the answer is one JSON value.
    is_json: bool,
    /// How many bytes may still come, once nobody reads them.
    left: Option<u64>,
    /// A place among those that are read on.
    place: Option<OwnedSemaphorePermit>,
}

impl Bill {
    /// What all attempts came to, where all have ended; each is priced once.
    fn charge(&self, exchange: &Exchange) -> Option<Money> {
        let today = Day::of(SystemTime::now());
        let attempts = exchange.attempts();
        if attempts.is_empty() || attempts.iter().any(|attempt| attempt.outcome().is_none()) {
            return None;
        }
        for attempt in &attempts {
            self.price(exchange, attempt, today);
        }
        exchange.cost().map(|(cost, _)| cost)
    }

    fn price(&self, exchange: &Exchange, attempt: &Attempt, today: Day) {
        if attempt.charge().is_none() {
            if attempt.usage().is_none() {
                self.foresee(exchange);
            }
            let (charge, model) = self.terms.tariffs.charge(exchange, attempt, today);
            attempt.set_charge(charge);
            self.terms.meters.charged(&attempt.upstream().provider, model.unwrap_or(""), charge);
        }
    }

    /// Guesses what the call takes, if nobody has yet.
    fn foresee(&self, exchange: &Exchange) {
        if let Some((call, peek)) = &self.asked {
            foreseen_in(Some(exchange), peek, call);
        }
    }
}

impl Tab for Bill {
    fn head(&mut self, head: &Parts) {
        self.is_json = is_json(&head.headers);
        if let Some(known) = &mut self.known {
            known.status = Some(head.status.as_u16());
        }
        // A stream lasts, and what was asked is not kept for so long.
        if let Some((_, exchange)) = &self.of
            && exchange.stream()
        {
            self.foresee(exchange);
            self.asked = None;
        }
    }

    fn gathers(&self) -> usize {
        let tells = self.of.as_ref().is_some_and(|(_, exchange)| !exchange.stream() && names_model(exchange));
        if self.is_json && tells { MOST_GATHERED } else { 0 }
    }

    fn known(&mut self) -> Option<Money> {
        let (_, exchange) = self.of.as_ref()?;
        // What no model did costs nothing, and need not say so.
        if names_model(exchange) { self.charge(exchange) } else { None }
    }

    fn frame(&mut self, data: &Bytes) {
        if let Some(left) = &mut self.left {
            *left = left.saturating_sub(data.len() as u64);
        }
    }

    fn patience(&mut self) -> Duration {
        if let Some(known) = &mut self.known {
            known.ended = Instant::now();
        }
        let Some((_, exchange)) = &self.of else { return Duration::ZERO };
        let drain = &self.terms.drain;
        let (_, last) = exchange.last_attempt();
        // All that could be learned is known, or nothing could be made of it.
        let is_billed = |last: &Attempt| {
            let upstream = last.upstream();
            !upstream.model.is_empty() && self.terms.tariffs.bills(&upstream.provider)
        };
        if last.is_none_or(|last| last.outcome().is_some() || !is_billed(&last)) {
            return Duration::ZERO;
        }
        self.place = self.terms.draining.clone().try_acquire_owned().ok();
        if self.place.is_none() {
            return Duration::ZERO;
        }
        if exchange.stream() {
            self.left = Some(drain.max_tokens.saturating_mul(BYTES_PER_TOKEN));
            drain.stream
        } else {
            drain.answer
        }
    }

    fn is_enough(&self) -> bool {
        self.left == Some(0)
    }

    fn close(mut self, end: End) -> Option<Money> {
        let (_, exchange) = self.of.as_ref()?;
        let today = Day::of(SystemTime::now());
        let attempts = exchange.attempts();
        for attempt in &attempts {
            self.price(exchange, attempt, today);
        }
        if let (Some(mut known), Some(book)) = (self.known.take(), &self.terms.book) {
            known.outcome = outcome(end, known.status, attempts.last().and_then(|last| last.outcome()));
            if end != End::Cancelled {
                known.ended = Instant::now();
            }
            book.writer().record(record(exchange, &attempts, *known));
        }
        // Where something has no price, what was reserved for it is taken to be spent.
        exchange.cost().map(|(cost, _)| cost)
    }
}

/// How a request ended for its client, of which the last attempt may know more than shows outside.
fn outcome(end: End, status: Option<u16>, last: Option<Outcome>) -> Outcome {
    match (end, last) {
        (End::Cancelled, _) => Outcome::Cancelled,
        (_, Some(inside)) if inside != Outcome::Complete && inside != Outcome::Cancelled => inside,
        (End::Error, _) if status.is_none_or(|status| status < 400) => Outcome::Broken,
        _ if status.is_some_and(|status| status >= 400) => Outcome::Refused,
        _ => Outcome::Complete,
    }
}

/// The largest answer that is held back until it is whole. Longer ones are of a kind whose cost is not
/// waited for: files and pictures.
const MOST_GATHERED: usize = 1024 * 1024;

/// What a token takes in a stream, about: chunks of OpenAI's tell one in 200 to 300 bytes, those of the
/// others more in as many.
const BYTES_PER_TOKEN: u64 = 256;

fn names_model(exchange: &Exchange) -> bool {
    exchange.request_model().is_some_and(|model| !model.is_empty())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(CONTENT_TYPE).map(http::HeaderValue::as_bytes).unwrap_or_default();
    kind.get(..JSON.len()).is_some_and(|kind| kind.eq_ignore_ascii_case(JSON))
}

const JSON: &[u8] = b"application/json";

#[cfg(test)]
mod tests {
    use tollway_core::{Charge, Endpoint, RequestId, Told, Upstream, Usage};

    use super::*;
    use crate::config::{Env, Settings, Source};

    fn billing() -> Billing {
        let text = "providers: {openai: {api_key: sk-1}, mine: {kind: openai-compatible, base_url: 'http://127.0.0.1:9/v1'}}";
        let settings = Settings::load(&Source::text(text), &Env::default()).unwrap();
        Billing::new(Arc::new(Tariffs::new(&settings)), Drain::default(), Arc::new(Semaphore::new(1)), None)
    }

    fn request(endpoint: Endpoint) -> (Request<()>, Arc<Exchange>) {
        let exchange = Arc::new(Exchange::new(RequestId::from_random(1)));
        exchange.set_call(endpoint, "gpt-4o-mini".into(), true);
        let mut req = Request::new(());
        req.extensions_mut().insert(exchange.clone());
        (req, exchange)
    }

    fn begin(exchange: &Exchange, provider: &str) -> Arc<Attempt> {
        let model = "gpt-4o-mini".into();
        exchange.begin_attempt(Arc::new(Upstream {
            provider: provider.into(),
            dialect: Dialect::OpenAi,
            model,
        }))
    }

    fn open(req: &Request<()>) -> Bill {
        OpenTab::<_, Error>::open(&billing(), req)
    }

    fn usage(output: u64) -> Usage {
        Usage { input: 1_000, output, ..Usage::default() }
    }

    #[test]
    fn every_attempt_is_priced_once_and_all_of_them_are_the_cost() {
        let (req, exchange) = request(Endpoint::Chat);
        let mut bill = open(&req);
        let failed = begin(&exchange, "openai");
        failed.set_outcome(Outcome::Refused);
        let last = begin(&exchange, "openai");
        assert_eq!(bill.known(), None);
        last.set_usage(usage(100));
        last.set_outcome(Outcome::Complete);
        // A million tokens are 0.15 dollars in and 0.60 out.
        let cost = Money::from_nanos(150_000 + 60_000);
        assert_eq!(bill.known(), Some(cost));
        last.set_usage(usage(9_999));
        assert_eq!(bill.close(End::Complete), Some(cost));
        assert_eq!(failed.charge(), Some(Charge::Known(Money::ZERO)));
    }

    #[test]
    fn what_broke_off_is_estimated_by_what_is_known_of_it() {
        let (req, exchange) = request(Endpoint::Chat);
        exchange.set_expected(tollway_core::Expected { input: 1_000, output: None });
        let attempts: Vec<_> = (0..4).map(|_| begin(&exchange, "openai")).collect();
        attempts[0].set_outcome(Outcome::Broken);
        attempts[0].set_unsent();
        attempts[1].set_outcome(Outcome::Broken);
        attempts[1].set_counted_output(100);
        attempts[2].set_outcome(Outcome::Cancelled);
        attempts[2].set_usage(usage(1));
        attempts[2].set_counted_output(100);
        open(&req).close(End::Cancelled);
        let about = Charge::Estimated(Money::from_nanos(210_000));
        let input = Charge::Estimated(Money::from_nanos(150_000));
        let charges: Vec<_> = attempts.iter().filter_map(|attempt| attempt.charge()).collect();
        assert_eq!(charges, [Charge::Known(Money::ZERO), about, about, input]);
    }

    #[test]
    fn a_usage_is_the_last_word_once_it_was_told_why_the_answer_ends() {
        let (req, exchange) = request(Endpoint::Chat);
        // The provider's error in mid-stream, after usage that was told at the beginning.
        let broken = begin(&exchange, "openai");
        broken.set_usage(usage(1));
        broken.set_counted_output(100);
        broken.set_outcome(Outcome::Refused);
        // A client that leaves once all is told.
        let left = begin(&exchange, "openai");
        left.set_usage(usage(50));
        left.set_counted_output(100);
        left.set_told(Told { finish: Some("stop".into()), ..Told::default() });
        left.set_outcome(Outcome::Cancelled);
        open(&req).close(End::Cancelled);
        assert_eq!(broken.charge(), Some(Charge::Estimated(Money::from_nanos(210_000))));
        assert_eq!(left.charge(), Some(Charge::Known(Money::from_nanos(180_000))));
    }

    #[test]
    fn what_has_no_price_is_told_and_never_free() {
        let (req, exchange) = request(Endpoint::Chat);
        let attempt = begin(&exchange, "mine");
        attempt.set_usage(usage(100));
        attempt.set_outcome(Outcome::Complete);
        assert_eq!(open(&req).close(End::Complete), None);
        assert_eq!(attempt.charge(), Some(Charge::Unpriced("provider")));
        let (req, exchange) = request(Endpoint::Other("images"));
        begin(&exchange, "openai").set_outcome(Outcome::Complete);
        assert_eq!(open(&req).close(End::Complete), None);
        assert_eq!(exchange.unpriced(), Some("usage"));
        let (req, exchange) = request(Endpoint::Other("files"));
        let attempt = begin(&exchange, "openai");
        attempt.set_free();
        attempt.set_outcome(Outcome::Complete);
        assert_eq!(open(&req).close(End::Complete), Some(Money::ZERO));
    }

    #[test]
    fn a_region_that_is_not_told_is_that_of_the_provider() {
        let cost = |fields: &str, told: Option<&str>| {
            let text = format!("providers: {{openai: {{api_key: sk-1, {fields}}}}}");
            let settings = Settings::load(&Source::text(&text), &Env::default()).unwrap();
            let (req, exchange) = request(Endpoint::Chat);
            let upstream =
                Upstream { provider: "openai".into(), dialect: Dialect::OpenAi, model: "gpt-5.4".into() };
            let attempt = exchange.begin_attempt(Arc::new(upstream));
            attempt.set_usage(usage(0));
            attempt.set_told(Told { region: told.map(Box::from), ..Told::default() });
            attempt.set_outcome(Outcome::Complete);
            let tariffs = Arc::new(Tariffs::new(&settings));
            let billing = Billing::new(tariffs, Drain::default(), Arc::new(Semaphore::new(1)), None);
            OpenTab::<_, Error>::open(&billing, &req).close(End::Complete).unwrap().nanos()
        };
        let usual = cost("", None);
        assert_eq!(cost("region: eu", None) * 10, usual * 11);
        assert_eq!(cost("base_url: 'https://eu.api.openai.com/v1'", None) * 10, usual * 11);
        assert_eq!(cost("base_url: 'https://eu.api.openai.com/v1', region: global", None), usual);
        assert_eq!(cost("region: eu", Some("global")), usual);
    }

    #[test]
    fn what_no_model_did_is_free() {
        let (req, exchange) = request(Endpoint::CountTokens);
        begin(&exchange, "openai").set_outcome(Outcome::Complete);
        assert_eq!(open(&req).close(End::Complete), Some(Money::ZERO));
    }

    #[test]
    fn patience_is_for_what_is_still_to_be_learned() {
        let (req, exchange) = request(Endpoint::Chat);
        let mut bill = open(&req);
        assert_eq!(bill.patience(), Duration::ZERO);
        let attempt = begin(&exchange, "openai");
        assert_eq!(bill.patience(), Drain::default().stream);
        assert!(!bill.is_enough());
        bill.frame(&Bytes::from(vec![b'x'; 256 * 1_000]));
        assert!(bill.is_enough());
        attempt.set_outcome(Outcome::Complete);
        assert_eq!(bill.patience(), Duration::ZERO);
    }
}
