use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use tollway_core::{End, Observe};

use super::Tab;
use super::account::Account;

/// The account of a request whose connection went over to another protocol, in the extensions of its
/// answer.
///
/// Whoever carries that connection takes it, and [ends](Observe::end) it with the connection. When the last
/// clone is dropped untaken, it ends as cancelled.
#[derive(Debug)]
pub struct Upgraded<T: Tab>(Arc<Mutex<Account<T>>>);

/// What was taken.
#[derive(Debug)]
pub struct Carried<T: Tab>(Account<T>);

impl<T: Tab> Upgraded<T> {
    pub(super) fn new(account: Account<T>) -> Self {
        Self(Arc::new(Mutex::new(account)))
    }

    /// Takes it; whoever does so after that takes nothing.
    pub fn take(&self) -> Carried<T> {
        Carried(self.0.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

impl<T: Tab> Clone for Upgraded<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T: Tab> Observe for Carried<T> {
    fn frame(&mut self, data: &Bytes) {
        self.0.frame(data);
    }

    fn end(&mut self, end: End) {
        self.0.close(end);
    }
}
