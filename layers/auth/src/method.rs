use std::fmt::Debug;
use std::pin::Pin;
use std::sync::Arc;
use std::time::SystemTime;

use tollway_core::Caller;

use crate::{Error, Limit, Presented, Way};

/// One way of knowing who asks.
///
/// Methods are asked in their order until one knows the credential. A method answers at once from
/// what it holds in memory; only where it cannot (the first fetch of an issuer's keys) does it
/// promise to answer later.
pub trait Method: Debug + Send + Sync + 'static {
    /// What the method is called in logs.
    fn name(&self) -> &'static str;

    /// Judges what a request presents.
    fn decide(&self, presented: &Presented<'_>, now: SystemTime) -> Decision;

    /// Whether there is, or may be, anybody whom the method would know.
    ///
    /// [`Mode::Automatic`](crate::Mode::Automatic) is open while no method is in use.
    fn is_in_use(&self) -> bool {
        true
    }
}

/// What a method says of a request.
pub enum Decision {
    /// The request presents nothing the method could judge: the next one is asked.
    NotMine,
    /// It is this caller.
    Verified(Verified),
    /// It is the method's kind of credential, and not a good one. Nobody else is asked.
    Refused(Error),
    /// It is not known yet.
    Wait(Pending),
}

/// A decision that is not made yet. It ends by itself: nobody waits for it with a time limit.
pub type Pending = Pin<Box<dyn Future<Output = Decision> + Send>>;

/// Somebody who may pass, and by what.
#[derive(Clone, Debug)]
pub struct Verified {
    /// Who it is.
    pub caller: Arc<Caller>,
    /// The limits that the caller brings along.
    pub limits: Option<Arc<[Limit]>>,
    /// Where the credential stood. It does not go on from here.
    pub way: Way,
    /// Whether the credential was chosen by a person, so that somebody might guess it.
    pub guessable: bool,
}

impl Verified {
    /// A caller by a credential that cannot be guessed, without limits.
    pub const fn new(caller: Arc<Caller>, way: Way) -> Self {
        Self { caller, limits: None, way, guessable: false }
    }
}

impl Debug for Decision {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotMine => f.write_str("NotMine"),
            Self::Verified(verified) => f.debug_tuple("Verified").field(verified).finish(),
            Self::Refused(error) => f.debug_tuple("Refused").field(error).finish(),
            Self::Wait(_) => f.write_str("Wait"),
        }
    }
}
