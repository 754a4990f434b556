//! The arithmetic against integers without a limit, for any prices and any usage.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use std::collections::BTreeMap;

use num_bigint::BigUint;
use proptest::{collection::btree_map, option, prelude::*};
use tollway_core::Usage;
use tollway_cost::{
    Class, Cost, Day, EntryFile, LongFile, ModelFile, Money, PriceBook, PriceFile, ProviderFile, RatesFile,
    Ratio, Served, Unpriced,
};

/// Prices as they are written, in millionths of the unit, by class.
type Prices = BTreeMap<Class, u64>;

fn prices() -> impl Strategy<Value = Prices> {
    // Every class that has a price of its own, so that the model below needs no defaults.
    prop::collection::vec(0_u64..=200_000_000, Class::ALL.len())
        .prop_map(|prices| Class::ALL.into_iter().zip(prices).collect())
}

fn counts(most: u64) -> impl Strategy<Value = Usage> {
    let count = move || prop_oneof![Just(0), 0..=most.min(1_000_000), 0..=most];
    let parts = (count(), count(), count(), count(), count(), count(), count());
    (parts, (count(), count(), count(), 0..=most, count())).prop_map(
        |((fresh, cached, short, hour, audio, image, text), (reasoning, spoken, millis, searches, heard))| {
            let input =
                [cached, short, hour, audio, image, heard].into_iter().fold(fresh, u64::saturating_add);
            Usage {
                input,
                cached_input: cached.saturating_add(heard),
                cache_write_5m: short,
                cache_write_1h: hour,
                input_audio: audio.saturating_add(heard),
                cached_input_audio: heard,
                input_image: image,
                output: text.saturating_add(reasoning).saturating_add(spoken),
                reasoning,
                output_audio: spoken,
                input_audio_ms: millis,
                web_searches: searches,
                ..Usage::default()
            }
        },
    )
}

fn ratio() -> impl Strategy<Value = Ratio> {
    (1_u32..=2_000, 1_u32..=1_000).prop_map(|(above, below)| Ratio::new(above, below).unwrap())
}

fn decimal(millionths: u64) -> tollway_cost::Decimal {
    format!("{}.{:06}", millionths / 1_000_000, millionths % 1_000_000).parse().unwrap()
}

fn rates(prices: &Prices) -> RatesFile {
    prices.iter().map(|(class, price)| (*class, decimal(*price))).collect()
}

fn book(short: &Prices, long: Option<(u64, &Prices)>, region: Ratio, speed: Ratio) -> PriceBook {
    let long = long.map(|(above, prices)| LongFile { above, rates: rates(prices), tiers: BTreeMap::new() });
    let entry = EntryFile {
        from: Day::default(),
        source: "test".to_owned(),
        rates: rates(short),
        tiers: BTreeMap::new(),
        long: long.into_iter().collect(),
        regions: [("there".to_owned(), region)].into(),
        speeds: [("fast".to_owned(), speed)].into(),
    };
    let model = ModelFile { aliases: Vec::new(), exact: false, retires: None, prices: vec![entry] };
    let provider = ProviderFile { models: [("m".to_owned(), model)].into(), ..ProviderFile::default() };
    PriceBook::try_from(PriceFile {
        as_of: Day::default(),
        sources: [("test".to_owned(), "made up".to_owned())].into(),
        providers: [("p".to_owned(), provider)].into(),
    })
    .unwrap()
}

const SERVED: Served<'static> = Served {
    provider: "p",
    model: "m",
    tier: None,
    region: Some("there"),
    speed: Some("fast"),
    day: Day::EPOCH,
};

/// What each class costs as (numerator, denominator) in nano-dollars: no bound, no rounding, and written
/// from the contract of `Usage` rather than from the code. Only for usage whose parts fit into the wholes.
fn exact(prices: &Prices, usage: &Usage, region: Ratio, speed: Ratio) -> (Vec<BigUint>, BigUint) {
    let big = BigUint::from;
    let below = big(region.denominator()) * speed.denominator();
    let above = big(region.numerator()) * speed.numerator();
    let fresh = usage.input - usage.cached_input - usage.cache_write_5m - usage.cache_write_1h;
    let parts = Class::ALL.map(|class| {
        let count = match class {
            Class::Input => fresh + usage.cached_input_audio - usage.input_audio - usage.input_image,
            Class::CachedInput => usage.cached_input - usage.cached_input_audio,
            Class::CachedInputAudio => usage.cached_input_audio,
            Class::CacheWrite5m => usage.cache_write_5m,
            Class::CacheWrite1h => usage.cache_write_1h,
            Class::InputAudio => usage.input_audio - usage.cached_input_audio,
            Class::InputImage => usage.input_image,
            Class::AudioSecond => usage.input_audio_ms,
            Class::Output => usage.output - usage.reasoning - usage.output_audio,
            Class::Reasoning => usage.reasoning,
            Class::OutputAudio => usage.output_audio,
            Class::Request => 1,
            Class::Search => usage.web_searches,
            Class::SearchingRequest => u64::from(usage.web_searches > 0),
            _ => unreachable!("a class that is not known here: {class}"),
        };
        // A millionth of a dollar for a million tokens is a thousandth of a nano-dollar for one; for a second
        // it is one nano-dollar for a millisecond; for a fee a thousand.
        let (micro_nanos, factor) = match class {
            Class::AudioSecond => (1_000_000_u64, &above),
            Class::Request | Class::Search | Class::SearchingRequest => (1_000_000_000, &below),
            _ => (1_000, &above),
        };
        BigUint::from(count) * prices[&class] * micro_nanos * factor
    });
    (parts.to_vec(), below * 1_000_000_u64)
}

/// Half up.
fn round(numerator: &BigUint, denominator: &BigUint) -> BigUint {
    (numerator * 2_u64 + denominator) / (denominator * 2_u64)
}

fn fits(usage: &Usage) -> bool {
    let sum = |parts: &[u64]| parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(*part));
    // Cached audio is in both of its wholes.
    let Some(cached) = usage.cached_input.checked_sub(usage.cached_input_audio) else { return false };
    let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    let input = [cached, written, usage.input_audio, usage.input_image];
    sum(&input).is_some_and(|sum| sum <= usage.input)
        && sum(&[usage.reasoning, usage.output_audio]).is_some_and(|sum| sum <= usage.output)
}

fn sum(cost: &Cost) -> i64 {
    Class::ALL.into_iter().map(|class| cost.of(class).nanos()).sum()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_total_is_the_exact_sum_rounded_once(
        prices in prices(), usage in counts(1 << 40), region in ratio(), speed in ratio(),
    ) {
        prop_assume!(fits(&usage));
        let (parts, denominator) = exact(&prices, &usage, region, speed);
        let total = round(&parts.iter().sum(), &denominator);
        let found = book(&prices, None, region, speed).price(&usage, &SERVED);
        let Ok(expected) = i64::try_from(total) else {
            prop_assert_eq!(found, Err(Unpriced::TooLarge));
            return Ok(());
        };
        let cost = found.unwrap();
        prop_assert_eq!(cost.total().nanos(), expected);
        prop_assert_eq!(sum(&cost), expected);
        // No class is further than a nano-dollar from what it costs exactly.
        for (class, part) in Class::ALL.into_iter().zip(&parts) {
            let told = BigUint::from(u64::try_from(cost.of(class).nanos()).unwrap()) * &denominator;
            let apart = if told > *part { &told - part } else { part - &told };
            prop_assert!(apart < denominator.clone(), "{}", class);
        }
    }

    #[test]
    fn any_numbers_give_a_cost_or_say_why_not(
        prices in prices(),
        a in btree_map(0_usize..14, prop_oneof![Just(u64::MAX), any::<u64>()], 0..14),
        region in ratio(), speed in ratio(),
    ) {
        let of = |place| a.get(&place).copied().unwrap_or(0);
        let usage = Usage {
            input: of(0), cached_input: of(1), cache_write_5m: of(2), cache_write_1h: of(3), output: of(4),
            reasoning: of(5), input_audio: of(6), input_audio_ms: of(7), output_audio: of(8),
            input_image: of(9), cached_input_audio: of(13), accepted_prediction: of(10), rejected_prediction: of(11), web_searches: of(12),
        };
        match book(&prices, None, region, speed).price(&usage, &SERVED) {
            Ok(cost) => prop_assert_eq!(sum(&cost), cost.total().nanos()),
            Err(why) => prop_assert_eq!(why, Unpriced::TooLarge),
        }
    }

    /// What a request costs does not hang on the order of its parts, and two requests at once cost what
    /// they cost apart, to the nano-dollar that rounding each may move.
    #[test]
    fn costs_add_up(prices in prices(), one in counts(1 << 30), two in counts(1 << 30)) {
        let mut prices = prices;
        prices.extend([(Class::Request, 0), (Class::SearchingRequest, 0)]);
        let book = book(&prices, None, Ratio::ONE, Ratio::ONE);
        let mut both = one;
        both += two;
        let mut swapped = two;
        swapped += one;
        let cost = |usage: &Usage| book.price(usage, &SERVED).map(|cost| cost.total().nanos());
        prop_assert_eq!(cost(&both), cost(&swapped));
        if let (Ok(one), Ok(two), Ok(both)) = (cost(&one), cost(&two), cost(&both)) {
            prop_assert!((one + two - both).abs() <= 1, "{} {} {}", one, two, both);
        }
    }

    #[test]
    fn more_of_anything_never_costs_less(
        prices in prices(), usage in counts(1 << 30), more in 1_u64..1_000_000, which in 0_usize..4,
    ) {
        let book = book(&prices, None, Ratio::ONE, Ratio::ONE);
        let mut larger = usage;
        match which {
            0 => larger.input += more,
            1 => larger.output += more,
            2 => larger.input_audio_ms += more,
            _ => larger.web_searches += more,
        }
        // What is too large costs more than whatever is not.
        let cost = |usage| book.price(usage, &SERVED).map_or(Money::MAX, |cost| cost.total());
        prop_assert!(cost(&larger) >= cost(&usage));
    }

    #[test]
    fn the_longer_price_holds_above_its_threshold_and_for_everything(
        short in prices(), long in prices(), above in 1_u64..1_000_000, usage in counts(2_000_000),
        beyond in option::of(0_u64..2),
    ) {
        let mut usage = usage;
        if let Some(beyond) = beyond {
            usage = Usage { input: above + beyond, output: usage.output, ..Usage::default() };
        }
        let both = book(&short, Some((above, &long)), Ratio::ONE, Ratio::ONE);
        let fees = [Class::Request, Class::Search, Class::SearchingRequest];
        prop_assert!(fees.iter().all(|fee| long.contains_key(fee)));
        let alone = if usage.input > above { &long } else { &short };
        let alone = book(alone, None, Ratio::ONE, Ratio::ONE);
        prop_assert_eq!(both.price(&usage, &SERVED), alone.price(&usage, &SERVED));
    }
}

#[test]
fn the_most_tokens_there_are_do_not_panic() {
    let prices: Prices = Class::ALL.into_iter().map(|class| (class, 200_000_000)).collect();
    let book = book(&prices, None, Ratio::new(u32::MAX, 1).unwrap(), Ratio::new(u32::MAX, 1).unwrap());
    let usage = Usage { input: u64::MAX, output: u64::MAX, ..Usage::default() };
    assert_eq!(book.price(&usage, &SERVED), Err(Unpriced::TooLarge));
    let plain = Served { region: None, speed: None, ..SERVED };
    assert_eq!(book.price(&usage, &plain), Err(Unpriced::TooLarge));
    let small = Usage { input: 1, ..Usage::default() };
    assert!(book.price(&small, &plain).unwrap().total() > Money::ZERO);
}
