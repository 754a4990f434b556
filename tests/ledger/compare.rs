//! The provider's ledger beside the gateway's records.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use serde_json::Value;
use tollway_core::Money;

use crate::drive::{How, Run, Seen};
use crate::plan::{Ask, Rates};

/// What was found.
#[derive(Debug, Default)]
pub(crate) struct Comparison {
    /// What should not be.
    pub(crate) faults: Vec<String>,
    counts: BTreeMap<&'static str, u64>,
    /// In nano-dollars: what the provider bills for what came whole, and what was recorded for it.
    whole: (i64, i64),
    /// The same for what did not, of which the records are estimates.
    estimated: (i64, i64),
    /// What was recorded for requests that never arrived.
    aside: i64,
    kills: usize,
    requests: usize,
}

/// A second is promised, for a record to be in the store; a killed gateway no longer reads on what a client
/// has left.
const PROMISED: Duration = Duration::from_secs(1);
const READ_ON: Duration = Duration::from_secs(2);

impl Comparison {
    pub(crate) fn new(plan: &[Ask], run: &Run, ledger: &[Value], records: &[Value]) -> Self {
        let mut found = Self { kills: run.kills.len(), requests: plan.len(), ..Self::default() };
        let billed = by(plan, ledger, |line| line["marker"].as_str()?.parse().ok());
        let recorded = by(plan, records, |record| {
            record["x_RequestId"].as_str()?.strip_prefix("fault-run-")?.parse().ok()
        });
        let stray = ledger.len() - billed.iter().map(Vec::len).sum::<usize>() + records.len()
            - recorded.iter().map(Vec::len).sum::<usize>();
        if stray > 0 {
            found.faults.push(format!("{stray} lines or records of nothing that was asked"));
        }
        for (((ask, seen), lines), records) in plan.iter().zip(&run.seen).zip(&billed).zip(&recorded) {
            let excuse = run.kills.iter().find_map(|kill| excuse(seen, *kill));
            found.request(ask, seen, lines, records, excuse);
        }
        found
    }

    /// One request: at most one attempt is made of it, as nothing here is tried twice.
    fn request(
        &mut self,
        ask: &Ask,
        seen: &Seen,
        lines: &[&Value],
        records: &[&Value],
        excuse: Option<&'static str>,
    ) {
        *self.counts.entry("ledger lines").or_default() += lines.len() as u64;
        let attempts: Vec<_> =
            records.iter().copied().filter(|record| !record["x_AttemptNumber"].is_null()).collect();
        *self.counts.entry("attempts recorded").or_default() += attempts.len() as u64;
        match (lines, attempts.as_slice()) {
            (_, []) if records.is_empty() => {
                if let Some(excuse) = excuse {
                    self.count(excuse);
                } else if lines.is_empty() && seen.how != How::Left {
                    self.fault(ask, seen, "answered, and neither recorded nor billed", lines, records);
                } else if lines.is_empty() {
                    // Its head had not been read when it hung up.
                    self.count("left before it was heard");
                } else {
                    self.fault(ask, seen, "billed, and not recorded", lines, records);
                }
            }
            ([], []) => self.count("recorded, nobody asked"),
            ([], [attempt]) => {
                self.count("recorded, never arrived");
                self.aside += nanos(attempt).unwrap_or_default();
                // Where nothing is to be learned for a price, what a client leaves is not sent any more.
                if seen.how != How::Left {
                    self.fault(ask, seen, "recorded, and never arrived", lines, records);
                }
                if nanos(attempt) != Some(0) && attempt["x_CostEstimated"] != true && !is_unpriced(attempt) {
                    self.fault(ask, seen, "costs for sure, and never arrived", lines, records);
                }
            }
            ([line], [attempt]) => self.attempt(ask, seen, line, attempt),
            ([_], []) => self.fault(ask, seen, "billed, and no attempt recorded", lines, records),
            _ => self.fault(ask, seen, "twice", lines, records),
        }
    }

    fn attempt(&mut self, ask: &Ask, seen: &Seen, line: &Value, attempt: &Value) {
        let is_known = attempt["x_CostEstimated"] != true;
        let whole = line["whole"] == true && attempt["x_Outcome"] == "complete";
        let cost = nanos(attempt);
        let bill = |of: &Value| ask.model.rates.map(|rates| nanos_of(rates, of));
        let Some(rates) = ask.model.rates else {
            self.count("without a price");
            if !is_unpriced(attempt) && cost != Some(0) {
                self.fault(ask, seen, "has a price", &[line], &[attempt]);
            }
            if whole && !same_tokens(line, attempt) {
                self.fault(ask, seen, "other tokens", &[line], &[attempt]);
            }
            return;
        };
        let Some(cost) = cost else {
            return self.fault(ask, seen, "no cost", &[line], &[attempt]);
        };
        if whole || is_known && !line["billed_whole"].is_null() {
            // What the provider has told to its end is exact, whether or not somebody heard it.
            self.count(if whole { "whole, equal" } else { "told to its end, equal" });
            let due = bill(&line["billed_whole"]).unwrap_or_default();
            self.whole = (self.whole.0 + due, self.whole.1 + cost);
            if !is_known || due != cost || !same_tokens(line, attempt) {
                self.fault(ask, seen, "not what the provider bills", &[line], &[attempt]);
            }
        } else if line["status"].as_u64().is_some_and(|status| status >= 400) {
            self.count("refused, free");
            if cost != 0 || !is_known {
                self.fault(ask, seen, "a refusal costs", &[line], &[attempt]);
            }
        } else {
            // Nobody knows what a provider bills that has taken a request and never answered, or not to its
            // end: it is taken to bill what it was asked and has said.
            self.count("not whole, estimated");
            let due = bill(&line["billed"]).unwrap_or_default();
            self.estimated = (self.estimated.0 + due, self.estimated.1 + cost);
            let most = bill(&line["billed_whole"]).unwrap_or_else(|| nanos_of(rates, &line["billed"]));
            if is_known {
                self.fault(ask, seen, "an estimate that does not say so", &[line], &[attempt]);
            }
            if cost != recorded_nanos(rates, attempt) {
                self.fault(ask, seen, "does not cost what is recorded of it", &[line], &[attempt]);
            }
            // Twice the whole answer, and what the prompt may be overestimated by.
            if cost > 2 * most + 200 * i64::try_from(rates.input).unwrap() {
                self.fault(ask, seen, "estimated far too high", &[line], &[attempt]);
            }
            // What was asked is always known, and what an answer that was heard for a good part has said is too.
            // Behind its own error the simulator goes on, which nobody hears.
            let is_heard = number(line, "bytes_sent") * 3 > number(line, "bytes");
            let goes_on = matches!(ask.fault, Some("error_event" | "malformed"));
            let least = if is_heard && !goes_on { due / 2 } else { bill_of_input(rates, line) / 2 };
            if cost <= 0 || cost < least {
                self.fault(ask, seen, "estimated far too low", &[line], &[attempt]);
            }
        }
    }

    /// The report's sums, which are kept apart from the records, are those of the records.
    pub(crate) fn check_sums(&mut self, report: &Value) {
        let total = &report["total"];
        let sum = self.counts.get("attempts recorded").copied().unwrap_or_default();
        if total["attempts"] != sum {
            self.faults
                .push(format!("the report tells {} attempts, and {sum} are recorded", total["attempts"]));
        }
        let cost = total["cost_usd"].as_str().and_then(|cost| cost.parse().ok()).map_or(-1, Money::nanos);
        if cost != self.whole.1 + self.estimated.1 + self.aside {
            let known = self.whole.1 + self.estimated.1 + self.aside;
            self.faults.push(format!("the report tells {cost} nano-dollars, and {known} are recorded"));
        }
    }

    /// A run in which something never happened shows nothing of it.
    pub(crate) fn check_variety(&mut self) {
        for what in [
            "whole, equal",
            "not whole, estimated",
            "refused, free",
            "without a price",
            "lost at a kill in mid-request",
        ] {
            if !self.counts.contains_key(what) {
                self.faults.push(format!("nothing was {what}"));
            }
        }
    }

    fn count(&mut self, what: &'static str) {
        *self.counts.entry(what).or_default() += 1;
    }

    fn fault(&mut self, ask: &Ask, seen: &Seen, what: &str, lines: &[&Value], records: &[&Value]) {
        let records: Vec<_> = records.iter().map(|record| brief(record)).collect();
        let Ask { number, model, speaks, stream, fault, leaves, .. } = ask;
        self.faults.push(format!(
            "{number}: {what}: {speaks:?} to {} stream={stream} {fault:?} {leaves:?}, seen {:?}\n  ledger {lines:?}\n  record {records:?}",
            model.name, seen.how
        ));
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:>8}  requests, {} kills", self.requests, self.kills)?;
        for (what, count) in &self.counts {
            writeln!(f, "{count:>8}  {what}")?;
        }
        let [billed, recorded] = [self.whole.0, self.whole.1].map(Money::from_nanos);
        writeln!(f, "whole answers: billed ${billed}, recorded ${recorded}")?;
        let [billed, estimated] = [self.estimated.0, self.estimated.1].map(Money::from_nanos);
        writeln!(f, "the others:    billed ${billed}, estimated ${estimated}")
    }
}

/// Why a kill may have taken the record of a request.
fn excuse(seen: &Seen, (begins, ends): (Instant, Instant)) -> Option<&'static str> {
    let open = if seen.how == How::Left { PROMISED + READ_ON } else { PROMISED };
    if seen.began > ends || seen.ended + open < begins {
        None
    } else if seen.ended >= begins {
        Some("lost at a kill in mid-request")
    } else {
        Some("lost at a kill just after it")
    }
}

/// What belongs to each request of the plan.
fn by<'a>(
    plan: &[Ask],
    values: &'a [Value],
    number: impl Fn(&Value) -> Option<usize>,
) -> Vec<Vec<&'a Value>> {
    let mut found = vec![Vec::new(); plan.len()];
    for value in values {
        if let Some(of) = number(value).and_then(|number| found.get_mut(number)) {
            of.push(value);
        }
    }
    found
}

/// What so many tokens cost.
fn nanos_of(rates: Rates, billed: &Value) -> i64 {
    let tokens = |class: &str| billed[class].as_u64().unwrap_or_default();
    let (cached, written) = (tokens("cached"), tokens("cache_write"));
    let fresh = tokens("input") - cached - written;
    let nanos = fresh * rates.input
        + cached * rates.cached
        + written * rates.cache_write
        + tokens("output") * rates.output;
    i64::try_from(nanos).unwrap()
}

fn bill_of_input(rates: Rates, line: &Value) -> i64 {
    i64::try_from(number(&line["billed"], "input") * rates.cached).unwrap()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or_default()
}

/// What the tokens of a record cost.
fn recorded_nanos(rates: Rates, attempt: &Value) -> i64 {
    let tokens = |class: &str| attempt[class].as_u64().unwrap_or_default();
    let (input, cached) = (tokens("x_InputTokens"), tokens("x_CachedInputTokens"));
    let output = tokens("x_OutputTokens");
    let nanos = (input - cached) * rates.input + cached * rates.cached + output * rates.output;
    i64::try_from(nanos).unwrap()
}

fn same_tokens(line: &Value, attempt: &Value) -> bool {
    let billed = &line["billed_whole"];
    [("input", "x_InputTokens"), ("cached", "x_CachedInputTokens"), ("output", "x_OutputTokens")]
        .into_iter()
        .all(|(ledger, record)| billed[ledger] == attempt[record])
}

fn nanos(attempt: &Value) -> Option<i64> {
    let cost = attempt["BilledCost"].as_f64()?;
    format!("{cost:.9}").parse().ok().map(Money::nanos)
}

fn is_unpriced(attempt: &Value) -> bool {
    !attempt["x_UnpricedReason"].is_null()
}

/// What matters of a record.
fn brief(record: &Value) -> String {
    let names = [
        "x_Status",
        "x_Outcome",
        "x_FinishReason",
        "x_RequestStatus",
        "x_RequestOutcome",
        "BilledCost",
        "x_CostEstimated",
        "x_UnpricedReason",
        "x_InputTokens",
        "x_CachedInputTokens",
        "x_OutputTokens",
    ];
    names.map(|name| format!("{name}={}", record[name])).join(" ")
}
