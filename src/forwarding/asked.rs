//! What a path asks for.

use http::Method;
use tollway_core::Dialect;

use crate::config::Group;
use crate::upstream::Counting;

/// An endpoint that is relayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Asked {
    pub(super) what: What,
    /// The name used in logs.
    pub(super) name: &'static str,
    pub(super) allow: &'static str,
    pub(super) naming: Naming,
    pub(super) is_websocket: bool,
}

/// Whose endpoint it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    Group(Group),
    Passthrough,
}

/// What decides about the provider, when the request does not say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Naming {
    /// The model in its body or query.
    Model,
    /// The configuration alone.
    Configured,
}

const ANY: &str = "GET, HEAD, POST, DELETE";

impl Asked {
    /// What a path asks for, if that is relayed.
    pub(crate) fn of(path: &str) -> Option<Self> {
        if path.starts_with("/passthrough/") {
            return Some(Self {
                what: What::Passthrough,
                name: "passthrough",
                allow: ANY,
                naming: Naming::Configured,
                is_websocket: false,
            });
        }
        let path = path.strip_prefix("/v1/")?;
        let (first, rest) = match path.split_once('/') {
            Some((first, rest)) => (first, Some(rest)),
            None => (path, None),
        };
        let call = |group, name| Some(Self::new(group, name, "POST", Naming::Model));
        let store = |group: Group| Some(Self::new(group, group.as_str(), ANY, Naming::Configured));
        match (first, rest) {
            ("images", Some("generations")) => call(Group::Images, "images.generations"),
            ("images", Some("edits")) => call(Group::Images, "images.edits"),
            ("images", Some("variations")) => call(Group::Images, "images.variations"),
            ("audio", Some("speech")) => call(Group::Audio, "audio.speech"),
            ("audio", Some("transcriptions")) => call(Group::Audio, "audio.transcriptions"),
            ("audio", Some("translations")) => call(Group::Audio, "audio.translations"),
            ("moderations", None) => call(Group::Moderations, "moderations"),
            ("videos", None) => Some(Self::new(Group::Videos, "videos", ANY, Naming::Model)),
            ("videos", Some(_)) => Some(Self::new(Group::Videos, "videos.made", ANY, Naming::Model)),
            ("files", _) => store(Group::Files),
            ("uploads", _) => store(Group::Uploads),
            ("batches", _) => store(Group::Batches),
            ("fine_tuning", Some(_)) => store(Group::FineTuning),
            ("vector_stores", _) => store(Group::VectorStores),
            ("containers", _) => store(Group::Containers),
            ("conversations", _) => store(Group::Conversations),
            ("evals", _) => store(Group::Evals),
            ("realtime", None) => {
                let socket = Self::new(Group::Realtime, "realtime", "GET", Naming::Model);
                Some(Self { is_websocket: true, ..socket })
            }
            ("realtime", Some(_)) => call(Group::Realtime, "realtime.prepare"),
            ("responses", Some("input_tokens")) => call(Group::Responses, "responses.input_tokens"),
            ("responses", Some("compact")) => call(Group::Responses, "responses.compact"),
            ("responses", Some(id)) if !id.is_empty() => {
                Some(Self::new(Group::Responses, "responses.stored", ANY, Naming::Configured))
            }
            _ => None,
        }
    }

    const fn new(group: Group, name: &'static str, allow: &'static str, naming: Naming) -> Self {
        Self { what: What::Group(group), name, allow, naming, is_websocket: false }
    }

    /// Whether the endpoint may be asked so.
    pub(super) fn takes(&self, method: &Method) -> bool {
        self.allow.split(", ").any(|one| one == method.as_str())
    }

    /// Whether this is about something that was made before, by a model that somebody was allowed to ask.
    pub(super) fn is_of_made(&self, method: &Method) -> bool {
        matches!(
            (self.name, method),
            ("responses.stored", _) | ("videos.made", &(Method::GET | Method::HEAD | Method::DELETE))
        )
    }

    /// Whether the provider bills what is asked, as far as anybody knows; what it takes of what was prepared, when
    /// that is used.
    pub(super) fn bills(&self, method: &Method, path: &str) -> bool {
        let starts_work = matches!(
            self.what,
            What::Group(
                Group::Batches | Group::FineTuning | Group::Evals | Group::VectorStores | Group::Containers
            )
        );
        self.is_websocket
            || self.counts(method)
            || *method == Method::POST && starts_work && passthrough_bills(method, path)
    }

    /// Whether an answer counts what it took. What is read again was counted when it was made, and
    /// so was what is only prepared.
    pub(super) fn counts(&self, method: &Method) -> bool {
        *method == Method::POST
            && match self.what {
                What::Group(Group::Images | Group::Audio | Group::Moderations | Group::Videos) => true,
                What::Group(Group::Responses) => self.name == "responses.compact",
                _ => false,
            }
    }
}

/// Whether what is asked of a provider's own endpoint is billed, as far as anybody knows: what makes no model
/// work is not.
pub(super) fn passthrough_bills(method: &Method, path: &str) -> bool {
    let mut steps = path.rsplit('/');
    let last = steps.next().unwrap_or_default();
    *method == Method::POST
        && !FREE_STEPS.contains(&last)
        && !last.split_once(':').is_some_and(|(_, verb)| FREE_VERBS.contains(&verb))
        && !path.split('/').any(|step| FREE_STORES.contains(&step))
}

/// What ends a path that only counts, or stops something.
const FREE_STEPS: [&str; 5] = ["count_tokens", "input_tokens", "cancel", "client_secrets", "sessions"];
const FREE_VERBS: [&str; 3] = ["countTokens", "computeTokens", "cancel"];
/// What only keeps what it is given.
const FREE_STORES: [&str; 4] = ["files", "uploads", "conversations", "cachedContents"];

/// Where the usage of an answer stands that a provider's own endpoint gives.
pub(super) fn counts_of_passthrough(dialect: Dialect, method: &Method, path: &str) -> Counting {
    if *method != Method::POST {
        return Counting::Nothing;
    }
    let ends = |ends: &[&str]| ends.iter().any(|end| path.ends_with(end));
    match dialect {
        Dialect::OpenAi if ends(&["/chat/completions", "/completions", "/embeddings"]) => {
            Counting::Chat(dialect)
        }
        Dialect::OpenAi if ends(&["/responses"]) => Counting::Chat(Dialect::Responses),
        Dialect::OpenAi
            if ends(&["/responses/compact"]) || path.contains("/images/") || path.contains("/audio/") =>
        {
            Counting::Tail
        }
        Dialect::Anthropic if ends(&["/messages"]) => Counting::Chat(dialect),
        // Of Vertex AI's two publishers.
        Dialect::Gemini
            if path.contains("/publishers/anthropic/") && ends(&[":rawPredict", ":streamRawPredict"]) =>
        {
            Counting::Chat(Dialect::Anthropic)
        }
        Dialect::Gemini if ends(&[":streamGenerateContent"]) => Counting::Array,
        Dialect::Gemini if ends(&[":generateContent"]) => Counting::Chat(dialect),
        _ => Counting::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_model_work_is_free() {
        let bills = |path: &str| passthrough_bills(&Method::POST, path);
        for free in [
            "/v1/files",
            "/v1/files/file-1/content",
            "/v1/messages/count_tokens",
            "/v1beta/models/gemini-3:countTokens",
            "/v1/batches/batch_1/cancel",
            "/v1beta/cachedContents",
        ] {
            assert!(!bills(free), "{free}");
        }
        for paid in [
            "/v1/chat/completions",
            "/v1/batches",
            "/v1/audio/speech",
            "/v1beta/models/imagen-4:predict",
            "/v1/some/day",
        ] {
            assert!(bills(paid), "{paid}");
            assert!(!passthrough_bills(&Method::GET, paid), "{paid}");
        }
        let of = |path: &str| Asked::of(path).is_some_and(|asked| asked.bills(&Method::POST, path));
        assert!(of("/v1/batches") && of("/v1/images/generations") && of("/v1/fine_tuning/jobs"));
        assert!(!of("/v1/files") && !of("/v1/batches/batch_1/cancel") && !of("/v1/responses/input_tokens"));
        assert!(Asked::of("/v1/realtime").is_some_and(|asked| asked.bills(&Method::GET, "/v1/realtime")));
    }

    #[test]
    fn usage_is_read_where_a_provider_s_own_format_has_it() {
        let of = |dialect, path: &str| counts_of_passthrough(dialect, &Method::POST, path);
        let claude = "/v1/projects/p/locations/l/publishers/anthropic/models/claude";
        for (dialect, path, expected) in [
            (Dialect::Anthropic, "/v1/messages".to_owned(), Counting::Chat(Dialect::Anthropic)),
            (Dialect::Gemini, format!("{claude}:rawPredict"), Counting::Chat(Dialect::Anthropic)),
            (Dialect::Gemini, format!("{claude}:streamRawPredict"), Counting::Chat(Dialect::Anthropic)),
            (Dialect::Gemini, "/v1beta/models/m:generateContent".to_owned(), Counting::Chat(Dialect::Gemini)),
            (Dialect::Gemini, "/v1/publishers/mistralai/models/m:rawPredict".to_owned(), Counting::Nothing),
            (Dialect::OpenAi, "/v1/responses".to_owned(), Counting::Chat(Dialect::Responses)),
        ] {
            assert_eq!(of(dialect, &path), expected, "{path}");
            assert_eq!(counts_of_passthrough(dialect, &Method::GET, &path), Counting::Nothing);
        }
    }

    #[test]
    fn paths_lead_to_their_groups() {
        let group = |path| Asked::of(path).map(|asked| (asked.what, asked.naming));
        for (path, expected, naming) in [
            ("/v1/images/generations", Group::Images, Naming::Model),
            ("/v1/audio/transcriptions", Group::Audio, Naming::Model),
            ("/v1/moderations", Group::Moderations, Naming::Model),
            ("/v1/files", Group::Files, Naming::Configured),
            ("/v1/files/file-1/content", Group::Files, Naming::Configured),
            ("/v1/fine_tuning/jobs", Group::FineTuning, Naming::Configured),
            ("/v1/responses/resp_1", Group::Responses, Naming::Configured),
            ("/v1/responses/resp_1/input_items", Group::Responses, Naming::Configured),
            ("/v1/responses/input_tokens", Group::Responses, Naming::Model),
            ("/v1/realtime/client_secrets", Group::Realtime, Naming::Model),
        ] {
            assert_eq!(group(path), Some((What::Group(expected), naming)), "{path}");
        }
        assert!(Asked::of("/v1/realtime").unwrap().is_websocket);
        assert_eq!(group("/passthrough/openai"), Some((What::Passthrough, Naming::Configured)));
        for path in [
            "/v1/responses",
            "/v1/responses/",
            "/v1/images",
            "/v1/images/other",
            "/v1/moderations/x",
            "/v1/chat/completions",
            "/v1/models",
            "/v1/fine_tuning",
            "/passthrough",
            "/v1beta/files",
            "/files",
        ] {
            assert_eq!(Asked::of(path), None, "{path}");
        }
    }
}
