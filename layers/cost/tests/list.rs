//! The gateway's own list against `../shared/PRICES.md`, number by number.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test")]

mod support;

use std::{collections::BTreeMap, fs, io::Write as _};

use tollway_core::Usage;
use tollway_cost::{Class, Day, Money, PriceBook, Served, Unpriced};

/// One number of a row: of which model, of which class, at which tier, above which length.
#[derive(Debug)]
struct Fact {
    provider: &'static str,
    model: String,
    class: Class,
    tier: Option<String>,
    above: Option<u64>,
    dollars: String,
}

/// Whose model is taken away, and when.
type Retirement = (&'static str, String, String);

#[test]
fn every_number_of_the_table_is_in_the_list() {
    let Some(path) = support::beside("PRICES.md") else {
        writeln!(std::io::stdout(), "no ../shared/PRICES.md beside the checkout, nothing is compared")
            .unwrap();
        return;
    };
    let table = fs::read_to_string(path).unwrap();
    let (facts, retirements, rows) = read(&table);
    assert_eq!(rows, 69, "the table has other rows than were counted in its title");
    assert!(facts.len() > 300, "no numbers were read: {}", facts.len());

    let book = support::book();
    let wrong: Vec<String> = facts.iter().filter_map(|fact| check(&book, fact)).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    for (provider, model, day) in &retirements {
        let retires = book.model(provider, model).and_then(tollway_cost::Model::retires);
        assert_eq!(retires.map(|day| day.to_string()).as_deref(), Some(&**day), "{provider}/{model}");
    }
    let by_tier = facts.iter().fold(BTreeMap::<_, u32>::new(), |mut counts, fact| {
        *counts.entry((fact.above.is_some(), fact.tier.clone())).or_default() += 1;
        counts
    });
    writeln!(
        std::io::stdout(),
        "{rows} models, {} numbers and {} retirements compared; by (long, tier): {by_tier:?}",
        facts.len(),
        retirements.len()
    )
    .unwrap();
}

/// What is wrong with a number, if anything is: so many tokens of one class are billed, and no more input
/// than leaves a request short, or makes it long.
fn check(book: &PriceBook, fact: &Fact) -> Option<String> {
    let served =
        Served { tier: fact.tier.as_deref(), ..Served::new(fact.provider, &fact.model, book.as_of()) };
    let count = fact.above.map_or(1_000, |above| above + 1_000);
    let input = Usage { input: count, ..Usage::default() };
    let usage = match fact.class {
        Class::Input => input,
        Class::CachedInput => Usage { cached_input: count, ..input },
        Class::CacheWrite5m => Usage { cache_write_5m: count, ..input },
        Class::CacheWrite1h => Usage { cache_write_1h: count, ..input },
        Class::InputAudio => Usage { input_audio: count, ..input },
        _ => Usage { input: fact.above.map_or(0, |_| count), output: count, ..input },
    };
    let found = book.price(&usage, &served).map(|cost| cost.of(fact.class));
    let million = fact.dollars.parse::<Money>().unwrap().nanos();
    let product = million * i64::try_from(count).unwrap();
    assert_eq!(product % 1_000_000, 0, "no whole number of nano-dollars: {fact:?}");
    let expected = Money::from_nanos(product / 1_000_000);
    (found != Ok(expected)).then(|| format!("{fact:?}: the list says {found:?}"))
}

/// Reads the table: its numbers, the days on which models retire, and how many rows it has. It shares
/// nothing with the reader of the list.
fn read(table: &str) -> (Vec<Fact>, Vec<Retirement>, usize) {
    let (mut facts, mut retirements, mut rows) = (Vec::new(), Vec::new(), 0);
    let mut provider = None;
    for line in table.lines() {
        if let Some(title) = line.strip_prefix("## ") {
            provider = match title.split(' ').next() {
                Some("OpenAI") => Some("openai"),
                Some("Anthropic") => Some("anthropic"),
                Some("Google") => Some("gemini"),
                Some("Mistral") => Some("mistral"),
                Some("Groq") => Some("groq"),
                _ => None,
            };
        }
        let (Some(provider), Some(row)) = (provider, line.strip_prefix("| `")) else { continue };
        let cells: Vec<_> = row.split(" | ").map(|cell| cell.trim_matches(['`', ' ', '|'])).collect();
        let [model, input, output, read, write, batch, _, _, other, _] = cells[..] else {
            panic!("a row of other columns: {line}")
        };
        rows += 1;
        let mut add = |class, tier: Option<&str>, above, dollars: &str| {
            if dollars != "–" {
                let (tier, dollars) = (tier.map(str::to_owned), dollars.to_owned());
                facts.push(Fact { provider, model: model.to_owned(), class, tier, above, dollars });
            }
        };
        for (class, dollars) in [
            (Class::Input, input),
            (Class::Output, output),
            (Class::CachedInput, read),
            (Class::CacheWrite5m, write),
        ] {
            add(class, None, None, dollars);
        }
        let mut pair = |tier, pair: &str| {
            if let Some((input, output)) = pair.split_once('/') {
                add(Class::Input, Some(tier), None, input);
                add(Class::Output, Some(tier), None, output);
            }
        };
        pair("batch", batch);
        for part in other.split("; ").filter(|part| *part != "–") {
            if let Some(rates) = part.strip_prefix("priority ") {
                pair("priority", rates);
            } else if let Some(rates) = part.strip_prefix("flex ") {
                pair("flex", rates);
            }
        }
        for part in other.split("; ").filter(|part| *part != "–") {
            if let Some(price) = part.strip_prefix("1h write ") {
                add(Class::CacheWrite1h, None, None, price);
            } else if let Some(price) = part.strip_prefix("audio in ") {
                add(Class::InputAudio, None, None, price);
            } else if let Some(day) = part.strip_prefix("retires ") {
                retirements.push((provider, model.to_owned(), day.to_owned()));
            } else if let Some((threshold, rates)) = part.strip_prefix('>').and_then(|p| p.split_once("k: "))
            {
                let above = threshold.parse::<u64>().unwrap() * 1_000;
                let words: Vec<_> = rates.split(' ').collect();
                for pair in words.chunks(2) {
                    let class = match pair[0] {
                        "in" => Class::Input,
                        "out" => Class::Output,
                        "cr" => Class::CachedInput,
                        "cw" => Class::CacheWrite5m,
                        word => panic!("an unknown word: {word}"),
                    };
                    add(class, None, Some(above), pair[1]);
                }
            } else {
                let known = ["priority ", "flex ", "dim "].iter().any(|known| part.starts_with(known));
                assert!(known, "an unknown part: {part}");
            }
        }
    }
    (facts, retirements, rows)
}

/// What the table says beside its rows.
#[test]
fn every_multiplier_and_fee_of_the_table_is_in_the_list() {
    let book = support::book();
    let usage = Usage { input: 1_000, output: 1_000, ..Usage::default() };
    let total = |served: Served<'_>| book.price(&usage, &served).unwrap().total().nanos();
    let times = |model, change: fn(Served<'_>) -> Served<'_>| {
        let provider = if str::starts_with(model, "claude") { "anthropic" } else { "openai" };
        let plain = Served::new(provider, model, book.as_of());
        (total(change(plain)), total(plain))
    };
    let (more, plain) = times("gpt-6.1-sol", |served| Served { tier: Some("ultrafast"), ..served });
    assert_eq!(more, plain * 6);
    for model in ["gpt-6-sol", "claude-sonnet-5", "claude-opus-5-5", "gpt-5.4"] {
        let (more, plain) = times(model, |served| Served { region: Some("us"), ..served });
        assert_eq!(more * 10, plain * 11, "{model}");
    }
    let (more, plain) = times("gpt-6-sol", |served| Served { region: Some("eu"), ..served });
    assert_eq!(more * 10, plain * 11);
    for model in ["claude-opus-5-5", "claude-opus-5", "claude-opus-4-8"] {
        let (more, plain) = times(model, |served| Served { speed: Some("fast"), ..served });
        assert_eq!(more, plain * 2, "{model}");
    }
    let searched = Usage { web_searches: 3, ..Usage::default() };
    for (provider, model, nanos) in [
        ("openai", "gpt-6-sol", 30_000_000),
        ("anthropic", "claude-sonnet-5", 30_000_000),
        ("gemini", "gemini-4-argon", 42_000_000),
        ("gemini", "gemini-2.5-flash", 35_000_000),
    ] {
        let cost = book.price(&searched, &Served::new(provider, model, book.as_of())).unwrap();
        assert_eq!(cost.total().nanos(), nanos, "{model}");
    }
}

#[test]
fn every_model_has_a_price_today_and_a_source_that_is_told() {
    let (book, file) = (support::book(), support::file());
    let mut count = 0;
    for (provider, model) in book.models() {
        let price = book.find(&Served::new(provider, model.id(), book.as_of())).unwrap();
        assert!(price.from() <= book.as_of(), "{provider}/{}", model.id());
        assert!(file.sources[price.source()].len() > 20);
        count += 1;
    }
    assert!(count > 120, "{count}");
}

#[test]
fn names_that_mean_another_price_are_not_mistaken() {
    let book = support::book();
    let model = |provider, name| book.model(provider, name).map(tollway_cost::Model::id);
    assert_eq!(model("openai", "gpt-4o-2024-08-06"), Some("gpt-4o"));
    assert_eq!(model("openai", "gpt-4o-2024-05-13"), Some("gpt-4o-2024-05-13"));
    assert_eq!(model("openai", "gpt-5.6-sol"), Some("gpt-5.6"));
    assert_eq!(model("anthropic", "claude-haiku-4-5-20251001"), Some("claude-haiku-4-5"));
    assert_eq!(model("vertex", "claude-haiku-4-5@20251001"), Some("claude-haiku-4-5"));
    assert_eq!(model("vertex", "publishers/google/models/gemini-2.5-pro"), Some("gemini-2.5-pro"));
    assert_eq!(model("azure-openai", "gpt-4.1-mini-2025-04-14"), Some("gpt-4.1-mini"));
    assert_eq!(model("mistral", "mistral-large-latest"), Some("mistral-large-2512"));
    for (provider, name) in [
        ("openai", "gpt-4o-audio-preview-2024-12-17"),
        ("openai", "gpt-4o-mini-search-preview"),
        ("openai", "ft:gpt-4o-mini:org::abc"),
        ("openai", "gpt-5-ultra"),
        ("openai", "GPT-4o"),
        ("openai", ""),
        ("gemini", "gemini-2.5-flash-preview-04-17"),
        ("gemini", "claude-sonnet-5"),
        ("azure-openai", "o1-pro"),
        ("azure-openai", "gpt-audio-2025-08-28"),
        ("anthropic", "claude-instant-1.2"),
        ("mistral", "mistral-large-2411"),
        ("mistral", "mistral-large-20250101"),
    ] {
        assert_eq!(model(provider, name), None, "{provider}/{name}");
    }
    let nobody = Served::new("nobody", "gpt-4o", Day::default());
    assert_eq!(book.price(&Usage::default(), &nobody), Err(Unpriced::Provider));
}

/// Models of the catalogue that no source has a price for.
const WITHOUT: &[&str] = &[
    "anthropic/claude-instant-1",
    "anthropic/claude-instant-1.2",
    "gemini/gemini-1.0-pro-vision",
    "gemini/gemini-1.5-flash-8b",
    "gemini/gemini-pro-vision",
    "groq/code-llama",
    "groq/codellama",
    "groq/llama2",
    "mistral/mistral-medium",
    "mistral/mistral-small",
    "mistral/mixtral",
    "openai/gpt-4-vision",
];

#[test]
fn every_model_of_the_catalogue_has_a_price_or_is_known_to_have_none() {
    #[derive(serde::Deserialize)]
    struct Catalogue {
        models: BTreeMap<String, BTreeMap<String, Known>>,
    }
    #[derive(serde::Deserialize)]
    struct Known {
        retires: Option<Day>,
    }
    let catalogue: Catalogue = serde_saphyr::from_str(&support::read("config/models.yaml")).unwrap();
    let book = support::book();
    let mut without = Vec::new();
    for (provider, models) in &catalogue.models {
        for (id, known) in models {
            match book.model(provider, id) {
                Some(model) if known.retires.is_some() => {
                    assert_eq!(model.retires(), known.retires, "{provider}/{id}");
                }
                Some(_) => {}
                None => without.push(format!("{provider}/{id}")),
            }
        }
    }
    assert_eq!(without, WITHOUT);
}
