use std::fmt::Debug;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::SystemTime;

use tollway_core::Caller;

use crate::failures::Failures;
use crate::{ClientAddress, Decision, Error, Method, Mode, Pending, Presented, Settings, Verified, Way};

/// Who may pass: the methods in their order, and how strict they are. Shared by all clones of a layer.
#[derive(Debug)]
pub struct Auth {
    settings: Settings,
    methods: Vec<Arc<dyn Method>>,
    failures: Failures,
}

impl Auth {
    /// Asks `methods` in their order.
    pub fn new(settings: Settings, methods: Vec<Arc<dyn Method>>) -> Self {
        let failures = Failures::new(&settings);
        Self { settings, methods, failures }
    }

    /// Whether a request without a credential is refused at present.
    pub fn is_required(&self) -> bool {
        match self.settings.mode {
            Mode::Required => true,
            Mode::Open => false,
            Mode::Automatic => self.methods.iter().any(|method| method.is_in_use()),
        }
    }

    /// The client of a request that came from `peer`.
    pub(crate) fn client(&self, peer: Option<IpAddr>, presented: &Presented<'_>) -> Option<ClientAddress> {
        Some(ClientAddress(self.settings.proxies.client(peer?, presented.headers)))
    }

    /// Asks the methods from the one at `from`.
    pub(crate) fn ask(
        &self,
        from: usize,
        presented: &Presented<'_>,
        client: Option<ClientAddress>,
        now: SystemTime,
    ) -> Answer {
        for (index, method) in self.methods.iter().enumerate().skip(from) {
            match method.decide(presented, now) {
                Decision::NotMine => {}
                Decision::Verified(verified) => return Answer::Ready(self.admit(verified, client)),
                Decision::Refused(error) => return Answer::Ready(Err(self.refuse(error, client))),
                Decision::Wait(pending) => return Answer::Wait(pending, index),
            }
        }
        Answer::Ready(self.unknown(presented, client))
    }

    /// Goes on with what the method at `index` has decided after a while.
    pub(crate) fn resume(
        &self,
        (decision, index): (Decision, usize),
        presented: &Presented<'_>,
        client: Option<ClientAddress>,
        now: SystemTime,
    ) -> Answer {
        match decision {
            Decision::NotMine => self.ask(index + 1, presented, client, now),
            Decision::Verified(verified) => Answer::Ready(self.admit(verified, client)),
            Decision::Refused(error) => Answer::Ready(Err(self.refuse(error, client))),
            Decision::Wait(pending) => Answer::Wait(pending, index),
        }
    }

    /// Holds only back what can be guessed: a flood of bad keys from an office must not lock those of
    /// its people out whose keys nobody guesses.
    fn admit(&self, verified: Verified, client: Option<ClientAddress>) -> Result<Verified, Error> {
        if verified.guessable {
            self.failures.check(client)?;
        }
        Ok(verified)
    }

    /// Counts what was a guess. A key that has expired was none.
    fn refuse(&self, error: Error, client: Option<ClientAddress>) -> Error {
        if !error.is_guess() {
            return error;
        }
        match self.failures.record(client) {
            Error::Invalid => error,
            held_back => held_back,
        }
    }

    /// What becomes of a request that no method knows.
    fn unknown(&self, presented: &Presented<'_>, client: Option<ClientAddress>) -> Result<Verified, Error> {
        if !self.is_required() {
            return Ok(Verified::new(Arc::new(Caller::anonymous()), Way::Connection));
        }
        match presented.credentials().next() {
            None => Err(Error::Missing),
            Some(_) => Err(self.refuse(Error::Invalid, client)),
        }
    }
}

/// What the methods say.
pub(crate) enum Answer {
    Ready(Result<Verified, Error>),
    /// The method at the index has not decided yet.
    Wait(Pending, usize),
}
