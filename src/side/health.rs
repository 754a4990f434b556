//! Whether the process lives, and whether it takes work: for everybody, behind nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use http::header::{CONTENT_TYPE, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::Error;
use crate::auth::Auth;
use crate::body::{Answer, full};

/// Whether the process takes new work; turned off when it begins to shut down.
#[derive(Clone, Debug)]
pub struct Readiness(Arc<AtomicBool>);

impl Default for Readiness {
    fn default() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }
}

impl Readiness {
    /// Says that no new work is wanted.
    pub fn close(&self) {
        self.0.store(false, Ordering::Relaxed);
    }

    fn is_open(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Answers `/health/live` and `/health/ready`, and leaves everything else to its inner service.
#[derive(Clone, Debug)]
pub struct Health<S> {
    inner: S,
    readiness: Readiness,
    auth: Auth,
}

impl<S> Health<S> {
    pub(crate) const fn new(inner: S, readiness: Readiness, auth: Auth) -> Self {
        Self { inner, readiness, auth }
    }

    fn status(&self, path: &str) -> Option<(StatusCode, &'static str)> {
        let unready = |why| Some((StatusCode::SERVICE_UNAVAILABLE, why));
        match path {
            "/health/ready" if !self.readiness.is_open() => unready("shutting down\n"),
            // A replica that knows the keys takes those requests meanwhile.
            "/health/ready" if !self.auth.is_read() => unready("the keys have not been read yet\n"),
            "/health/live" | "/health/ready" => Some((StatusCode::OK, "ok\n")),
            _ => None,
        }
    }
}

impl<S, B> Service<Request<B>> for Health<S>
where
    S: Service<Request<B>, Response = Answer, Error = Error>,
{
    type Response = Answer;
    type Error = Error;
    type Future = ResponseFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, req: Request<B>) -> Self::Future {
        let Some(status) = self.status(req.uri().path()) else {
            return ResponseFuture::Inner { future: self.inner.call(req) };
        };
        ResponseFuture::Health { answer: Some(answer(req.method(), req.uri().path(), status)) }
    }
}

fn answer(method: &Method, path: &str, (status, text): (StatusCode, &'static str)) -> Result<Answer, Error> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let (method, path) = (method.clone(), path.to_owned());
        return Err(Error::MethodNotAllowed { method, path, allow: "GET, HEAD" });
    }
    let mut response = Response::new(full(if *method == Method::HEAD { "" } else { text }));
    *response.status_mut() = status;
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, kind);
    Ok(response)
}

pin_project! {
    /// The future of [`Health`].
    #[project = Way]
    pub enum ResponseFuture<F> {
        Health { answer: Option<Result<Answer, Error>> },
        Inner { #[pin] future: F },
    }
}

impl<F> Future for ResponseFuture<F>
where
    F: Future<Output = Result<Answer, Error>>,
{
    type Output = Result<Answer, Error>;

    fn poll(self: std::pin::Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project() {
            Way::Inner { future } => future.poll(cx),
            Way::Health { answer } => Poll::Ready(answer.take().unwrap_or(Err(Error::Internal))),
        }
    }
}
