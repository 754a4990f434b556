use std::sync::Arc;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_core::Dialect;

use super::{
    Disabled, Kind, Path, Provider, Settings,
    error::Problem,
    nearest::{did_you_mean, list},
};

/// A group of OpenAI's endpoints beside chat, completions and embeddings. What one makes, only its
/// provider has, so that a group is served by one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Stored responses.
    Responses,
    /// Stored conversations.
    Conversations,
    /// Pictures made and changed.
    Images,
    /// Speech, transcriptions and translations.
    Audio,
    /// Moderations.
    Moderations,
    /// Films.
    Videos,
    /// Files.
    Files,
    /// Files uploaded in parts.
    Uploads,
    /// Batches.
    Batches,
    /// Fine-tuning.
    FineTuning,
    /// Vector stores.
    VectorStores,
    /// Containers of code interpreters.
    Containers,
    /// Evaluations.
    Evals,
    /// Realtime sessions.
    Realtime,
}

impl Group {
    /// Every group.
    pub const ALL: [Self; 14] = [
        Self::Responses,
        Self::Conversations,
        Self::Images,
        Self::Audio,
        Self::Moderations,
        Self::Videos,
        Self::Files,
        Self::Uploads,
        Self::Batches,
        Self::FineTuning,
        Self::VectorStores,
        Self::Containers,
        Self::Evals,
        Self::Realtime,
    ];

    /// The word used in the configuration.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Responses => "responses",
            Self::Conversations => "conversations",
            Self::Images => "images",
            Self::Audio => "audio",
            Self::Moderations => "moderations",
            Self::Videos => "videos",
            Self::Files => "files",
            Self::Uploads => "uploads",
            Self::Batches => "batches",
            Self::FineTuning => "fine_tuning",
            Self::VectorStores => "vector_stores",
            Self::Containers => "containers",
            Self::Evals => "evals",
            Self::Realtime => "realtime",
        }
    }
}

/// Who serves which group, as far as the configuration says.
#[derive(Clone, Debug, Default)]
pub struct Groups {
    given: Vec<(Group, Arc<str>)>,
    default: Option<Arc<str>>,
}

impl Groups {
    /// The provider named for a group, or for all.
    pub fn named(&self, group: Group) -> Option<&Arc<str>> {
        let given = self.given.iter().find(|(known, _)| *known == group).map(|(_, provider)| provider);
        given.or(self.default.as_ref())
    }

    /// The providers named, each with the word it is named for.
    pub(super) fn all(&self) -> impl Iterator<Item = (&'static str, &Arc<str>)> {
        let default = self.default.iter().map(|name| ("default", name));
        default.chain(self.given.iter().map(|(group, name)| (group.as_str(), name)))
    }
}

/// Who serves which group, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct GroupsFile {
    /// All groups that are not named. Default: `openai`, else the only provider of OpenAI's format.
    default: Option<String>,
    /// Stored responses: `GET` and `DELETE /v1/responses/{id}`. Default: the only provider that keeps them.
    responses: Option<String>,
    /// `/v1/conversations`.
    conversations: Option<String>,
    /// `/v1/images`, for models that nobody claims.
    images: Option<String>,
    /// `/v1/audio`, for models that nobody claims.
    audio: Option<String>,
    /// `/v1/moderations`, for models that nobody claims.
    moderations: Option<String>,
    /// `/v1/videos`.
    videos: Option<String>,
    /// `/v1/files`.
    files: Option<String>,
    /// `/v1/uploads`.
    uploads: Option<String>,
    /// `/v1/batches`.
    batches: Option<String>,
    /// `/v1/fine_tuning`.
    fine_tuning: Option<String>,
    /// `/v1/vector_stores`.
    vector_stores: Option<String>,
    /// `/v1/containers`.
    containers: Option<String>,
    /// `/v1/evals`.
    evals: Option<String>,
    /// `/v1/realtime`, for models that nobody claims.
    realtime: Option<String>,
}

impl GroupsFile {
    /// The providers that are named must be configured, with or without a key, and speak OpenAI's format.
    pub(super) fn validate(self, providers: &[Provider], disabled: &[Disabled]) -> Result<Groups, Problem> {
        let check = |group: &str, name: String| -> Result<Arc<str>, Problem> {
            let configured = providers.iter().map(|one| (&one.name, one.is_of_openai()));
            let of_openai = |one: &Disabled| one.kind.formats().contains(&Dialect::OpenAi);
            let mut all = configured.chain(disabled.iter().map(|one| (&one.name, of_openai(one))));
            match all.find(|(known, _)| ***known == *name) {
                Some((known, true)) => Ok(known.clone()),
                Some(_) => {
                    Err(Problem::value(Path::of(&["endpoints", group]), "not a provider of OpenAI's format")
                        .hint("its own endpoints are under /passthrough"))
                }
                None => {
                    let known = providers.iter().map(|one| &*one.name);
                    let known: Vec<&str> = known.chain(disabled.iter().map(|one| &*one.name)).collect();
                    let hint = did_you_mean(&name, known.iter().copied())
                        .unwrap_or_else(|| format!("configured are: {}", known.join(", ")));
                    Err(Problem::value(Path::of(&["endpoints", group]), "no such provider").hint(hint))
                }
            }
        };
        let default = self.default.map(|name| check("default", name)).transpose()?;
        let written = [
            (Group::Responses, self.responses),
            (Group::Conversations, self.conversations),
            (Group::Images, self.images),
            (Group::Audio, self.audio),
            (Group::Moderations, self.moderations),
            (Group::Videos, self.videos),
            (Group::Files, self.files),
            (Group::Uploads, self.uploads),
            (Group::Batches, self.batches),
            (Group::FineTuning, self.fine_tuning),
            (Group::VectorStores, self.vector_stores),
            (Group::Containers, self.containers),
            (Group::Evals, self.evals),
            (Group::Realtime, self.realtime),
        ];
        let mut given = Vec::new();
        for (group, name) in written {
            if let Some(name) = name {
                given.push((group, check(group.as_str(), name)?));
            }
        }
        Ok(Groups { given, default })
    }
}

impl Settings {
    /// The provider of a name, if it is enabled.
    pub fn provider(&self, name: &str) -> Option<&Provider> {
        self.providers.iter().find(|provider| *provider.name == *name)
    }

    /// The provider that serves a group when the request names none. The error says what to do.
    pub fn serves_group(&self, group: Group) -> Result<&Provider, String> {
        let word = group.as_str();
        if let Some(name) = self.groups.named(group) {
            return self
                .provider(name)
                .ok_or_else(|| format!("the provider for {word} is not enabled: {name}"));
        }
        let candidates: Vec<&Provider> = match group {
            // Of several it cannot be known which of them made a response.
            Group::Responses => self.providers.iter().filter(|one| one.speaks(Dialect::Responses)).collect(),
            // Of several of the kind, the one of that name.
            _ => match self
                .providers
                .iter()
                .filter(|provider| provider.kind == Kind::Openai)
                .min_by_key(|provider| *provider.name != *Kind::Openai.as_str())
            {
                Some(openai) => vec![openai],
                None => self.providers.iter().filter(|one| one.is_of_openai()).collect(),
            },
        };
        match candidates.as_slice() {
            [only] => Ok(only),
            [] => Err(format!("no provider is enabled that has {word}")),
            several => {
                let names: Vec<&str> = several.iter().map(|provider| &*provider.name).collect();
                Err(format!(
                    "several providers may have {word}: set `endpoints.{word}`, or name one in the header `x-tollway-provider`: {}",
                    list(&names, "or")
                ))
            }
        }
    }
}
