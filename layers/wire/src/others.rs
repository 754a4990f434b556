//! What is read of requests and answers that are relayed without being understood: which model is
//! asked, and what was counted. Everything else passes unread, and memory is bounded.

mod counts;
mod every;
mod form;
mod named;
mod socket;
mod tail;

pub use self::{
    every::every_model,
    form::{FormModel, InForm, boundary},
    named::NamedModel,
    socket::SocketTap,
    tail::TailTap,
};
