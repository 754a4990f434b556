//! The gateway's real stack, called in this process, in front of one scripted provider.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header::CONTENT_TYPE};
use http_body_util::{BodyExt as _, Full};
use serde_json::Value;
use tollway::{
    BoxError,
    config::{Env, Settings, Source},
    stack::{self, Shared, Stack},
};
use tower::ServiceExt as _;

use super::upstream::{Received, Script, Upstream};

/// A header that goes through the gateway and tells the provider which script to answer by.
const SCRIPT: HeaderName = HeaderName::from_static("x-script");

/// The stack, and the provider behind it. Calls may run at once.
#[derive(Debug)]
pub(crate) struct Gateway {
    stack: Stack,
    shared: Shared,
    scripts: Arc<Scripts>,
    next: AtomicU64,
    _upstream: Upstream,
}

/// What the client got.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
    /// Whether the body ended as a body should.
    pub(crate) is_whole: bool,
    /// What the provider was sent, if it was.
    pub(crate) sent: Option<Received>,
}

impl Answer {
    /// The body as JSON; `null` where it is none.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap_or("(not UTF-8)")
    }
}

#[derive(Debug, Default)]
struct Scripts {
    waiting: Mutex<HashMap<u64, Script>>,
    received: Mutex<HashMap<u64, Received>>,
}

impl Scripts {
    fn answer(&self, received: Received) -> Script {
        let id = received.headers.get(SCRIPT).and_then(|id| id.to_str().ok()?.parse().ok()).unwrap_or(0);
        let script = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        self.received.lock().unwrap_or_else(PoisonError::into_inner).insert(id, received);
        script.unwrap_or_else(|| Script::new(500, None, "no script for this request"))
    }
}

impl Gateway {
    /// Builds the stack from a configuration in which `{upstream}` stands for the provider's URL.
    pub(crate) async fn start(configuration: &str) -> Result<Self, BoxError> {
        let scripts = Arc::new(Scripts::default());
        let upstream = Upstream::start({
            let scripts = scripts.clone();
            move |received| scripts.answer(received)
        })
        .await?;
        let source = Source::text(configuration.replace("{upstream}", &upstream.url()));
        let mut settings = Settings::load(&source, &Env::default())?;
        // Pictures come from servers of this machine too.
        settings.media.allow_private = true;
        let shared = Shared::new(Arc::new(settings))?;
        let stack = stack::build(&shared);
        Ok(Self { stack, shared, scripts, next: AtomicU64::new(1), _upstream: upstream })
    }

    /// What the stack was built of.
    pub(crate) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Posts JSON to the gateway while the provider answers by `script`.
    pub(crate) async fn post(&self, path: &str, body: &Value, script: Script) -> Answer {
        let id = self.next.fetch_add(1, Ordering::Relaxed);
        self.scripts.waiting.lock().unwrap_or_else(PoisonError::into_inner).insert(id, script);
        let mut request =
            Request::post(path).body(Full::new(Bytes::from(body.to_string()))).unwrap_or_default();
        request.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        request.headers_mut().insert(SCRIPT, id.into());
        let mut answer = self.send(request).await;
        self.scripts.waiting.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        answer.sent = self.scripts.received.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
        answer
    }

    /// Sends any request to the gateway.
    pub(crate) async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        let response = match self.stack.clone().oneshot(request).await {
            Ok(response) => response,
            Err(never) => match never {},
        };
        let (parts, mut body) = response.into_parts();
        let mut read = BytesMut::new();
        let mut is_whole = true;
        while let Some(frame) = body.frame().await {
            let Ok(frame) = frame else {
                is_whole = false;
                break;
            };
            read.extend_from_slice(frame.data_ref().map(AsRef::as_ref).unwrap_or_default());
        }
        Answer { status: parts.status, headers: parts.headers, body: read.freeze(), is_whole, sent: None }
    }
}
