use crate::{Day, Ratio, Unpriced, rates::Rates};

/// What a model costs from a day on.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) from: Day,
    pub(crate) source: Box<str>,
    pub(crate) short: Tiers,
    /// Prices of longer requests with the thresholds, the highest first.
    pub(crate) long: Vec<(u64, Tiers)>,
    pub(crate) regions: Vec<(Box<str>, Ratio)>,
    pub(crate) speeds: Vec<(Box<str>, Ratio)>,
}

/// The standard price and those of other tiers.
#[derive(Clone, Debug)]
pub(crate) struct Tiers {
    pub(crate) standard: Rates,
    pub(crate) others: Vec<(Box<str>, Rates)>,
}

impl Entry {
    /// The prices for a request of so many input tokens at a tier.
    pub(crate) fn rates(&self, input: u64, tier: Option<&str>) -> Result<&Rates, Unpriced> {
        let long = self.long.iter().find(|(above, _)| input > *above).map(|(_, tiers)| tiers);
        long.unwrap_or(&self.short).of(tier).ok_or(Unpriced::Tier)
    }

    /// By what prices are multiplied in a region: by nothing where it is not listed.
    pub(crate) fn region(&self, region: Option<&str>) -> Ratio {
        region.and_then(|region| find(&self.regions, region)).copied().unwrap_or(Ratio::ONE)
    }

    /// By what prices are multiplied at a speed.
    pub(crate) fn speed(&self, speed: Option<&str>) -> Result<Ratio, Unpriced> {
        match speed {
            None | Some("standard" | "default") => Ok(Ratio::ONE),
            Some(speed) => find(&self.speeds, speed).copied().ok_or(Unpriced::Speed),
        }
    }
}

impl Tiers {
    pub(crate) fn of(&self, tier: Option<&str>) -> Option<&Rates> {
        tier.map_or(Some(&self.standard), |tier| find(&self.others, tier))
    }
}

/// There are three or four: no table finds them sooner.
fn find<'a, T>(list: &'a [(Box<str>, T)], name: &str) -> Option<&'a T> {
    list.iter().find(|(known, _)| **known == *name).map(|(_, value)| value)
}
