use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::response::Parts;
use tokio::runtime::Handle;
use tollway_core::{End, Money};

use super::Tab;
use crate::budget::Reservation;

/// A request's tab and what was reserved for it. Closed exactly once, also when it is dropped.
#[derive(Debug)]
pub(super) struct Account<T: Tab>(
    // Boxed: it goes through as many hands as there are layers outside of this one.
    Option<Box<Open<T>>>,
);

#[derive(Debug)]
struct Open<T> {
    tab: T,
    reservation: Option<Reservation>,
}

impl<T: Tab> Account<T> {
    pub(super) fn new(tab: T) -> Self {
        Self(Some(Box::new(Open { tab, reservation: None })))
    }

    /// Holds what was reserved for the request.
    pub(super) fn reserve(&mut self, reservation: Option<Reservation>) {
        if let Some(open) = &mut self.0 {
            open.reservation = reservation;
        }
    }

    pub(super) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    pub(super) const fn is_open(&self) -> bool {
        self.0.is_some()
    }

    pub(super) fn head(&mut self, head: &Parts) {
        if let Some(open) = &mut self.0 {
            open.tab.head(head);
        }
    }

    pub(super) fn gathers(&self) -> usize {
        self.0.as_ref().map_or(0, |open| open.tab.gathers())
    }

    /// The service has failed, which is told to the tab.
    pub(super) fn failed(&mut self, tell: impl FnOnce(&mut T)) {
        if let Some(open) = &mut self.0 {
            tell(&mut open.tab);
        }
    }

    pub(super) fn known(&mut self) -> Option<Money> {
        self.0.as_mut()?.tab.known()
    }

    pub(super) fn frame(&mut self, data: &Bytes) {
        if let Some(open) = &mut self.0 {
            open.tab.frame(data);
        }
    }

    pub(super) fn is_enough(&self) -> bool {
        self.0.as_ref().is_none_or(|open| open.tab.is_enough())
    }

    pub(super) fn close(&mut self, end: End) {
        let Some(open) = self.0.take() else { return };
        let Open { tab, reservation } = *open;
        let came_to = tab.close(end);
        // Where nobody knows, what was reserved is spent.
        if let (Some(reservation), Some(came_to)) = (reservation, came_to) {
            reservation.settle(SystemTime::now(), came_to);
        }
    }

    /// The client has left: `rest` reads on for it where the tab has patience, and closes it.
    pub(super) fn leave<F>(&mut self, rest: impl FnOnce(Self) -> F)
    where
        F: Future<Output = Self> + Send + 'static,
    {
        let Some(open) = &mut self.0 else { return };
        let patience = open.tab.patience();
        match Handle::try_current() {
            Ok(runtime) if !patience.is_zero() => {
                let rest = rest(self.take());
                runtime.spawn(within(patience, rest));
            }
            _ => {
                // What is inside tells the tab of its own end first.
                drop(rest);
                self.close(End::Cancelled);
            }
        }
    }
}

/// Drives what is left to its end, or lets go of it: dropped, an account is closed.
async fn within<T: Tab>(patience: Duration, rest: impl Future<Output = Account<T>>) {
    if let Ok(mut account) = tokio::time::timeout(patience, rest).await {
        account.close(End::Cancelled);
    }
}

impl<T: Tab> Drop for Account<T> {
    fn drop(&mut self) {
        self.close(End::Cancelled);
    }
}
