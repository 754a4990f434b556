use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use http::StatusCode;
use tollway_core::Money;

use super::Per;

/// Why budgets cannot be kept as they are written. Guilty is who wrote them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BudgetError {
    /// A field has a value that makes no sense.
    #[error("budget {budget}: {what}")]
    Field {
        /// The budget's name.
        budget: Arc<str>,
        /// The field and what is wrong with it.
        what: &'static str,
    },
    /// Two budgets have one name.
    #[error("there are two budgets of one name: {0}")]
    Twice(Arc<str>),
    /// A budget is shared, and there is no store.
    #[error("a shared budget needs a store: {0}")]
    NoStore(Arc<str>),
    /// There are more budgets than can be told apart.
    #[error("there are more than 65535 budgets: {0}")]
    TooMany(usize),
    /// A time zone is not known.
    #[error("no time zone of that name: {0}\nhint: names are those of IANA, such as Europe/Berlin")]
    Zone(Box<str>),
}

/// Why a request may not pass as it is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// It may not pass.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// It may be served by a cheaper model.
    #[error("{}", .0.spent)]
    Degrade(Degrade),
}

/// Why a request may not pass. Holds nothing about other callers than the subject of the budget.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Refused {
    /// A budget has not enough left. Where several have not, the one that resets last.
    #[error(
        "budget spent: {budget} allows {amount} dollars, {left} are left and the request may cost {wanted}{}",
        Resets(*.resets)
    )]
    Spent {
        /// The budget's name.
        budget: Arc<str>,
        /// Whose spending it counts apart.
        per: Per,
        /// How much at most.
        amount: Money,
        /// How much is spent or reserved.
        spent: Money,
        /// How much is left.
        left: Money,
        /// How much the request may cost.
        wanted: Money,
        /// When there is surely enough again; nothing where the request is more than the whole amount.
        resets: Option<SystemTime>,
    },
    /// Nobody knows the price, and a budget says that nothing passes then.
    #[error("the model has no price, which the budget does not allow: {budget}")]
    Unpriced {
        /// The budget's name.
        budget: Arc<str>,
    },
    /// The store of a budget does not answer, and the budget says that nothing passes then.
    #[error("the state of the budget cannot be read: {budget}")]
    Unavailable {
        /// The budget's name.
        budget: Arc<str>,
        /// After what time the store will have been asked again.
        retry_after: Duration,
    },
}

impl Refused {
    /// The name of the budget that refused.
    pub const fn budget(&self) -> &Arc<str> {
        match self {
            Self::Spent { budget, .. } | Self::Unpriced { budget } | Self::Unavailable { budget, .. } => {
                budget
            }
        }
    }

    /// When there is surely enough again, if there ever is.
    pub const fn resets(&self) -> Option<SystemTime> {
        match self {
            Self::Spent { resets, .. } => *resets,
            Self::Unpriced { .. } | Self::Unavailable { .. } => None,
        }
    }
}

impl Denied {
    /// What is lacking, and of which budget.
    pub const fn refused(&self) -> &Refused {
        match self {
            Self::Refused(refused) | Self::Degrade(Degrade { spent: refused, .. }) => refused,
        }
    }
}

impl From<&Denied> for StatusCode {
    /// 402 where money is lacking, 503 where the store does not answer.
    fn from(denied: &Denied) -> Self {
        match denied {
            Denied::Refused(Refused::Unavailable { .. }) => Self::SERVICE_UNAVAILABLE,
            _ => Self::PAYMENT_REQUIRED,
        }
    }
}

/// Which cheaper model a request may be served by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Degrade {
    /// The model to ask instead; the route's own cheaper one where none is named.
    pub to: Option<Arc<str>>,
    /// What is spent; and what is said where there is nothing to ask instead.
    pub spent: Refused,
}

/// A time in a sentence.
struct Resets(Option<SystemTime>);

impl std::fmt::Display for Resets {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Some(at) = self.0 else { return Ok(()) };
        match jiff::Timestamp::try_from(at) {
            Ok(at) => write!(f, ", it resets at {at:.0}"),
            Err(_) => Ok(()),
        }
    }
}
