//! What models cost: the list that is built in, and what an operator puts over it.

use std::{
    path::PathBuf,
    sync::{Arc, LazyLock},
};

use schemars::JsonSchema;
use serde::{Deserialize, de::DeserializeOwned};
use tollway_cost::{Change, Day, PriceBook, PriceFile, Ratio};

use super::{
    ConfigError, Path,
    context::{Context, read_small},
    error::Problem,
    read, yaml,
};

/// The list that is built in.
const BUILT_IN: &str = include_str!("../../config/pricing.yaml");

/// Read when it is first asked for: most commands never do.
static BOOK: LazyLock<Result<Arc<PriceBook>, ConfigError>> = LazyLock::new(|| {
    let place = "built-in pricing.yaml";
    let file: PriceFile = parse(BUILT_IN, place)?;
    PriceBook::try_from(file).map(Arc::new).map_err(|error| refused(place, &error))
});

/// What models cost, and what a change of it must not do unasked.
#[derive(Clone, Debug)]
pub struct Prices {
    /// The operator's, over the built-in ones or alone; none where these hold as they are.
    own: Option<Arc<PriceBook>>,
    max_change: Ratio,
    confirmed: Option<Day>,
}

/// What models cost, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct PricesFile {
    /// A price list of your own, as `config/pricing.yaml` is written. A model that it lists has no price
    /// but those it lists.
    file: Option<PathBuf>,
    /// Whether the built-in list holds for what that file does not list. Default: true.
    #[schemars(extend("default" = true))]
    built_in: Option<bool>,
    /// A price that is more than this many times another, or less, is not taken unconfirmed.
    /// Default: 3.
    #[schemars(schema_with = "super::document::number")]
    max_change: Option<Ratio>,
    /// The `as_of` of the file whose prices hold however much they differ.
    confirmed: Option<String>,
}

impl PricesFile {
    pub(super) fn validate(&self, context: &Context<'_>) -> Result<Result<Prices, ConfigError>, Problem> {
        let path = Path::of(&["prices"]);
        let max_change = self.max_change.unwrap_or(USUAL_CHANGE);
        if !max_change.is_above_one() {
            return Err(Problem::value(path.key("max_change"), "not a factor above one")
                .hint("as in 3: no price triples, or falls below a third, unconfirmed"));
        }
        let confirmed = self.confirmed.as_deref().map(str::parse::<Day>).transpose();
        let confirmed = confirmed.map_err(|what| Problem::value(path.key("confirmed"), what))?;
        let mut prices = Prices { own: None, max_change, confirmed };
        let Some(file) = &self.file else {
            if self.built_in == Some(false) {
                return Err(Problem::value(path.key("built_in"), "nothing would have a price")
                    .hint("give a `file`, or leave this out"));
            }
            return Ok(Ok(prices));
        };
        let found = context.locate(file);
        context.files.note(&found);
        let text = read_small(&found).map_err(|what| {
            Problem::plain(path.key("file"), format!("{what}: {}", found.display()))
                .hint("relative paths begin at the configuration file's folder")
        })?;
        let place = found.display().to_string();
        let own = own(&text, &place, self.built_in != Some(false));
        Ok(own.and_then(|own| {
            prices.own = Some(Arc::new(own));
            prices.check_over(&Prices::default(), &place)?;
            Ok(prices)
        }))
    }
}

/// The prices of a file, over the built-in ones if these are to hold beside it.
fn own(text: &str, place: &str, over_built_in: bool) -> Result<PriceBook, ConfigError> {
    let mut file: PriceFile = parse(text, place)?;
    if over_built_in {
        file = file.over(parse(BUILT_IN, "built-in pricing.yaml")?);
    }
    PriceBook::try_from(file).map_err(|error| refused(place, &error))
}

impl Prices {
    /// The prices in force.
    pub fn book(&self) -> Arc<PriceBook> {
        let built_in = || BOOK.as_ref().map(Arc::clone).unwrap_or_default();
        self.own.clone().unwrap_or_else(built_in)
    }

    /// Whether they may follow those that are in force.
    pub fn check_change(&self, running: &Self) -> Result<(), ConfigError> {
        self.check_over(running, "prices")
    }

    fn check_over(&self, old: &Self, place: &str) -> Result<(), ConfigError> {
        let (old, new) = (old.book(), self.book());
        if Arc::ptr_eq(&old, &new) || self.confirmed == Some(new.as_of()) {
            return Ok(());
        }
        let mut changes = PriceBook::check_change(&old, &new, self.max_change);
        changes.retain(|change| !change.is_removal());
        if changes.is_empty() {
            return Ok(());
        }
        Err(ConfigError {
            place: place.to_owned(),
            position: None,
            path: Path::default(),
            what: format!("prices change by more than {} times: {}", self.max_change, some_of(&changes)),
            hint: Some(format!("if they are right, set `prices.confirmed: {}`", new.as_of())),
        })
    }
}

impl Default for Prices {
    /// The built-in ones.
    fn default() -> Self {
        Self { own: None, max_change: USUAL_CHANGE, confirmed: None }
    }
}

/// More than prices of one model fall within a year; less than a slip of a decimal point.
const USUAL_CHANGE: Ratio = Ratio::whole(3);

/// The first of them in words, and how many more there are.
fn some_of(changes: &[Change]) -> String {
    let told: Vec<_> = changes.iter().take(3).map(ToString::to_string).collect();
    match changes.len().saturating_sub(told.len()) {
        0 => told.join("; "),
        more => format!("{}; and {more} more", told.join("; ")),
    }
}

fn parse<T: DeserializeOwned>(text: &str, place: &str) -> Result<T, ConfigError> {
    let tree = yaml::parse(text, place)?;
    let mut track = serde_path_to_error::Track::new();
    T::deserialize(serde_path_to_error::Deserializer::new(tree, &mut track)).map_err(|fault| {
        let Problem { path, what, hint, .. } = read::problem(&track.path(), &fault.to_string());
        ConfigError { place: place.to_owned(), position: None, path, what, hint }
    })
}

fn refused(place: &str, error: &tollway_cost::BookError) -> ConfigError {
    ConfigError {
        place: place.to_owned(),
        position: None,
        path: Path::default(),
        what: format!("{}: {}", error.path, error.what),
        hint: Some(error.hint.clone()),
    }
}
