//! The contract and vocabulary of Tollway's layers. Not a layer itself.
//!
//! Two rules make a request data. **Request extensions carry facts inward**: each type has one
//! writer, and a layer asks for the value it needs with [`Extract`]. **The [`Exchange`] carries
//! facts outward**: an `Arc` of write-once cells of which an outer layer keeps a clone before it
//! calls inward, and which it reads when the body has ended, which a [`Tap`] tells it.
//!
//! In reading order:
//!
//! - [`Extract`], [`FromExtensions`]: ask for a value, not for a bag.
//! - [`Respond`], [`StatusOnly`]: refusals are responses in the client's dialect.
//! - [`Tap`], [`Observe`], [`End`]: the one body wrapper; its end fires exactly once.
//! - [`Exchange`], [`Hold`], [`Attempt`], [`Expected`], [`Told`], [`Charge`]: what is known of a request and of each try at it.
//! - [`Caller`], [`Allowed`], [`Priority`]: who asks.
//! - [`Dialect`], [`Endpoint`], [`Operation`], [`Call`], [`Upstream`], [`RequestId`], [`Usage`],
//!   [`Money`]: the words.

mod attempt;
mod call;
mod caller;
mod charge;
mod dialect;
mod exchange;
mod expected;
mod extract;
mod money;
mod operation;
mod request_id;
mod respond;
mod tap;
mod told;
mod upstream;
mod usage;

pub use self::{
    attempt::{Attempt, Outcome},
    call::Call,
    caller::{Allowed, Caller, Priority},
    charge::Charge,
    dialect::{Dialect, Endpoint},
    exchange::{Exchange, Hold},
    expected::Expected,
    extract::{Extract, FromExtensions},
    money::{Money, ParseMoneyError},
    operation::{Framing, Operation},
    request_id::RequestId,
    respond::{Respond, StatusOnly},
    tap::{End, Observe, Tap},
    told::Told,
    upstream::Upstream,
    usage::Usage,
};
