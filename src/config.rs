//! Configuration: from YAML and the environment to validated [`Settings`].
//!
//! ```text
//! YAML text ─ tree ─ ${NAME} filled in ─ TOLLWAY__… set ─ document ─ validated ─ Settings
//! ```
//!
//! Loading is a function of a [`Source`], an [`Env`] and the files they name; nothing here reads the
//! process's own environment or keeps state, so that a reload is another call of [`Settings::load`].
//! An unknown field, a missing variable or a key that is not there is an error or a provider left
//! out, never a guess. Keys are [`Secret`]s from the moment they are read.
//!
//! In reading order: [`Source`] finds the text, `document` is the file as written, `validate` makes
//! a [`Provider`] of what it says and what its [`Kind`] knows, [`Catalogue`] resolves models.

mod adaptive;
mod admin;
mod authentication;
mod base_url;
mod budgets;
mod catalogue;
mod certificates;
mod context;
mod date;
mod document;
mod env;
mod error;
mod files;
mod format;
mod google;
mod grant;
mod groups;
mod interpolate;
mod issuers;
mod keys;
mod kind;
mod lenient;
mod limits;
mod log;
mod media;
mod models;
mod nearest;
mod notify;
mod overrides;
mod path;
mod paths;
mod prices;
mod provider;
mod provider_file;
mod read;
mod rsa_key;
mod schema;
mod secret;
mod server;
mod settings;
mod simulated;
mod source;
mod state;
mod units;
mod unresolved;
mod usage;
mod validate;
mod vertex;
mod yaml;

#[cfg(test)]
mod tests;

pub use self::{
    admin::Admin,
    authentication::Authentication,
    base_url::BaseUrl,
    catalogue::{Catalogue, ModelEntry, Resolved},
    date::Date,
    env::Env,
    error::ConfigError,
    files::Files,
    format::Format,
    google::{AuthorizedUser, GoogleCredentials, ServiceAccount},
    grant::priority_of,
    groups::{Group, Groups},
    keys::{KeyDeclaration, KeyLimit, KnownBy, moment_of, rule_of_key},
    kind::Kind,
    log::{AccessLog, Log, LogFormat},
    media::Media,
    models::{Capability, Retirement},
    nearest::nearest,
    notify::Notify,
    overrides::PREFIX as OVERRIDE_PREFIX,
    path::{Path, Step},
    paths::{Paths, is_path_segment},
    prices::Prices,
    provider::{Auth, Disabled, Http2, Provider, Timeouts, Why},
    rsa_key::RsaKey,
    schema::schema,
    secret::Secret,
    server::{ClientCertificates, Server, Tls, Workers},
    settings::{Settings, SimulatorMode},
    source::Source,
    state::{Database, State},
    units::span_of,
    unresolved::{Reason, Unresolved},
    usage::{Drain, Kept, Usage},
    vertex::{Google, UNKNOWN_PROJECT},
};
