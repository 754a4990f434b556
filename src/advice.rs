//! What `tollway_cost::advice` is told: the models that can be asked, and the traffic that a store knows.

mod given;
mod offers;
mod traffic;

pub use self::{
    given::{given, good_keys},
    offers::{offers, retires},
    traffic::traffic,
};
