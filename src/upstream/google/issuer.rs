//! Asks Google, or the metadata server, for access tokens.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use bytes::Bytes;
use http::header::{ACCEPT, CONTENT_TYPE, PROXY_AUTHORIZATION, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode};
use http_body_util::{BodyExt, Full, Limited};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::json;

use super::super::announced::StreamLimit;
use super::super::connect::{Connector, Https, Within};
use super::super::proxies::Proxies;
use super::reply::{self, Asked};
use super::source::{Granting, Issue};
use super::token::{Grant, TokenError};
use crate::config::{AuthorizedUser, BaseUrl, Google, GoogleCredentials, Http2, ServiceAccount};
use crate::error::chain;

/// What tokens are for: everything the identity may do.
const SCOPE: &str = "https://www.googleapis.com/auth/cloud-platform";

/// How long a signed statement is good for, in seconds: the most that Google takes.
const STATEMENT_LIFE: u64 = 3600;

/// How much earlier than now it says that it was made, in seconds: one from the future is refused, and
/// clocks differ (as Google's own library for Go does it, `golang.org/x/oauth2/jws`).
const STATEMENT_SKEW: u64 = 10;

/// How long one request may take, connection included.
const LIMIT: Duration = Duration::from_secs(5);

/// The most bytes of an answer that are read.
const MOST: usize = 64 * 1024;

const FLAVOR: HeaderName = HeaderName::from_static("metadata-flavor");

/// Asks for the tokens of one identity.
pub(crate) struct Issuer {
    google: Google,
    proxies: Proxies,
    client: Client<Within<Https>, Full<Bytes>>,
    /// The metadata server is next door, never behind a proxy.
    direct: Client<HttpConnector, Full<Bytes>>,
}

impl Issuer {
    pub(crate) fn new(google: &Google, connector: &Connector) -> Self {
        let mut next_door = HttpConnector::new();
        next_door.set_connect_timeout(Some(LIMIT / 2));
        // No connection is kept: it would belong to the runtime of whoever asked first.
        let mut builder = Client::builder(TokioExecutor::new());
        builder.pool_max_idle_per_host(0);
        let https = connector.build(Http2::Never, LIMIT, StreamLimit::default());
        Self {
            google: google.clone(),
            proxies: connector.proxies().clone(),
            client: builder.build(https),
            direct: builder.build(next_door),
        }
    }

    async fn ask(&self) -> Result<Grant, TokenError> {
        match &*self.google.credentials {
            GoogleCredentials::ServiceAccount(account) => {
                let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
                let statement = statement(account, now).ok_or_else(|| {
                    TokenError::lasting("the service account's key does not sign; make another one")
                })?;
                let form = [
                    ("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer"),
                    ("assertion", &*statement),
                ];
                self.exchange(&account.token_url, &form, &[&statement]).await
            }
            GoogleCredentials::AuthorizedUser(user) => {
                let AuthorizedUser { client_id, client_secret, refresh_token, token_url, .. } = user;
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", client_id),
                    ("client_secret", client_secret.expose()),
                    ("refresh_token", refresh_token.expose()),
                ];
                let secrets = [client_secret.expose(), refresh_token.expose()];
                self.exchange(token_url, &form, &secrets).await
            }
            GoogleCredentials::Metadata { host } => self.metadata(host).await,
        }
    }

    /// Changes what a form holds for a token.
    async fn exchange(
        &self,
        url: &BaseUrl,
        form: &[(&str, &str)],
        secrets: &[&str],
    ) -> Result<Grant, TokenError> {
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        let mut request = request(Method::POST, &url.to_string(), body.into())?;
        let headers = request.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
        if let Some(value) = self.proxies.authorization(url.scheme(), url.authority()) {
            headers.insert(PROXY_AUTHORIZATION, value);
        }
        let asked = Asked { who: url.authority().as_str(), secrets };
        let (status, _, body) = read(&asked, self.client.request(request)).await?;
        reply::grant(&asked, status, &body)
    }

    /// Asks the metadata server for the token of the machine's own identity.
    async fn metadata(&self, host: &str) -> Result<Grant, TokenError> {
        let token = "instance/service-accounts/default/token";
        let (status, body) = self.look_up(host, token).await?;
        let mut grant = reply::grant(&Asked::plainly(host), status, &body)?;
        if self.google.wants_project {
            let (status, body) = self.look_up(host, "project/project-id").await?;
            grant.project = Some(reply::project(host, status, &body)?);
        }
        Ok(grant)
    }

    async fn look_up(&self, host: &str, path: &str) -> Result<(StatusCode, Bytes), TokenError> {
        let mut request =
            request(Method::GET, &format!("http://{host}/computeMetadata/v1/{path}"), Bytes::new())?;
        request.headers_mut().insert(FLAVOR, HeaderValue::from_static("Google"));
        let asked = Asked::plainly(host);
        let (status, headers, body) = read(&asked, self.direct.request(request)).await?;
        // Whoever else answers by that name is not asked for an identity.
        if status.is_success() && headers.get(FLAVOR).is_none_or(|flavor| flavor != "Google") {
            return Err(TokenError::lasting(format!(
                "not a metadata server, as it does not say `metadata-flavor: Google`: {host}"
            )));
        }
        Ok((status, body))
    }
}

impl Issue for Issuer {
    fn issue(&self) -> Granting<'_> {
        Box::pin(self.ask())
    }
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Issuer").field("google", &self.google).finish_non_exhaustive()
    }
}

/// A service account's signed statement of who it is and what it wants (RFC 7523).
fn statement(account: &ServiceAccount, now: u64) -> Option<String> {
    let mut head = json!({ "alg": "RS256", "typ": "JWT" });
    if let Some(id) = &account.key_id {
        head["kid"] = json!(**id);
    }
    let now = now.saturating_sub(STATEMENT_SKEW);
    let claims = json!({
        "iss": *account.email,
        "scope": SCOPE,
        "aud": account.token_url.to_string(),
        "iat": now,
        "exp": now + STATEMENT_LIFE,
    });
    let mut text = [head, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string())).join(".");
    let signature = account.key.sign(text.as_bytes())?;
    text.push('.');
    URL_SAFE_NO_PAD.encode_string(signature, &mut text);
    Some(text)
}

fn request(method: Method, url: &str, body: Bytes) -> Result<Request<Full<Bytes>>, TokenError> {
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = method;
    *request.uri_mut() = url.parse().map_err(|_| TokenError::lasting(format!("not a URL to ask: {url}")))?;
    let agent = concat!("tollway/", env!("CARGO_PKG_VERSION"));
    request.headers_mut().insert(USER_AGENT, HeaderValue::from_static(agent));
    request.headers_mut().insert(ACCEPT, HeaderValue::from_static("application/json"));
    Ok(request)
}

/// Waits for an answer and reads it whole.
async fn read(
    asked: &Asked<'_>,
    answer: hyper_util::client::legacy::ResponseFuture,
) -> Result<(StatusCode, HeaderMap, Bytes), TokenError> {
    let reading = async {
        let (parts, body) = answer.await.map_err(|error| asked.unreached(&chain(&error)))?.into_parts();
        let body =
            Limited::new(body, MOST).collect().await.map_err(|error| asked.unreached(&chain(&*error)))?;
        Ok((parts.status, parts.headers, body.to_bytes()))
    };
    match tokio::time::timeout(LIMIT, reading).await {
        Ok(result) => result,
        Err(_) => Err(asked.unreached(&format!("it did not answer within {} s", LIMIT.as_secs()))),
    }
}

#[cfg(test)]
mod tests;
