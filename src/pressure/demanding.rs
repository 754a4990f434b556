use std::sync::Arc;

use http::Request;
use http::header::HeaderName;
use tollway_core::{Call, Caller, Extract, Priority};
use tollway_rate_limit::adaptive::Demand;

use crate::config::{Resolved, priority_of};
use crate::limits::expected;

/// Says what a call asks of its provider, and how much it matters.
#[derive(Clone, Copy, Debug)]
pub struct Demanding;

/// By which a client says how much a request matters: low, normal or high. Never more than its key's.
const PRIORITY: HeaderName = HeaderName::from_static("x-tollway-priority");

impl<B> Extract<Demand, Request<B>> for Demanding {
    fn extract(&self, req: &Request<B>) -> Option<Demand> {
        let extensions = req.extensions();
        let call = extensions.get::<Arc<Call>>()?;
        let resolved = extensions.get::<Arc<Resolved>>()?;
        let demand = Demand::new(resolved.upstream.model.clone()).priority(priority(req));
        Some(match expected(extensions, call) {
            Some(estimate) => demand.estimate(estimate),
            None => demand,
        })
    }
}

fn priority<B>(req: &Request<B>) -> Priority {
    let asked = req.headers().get(PRIORITY).and_then(|value| value.to_str().ok()).and_then(priority_of);
    let caller = req.extensions().get::<Arc<Caller>>();
    match (asked, caller.filter(|caller| **caller != Arc::new(Caller::anonymous()))) {
        (Some(asked), Some(caller)) => asked.min(caller.priority),
        (None, Some(caller)) => caller.priority,
        (asked, None) => asked.unwrap_or_default(),
    }
}
