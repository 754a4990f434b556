use tollway_core::Usage;

use crate::{Class, Cost, Day, Model, Money, Ratio, Unpriced, entry::Entry};

/// The price of a model of a list as it is served at a tier of that name.
#[derive(Clone, Copy, Debug)]
pub struct Price<'a, 't> {
    pub(crate) model: &'a Model,
    pub(crate) entry: &'a Entry,
    /// `None` is the standard one.
    pub(crate) tier: Option<&'t str>,
    pub(crate) region: Ratio,
    pub(crate) speed: Ratio,
}

impl<'a> Price<'a, '_> {
    /// What a request costs that used so much.
    ///
    /// Everything is added up exactly, in femto-dollars and as a fraction where a region or a speed
    /// multiplies it, and rounded **once**, half up, to whole nano-dollars. What a class cost is what the
    /// rounded sum grew by when the class was added, in the order of [`Class::ALL`]: so the classes add
    /// up to the total, and each is less than a nano-dollar from its exact amount.
    pub fn cost(&self, usage: &Usage) -> Result<Cost, Unpriced> {
        self.cost_of(usage, 1, usage.input)
    }

    /// What so many requests cost that used so much together, all of them at the price of the longest: of that
    /// one's input tokens. Their classes are told apart in sum, and rounded once.
    pub fn cost_of(&self, usage: &Usage, requests: u64, longest: u64) -> Result<Cost, Unpriced> {
        let rates = self.entry.rates(longest, self.tier)?;
        let above = u128::from(self.region.numerator()) * u128::from(self.speed.numerator());
        let below = u128::from(self.region.denominator()) * u128::from(self.speed.denominator());
        let divisor = below.checked_mul(FEMTO_PER_NANO).ok_or(Unpriced::TooLarge)?;

        let mut cost = Cost::default();
        let mut exact = 0_u128;
        for ((class, count), amount) in counts(usage, requests).into_iter().zip(&mut cost.by_class) {
            if count == 0 {
                continue;
            }
            let rate = rates.of(class).ok_or(Unpriced::Class(class))?;
            let factor = if class.is_fee() { below } else { above };
            let part = (u128::from(count) * u128::from(rate)).checked_mul(factor);
            exact = part.and_then(|part| exact.checked_add(part)).ok_or(Unpriced::TooLarge)?;
            let total = rounded(exact, divisor).ok_or(Unpriced::TooLarge)?;
            *amount = total.checked_sub(cost.total).ok_or(Unpriced::TooLarge)?;
            cost.total = total;
        }
        Ok(cost)
    }

    /// The model as the list has it.
    pub const fn model(&self) -> &'a Model {
        self.model
    }

    /// The first day it holds.
    pub const fn from(&self) -> Day {
        self.entry.from
    }

    /// Where it is from, by the list's short name.
    pub fn source(&self) -> &'a str {
        &self.entry.source
    }
}

/// How much was used of each class, in the order of [`Class::ALL`].
///
/// [`Usage::input`] includes what was read from and written to caches, and audio and images;
/// [`Usage::output`] includes reasoning and audio. So each is taken out of what includes it, and billed
/// once. Where nobody tells how much audio was cached, it is taken to be fresh as far as there is fresh
/// input, which is never the cheaper.
fn counts(usage: &Usage, requests: u64) -> [(Class, u64); Class::COUNT] {
    let written = usage.cache_write_5m.saturating_add(usage.cache_write_1h);
    let fresh = usage.input.saturating_sub(usage.cached_input).saturating_sub(written);
    // What no fresh input is left for was cached, whether that is told or not.
    let cached_audio = usage.cached_input_audio.max(usage.input_audio.saturating_sub(fresh));
    let cached_audio = cached_audio.min(usage.cached_input).min(usage.input_audio);
    let audio = (usage.input_audio - cached_audio).min(fresh);
    let image = usage.input_image.min(fresh - audio);
    let output_audio = usage.output_audio.min(usage.output);
    let reasoning = usage.reasoning.min(usage.output - output_audio);
    [
        (Class::Input, fresh - audio - image),
        (Class::CachedInput, usage.cached_input - cached_audio),
        (Class::CacheWrite5m, usage.cache_write_5m),
        (Class::CacheWrite1h, usage.cache_write_1h),
        (Class::InputAudio, audio),
        (Class::CachedInputAudio, cached_audio),
        (Class::InputImage, image),
        (Class::AudioSecond, usage.input_audio_ms),
        (Class::Output, usage.output - output_audio - reasoning),
        (Class::Reasoning, reasoning),
        (Class::OutputAudio, output_audio),
        (Class::Request, requests),
        (Class::Search, usage.web_searches),
        (Class::SearchingRequest, usage.web_searches.min(requests)),
    ]
}

/// Rounds half up. The divisor is even: a multiple of a million.
fn rounded(exact: u128, divisor: u128) -> Option<Money> {
    let nanos = exact.checked_add(divisor / 2)? / divisor;
    i64::try_from(nanos).ok().map(Money::from_nanos)
}

const FEMTO_PER_NANO: u128 = 1_000_000;
