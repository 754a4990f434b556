//! Who may pass: how strict the gateway is, and whom it believes about where a request comes from.

use std::collections::BTreeMap;
use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::Deserialize;
use tollway_auth::certificate::CertificateRule;
use tollway_auth::jwt::Issuer;
use tollway_auth::{ForwardedBy, Mode, TrustedProxies};

use super::{
    Path, Server,
    certificates::{CertificateFile, certificates},
    context::Context,
    document::{Words, whole_number},
    error::Problem,
    issuers::{IssuerFile, issuers},
    nearest::did_you_mean,
    units::Span,
};

/// Who may pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authentication {
    /// The issuers whose tokens are believed.
    pub issuers: Vec<Issuer>,
    /// Whom certificates of clients come to.
    pub certificates: Vec<CertificateRule>,
    /// How strict the gateway is, and what it counts.
    pub settings: tollway_auth::Settings,
    /// Whether everybody is let pass on a network too, and not only on this machine.
    pub is_open_to_network: bool,
}

/// Who may pass, as written.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub(super) struct AuthenticationFile {
    /// `required` (a request needs a key), `open` (it needs none), or `automatic`: required once there
    /// is a key, and wherever others than this machine can come. Default: automatic.
    mode: Option<String>,
    /// Be open to whoever can reach the address listened on, and not only to this machine.
    open_to_network: bool,
    /// The addresses or networks of proxies that are believed about whom a request comes from.
    trusted_proxies: Option<Words>,
    /// Where these proxies say it: `x-forwarded-for` or `forwarded`. Default: x-forwarded-for.
    forwarded_by: Option<String>,
    /// How many unknown keys an address may try in `failures_window`; 0 for any number. Default: 10.
    #[schemars(schema_with = "whole_number")]
    failures: Option<u32>,
    /// Default: 1m.
    failures_window: Option<Span>,
    /// Issuers of tokens (JWTs) that are accepted beside keys, by name.
    jwt: BTreeMap<String, IssuerFile>,
    /// Certificates of clients that are accepted beside keys: the first rule that fits counts. They are
    /// asked for where `server.tls.client_ca` is given.
    certificates: Vec<CertificateFile>,
}

impl AuthenticationFile {
    /// `is_simulated`: whoever comes, nothing costs anything.
    pub(super) fn validate(
        self,
        server: &Server,
        is_simulated: bool,
        context: &Context<'_>,
    ) -> Result<Authentication, Problem> {
        let listen = server.listen;
        let path = Path::of(&["auth"]);
        let usual = tollway_auth::Settings::default();
        let is_private = listen.ip().is_loopback() || self.open_to_network;
        let mode = match self.mode.as_deref().unwrap_or("automatic") {
            "open" if is_private => Mode::Open,
            "open" => {
                let what = format!("whoever can reach {listen} would use your providers' keys");
                return Err(Problem::plain(path.key("mode"), what)
                    .hint("listen on 127.0.0.1, or say `open_to_network: true` as well"));
            }
            "automatic" if is_private || is_simulated => Mode::Automatic,
            // Who makes the first key must not lose a race against who finds the port.
            "required" | "automatic" => Mode::Required,
            other => {
                let hint = did_you_mean(other, ["required", "open", "automatic"]);
                return Err(Problem::value(path.key("mode"), "not one of the words known here")
                    .hint(hint.unwrap_or_else(|| "say `required`, `open` or `automatic`".to_owned())));
            }
        };
        let by = match self.forwarded_by.as_deref().unwrap_or("x-forwarded-for") {
            word if word.eq_ignore_ascii_case("x-forwarded-for") => ForwardedBy::XForwardedFor,
            word if word.eq_ignore_ascii_case("forwarded") => ForwardedBy::Forwarded,
            _ => {
                return Err(Problem::value(path.key("forwarded_by"), "not a header that is read for this")
                    .hint("say `x-forwarded-for` or `forwarded`"));
            }
        };
        let networks = self.trusted_proxies.iter().flat_map(Words::iter).map(String::as_str);
        let proxies = TrustedProxies::new(networks, by)
            .map_err(|error| Problem::plain(path.key("trusted_proxies"), error.to_string()))?;
        let window = self.failures_window.map_or(usual.failures_window, |Span(window)| window);
        // No window: not limited.
        let (failures, failures_window) = match self.failures.map(NonZeroU32::new) {
            Some(None) => (usual.failures, std::time::Duration::ZERO),
            Some(Some(failures)) => (failures, window),
            None => (usual.failures, window),
        };
        let settings = tollway_auth::Settings { mode, failures, failures_window, proxies, ..usual };
        let asks_for_certificates = server.tls.as_ref().is_some_and(|tls| tls.client.is_some());
        if !self.certificates.is_empty() && !asks_for_certificates {
            return Err(Problem::plain(path.key("certificates"), "no client is asked for a certificate")
                .hint("give `server.tls.client_ca`, the certificates of who signs those of clients"));
        }
        Ok(Authentication {
            issuers: issuers(self.jwt, &path.key("jwt"), context)?,
            certificates: certificates(self.certificates, &path.key("certificates"))?,
            settings,
            is_open_to_network: self.open_to_network,
        })
    }
}
