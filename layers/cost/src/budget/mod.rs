//! Budgets: so much money, by key, user, team, tag or all together, in a day, week, month or any length of
//! time. Reserve before, settle after.
//!
//! [`Budgets`] keeps them; no clock is read: `now` comes in as an argument.

mod accounts;
mod books;
mod budgets;
mod cell;
mod crossed;
mod error;
pub mod meters;
mod payer;
mod period;
mod purse;
#[cfg(feature = "redis")]
pub mod redis;
mod reservation;
mod rule;
mod settings;
mod shared;
mod spent;
pub mod store;
mod wanted;
mod zone;

pub use self::{
    budgets::{Budgets, Verdict},
    crossed::{Crossed, Watch},
    error::{BudgetError, Degrade, Denied, Refused},
    payer::Payer,
    period::{Period, Unit},
    reservation::Reservation,
    rule::{AtLimit, Budget, Facet, Lease, OnFailure, Per, Place, UnpricedPolicy},
    settings::Settings,
    shared::{Asking, Health},
    spent::Spent,
    store::{Store, StoreError},
    wanted::Wanted,
    zone::Zone,
};
