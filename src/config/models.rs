use std::{collections::BTreeMap, collections::HashMap, fmt, sync::Arc};

use serde::Deserialize;
use tollway_wire::{Effort, ReasoningStyle, Traits};

use super::{ConfigError, Date, Kind, Path, nearest::did_you_mean, read, yaml};

/// The catalogue that is built in.
const BUILT_IN: &str = include_str!("../../config/models.yaml");

/// What is known of models, whoever is configured to serve them.
#[derive(Debug)]
pub(super) struct Models {
    pub(super) as_of: Date,
    listed: HashMap<Box<str>, Arc<Model>>,
    families: HashMap<Box<str>, Arc<Model>>,
}

/// A model, or a family of them.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) id: Arc<str>,
    /// The section it stands in: the provider that made it known.
    pub(super) vendor: Arc<str>,
    pub(super) context: Option<u64>,
    pub(super) traits: Arc<Traits>,
    pub(super) capabilities: Arc<[Capability]>,
    pub(super) retirement: Option<Retirement>,
    pub(super) released: Option<Date>,
    /// The model of its section that it follows.
    pub(super) succeeds: Option<Arc<str>>,
    pub(super) cache_minimum: Option<u64>,
    /// Whether longer names are no such model.
    exact: bool,
}

/// What a model is known to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Capability {
    /// Reads images.
    Vision,
    /// Calls tools.
    Tools,
    /// Calls several tools at once.
    ParallelTools,
    /// Answers by a JSON Schema.
    JsonSchema,
    /// Thinks before it answers.
    Reasoning,
    /// Reads what it has read before at a lower price.
    Caching,
    /// Reads PDF files.
    Pdf,
    /// Hears.
    Audio,
    /// Searches the web.
    WebSearch,
    /// Turns texts into vectors.
    Embeddings,
}

impl Capability {
    /// The word used in the catalogue.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vision => "vision",
            Self::Tools => "tools",
            Self::ParallelTools => "parallel_tools",
            Self::JsonSchema => "json_schema",
            Self::Reasoning => "reasoning",
            Self::Caching => "caching",
            Self::Pdf => "pdf",
            Self::Audio => "audio",
            Self::WebSearch => "web_search",
            Self::Embeddings => "embeddings",
        }
    }
}

/// When a provider takes a model away, or that it did long ago.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retirement {
    /// It is gone.
    Past,
    /// It goes, or went, on this day.
    On(Date),
}

impl Retirement {
    /// Whether it is gone on a day.
    pub fn has_come(self, today: Date) -> bool {
        match self {
            Self::Past => true,
            Self::On(day) => day <= today,
        }
    }

    /// How many days before it a retirement is told: as long as providers tell of it ahead, or longer.
    pub const SOON: u32 = 90;

    /// Whether it is gone on a day, or will be soon.
    pub fn is_near(self, today: Date) -> bool {
        let until = today.unix_seconds().saturating_add(u64::from(Self::SOON) * 86_400);
        match self {
            Self::Past => true,
            Self::On(day) => day.unix_seconds() <= until,
        }
    }
}

impl fmt::Display for Retirement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Past => f.write_str("retired"),
            Self::On(day) => write!(f, "retires {day}"),
        }
    }
}

impl Models {
    /// The catalogue that is built in.
    pub(super) fn built_in() -> Result<Self, ConfigError> {
        Self::parse(BUILT_IN, "built-in models.yaml")
    }

    /// Reads a catalogue.
    pub(super) fn parse(text: &str, place: &str) -> Result<Self, ConfigError> {
        let tree = yaml::parse(text, place)?;
        let mut track = serde_path_to_error::Track::new();
        let file = File::deserialize(serde_path_to_error::Deserializer::new(tree, &mut track));
        let file = file.map_err(|fault| {
            let problem = read::problem(&track.path(), &fault.to_string());
            ConfigError {
                place: place.into(),
                position: None,
                path: problem.path,
                what: problem.what,
                hint: problem.hint,
            }
        })?;
        check_vendors(&file, place)?;
        check_lines(&file, place)?;
        Ok(Self::of(file))
    }

    fn of(file: File) -> Self {
        let mut families = HashMap::new();
        for family in file.families {
            let model = family.into_model();
            families.insert(Box::from(&*model.id), Arc::new(model));
        }
        let mut listed = HashMap::new();
        for (vendor, models) in file.models {
            let vendor: Arc<str> = vendor.into();
            for (id, model) in models {
                let family =
                    longest(&id, |prefix| families.get(prefix).filter(|family| family.vendor == vendor));
                let model =
                    model.over(family.map(|family| &*family.traits), id.as_str().into(), vendor.clone());
                listed.insert(id.into(), Arc::new(model));
            }
        }
        Self { as_of: file.as_of, listed, families }
    }

    /// Every model of the list.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Model>> {
        self.listed.values()
    }

    /// What is known of a name: the model itself, or the model or family it begins with, the
    /// longest first. A date behind a model's name shares the model's retirement.
    pub(super) fn find(&self, name: &str, vendor: Option<&str>) -> Option<(&Arc<Model>, Option<Retirement>)> {
        let fits = |model: &&Arc<Model>| vendor.is_none_or(|vendor| *model.vendor == *vendor);
        if let Some(model) = self.listed.get(name).filter(fits) {
            return Some((model, model.retirement));
        }
        let model = longest(name, |prefix| {
            let base = self.listed.get(prefix).filter(|model| !model.exact && prefix.len() < name.len());
            base.or_else(|| self.families.get(prefix)).filter(fits)
        })?;
        let rest = name.get(model.id.len()..).unwrap_or_default();
        let dated = rest.bytes().all(|byte| byte.is_ascii_digit() || BOUNDARIES.contains(&byte));
        Some((model, model.retirement.filter(|_| dated)))
    }
}

/// What is followed stands in the same section, and is another model.
fn check_lines(file: &File, place: &str) -> Result<(), ConfigError> {
    let listed =
        file.models.iter().flat_map(|(vendor, models)| models.iter().map(move |of| (vendor, models, of)));
    let mut lines = listed
        .filter_map(|(vendor, models, (id, model))| Some((vendor, models, id, model.succeeds.as_ref()?)));
    let wrong =
        lines.find(|(_, models, id, succeeds)| succeeds == id || !models.contains_key(succeeds.as_str()));
    wrong.map_or(Ok(()), |(vendor, models, id, succeeds)| {
        Err(ConfigError {
            place: place.into(),
            position: None,
            path: Path::of(&["models", vendor, id]).key("succeeds"),
            what: format!("no other model of this provider: {succeeds}"),
            hint: did_you_mean(succeeds, models.keys().map(String::as_str)),
        })
    })
}

/// A section nobody could serve is a slip of the pen.
fn check_vendors(file: &File, place: &str) -> Result<(), ConfigError> {
    let sections = file.models.keys().map(|vendor| (Path::of(&["models", vendor]), vendor));
    let families = file.families.iter().enumerate();
    let families =
        families.map(|(at, family)| (Path::of(&["families"]).index(at).key("provider"), &family.provider));
    let wrong = sections.chain(families).find(|(_, vendor)| Kind::from_word(vendor).is_none());
    wrong.map_or(Ok(()), |(path, vendor)| {
        let hint = did_you_mean(vendor, Kind::ALL.map(Kind::as_str));
        Err(ConfigError {
            place: place.into(),
            position: None,
            path,
            what: "no kind of provider".into(),
            hint,
        })
    })
}

const BOUNDARIES: &[u8] = b"-:@/";

/// The first hit among a name and its beginnings, longest first. Beginnings end before `-:@/`, so
/// that `gpt-4o` is no `gpt-4` and a look-up costs a handful of hashes.
fn longest<'m, T: 'm + ?Sized>(name: &str, find: impl Fn(&str) -> Option<&'m T>) -> Option<&'m T> {
    let ends = name.bytes().enumerate().rev().filter(|(_, byte)| BOUNDARIES.contains(byte)).map(|(at, _)| at);
    std::iter::once(name.len()).chain(ends).find_map(|end| find(name.get(..end)?))
}

/// The file as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    as_of: Date,
    /// A place for YAML anchors.
    #[serde(default, rename = "sets")]
    _sets: serde::de::IgnoredAny,
    models: BTreeMap<String, BTreeMap<String, ModelFile>>,
    #[serde(default)]
    families: Vec<FamilyFile>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ModelFile {
    context: Option<u64>,
    output: Option<u64>,
    can: Vec<Capability>,
    retires: Option<Date>,
    #[serde(default)]
    retired: bool,
    released: Option<Date>,
    succeeds: Option<String>,
    cache_minimum: Option<u64>,
    #[serde(default)]
    exact: bool,
    #[serde(default)]
    traits: TraitsFile,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FamilyFile {
    prefix: String,
    provider: String,
    output: Option<u64>,
    #[serde(default)]
    traits: TraitsFile,
}

#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TraitsFile {
    sampling: Option<bool>,
    prefill: Option<bool>,
    forced_tool_choice: Option<bool>,
    structured_output: Option<bool>,
    mid_conversation_system: Option<bool>,
    function_call_ids: Option<bool>,
    responses_only: Option<bool>,
    reasoning: Option<ReasoningStyle>,
    efforts: Option<Vec<Effort>>,
    max_thinking_tokens: Option<u64>,
}

impl TraitsFile {
    fn over(self, base: Traits, output: Option<u64>) -> Traits {
        Traits {
            max_output_tokens: output.or(base.max_output_tokens),
            sampling: self.sampling.unwrap_or(base.sampling),
            prefill: self.prefill.unwrap_or(base.prefill),
            forced_tool_choice: self.forced_tool_choice.unwrap_or(base.forced_tool_choice),
            structured_output: self.structured_output.unwrap_or(base.structured_output),
            mid_conversation_system: self.mid_conversation_system.unwrap_or(base.mid_conversation_system),
            reasoning: self.reasoning.unwrap_or(base.reasoning),
            efforts: self.efforts.unwrap_or(base.efforts),
            max_thinking_tokens: self.max_thinking_tokens.or(base.max_thinking_tokens),
            function_call_ids: self.function_call_ids.unwrap_or(base.function_call_ids),
            responses_only: self.responses_only.unwrap_or(base.responses_only),
            extensions: base.extensions,
            earlier_thinking: base.earlier_thinking,
        }
    }
}

impl ModelFile {
    fn over(self, family: Option<&Traits>, id: Arc<str>, vendor: Arc<str>) -> Model {
        let mut base = family.cloned().unwrap_or_default();
        base.reasoning = match (self.can.contains(&Capability::Reasoning), base.reasoning) {
            (false, _) => ReasoningStyle::None,
            (true, ReasoningStyle::None) => ReasoningStyle::default(),
            (true, style) => style,
        };
        let past = self.retired.then_some(Retirement::Past);
        Model {
            id,
            vendor,
            context: self.context,
            traits: Arc::new(self.traits.over(base, self.output)),
            capabilities: self.can.into(),
            retirement: self.retires.map(Retirement::On).or(past),
            released: self.released,
            succeeds: self.succeeds.map(Into::into),
            cache_minimum: self.cache_minimum,
            exact: self.exact,
        }
    }
}

impl FamilyFile {
    fn into_model(self) -> Model {
        Model {
            id: self.prefix.into(),
            vendor: self.provider.into(),
            context: None,
            traits: Arc::new(self.traits.over(Traits::default(), self.output)),
            capabilities: Arc::new([]),
            retirement: None,
            released: None,
            succeeds: None,
            cache_minimum: None,
            exact: false,
        }
    }
}
