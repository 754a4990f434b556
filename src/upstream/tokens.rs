//! Sends requests with access tokens.

use std::future::poll_fn;
use std::sync::Arc;

use http::header::AUTHORIZATION;
use http::{Request, Response, StatusCode, Uri};
use tower_service::Service;

use super::credentials::Again;
use super::google::{Bearer, TokenError, TokenSource};
use crate::Error;
use crate::config::{Provider, UNKNOWN_PROJECT};

/// The access tokens of one provider.
#[derive(Debug)]
pub(super) struct Tokens {
    provider: Arc<str>,
    source: TokenSource,
    /// Whether the project in a path is the one the token's source tells.
    fills_project: bool,
}

impl Tokens {
    pub(super) fn new(provider: &Provider, source: TokenSource) -> Self {
        let fills_project = provider.google.as_ref().is_some_and(|google| google.wants_project);
        Self { provider: provider.name.clone(), source, fills_project }
    }

    /// Sends a request with a token. One that is refused with 401 is sent once more with another
    /// token: nothing of the answer has gone to the client then, and a token may have been revoked, or
    /// a machine may have slept through its end.
    pub(super) async fn call<S, B, R>(
        self: Arc<Self>,
        mut inner: S,
        req: Request<B>,
    ) -> Result<Response<R>, Error>
    where
        S: Service<Request<B>, Response = Response<R>, Error = Error>,
        B: Again,
    {
        let bearer = self.token().await.map_err(|error| self.failure(error))?;
        let spare = again(&req);
        let response = inner.call(self.with(req, &bearer)).await?;
        // What cannot be sent again is at least the last to be refused.
        if response.status() != StatusCode::UNAUTHORIZED || !self.source.refuse(&bearer) {
            return Ok(response);
        }
        let Some(spare) = spare else { return Ok(response) };
        // Without another token the refusal says the most.
        let Ok(bearer) = self.token().await else { return Ok(response) };
        tracing::info!(
            provider = &*self.provider,
            "the access token was refused; another try with a new one"
        );
        drop(response);
        poll_fn(|cx| inner.poll_ready(cx)).await?;
        inner.call(self.with(spare, &bearer)).await
    }

    async fn token(&self) -> Result<Bearer, TokenError> {
        match self.source.ready() {
            Some(bearer) => Ok(bearer),
            None => self.source.get().await,
        }
    }

    fn with<B>(&self, mut req: Request<B>, bearer: &Bearer) -> Request<B> {
        req.headers_mut().insert(AUTHORIZATION, bearer.header.clone());
        if let Some(project) = bearer.project.as_deref().filter(|_| self.fills_project)
            && let Some(uri) = in_project(req.uri(), project)
        {
            *req.uri_mut() = uri;
        }
        req
    }

    fn failure(&self, error: TokenError) -> Error {
        let TokenError { message, passing } = error;
        Error::Identity { provider: self.provider.to_string(), reason: message, passing }
    }
}

/// The same request once more, if its body can be had again.
fn again<B: Again>(req: &Request<B>) -> Option<Request<B>> {
    let mut copy = Request::new(req.body().again()?);
    *copy.method_mut() = req.method().clone();
    *copy.uri_mut() = req.uri().clone();
    *copy.version_mut() = req.version();
    *copy.headers_mut() = req.headers().clone();
    *copy.extensions_mut() = req.extensions().clone();
    Some(copy)
}

/// The URL with a project in place of the unknown one.
fn in_project(uri: &Uri, project: &str) -> Option<Uri> {
    let mut parts = uri.clone().into_parts();
    let path = parts.path_and_query?.as_str().replacen(UNKNOWN_PROJECT, &format!("/projects/{project}/"), 1);
    parts.path_and_query = Some(path.parse().ok()?);
    Uri::from_parts(parts).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_project_is_filled_in() {
        let filled = |uri: &str| in_project(&uri.parse().unwrap(), "p-1").unwrap().to_string();
        assert_eq!(
            filled("https://h/v1/projects/-/locations/l/x:y?alt=sse"),
            "https://h/v1/projects/p-1/locations/l/x:y?alt=sse"
        );
        assert_eq!(filled("https://h/v1/projects/q/locations/l"), "https://h/v1/projects/q/locations/l");
    }
}
