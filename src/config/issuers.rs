//! Issuers of tokens: who may vouch for a caller, and what of it is believed.

use std::collections::BTreeMap;

use http::HeaderName;
use schemars::JsonSchema;
use serde::Deserialize;
use tollway_auth::jwt::{ClaimPath, Issuer, KeySet, KeySource, Place, RequiredClaim};

use super::{
    Path, context::Context, document::Words, error::Problem, grant::GrantFile, nearest::did_you_mean,
    units::Span,
};

/// An issuer of tokens, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct IssuerFile {
    /// What is known of it: `google` (ID tokens), `cloud_run` (the same in `x-serverless-authorization`),
    /// or `iap` (Identity-Aware Proxy).
    preset: Option<String>,
    /// What its tokens say in `iss`; where its keys are found, unless `jwks` says so.
    issuer: Option<String>,
    /// For whom tokens must be: one of these stands in `aud`.
    audiences: Option<Words>,
    /// Where its keys are: a URL, or a file. Default: where its `.well-known/openid-configuration` says.
    jwks: Option<String>,
    /// How tokens may be signed: RS256 to RS512, PS256 to PS512, ES256, ES384, `EdDSA`. Default: all these.
    algorithms: Option<Words>,
    /// Where tokens stand: `keys` (wherever clients send keys, so that every SDK can send one),
    /// `authorization`, or the name of a header. Default: keys.
    header: Option<String>,
    /// What else a token must say, by claim: one of these words; of an empty list, anything.
    required: BTreeMap<String, Words>,
    /// Which claims say what, with dots between names: `org.team`.
    claims: ClaimsFile,
    /// What its callers may do, where their tokens say nothing else.
    grant: GrantFile,
    /// By how much its clock may be off. Default: 1m.
    leeway: Option<Span>,
    /// After what time its keys are fetched again. Default: 15m.
    refresh: Option<Span>,
    /// How long its keys are believed while it gives no others. Default: 24h.
    keep: Option<Span>,
}

/// Which claims say what.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct ClaimsFile {
    /// Who it is: the first of these that is there. Default: sub.
    user: Option<Words>,
    /// Of which team, likewise.
    team: Option<Words>,
    /// What may be done than ask models: all of these.
    scopes: Option<Words>,
    /// The models that may be asked.
    models: Option<String>,
    /// The providers that may serve.
    providers: Option<String>,
    /// The paths that may be used.
    routes: Option<String>,
    /// Words for reports, by the name they get.
    tags: BTreeMap<String, String>,
}

/// Reads all issuers, in the order of their names.
pub(super) fn issuers(
    files: BTreeMap<String, IssuerFile>,
    path: &Path,
    context: &Context<'_>,
) -> Result<Vec<Issuer>, Problem> {
    files.into_iter().map(|(name, file)| file.validate(&path.key(&name), context)).collect()
}

impl IssuerFile {
    fn validate(self, path: &Path, context: &Context<'_>) -> Result<Issuer, Problem> {
        let audiences: Vec<String> = self.audiences.iter().flat_map(Words::iter).cloned().collect();
        if audiences.is_empty() {
            return Err(Problem::plain(path.key("audiences"), "missing, and tokens for others would pass")
                .hint("say what your tokens have in `aud`"));
        }
        let mut issuer = match (self.preset.as_deref(), &self.issuer) {
            (None, Some(name)) => Issuer { place: Place::AsKeys, ..Issuer::new(name, audiences) },
            (None, None) => {
                return Err(Problem::plain(path.key("issuer"), "missing")
                    .hint("say what your tokens have in `iss`, or `preset: google`"));
            }
            (Some(_), Some(_)) => {
                return Err(Problem::plain(path.key("issuer"), "a preset has its own").hint("leave one out"));
            }
            (Some("google"), None) => Issuer { place: Place::AsKeys, ..Issuer::google(audiences) },
            (Some("cloud_run"), None) => Issuer::cloud_run(audiences),
            (Some("iap"), None) => Issuer::iap(audiences),
            (Some(other), None) => {
                let hint = did_you_mean(other, ["google", "cloud_run", "iap"]);
                return Err(Problem::value(path.key("preset"), "nothing is known of it")
                    .hint(hint.unwrap_or_else(|| "say `google`, `cloud_run` or `iap`".to_owned())));
            }
        };
        if let Some(jwks) = &self.jwks {
            issuer.keys = key_source(jwks, &path.key("jwks"), context)?;
        }
        if let Some(algorithms) = &self.algorithms {
            let read = |word: &String| {
                word.parse().map_err(|error| Problem::plain(path.key("algorithms"), format!("{error}")))
            };
            issuer.algorithms = algorithms.iter().map(read).collect::<Result<_, _>>()?;
        }
        if let Some(header) = self.header.as_deref() {
            issuer.place = place(header, &path.key("header"))?;
        }
        for (claim, values) in &self.required {
            let claim = claim_path(claim, &path.key("required"))?;
            issuer.required.push(RequiredClaim::new(claim, values.iter().cloned()));
        }
        self.claims.read(&mut issuer, &path.key("claims"))?;
        issuer.grant = self.grant.read(&path.key("grant"))?;
        issuer.leeway = self.leeway.map_or(issuer.leeway, |Span(span)| span);
        issuer.freshness.refresh = self.refresh.map_or(issuer.freshness.refresh, |Span(span)| span);
        issuer.freshness.keep = self.keep.map_or(issuer.freshness.keep, |Span(span)| span);
        issuer.check().map_err(|error| Problem::plain(path.clone(), error.to_string()))?;
        Ok(issuer)
    }
}

impl ClaimsFile {
    fn read(&self, issuer: &mut Issuer, path: &Path) -> Result<(), Problem> {
        let several = |field: &str, words: &Words| -> Result<Vec<ClaimPath>, Problem> {
            words.iter().map(|word| claim_path(word, &path.key(field))).collect()
        };
        let one = |field: &str, word: &String| claim_path(word, &path.key(field));
        let mapping = &mut issuer.mapping;
        if let Some(words) = &self.user {
            mapping.user = several("user", words)?;
        }
        if let Some(words) = &self.team {
            mapping.team = several("team", words)?;
        }
        if let Some(words) = &self.scopes {
            mapping.scopes = several("scopes", words)?;
        }
        mapping.models = self.models.as_ref().map(|word| one("models", word)).transpose()?;
        mapping.providers = self.providers.as_ref().map(|word| one("providers", word)).transpose()?;
        mapping.routes = self.routes.as_ref().map(|word| one("routes", word)).transpose()?;
        for (tag, word) in &self.tags {
            mapping.tags.insert(tag.clone(), one("tags", word)?);
        }
        Ok(())
    }
}

fn claim_path(text: &str, path: &Path) -> Result<ClaimPath, Problem> {
    text.parse().map_err(|error| Problem::plain(path.clone(), format!("{error}")))
}

fn place(word: &str, path: &Path) -> Result<Place, Problem> {
    match word.trim() {
        "keys" => Ok(Place::AsKeys),
        word if word.eq_ignore_ascii_case("authorization") => Ok(Place::Bearer),
        name => HeaderName::try_from(name).map(Place::Header).map_err(|_| {
            Problem::value(path.clone(), "not a header's name")
                .hint("say `keys`, `authorization`, or a header such as x-goog-iap-jwt-assertion")
        }),
    }
}

/// A URL, or a file that is read now.
fn key_source(text: &str, path: &Path, context: &Context<'_>) -> Result<KeySource, Problem> {
    if text.contains("://") {
        let url = text.trim().parse();
        return url.map(KeySource::Url).map_err(|_| Problem::value(path.clone(), "not a URL"));
    }
    let keys = context.read_file(std::path::Path::new(text), path)?;
    let keys = KeySet::from_jwks(keys.as_bytes());
    keys.map(KeySource::Fixed).map_err(|error| Problem::plain(path.clone(), error.to_string()))
}
