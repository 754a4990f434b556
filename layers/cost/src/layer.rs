//! The tower layer: what is asked, answered and left behind is written on a [`Tab`], and paid from budgets.

mod account;
mod ask;
mod body;
mod decide;
mod future;
mod gathering;
mod rest;
mod service;
mod tab;
mod upgraded;

use std::sync::Arc;

use tollway_core::StatusOnly;
use tower_layer::Layer;

pub use self::{
    ask::{Ask, Nobody},
    body::CostBody,
    future::{COST_HEADER, ResponseFuture},
    service::CostService,
    tab::{OpenTab, Tab},
    upgraded::{Carried, Upgraded},
};
use crate::budget::Budgets;

/// Knows of every request what it came to, and lets none pass that its budgets do not cover.
///
/// - `O` opens a [`Tab`] for each request: an [`OpenTab`].
/// - `A` says who pays and what a request may cost: an [`Ask`]. By default nobody pays.
/// - `R` answers who may not pass: a [`Respond`](tollway_core::Respond)`<`[`Denied`](crate::budget::Denied)`>`.
///   By default with a status and an empty body.
///
/// What a request may cost is reserved before it goes on, and settled to what its tab came to.
///
/// Who leaves before the answer is whole does not end the request to the provider at once: the layer goes
/// on with it for as long as the tab has patience, because providers bill what they did, and tell how much
/// that was at the end. So the service's futures and bodies must be `'static`, and it must be called within
/// a Tokio runtime; without one, what is left is given up at once.
#[derive(Clone, Debug)]
pub struct CostLayer<O, A = Nobody, R = StatusOnly> {
    shared: Arc<Shared<O, A, R>>,
}

/// What all services of a layer share.
#[derive(Debug)]
pub(crate) struct Shared<O, A, R> {
    pub(crate) open: O,
    pub(crate) budgets: Option<Budgets>,
    pub(crate) ask: A,
    pub(crate) respond: R,
}

impl<O> CostLayer<O> {
    /// Writes down what requests cost.
    pub fn new(open: O) -> Self {
        Self { shared: Arc::new(Shared { open, budgets: None, ask: Nobody, respond: StatusOnly }) }
    }
}

impl<O, A, R> CostLayer<O, A, R> {
    /// Writes down what requests cost, and has them paid from budgets, if there are any.
    pub fn with(open: O, budgets: Option<Budgets>, ask: A, respond: R) -> Self {
        Self { shared: Arc::new(Shared { open, budgets, ask, respond }) }
    }
}

impl<S, O, A, R> Layer<S> for CostLayer<O, A, R> {
    type Service = CostService<S, O, A, R>;

    fn layer(&self, inner: S) -> Self::Service {
        CostService { inner, shared: self.shared.clone() }
    }
}
