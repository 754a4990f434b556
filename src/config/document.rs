//! The file as it is written: every field optional, every unknown one refused.

use std::{borrow::Cow, collections::BTreeMap, fmt, path::PathBuf};

use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer,
    de::{self, MapAccess, value::MapAccessDeserializer},
};

use super::{
    SimulatorMode, admin::AdminFile, authentication::AuthenticationFile, budgets::BudgetFile,
    groups::GroupsFile, keys::KeyFile, limits::LimitFile, log::LogFile, media::MediaFile, notify::NotifyFile,
    prices::PricesFile, provider_file::ProviderFile, server::ServerFile, state::StateFile, usage::UsageFile,
};

/// The configuration of Tollway. Strings may hold `${NAME}` and `${NAME:-default}`.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
#[schemars(title = "tollway.yaml")]
pub(super) struct Document {
    /// The listener and its limits.
    pub(super) server: ServerFile,
    /// What is written about requests and about the gateway itself.
    pub(super) log: LogFile,
    /// Limits on pictures and documents that are fetched for providers which take only bytes.
    pub(super) media: MediaFile,
    /// Whether the built-in simulated provider answers in place of the real ones.
    pub(super) simulator: SimulatorMode,
    /// The model providers by name. Left out, the five with a key in the environment are there.
    pub(super) providers: BTreeMap<String, ProviderFile>,
    /// The provider that gets models nobody else claims.
    pub(super) default_provider: Option<String>,
    /// Who serves OpenAI's endpoints beside chat, completions and embeddings.
    pub(super) endpoints: GroupsFile,
    /// Who may pass.
    pub(super) auth: AuthenticationFile,
    /// Keys that need no database, by name.
    pub(super) keys: BTreeMap<String, KeyFile>,
    /// Where keys are administered.
    pub(super) admin: AdminFile,
    /// Limits on requests, tokens and concurrency, by name; all of them must let a request pass.
    pub(super) limits: BTreeMap<String, LimitFile>,
    /// Limits on what is spent, by name; all of them must let a request pass.
    pub(super) budgets: BTreeMap<String, BudgetFile>,
    /// Who is told when something happens.
    pub(super) notify: NotifyFile,
    /// What models cost.
    pub(super) prices: PricesFile,
    /// What is remembered of what was used.
    pub(super) usage: UsageFile,
    /// What replicas share.
    pub(super) state: StateFile,
    /// Other names for models: `fast: openai/gpt-4o-mini`.
    pub(super) aliases: BTreeMap<String, String>,
    /// A file to take in place of the built-in catalogue of models.
    pub(super) models_file: Option<PathBuf>,
}

/// A setting that can be given in short, as a word, or in full, as a section.
#[derive(Clone, Debug, JsonSchema)]
#[schemars(untagged)]
pub(super) enum Short<T> {
    /// In short.
    Text(String),
    /// In full.
    Full(T),
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Short<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ShortVisitor(std::marker::PhantomData))
    }
}

/// `untagged` would lose the path and the words of an error inside.
struct ShortVisitor<T>(std::marker::PhantomData<T>);

impl<'de, T: Deserialize<'de>> de::Visitor<'de> for ShortVisitor<T> {
    type Value = Short<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text or a section of fields")
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Short::Text(text.to_owned()))
    }

    // An unquoted `true` is a word as well.
    fn visit_bool<E>(self, truth: bool) -> Result<Self::Value, E> {
        Ok(Short::Text(truth.to_string()))
    }

    // An unquoted key of digits only.
    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(Short::Text(number.to_string()))
    }

    fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<Self::Value, A::Error> {
        T::deserialize(MapAccessDeserializer::new(fields)).map(Short::Full)
    }
}

/// A list of words that may be a single one: `key`, or `[key, model]`.
#[derive(Clone, Debug, Default)]
pub(super) struct Words(Vec<String>);

impl Words {
    /// A list of words.
    pub(super) fn of(words: &[&str]) -> Self {
        Self(words.iter().map(|word| (*word).to_owned()).collect())
    }

    /// The words, in order.
    pub(super) fn iter(&self) -> std::slice::Iter<'_, String> {
        self.0.iter()
    }
}

impl JsonSchema for Words {
    fn schema_name() -> Cow<'static, str> {
        "Words".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({ "type": ["string", "array"], "items": { "type": "string" } })
    }
}

impl<'de> Deserialize<'de> for Words {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WordsVisitor)
    }
}

struct WordsVisitor;

impl<'de> de::Visitor<'de> for WordsVisitor {
    type Value = Words;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a word or a list of words")
    }

    fn visit_str<E>(self, word: &str) -> Result<Words, E> {
        Ok(Words(vec![word.to_owned()]))
    }

    fn visit_seq<A: de::SeqAccess<'de>>(self, list: A) -> Result<Words, A::Error> {
        Vec::deserialize(de::value::SeqAccessDeserializer::new(list)).map(Words)
    }
}

/// The schema of a whole number, which may also come from a variable.
pub(super) fn whole_number(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["integer", "string", "null"], "minimum": 0, "pattern": r"^[0-9]+$|\$\{" })
}

/// The schema of a number, which may also come from a variable.
pub(super) fn number(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["number", "string", "null"], "minimum": 0, "pattern": r"^[0-9./]+$|\$\{" })
}

/// The schema of a truth value, which may also come from a variable.
pub(super) fn truth(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
    schemars::json_schema!({ "type": ["boolean", "string", "null"], "pattern": r"^(true|false)$|\$\{" })
}
