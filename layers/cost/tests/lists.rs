//! Lists that are wrong, and lists that change.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[expect(dead_code, reason = "shared with tests that ask more of it")]
mod support;

use tollway_cost::{BookError, PriceBook, PriceFile, Ratio};

const LIST: &str = "
as_of: 2026-11-22
sources: { mine: a contract }
providers:
  own:
    standard_tiers: [regular]
    models:
      big:
        aliases: [large]
        prices:
          - from: 2026-01-01
            source: mine
            rates: { input: 1, cached_input: 0.1, output: 4 }
            tiers: { batch: { input: 0.5, cached_input: 0.05, output: 2 } }
            long: [{ above: 1000, rates: { input: 2, cached_input: 0.2, output: 8 } }]
            regions: { eu: 11/10 }
      small:
        prices:
          - { from: 2026-01-01, source: mine, rates: { input: 0.1, output: 0.4 } }
          - { from: 2027-01-01, source: mine, rates: { input: 0.1, output: 0.3 } }
  other:
    same_as: [own]
    except: [small]
";

fn read(text: &str) -> Result<PriceBook, BookError> {
    PriceBook::try_from(serde_saphyr::from_str::<PriceFile>(text).unwrap())
}

#[test]
fn every_mistake_is_told_with_its_place_and_what_to_do() {
    read(LIST).unwrap();
    let big = "providers.own.models.big";
    for (from, to, path, what) in [
        (
            "source: mine\n            rates: { input: 1,",
            "source: his\n            rates: { input: 1,",
            "prices[0].source",
            "no source: his",
        ),
        (
            "{ from: 2027-01-01",
            "{ from: 2026-01-01",
            "small.prices[1].from",
            "two prices from one day: 2026-01-01",
        ),
        ("aliases: [large]", "aliases: [big]", big, "the name of another model: big"),
        (
            "aliases: [large]",
            "aliases: [small]",
            "providers.own.models.small",
            "the name of another model: small",
        ),
        ("[regular]", "[batch]", "prices[0].tiers.batch", "a name of the standard tier"),
        ("batch:", "default:", "prices[0].tiers.default", "a name of the standard tier"),
        (
            "cached_input: 0.05, ",
            "",
            "prices[0].tiers.batch",
            "lacks a class that the standard rates list: cached_input",
        ),
        (
            "cached_input: 0.2, ",
            "",
            "prices[0].long[0].rates",
            "lacks a class that the standard rates list: cached_input",
        ),
        (
            "cached_input: 0.1, ",
            "",
            "prices[0].tiers.batch",
            "lists a class that the standard rates lack: cached_input",
        ),
        (
            "long: [",
            "long: [{ above: 1000, rates: { input: 2, cached_input: 0.2, output: 8 } }, ",
            "prices[0].long[1].above",
            "a threshold given twice: 1000",
        ),
        ("input: 1,", "input: 0.0000000001,", "prices[0].rates.input", "more than 9 decimals: 0.0000000001"),
        ("input: 1,", "input: 99999999999,", "prices[0].rates.input", "too large"),
        ("rates: { input: 1, cached_input: 0.1, output: 4 }", "rates: {}", "prices[0].rates", "no price"),
        ("same_as: [own]", "same_as: [their]", "providers.other.same_as[0]", "no provider: their"),
        ("same_as: [own]", "same_as: [other]", "providers.other.same_as[0]", "the provider itself"),
        ("except: [small]", "except: [tiny]", "providers.other.except[0]", "no such model: tiny"),
        (
            "  own:\n",
            "  own:\n    same_as: [other]\n",
            "providers.other.same_as[0]",
            "takes its own prices from others: own",
        ),
    ] {
        assert_eq!(LIST.matches(from).count().min(1), 1, "{from}");
        let wrong = LIST.replacen(from, to, 1);
        let fault = read(&wrong).unwrap_err();
        assert!(fault.path.ends_with(path), "{}: {to}", fault.path);
        assert!(fault.what.contains(what), "{}: {to}", fault.what);
        assert!(fault.to_string().contains("\nhint: ") && fault.hint.len() > 10, "{fault}");
    }
    let none = "{ as_of: 2026-11-22, sources: {}, providers: { own: { models: { m: { prices: [] } } } } }";
    assert_eq!(read(none).unwrap_err().path, "providers.own.models.m.prices");
}

#[test]
fn what_cannot_be_a_price_is_refused_as_it_is_read() {
    for (from, to, what) in [
        ("input: 1,", "input: -1,", "below zero"),
        ("input: 1,", "input: cheap,", "not a number"),
        ("input: 1,", "inputs: 1,", "unknown variant"),
        ("11/10", "0", "not a ratio"),
        ("2027-01-01", "2027-02-30", "not a date"),
        ("aliases:", "aka:", "unknown field"),
    ] {
        let fault = serde_saphyr::from_str::<PriceFile>(&LIST.replacen(from, to, 1)).unwrap_err();
        assert!(fault.to_string().contains(what), "{fault}");
    }
}

fn changes(old: &str, new: &str, factor: u32) -> Vec<String> {
    let factor = Ratio::new(factor, 1).unwrap();
    let found = PriceBook::check_change(&read(old).unwrap(), &read(new).unwrap(), factor);
    found.iter().map(ToString::to_string).collect()
}

#[test]
fn prices_that_change_by_more_than_the_factor_are_told() {
    assert_eq!(changes(LIST, LIST, 1), Vec::<String>::new());
    let dearer = LIST.replace("input: 0.1, output: 0.3", "input: 0.2, output: 0.9");
    assert_eq!(changes(LIST, &dearer, 3), Vec::<String>::new());
    let told = changes(LIST, &dearer, 2);
    assert_eq!(
        told,
        [
            "own/small: output from 0.3 to 0.9 on 2027-01-01",
            "own/small: reasoning from 0.3 to 0.9 on 2027-01-01",
            "own/small: output_audio from 0.3 to 0.9 on 2027-01-01"
        ]
    );
    // The other way round it is as much.
    assert_eq!(changes(&dearer, LIST, 2).len(), 3);
}

#[test]
fn whatever_moves_a_price_is_told() {
    let told = |from: &str, to: &str| {
        assert!(LIST.contains(from));
        changes(LIST, &LIST.replacen(from, to, 1), 3)
    };
    // A slip of the point.
    let slip = told("output: 4 }", "output: 40 }");
    assert!(slip.contains(&"own/big: output from 4 to 40 on 2026-01-01".to_owned()), "{slip:?}");
    assert!(slip.contains(&"own/large: output from 4 to 40 on 2026-01-01".to_owned()), "{slip:?}");
    assert!(slip.contains(&"other/large: output from 4 to 40 on 2026-01-01".to_owned()), "{slip:?}");
    // Cached input that is billed as input again.
    let uncached = LIST.replace("cached_input: 0.1, ", "").replace("cached_input: 0.05, ", "");
    let uncached = changes(LIST, &uncached.replace("cached_input: 0.2, ", ""), 3);
    assert!(
        uncached.contains(&"own/big: cached_input from 0.1 to 1 on 2026-01-01".to_owned()),
        "{uncached:?}"
    );
    // A tier, a model, a region that are gone.
    let tier = told("tiers: { batch: { input: 0.5, cached_input: 0.05, output: 2 } }", "tiers: {}");
    assert!(tier.contains(&"own/big: input at batch from 0.5 to none on 2026-01-01".to_owned()), "{tier:?}");
    let renamed = told("      big:", "      bigger:");
    assert!(renamed.contains(&"own/big: input from 1 to none on 2026-01-01".to_owned()), "{renamed:?}");
    assert_eq!(told("{ eu: 11/10 }", "{}").len(), 4);
    assert_eq!(
        told("11/10", "11"),
        [
            "other/big: region eu from 11/10 to 11 on 2026-01-01",
            "other/large: region eu from 11/10 to 11 on 2026-01-01",
            "own/big: region eu from 11/10 to 11 on 2026-01-01",
            "own/large: region eu from 11/10 to 11 on 2026-01-01",
        ]
    );
    // A threshold that moves far enough makes prices of others between.
    let moved = changes(LIST, &LIST.replace("above: 1000,", "above: 10,"), 1);
    assert!(
        moved.contains(&"own/big: input above 10 input tokens from 1 to 2 on 2026-01-01".to_owned()),
        "{moved:?}"
    );
    // What is new beside the old is no change. What was free, or becomes it, changes beyond any factor.
    assert_eq!(
        told(
            "      small:",
            "      new: { prices: [{ from: 2026-01-01, source: mine, rates: { input: 9 } }] }\n      small:"
        ),
        Vec::<String>::new()
    );
    let free = LIST.replace("input: 0.1, output: 0.3", "input: 0, output: 0.3");
    assert!(!changes(&free, LIST, 1_000).is_empty() && !changes(LIST, &free, 1_000).is_empty());
}

#[test]
fn the_gateway_s_own_list_is_no_change_to_itself() {
    let book = support::book();
    assert_eq!(PriceBook::check_change(&book, &book, Ratio::ONE), Vec::new());
}
