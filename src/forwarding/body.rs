//! A client's body, of which no more is read than is needed to know whom to send it to.

use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::request::Parts;
use http_body::Body;
use http_body_util::{BodyExt, Full};
use tollway_core::Exchange;
use tollway_wire::others::{FormModel, InForm, NamedModel, boundary};

use super::Limits;
use super::upload::{Judge, Upload};
use crate::Error;
use crate::error::BoxError;
use crate::ingest::ReadBody;
use crate::upstream::{Outgoing, Sending};

/// How many bytes of a form are read in search of its model.
const MOST_OF_FORM: usize = 64 * 1024;

/// A body, and what was read of it.
pub(super) struct Incoming<B> {
    body: Content<B>,
    kind: String,
    told: Option<u64>,
    limits: Limits,
    model: Option<InBody>,
    /// A form in whose beginning no model was named.
    late: Option<FormModel>,
}

enum Content<B> {
    /// Nothing was read.
    Unread(Pin<Box<B>>),
    /// The beginning was read: so many bytes of the client's.
    Begun { ahead: Bytes, read: u64, rest: Pin<Box<B>> },
    /// All was read.
    Whole(Bytes),
}

enum InBody {
    Json(NamedModel),
    Form(InForm),
}

impl<B> Incoming<B>
where
    B: Body<Data = Bytes> + Send + 'static,
    B::Error: Into<BoxError>,
{
    pub(super) fn new(body: B, head: &Parts, limits: Limits) -> Self {
        let header = |name| head.headers.get(name).and_then(|value: &http::HeaderValue| value.to_str().ok());
        let kind = header(CONTENT_TYPE).unwrap_or_default().to_owned();
        let told = header(CONTENT_LENGTH).and_then(|length| length.parse().ok());
        let body =
            if body.is_end_stream() { Content::Whole(Bytes::new()) } else { Content::Unread(Box::pin(body)) };
        Self { body, kind, told, limits, model: None, late: None }
    }

    /// Reads as much as it takes to know the model: JSON whole, the beginning of a form, nothing of
    /// anything else.
    pub(super) async fn find_model(&mut self) -> Result<(), Error> {
        let whole = Content::Whole(Bytes::new());
        let is_json = self.kind.is_empty() || self.kind.to_ascii_lowercase().contains("json");
        self.body = match (std::mem::replace(&mut self.body, whole), boundary(&self.kind)) {
            (Content::Unread(body), None) if is_json => {
                let told = self.told.map(|told| usize::try_from(told).unwrap_or(usize::MAX));
                let body = ReadBody::of_length(body, told, self.limits.read).await?;
                self.model = NamedModel::in_json(&body).map(InBody::Json);
                Content::Whole(body)
            }
            (Content::Unread(body), Some(boundary)) => self.begin_form(body, &boundary).await?,
            (body, _) => body,
        };
        Ok(())
    }

    async fn begin_form(&mut self, mut rest: Pin<Box<B>>, boundary: &str) -> Result<Content<B>, Error> {
        let mut form = FormModel::new(boundary);
        let pause = self.limits.pass.timeout;
        // One limit for all of it: no more than a few frames.
        let reading = async {
            while form.len() < MOST_OF_FORM {
                let Some(frame) = rest.frame().await else { break };
                let frame = frame.map_err(|error| Error::BodyBroken(error.into()))?;
                let Ok(data) = frame.into_data() else { continue };
                if let Some(found) = form.feed(&data) {
                    self.model = found.map(InBody::Form);
                    return Ok(true);
                }
            }
            Ok::<_, Error>(false)
        };
        let known = tokio::time::timeout(pause, reading).await.map_err(|_| Error::BodyTimeout(pause))??;
        let ahead = form.take();
        self.late = Some(form).filter(|_| !known);
        Ok(Content::Begun { read: ahead.len() as u64, ahead, rest })
    }

    /// The model the body names.
    pub(super) fn model(&self) -> Option<&str> {
        match &self.model {
            Some(InBody::Json(named)) => Some(named.name()),
            Some(InBody::Form(found)) => Some(&found.name),
            None => None,
        }
    }

    /// The JSON that was read in search of it; nothing of any other body.
    pub(super) fn json(&self) -> &[u8] {
        if let Content::Whole(body) = &self.body { body } else { &[] }
    }

    /// Whether nobody reads a model there: of no body, and of what opens a call over `WebRTC`.
    pub(super) fn names_none(&self) -> bool {
        matches!(&self.body, Content::Whole(body) if body.is_empty()) || self.kind == "application/sdp"
    }

    /// Puts another name in its place.
    pub(super) fn rename(&mut self, name: &str) {
        match (&self.model, &mut self.body) {
            (Some(InBody::Json(named)), Content::Whole(body)) => *body = named.renamed(body, name),
            (Some(InBody::Form(found)), Content::Begun { ahead, .. }) if found.name != name => {
                let before = ahead.get(..found.at.start).unwrap_or_default();
                let behind = ahead.get(found.at.end..).unwrap_or_default();
                *ahead = [before, name.as_bytes(), behind].concat().into();
            }
            _ => {}
        }
    }

    /// The body to send, and what is known of it on its way. `judge` is told a model that a form names
    /// only there.
    pub(super) fn outgoing(
        self,
        exchange: Option<Arc<Exchange>>,
        upgrades: bool,
        judge: Judge,
    ) -> Result<(Outgoing, Option<Arc<Sending>>), Error> {
        if upgrades {
            return Ok((Outgoing::Upgrade, None));
        }
        let limits = self.limits.pass;
        let (ahead, read, rest) = match self.body {
            Content::Whole(body) => {
                if let Some(exchange) = exchange {
                    exchange.add_received(body.len() as u64);
                }
                return Ok((Outgoing::Whole(Full::new(body)), None));
            }
            Content::Unread(body) => (Bytes::new(), 0, body),
            Content::Begun { ahead, read, rest } => (ahead, read, rest),
        };
        if self.told.is_some_and(|told| told > limits.max_bytes as u64) {
            return Err(Error::BodyTooLarge { limit: limits.max_bytes });
        }
        let sending = Arc::new(Sending::new());
        let late = self.late.map(|form| (form, judge));
        let upload = Upload::new(ahead, read, rest, limits, sending.clone(), exchange).watching(late);
        Ok((Outgoing::Streamed(upload.boxed_unsync()), Some(sending)))
    }
}
