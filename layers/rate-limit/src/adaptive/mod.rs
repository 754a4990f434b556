//! Sends an upstream as much as it can take: concurrency that follows its latency and refusals, the limits it
//! tells of obeyed before it refuses, and a short queue by priority for the rest.
//!
//! In reading order:
//!
//! - [`AdaptiveLayer`], [`AdaptiveLimit`], [`Classify`], [`Refuse`]: around a service.
//! - [`Adaptive`], [`Entry`], [`Flight`], [`Waiting`]: without tower.
//! - [`Gate`]: the decision alone, with the time as an argument.
//! - [`Demand`], [`Settings`], [`Told`], [`Refused`], [`Snapshot`]: the words.

mod baseline;
mod classify;
mod demand;
mod error;
mod flight;
mod future;
mod gate;
mod layer;
mod model;
mod pace;
mod queue;
mod quota;
mod refuse;
mod service;
mod settings;
mod snapshot;
mod told;
mod upstream;
mod waiting;

pub use self::classify::{ByStatus, Classify, Signal};
pub use self::demand::Demand;
pub use self::error::{Refused, Shed};
pub use self::flight::{AdaptiveBody, Flight};
pub use self::future::ResponseFuture;
pub use self::gate::{Arrival, Gate, Pass, Poll, Ticket};
pub use self::layer::AdaptiveLayer;
pub use self::refuse::{AsError, AsResponse, Refuse};
pub use self::service::AdaptiveLimit;
pub use self::settings::{Order, Settings};
pub use self::snapshot::{Learned, Snapshot, Standing};
pub use self::told::{Reading, Told};
pub use self::upstream::{Adaptive, Entry};
pub use self::waiting::Waiting;
