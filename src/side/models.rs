//! The list of models, in the dialect of the SDK that asks.

use std::sync::Arc;

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use http::Extensions;
use tollway_core::{Caller, Dialect};
use tollway_wire::{anthropic, gemini, openai};

use super::{json, refuse};
use crate::Error;
use crate::auth::{limited, may_ask};
use crate::config::{Capability, ModelEntry, Settings};

/// Every model that can be asked for.
pub(super) async fn list(State(settings): State<Arc<Settings>>, extensions: Extensions) -> Response {
    let caller = limited(&extensions);
    let models =
        settings.catalogue.list().filter(|entry| is_for(caller, &settings, &entry.id)).map(Listed::of);
    json(match dialect(&extensions) {
        Dialect::Anthropic => anthropic::models::encode_list(models.map(Listed::anthropic)),
        Dialect::Gemini => gemini::models::encode_list(models.map(Listed::gemini)),
        _ => openai::models::encode_list(models.map(Listed::openai)),
    })
}

/// One of them.
pub(super) async fn retrieve(
    State(settings): State<Arc<Settings>>,
    uri: Uri,
    extensions: Extensions,
    id: Result<Path<String>, PathRejection>,
) -> Response {
    let Ok(Path(id)) = id else {
        let message = format!("not a model's name, as it is not UTF-8: {}", uri.path());
        return refuse(&extensions, &Error::UnknownModel { message });
    };
    let dialect = dialect(&extensions);
    if let Some(caller) = limited(&extensions)
        && let Err(error) = may_ask_for(caller, &settings, &id)
    {
        return refuse(&extensions, &error);
    }
    if let Some(entry) = settings.catalogue.get(&id) {
        return json(Listed::of(entry).encode(dialect));
    }
    // Names that resolve without standing in the list: `provider/model`, families, aliases.
    match settings.catalogue.resolve(&id) {
        Ok(resolved) => {
            let owned_by = &resolved.upstream.provider;
            let output = resolved.traits.max_output_tokens;
            json(Listed { id: &id, owned_by, created: 0, input: None, output, embeds: false }.encode(dialect))
        }
        Err(unresolved) => refuse(&extensions, &Error::UnknownModel { message: unresolved.to_string() }),
    }
}

/// Whether a model is for a caller; for everybody where there is none.
fn is_for(caller: Option<&Caller>, settings: &Settings, model: &str) -> bool {
    caller.is_none_or(|caller| may_ask_for(caller, settings, model).is_ok())
}

fn may_ask_for(caller: &Caller, settings: &Settings, model: &str) -> Result<(), Error> {
    let resolved = settings.catalogue.resolve(model).ok();
    let upstream = resolved.as_ref().map(|resolved| &resolved.upstream);
    may_ask(caller, model, upstream.map(|upstream| (&*upstream.provider, &*upstream.model)))
}

/// The dialect that [`open`](crate::open) has found.
fn dialect(extensions: &Extensions) -> Dialect {
    extensions.get().copied().unwrap_or(Dialect::OpenAi)
}

/// What any dialect may say of a model.
#[derive(Clone, Copy)]
struct Listed<'a> {
    id: &'a str,
    owned_by: &'a str,
    created: u64,
    input: Option<u64>,
    output: Option<u64>,
    embeds: bool,
}

impl<'a> Listed<'a> {
    fn of(entry: &'a ModelEntry) -> Self {
        Self {
            id: &entry.id,
            owned_by: &entry.owned_by,
            created: entry.created,
            input: entry.context,
            output: entry.max_output,
            embeds: entry.capabilities.contains(&Capability::Embeddings),
        }
    }

    fn encode(self, dialect: Dialect) -> Vec<u8> {
        match dialect {
            Dialect::Anthropic => anthropic::models::encode(&self.anthropic()),
            Dialect::Gemini => gemini::models::encode(&self.gemini()),
            _ => openai::models::encode(&self.openai()),
        }
    }

    const fn openai(self) -> openai::models::Model<'a> {
        openai::models::Model { id: self.id, created: self.created, owned_by: self.owned_by }
    }

    const fn anthropic(self) -> anthropic::models::Model<'a> {
        anthropic::models::Model { id: self.id, display_name: self.id, created: self.created }
    }

    const fn gemini(self) -> gemini::models::Model<'a> {
        gemini::models::Model {
            id: self.id,
            display_name: self.id,
            input_token_limit: self.input,
            output_token_limit: self.output,
            methods: if self.embeds { EMBEDS } else { CHATS },
        }
    }
}

const CHATS: &[&str] = &["generateContent", "streamGenerateContent", "countTokens"];
const EMBEDS: &[&str] = &["embedContent", "batchEmbedContents"];
