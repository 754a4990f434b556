//! What people and programs read of usage, forecasts and advice.

#![expect(clippy::unwrap_used, reason = "tests fail by panicking")]

use tollway::advice::{offers, traffic};
use tollway::config::{Env, Settings, Source};
use tollway::report::{
    Figures, Report, Retiring, Row, advice_json, advice_text, forecast_json, forecast_text,
};
use tollway_core::{Money, Usage};
use tollway_cost::advice::{Advice, Band, Flow, KeyUse, Kind, Market, Thresholds, Traffic, advise};
use tollway_usage::forecast::{Period, forecast};
use tollway_usage::{
    Day, Facts, HourFacts, ModelFacts, PrefixFacts, PromptFacts, Sums, UsageQuery, UsageRow,
};

fn dollars(text: &str) -> Money {
    text.parse().unwrap()
}

fn row(dimensions: &[Option<&str>], requests: u64, cost: &str) -> Row {
    let usage = Usage { input: requests * 1_000, output: requests * 10, ..Usage::default() };
    Row {
        dimensions: dimensions.iter().map(|value| value.map(str::to_owned)).collect(),
        figures: Figures { requests, cost: dollars(cost), usage, ..Figures::default() },
    }
}

fn report() -> Report {
    let total = Figures { saved: dollars("0.5"), unpriced: 3, ..row(&[], 1_251, "130.123456789").figures };
    Report {
        from: "2026-11-01".to_owned(),
        to: "2026-11-23".to_owned(),
        by: vec!["model".to_owned(), "team".to_owned()],
        rows: vec![
            row(&[Some("gpt-6-sol"), Some("search, web")], 1_234, "123.456789"),
            row(&[Some("gpt-6-luna"), None], 7, "0.000000001"),
            row(&[Some("=cmd()"), Some("a\"b\u{1b}[2J")], 5, "1.5"),
        ],
        total,
        retiring: Vec::new(),
    }
}

#[test]
fn a_table_is_read_from_the_right_and_ends_with_the_total() {
    let shown = report().to_table();
    let lines: Vec<_> = shown.lines().filter(|line| line.starts_with('│')).collect();
    let cells = |line: usize| {
        lines[line].split_whitespace().filter(|cell| *cell != "│").collect::<Vec<_>>().join(" ")
    };
    assert_eq!(cells(0), "model team requests input output unpriced saved $ cost $");
    assert_eq!(cells(1), "gpt-6-sol search, web 1,234 1,234,000 12,340 0 0.00 123.46");
    assert_eq!(cells(2), "gpt-6-luna – 7 7,000 70 0 0.00 <0.01");
    assert_eq!(cells(4), "others 5 5,000 50 3 0.50 5.17");
    assert_eq!(cells(5), "total 1,251 1,251,000 12,510 3 0.50 130.12");
    assert!(lines.iter().skip(1).all(|line| line.ends_with("│") && !line.contains('\u{1b}')), "{shown}");
    let ends: Vec<_> = lines.iter().map(|line| line.chars().count()).collect();
    assert!(ends.iter().all(|end| *end == ends[0]), "{shown}");
}

#[test]
fn a_report_of_everything_is_one_row() {
    let total = row(&[], 10, "0.25").figures;
    let everything = Report { by: Vec::new(), rows: vec![row(&[], 10, "0.25")], total, ..report() };
    let shown = everything.to_table();
    assert_eq!(shown.lines().filter(|line| line.starts_with('│')).count(), 2, "{shown}");
    assert!(shown.contains("0.250000"), "{shown}");
    assert_eq!(everything.to_csv().lines().count(), 2);
}

#[test]
fn what_is_about_to_change_stands_below() {
    let retiring = |model: &str, retires: Option<&str>, is_over| Retiring {
        provider: "openai".to_owned(),
        model: model.to_owned(),
        retires: retires.map(str::to_owned),
        is_over,
        requests: 1_234,
    };
    let models =
        [("o3", Some("2026-12-11"), false), ("o1", Some("2026-10-23"), true), ("old\u{1b}", None, true)];
    let report = Report {
        retiring: models.map(|(model, day, is_over)| retiring(model, day, is_over)).into(),
        ..report()
    };
    let table = report.to_table();
    let lines: Vec<_> = table.lines().rev().take(3).collect();
    assert!(
        lines[2].starts_with("openai/o3 retires on 2026-12-11, requests to it lately: 1,234; "),
        "{table}"
    );
    assert!(lines[1].starts_with("openai/o1 retired on 2026-10-23, "), "{table}");
    assert!(lines[0].starts_with("openai/old\u{fffd} has retired, "), "{table}");
    let told = serde_json::json!({
        "provider": "openai", "model": "o3", "retires": "2026-12-11", "is_over": false, "requests": 1_234,
    });
    assert_eq!(report.to_json()["retiring"][0], told);
}

#[test]
fn csv_is_exact_and_harmless() {
    let csv = report().to_csv();
    let lines: Vec<_> = csv.split_terminator("\r\n").collect();
    assert_eq!(
        lines[0],
        "model,team,requests,errors,cached,attempts,input_tokens,cached_input_tokens,cache_write_5m_tokens,\
         cache_write_1h_tokens,output_tokens,reasoning_tokens,unpriced,estimated,saved_usd,cost_usd"
    );
    assert_eq!(lines[1], "gpt-6-sol,\"search, web\",1234,0,0,0,1234000,0,0,0,12340,0,0,0,0.00,123.456789");
    assert_eq!(lines[2], "gpt-6-luna,,7,0,0,0,7000,0,0,0,70,0,0,0,0.00,0.000000001");
    assert!(lines[3].starts_with("\"'=cmd()\",\"a\"\"b\u{1b}[2J\",5,"), "{}", lines[3]);
    assert_eq!(lines.len(), 4);
}

#[test]
fn json_is_exact() {
    let told = report().to_json();
    assert_eq!(told["data"][1]["cost_usd"], "0.000000001");
    assert_eq!(
        (&told["data"][1]["model"], &told["data"][1]["team"]),
        (&"gpt-6-luna".into(), &serde_json::Value::Null)
    );
    assert_eq!(told["total"]["cost_usd"], "130.123456789");
    assert_eq!((&told["from"], &told["by"][1]), (&"2026-11-01".into(), &"team".into()));
}

#[test]
fn a_forecast_says_how_sure_it_is_and_on_what_it_rests() {
    let days: Vec<_> = (20_700..20_760).map(|day| (day, dollars("10"))).collect();
    let period = Period { first: 20_745, last: 20_774, today: 20_760, elapsed: 0.0 };
    let told = forecast(&days, &period);
    let shown = forecast_text(&told, "2026-11-30");
    for expected in ["forecast to 2026-11-30", "150.00", "300.00", " – ", "rests on 60 days, by weekdays"] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let json = forecast_json(&told, "2026-11-30");
    assert_eq!((&json["so_far_usd"], &json["basis"]), (&"150.00".into(), &"weekdays".into()));
    assert_eq!(json["days_usd"].as_array().unwrap().len(), 15);
    let none = forecast(&[], &period);
    assert!(forecast_text(&none, "2026-11-30").ends_with("nothing was spent yet"));
}

#[test]
fn a_store_s_answer_is_a_report() {
    let sums = Sums { requests: 3, cost: dollars("1.25"), ..Sums::default() };
    let row = |dimensions: &[&str]| {
        vec![UsageRow { dimensions: dimensions.iter().map(|name| Some((*name).to_owned())).collect(), sums }]
    };
    let query = UsageQuery {
        by: vec!["model".parse().unwrap(), "tag:cost-center".parse().unwrap()],
        ..UsageQuery::new(Day::from_date(2026, 11, 1).unwrap(), Day::from_date(2026, 11, 23).unwrap())
    };
    let report = Report::of(&query, row(&["gpt-6-sol", "42"]), &row(&[]));
    assert_eq!(report.by, ["model", "tag:cost-center"]);
    assert_eq!((&*report.from, &*report.to), ("2026-11-01", "2026-11-23"));
    assert_eq!((report.rows[0].figures.requests, report.total.cost), (3, dollars("1.25")));
}

/// Advice on some traffic of the built-in models, with keys for their providers.
fn advice(traffic: &Traffic) -> Vec<Advice> {
    let env: Env =
        [("OPENAI_API_KEY", "k"), ("ANTHROPIC_API_KEY", "k"), ("GEMINI_API_KEY", "k")].into_iter().collect();
    let configuration = "aliases: {fast: openai/gpt-6-luna}";
    let settings = Settings::load(&Source::text(configuration), &env).unwrap();
    let (offers, book) = (offers(&settings), settings.prices.book());
    let market =
        Market { prices: &book, offers: &offers, own_cache: &[], today: "2026-11-23".parse().unwrap() };
    advise(traffic, &market, &Thresholds::default())
}

fn flow(provider: &str, model: &str, cost: &str) -> Flow {
    let usage = Usage { input: 10_000_000, output: 1_000_000, ..Usage::default() };
    let band = Band { requests: 1_000, longest: 20_000, usage, cost: dollars(cost) };
    Flow { provider: provider.into(), model: model.into(), bands: vec![band], ..Flow::default() }
}

#[test]
fn the_built_in_catalogue_knows_who_follows_whom() {
    let flows = [
        ("openai", "gpt-5.5", "80", "openai/gpt-6.1-sol"),
        ("openai", "gpt-5.6-terra", "32", "openai/gpt-6.1-terra"),
        ("openai", "gpt-5.6-luna", "3.2", "openai/gpt-6-luna"),
        ("anthropic", "claude-opus-4-5-20251101", "75", "anthropic/claude-opus-5-5"),
        ("anthropic", "claude-sonnet-4-6", "45", "anthropic/claude-sonnet-5-5"),
        ("anthropic", "claude-haiku-4-5", "15", "anthropic/claude-haiku-5-5"),
        ("gemini", "gemini-3.5-flash", "24", "gemini/gemini-3.8-flash"),
    ];
    let traffic = Traffic {
        days: 30,
        flows: flows.iter().map(|(provider, model, cost, _)| flow(provider, model, cost)).collect(),
        ..Traffic::default()
    };
    let told = advice(&traffic);
    for (_, model, _, better) in flows {
        let found = told.iter().find(|piece| piece.subject == model && piece.kind == Kind::CheaperModel);
        let how = &found.unwrap_or_else(|| unreachable!("{model}: {told:#?}")).how;
        assert!(how[0].starts_with(&format!("ask for `{better}`")), "{model}: {how:?}");
    }
    // A model without a line, and the newest of one, have no equal that costs less.
    let newest = ["gpt-4o", "gpt-6.1-sol", "gpt-6-luna"].map(|model| flow("openai", model, "1000"));
    let told = advice(&Traffic { days: 30, flows: newest.into(), ..Traffic::default() });
    assert!(told.iter().all(|piece| piece.kind != Kind::CheaperModel), "{told:#?}");
}

#[test]
fn a_model_that_goes_away_is_told_with_its_successor() {
    let traffic =
        Traffic { days: 30, flows: vec![flow("anthropic", "claude-sonnet-4-5", "1")], ..Traffic::default() };
    let told = advice(&traffic);
    let retiring = told.iter().find(|piece| piece.kind == Kind::RetiringModel).unwrap();
    assert!(retiring.how[0].contains("anthropic/claude-sonnet-5-5"), "{retiring:?}");
}

#[test]
fn advice_is_shown_with_its_amount_and_how_to_do_it() {
    let key = KeyUse { id: "key_1".into(), name: "old\u{1b}[2J".into(), ..KeyUse::default() };
    let traffic = Traffic {
        days: 15,
        flows: vec![flow("openai", "gpt-5.6", "60")],
        keys: vec![key],
        ..Traffic::default()
    };
    let told = advice(&traffic);
    let shown = advice_text(&told);
    for expected in [
        "1. cheaper model: gpt-5.6, saves $60.0000 a month (likely)",
        "requests 1,000, cost $60.0000, cost there $30.0000",
        "→ or in tollway.yaml: aliases: { \"gpt-5.6\": \"openai/gpt-6.1-sol\" }",
        "2. idle key: old\u{fffd}[2J",
        "→ tollway keys revoke key_1",
    ] {
        assert!(shown.contains(expected), "{expected}\n{shown}");
    }
    let json = advice_json(&told);
    assert_eq!((&json[0]["kind"], &json[0]["saved_a_month_usd"]), (&"cheaper_model".into(), &"60.00".into()));
    assert_eq!(json[0]["evidence"]["cost_there_usd"], "30.00");
    assert!(advice_text(&[]).starts_with("nothing to advise"));
}

#[test]
fn what_a_store_knows_is_told_to_advice() {
    let env: Env = [("OPENAI_API_KEY", "k")].into_iter().collect();
    let settings =
        Settings::load(&Source::text("providers: {mine: {kind: openai, api_key: k}}"), &env).unwrap();
    let model = |stream, longest_input, attempts: u64| ModelFacts {
        provider: "mine".to_owned(),
        model: "gpt-6-sol".to_owned(),
        tier: None,
        stream,
        longest_input,
        attempts,
        usage: Usage { input: attempts * longest_input, ..Usage::default() },
        cost: dollars("10"),
        capped: 100,
        asked_output: 100 * 8_000,
        capped_output: 100 * 50,
        longest_output: 90,
    };
    let hour = |day: u32| HourFacts {
        provider: "mine".to_owned(),
        model: "gpt-6-sol".to_owned(),
        hour: day * 24 + 23,
        attempts: 60,
        streams: 10,
        cost: dollars("1"),
    };
    let facts = Facts {
        since: None,
        // `default` is OpenAI's word for no tier.
        models: vec![
            model(false, 9_000, 150),
            ModelFacts { tier: Some("default".to_owned()), ..model(false, 20_000, 50) },
            model(true, 500, 40),
        ],
        hours: (20_700..20_704).map(hour).collect(),
        prompts: vec![PromptFacts {
            provider: "mine".to_owned(),
            model: "gpt-6-sol".to_owned(),
            prompts: 5,
            attempts: 50,
            cost: dollars("10"),
            repeated_cost: dollars("9"),
        }],
        prefixes: vec![PrefixFacts {
            provider: "mine".to_owned(),
            model: "gpt-6-sol".to_owned(),
            prefixes: 3,
            attempts: 103,
            repeated_tokens: 500_000,
            cached_input: 1_000,
            input: 1_030_000,
            cost: dollars("5"),
        }],
    };
    let told = traffic(&settings, &facts, 30, Vec::new(), 2);
    assert_eq!(told.flows.len(), 2);
    let whole = &told.flows[0];
    assert_eq!((&*whole.provider, whole.streamed, whole.bands.len()), ("openai", false, 2));
    assert_eq!((whole.limited, whole.limit, whole.output_most), (200, 8_000, 90));
    // Two hours ahead of UTC, the last hour of a day is the second of the next; streams are left out.
    assert_eq!(whole.hours[0], (20_701 * 24 + 1, 50));
    assert!(told.flows[1].streamed && told.flows[1].hours.is_empty());
    assert_eq!(
        (told.prefixes[0].firsts, told.prefixes[0].repeated, told.prefixes[0].input),
        (3, 500_000, 10_000)
    );
    assert_eq!((told.prefixes[0].cost, told.repeats[0].cost), (dollars("5"), dollars("9")));

    let (offers, book) = (offers(&settings), settings.prices.book());
    let market =
        Market { prices: &book, offers: &offers, own_cache: &[], today: "2026-11-23".parse().unwrap() };
    let kinds: Vec<_> =
        advise(&told, &market, &Thresholds::default()).iter().map(|piece| piece.kind).collect();
    for kind in [Kind::OwnCache, Kind::Batch, Kind::LongOutputLimit] {
        assert!(kinds.contains(&kind), "{kind:?} {kinds:?}");
    }
}
