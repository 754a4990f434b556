//! The counters of shared rules in Redis or Valkey, 7 or newer.
//!
//! A decision is one script for all rules, and so one round trip; the script is sent by its hash, and
//! whole where the server does not know it (any more). It goes a quick way where each rule gives, without
//! the functions that all else needs, and counts the same. Time is the server's own, so that the clocks of
//! replicas do not matter. What a key holds is bounded, and goes by itself when it no longer counts:
//!
//! | counts by | a key holds | for |
//! |---|---|---|
//! | sliding window | 18 numbers: what was taken in all and in each 1/15 of the window | 16/15 of the window |
//! | gcra | 3 numbers: the level, when it was that, until when it is kept | 0.1 s and twice as long as it takes to flow off |
//! | what goes on at the same time | 32 bytes, and 32 for each replica that held permits | 20 s after the last word |
//!
//! They count as in one process, to the same bounds: an amount counts for at least one window and for
//! at most 16/15 of one. Limits above 2⁵² count as 2⁵². A rule whose window, limit of a gcra or way of
//! counting is changed counts anew.
//!
//! **Cluster.** A script's keys are in one slot. Keys are tagged with their subject, so that all rules
//! of one key, or of one user, are in one slot; a decision with several subjects asks several slots at
//! the same time, each atomically, but not all together: what some slots granted goes back when another
//! refuses. Until then, for a round trip, it counts, so that another request may be refused that would
//! have passed; **more than the limit never passes**. Whoever wants whole decisions there gives a prefix
//! with a tag of its own, as `{tollway}`: all keys are then in one slot, and so on one node.
//!
//! **What goes on.** The server counts each permit once, when it is granted and when it comes back. The
//! list of a beat says how many are surely held, and how many may be besides: those that are being asked
//! for, and those that were asked for while the list was made, however long that took. The server's own
//! count stands where it lies between; so what counts is never less than what goes on, unless the server
//! lost its memory, or a cluster sent a beat on to another node while its slot moved: then, until the next
//! beat, a second later. Too much counts where answers were lost, until a beat in whose moment few are being
//! asked for.
//!
//! **Connection.** One for all threads of a process, kept by the runtime that first needed it and made
//! anew by whoever needs it next: requests of all threads then go out and come back in one write and
//! read, and arrive at the server in the order they were sent: a beat before what is asked for after it.
//! With a connection a thread there would be no such order, and the server would pay a wake-up for each.
//!
//! **Faults.** A question that is not answered in [`RedisSettings::response_timeout`] is an error, and
//! the next one connects anew; with sentinels that is to whichever is master by then. A question whose
//! answer was lost may have been counted: permits are then put right by the next beat, amounts count
//! until their time is over. Nothing is asked twice by the store, but by a cluster's redirections.

mod address;
mod call;
mod error;
mod key;
mod link;
mod recent;
mod script;
mod settings;
mod terms;
#[cfg(test)]
mod tests;

use std::sync::Arc;

pub use self::error::RedisStoreError;
pub use self::settings::{ClientCertificate, RedisSettings};

use self::address::Address;
use self::call::Caller;
use self::link::Link;
use self::script::Scripts;
use super::{Ask, Correction, Held, Pending, Pulse, Store, Taken};

/// The counters of shared rules in Redis or Valkey.
#[derive(Clone, Debug)]
pub struct RedisStore {
    caller: Arc<Caller>,
}

impl RedisStore {
    /// Checks the settings. Connects when first asked, in the runtime of whoever asks.
    pub fn new(settings: &RedisSettings) -> Result<Self, RedisStoreError> {
        Self::with_scripts(settings, Scripts::default())
    }

    fn with_scripts(settings: &RedisSettings, scripts: Scripts) -> Result<Self, RedisStoreError> {
        settings.check()?;
        let address = Address::parse(settings)?;
        let link = Link::new(&address, settings)?;
        Ok(Self { caller: Arc::new(Caller::new(link, scripts, address.is_cluster(), settings)) })
    }
}

impl Store for RedisStore {
    fn take(&self, asks: Vec<Ask>) -> Pending<Taken> {
        let caller = Arc::clone(&self.caller);
        Box::pin(async move { caller.take(&asks).await })
    }

    fn settle(&self, corrections: Vec<Correction>) -> Pending<()> {
        let caller = Arc::clone(&self.caller);
        Box::pin(async move { caller.settle(&corrections).await })
    }

    fn beat(&self, held: &mut dyn FnMut() -> Vec<Held>) -> Pending<Pulse> {
        Arc::clone(&self.caller).beat(held)
    }
}
