//! What recorded answers cost, against a computation of its own from their raw JSON and the numbers of
//! `../shared/PRICES.md`, to the nano-dollar.
//!
//! Where the recordings or the table are not beside the checkout, this says so and passes.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

mod counted;
mod crossing;
mod cuts;
mod raw;
mod table;

#[path = "../support/events.rs"]
mod events;
#[path = "../support/gateway.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod gateway;
#[path = "../recordings/recording.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod recording;
#[path = "../support/shared.rs"]
mod shared;
#[path = "../support/upstream.rs"]
#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod upstream;

use std::{collections::BTreeMap, fs, io::Write as _, path::Path};

use tollway_core::{Dialect, Framing, Usage};
use tollway_cost::{Cost, Day, PriceBook, PriceFile, Served, Unpriced};
use tollway_wire::relay::UsageTap;

use self::{raw::Told, recording::Recording, table::Table};

const ENDPOINTS: &[&str] = &[
    "openai/chat-completions",
    "openai/completions",
    "openai/embeddings",
    "openai/responses",
    "azure/completions",
    "azure/responses",
    "anthropic/messages",
    "gemini/generateContent",
    "gemini/streamGenerateContent",
    "vertex/generateContent",
    "vertex/streamGenerateContent",
    "mistral/completions",
    "mistral/embeddings",
    "groq/completions",
    "deepseek/completions",
    "openrouter/completions",
];

/// What became of the answers of a provider.
#[derive(Debug, Default)]
struct Row {
    compared: usize,
    nanos: i64,
    beside_table: BTreeMap<String, usize>,
    unpriced: BTreeMap<String, usize>,
    without_usage: usize,
}

#[test]
fn every_recorded_answer_costs_what_its_json_says() {
    let recordings = recording::load(ENDPOINTS).unwrap();
    let (Some(recordings), Some(path)) = (recordings, shared::beside("PRICES.md")) else {
        let out = "no recordings or no PRICES.md beside the checkout (../shared), nothing is compared";
        writeln!(std::io::stdout(), "{out}").unwrap();
        return;
    };
    let table = Table::read(&fs::read_to_string(path).unwrap());
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("config/pricing.yaml");
    let list: PriceFile = serde_saphyr::from_str(&fs::read_to_string(list).unwrap()).unwrap();
    let book = PriceBook::try_from(list).unwrap();

    let mut rows: BTreeMap<String, Row> = BTreeMap::new();
    let mut wrong = Vec::new();
    for recording in recordings.iter().filter(|one| one.status == 200 && !one.path.contains("count_tokens")) {
        let row = rows.entry(recording.provider.clone()).or_default();
        let told = Told::read(recording);
        let section = section(&recording.provider);
        match (read(&book, section, recording, book.as_of()), &told) {
            (None, None) => row.without_usage += 1,
            (None, Some(told)) => wrong.push(format!("{}: usage was lost: {told:?}", recording.name)),
            (Some((usage, ..)), None) => {
                wrong.push(format!("{}: usage from nowhere: {usage:?}", recording.name));
            }
            (Some((_, Err(why))), Some(told)) => {
                *row.unpriced.entry(format!("{} ({})", told.model, why.as_str())).or_default() += 1;
                if table.cost(section, told).is_some() {
                    wrong.push(format!("{}: unpriced, but in the table: {why}", recording.name));
                }
            }
            (Some((usage, Ok(cost))), Some(told)) => match table.cost(section, told) {
                None => *row.beside_table.entry(told.model.clone()).or_default() += 1,
                Some(nanos) => {
                    row.compared += 1;
                    row.nanos += nanos;
                    if i128::from(cost.total().nanos()) != i128::from(nanos) {
                        let found = cost.total().nanos();
                        wrong.push(format!("{}: {found}, not {nanos}: {told:?} {usage:?}", recording.name));
                    }
                }
            },
        }
    }
    let mut out = std::io::stdout();
    for (provider, row) in &rows {
        let Row { compared, nanos, beside_table, unpriced, without_usage } = row;
        writeln!(
            out,
            "{provider}: {compared} compared ({nanos} nano-dollars), {} priced but not in the table \
             {beside_table:?}, {} unpriced {unpriced:?}, {without_usage} without usage",
            beside_table.values().sum::<usize>(),
            unpriced.values().sum::<usize>(),
        )
        .unwrap();
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), wrong.join("\n"));
    let compared: usize = rows.values().map(|row| row.compared).sum();
    assert!(compared > 500, "only {compared} were compared");
}

/// The list's name of a provider.
fn section(provider: &str) -> &str {
    if provider == "azure" { "azure-openai" } else { provider }
}

/// The usage that the gateway reads in passing, in pieces, and what it costs.
fn read(
    book: &PriceBook,
    section: &str,
    recording: &Recording,
    day: Day,
) -> Option<(Usage, Result<Cost, Unpriced>)> {
    let dialect = dialect(recording);
    let is_array = recording.body.trim_ascii_start().starts_with(b"[");
    let mut tap = match (recording.is_stream, is_array) {
        (true, _) => UsageTap::stream(dialect, Framing::Events, None),
        (false, true) => UsageTap::stream(dialect, Framing::Array, None),
        (false, false) => UsageTap::body(dialect),
    };
    recording.body.chunks(1_000).for_each(|piece| tap.feed(piece));
    let _ = tap.finish();
    let reading = tap.reading();
    let (usage, told) = (reading.usage()?, reading.told());
    let asked = recording.request.get("model").and_then(serde_json::Value::as_str);
    let served = Served {
        tier: told.tier.as_deref(),
        region: told.region.as_deref(),
        speed: told.speed.as_deref(),
        ..Served::new(section, told.model.as_deref().or(asked).unwrap_or_default(), day)
    };
    Some((usage, book.price(&usage, &served)))
}

/// The format of an answer.
fn dialect(recording: &Recording) -> Dialect {
    match recording.provider.as_str() {
        "anthropic" => Dialect::Anthropic,
        "gemini" | "vertex" => Dialect::Gemini,
        _ if recording.name.contains("/responses/") => Dialect::Responses,
        _ => Dialect::OpenAi,
    }
}
