use std::time::Duration;

use http::{HeaderName, Uri};

use super::{Algorithm, KeySet, Mapping, Place, RequiredClaim};
use crate::keys::Grant;

/// Whose tokens are believed, and what they come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issuer {
    /// What `iss` must say, to the letter.
    pub issuer: String,
    /// What else it may say.
    pub aliases: Vec<String>,
    /// Where the issuer's keys are.
    pub keys: KeySource,
    /// How often keys are fetched.
    pub freshness: Freshness,
    /// For whom a token may be: one of these must be in `aud`.
    pub audiences: Vec<String>,
    /// By what a token may be signed.
    pub algorithms: Vec<Algorithm>,
    /// Where in a request the tokens stand.
    pub place: Place,
    /// By how much the issuer's clock may be off.
    pub leeway: Duration,
    /// What else a token must say.
    pub required: Vec<RequiredClaim>,
    /// What a token says of the caller.
    pub mapping: Mapping,
    /// What holds for every caller, where the token says nothing else.
    pub grant: Grant,
}

/// Where the keys of an issuer are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeySource {
    /// Where the issuer says: at `jwks_uri` of its `.well-known/openid-configuration`.
    Discovery,
    /// At a URL.
    Url(Uri),
    /// Here. They are never fetched.
    Fixed(KeySet),
}

/// How often the keys of an issuer are fetched.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// After what time they are fetched again.
    pub refresh: Duration,
    /// How long they are believed while the issuer gives no others.
    pub keep: Duration,
    /// What must lie between two fetches, whatever tokens come. A second or more.
    pub pause: Duration,
    /// How long a fetch may take.
    pub timeout: Duration,
}

/// Why the tokens of an issuer cannot be judged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IssuerError {
    /// Without a name every token without one would be its own.
    #[error("an issuer needs a name")]
    NoName,
    /// Tokens for anybody would be accepted.
    #[error("an issuer needs an audience, lest tokens for others are accepted: {0}")]
    NoAudience(Box<str>),
    /// No token could be signed.
    #[error("an issuer needs an algorithm: {0}")]
    NoAlgorithm(Box<str>),
    /// Whoever is on the way could give other keys.
    #[error("the keys of an issuer must come by https, or from this machine, not from {0}")]
    Url(Box<str>),
    /// Keys would be too old before they are fetched again, or be fetched without end.
    #[error(
        "the keys of an issuer must be kept longer than until they are fetched again, and fetches be a second apart: {0}"
    )]
    Freshness(Box<str>),
}

impl Issuer {
    /// An issuer whose keys are [discovered](KeySource::Discovery), with a leeway of one minute, whose
    /// claim `sub` says who the user is. It may sign with all algorithms there are, all being asymmetric.
    pub fn new<A: Into<String>>(issuer: impl Into<String>, audiences: impl IntoIterator<Item = A>) -> Self {
        Self {
            issuer: issuer.into(),
            aliases: Vec::new(),
            keys: KeySource::Discovery,
            freshness: Freshness::default(),
            audiences: audiences.into_iter().map(Into::into).collect(),
            algorithms: Algorithm::ALL.into(),
            place: Place::Bearer,
            leeway: Duration::from_mins(1),
            required: Vec::new(),
            mapping: Mapping { user: paths(&["sub"]), ..Mapping::default() },
            grant: Grant::default(),
        }
    }

    /// Google's ID tokens, of people and of service accounts. The user is the email address, which must be
    /// verified if there is one, or else `sub`.
    /// (<https://developers.google.com/identity/openid-connect/openid-connect#validatinganidtoken>)
    pub fn google<A: Into<String>>(audiences: impl IntoIterator<Item = A>) -> Self {
        let mut google = Self::new("https://accounts.google.com", audiences);
        google.aliases.push("accounts.google.com".to_owned());
        google.keys = KeySource::Url(Uri::from_static("https://www.googleapis.com/oauth2/v3/certs"));
        google.algorithms = vec![Algorithm::Rs256];
        google.mapping.user = paths(&["email", "sub"]);
        let verified = paths(&["email_verified"]).into_iter();
        google.required.extend(verified.map(|path| RequiredClaim::new(path, ["true"]).if_present()));
        google
    }

    /// Google's ID tokens in `x-serverless-authorization`, for callers whose `Authorization` is taken.
    ///
    /// A service on Cloud Run that demands authentication gets the token which the platform has checked
    /// without its signature. Such a token proves nothing to whoever did not see the platform check it,
    /// and is refused. (<https://cloud.google.com/run/docs/authenticating/service-to-service>)
    pub fn cloud_run<A: Into<String>>(audiences: impl IntoIterator<Item = A>) -> Self {
        let place = Place::Header(HeaderName::from_static("x-serverless-authorization"));
        Self { place, ..Self::google(audiences) }
    }

    /// What Google's Identity-Aware Proxy says of the person behind a request. The audience is
    /// `/projects/NUMBER/global/backendServices/ID` or `/projects/NUMBER/apps/PROJECT`.
    /// (<https://cloud.google.com/iap/docs/signed-headers-howto>)
    pub fn iap<A: Into<String>>(audiences: impl IntoIterator<Item = A>) -> Self {
        let mut iap = Self::new("https://cloud.google.com/iap", audiences);
        iap.keys = KeySource::Url(Uri::from_static("https://www.gstatic.com/iap/verify/public_key-jwk"));
        iap.algorithms = vec![Algorithm::Es256];
        iap.place = Place::Header(HeaderName::from_static("x-goog-iap-jwt-assertion"));
        iap.mapping.user = paths(&["email", "sub"]);
        iap
    }

    /// Refuses what would accept too much, or nothing.
    pub fn check(&self) -> Result<(), IssuerError> {
        let name = || self.issuer.as_str().into();
        if self.issuer.is_empty() || self.aliases.iter().any(String::is_empty) {
            return Err(IssuerError::NoName);
        }
        if self.audiences.is_empty() || self.audiences.iter().any(String::is_empty) {
            return Err(IssuerError::NoAudience(name()));
        }
        if self.algorithms.is_empty() {
            return Err(IssuerError::NoAlgorithm(name()));
        }
        match &self.keys {
            KeySource::Fixed(_) => return Ok(()),
            KeySource::Url(url) => check_url(url)?,
            KeySource::Discovery => check_url(&self.discovery()?)?,
        }
        let Freshness { refresh, keep, pause, .. } = self.freshness;
        if keep <= refresh.max(pause) || pause < Duration::from_secs(1) {
            return Err(IssuerError::Freshness(name()));
        }
        Ok(())
    }

    /// Where the issuer says where its keys are (OIDC Discovery 1.0 §4).
    pub(super) fn discovery(&self) -> Result<Uri, IssuerError> {
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        url.parse().map_err(|_| IssuerError::Url(self.issuer.as_str().into()))
    }
}

impl Default for Freshness {
    /// Each quarter of an hour, believed for a day, half a minute between fetches of five seconds at most.
    fn default() -> Self {
        Self {
            refresh: Duration::from_mins(15),
            keep: Duration::from_hours(24),
            pause: Duration::from_secs(30),
            timeout: Duration::from_secs(5),
        }
    }
}

/// Refuses what anybody on the way could answer.
pub(super) fn check_url(url: &Uri) -> Result<(), IssuerError> {
    let is_here = || {
        let host = url.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
        host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
    };
    match url.scheme_str() {
        Some("https") if url.host().is_some() => Ok(()),
        Some("http") if is_here() => Ok(()),
        _ => Err(IssuerError::Url(url.to_string().into())),
    }
}

fn paths(paths: &[&str]) -> Vec<super::ClaimPath> {
    paths.iter().filter_map(|path| path.parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_would_accept_too_much_is_refused() {
        let good = Issuer::new("https://issuer.example", ["gateway"]);
        assert_eq!(good.check(), Ok(()));
        let faults = |change: fn(&mut Issuer)| {
            let mut issuer = good.clone();
            change(&mut issuer);
            issuer.check().unwrap_err()
        };
        assert_eq!(faults(|issuer| issuer.issuer.clear()), IssuerError::NoName);
        assert_eq!(faults(|issuer| issuer.aliases.push(String::new())), IssuerError::NoName);
        let name = || "https://issuer.example".into();
        assert_eq!(faults(|issuer| issuer.audiences.clear()), IssuerError::NoAudience(name()));
        assert_eq!(faults(|issuer| issuer.audiences.push(String::new())), IssuerError::NoAudience(name()));
        assert_eq!(faults(|issuer| issuer.algorithms.clear()), IssuerError::NoAlgorithm(name()));
        for unsound in [
            |issuer: &mut Issuer| issuer.freshness.keep = issuer.freshness.refresh,
            |issuer: &mut Issuer| issuer.freshness.pause = issuer.freshness.keep,
            |issuer: &mut Issuer| issuer.freshness.pause = Duration::ZERO,
        ] {
            assert_eq!(faults(unsound), IssuerError::Freshness(name()));
        }
    }

    #[test]
    fn keys_come_by_a_way_that_nobody_can_change() {
        for (url, good) in [
            ("https://issuer.example/keys", true),
            ("http://issuer.example/keys", false),
            ("http://localhost.example/keys", false),
            ("http://localhost:8080/keys", true),
            ("http://127.0.0.1/keys", true),
            ("http://[::1]:80/keys", true),
            ("ftp://issuer.example/keys", false),
            ("/keys", false),
        ] {
            let mut issuer = Issuer::new("any", ["gateway"]);
            issuer.keys = KeySource::Url(url.parse().unwrap());
            assert_eq!(issuer.check().is_ok(), good, "{url}");
        }
        for (name, good) in
            [("https://issuer.example/", true), ("issuer", false), ("http://a.example", false)]
        {
            assert_eq!(Issuer::new(name, ["gateway"]).check().is_ok(), good, "{name}");
        }
    }

    #[test]
    fn google_is_known() {
        for issuer in [Issuer::google(["a"]), Issuer::cloud_run(["a"]), Issuer::iap(["a"])] {
            assert_eq!(issuer.check(), Ok(()));
            assert_eq!(issuer.mapping.user.len(), 2);
        }
        assert_eq!(Issuer::google(["a"]).required.len(), 1);
    }
}
