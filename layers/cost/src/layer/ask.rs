use crate::budget::{Degrade, Payer, Wanted};

/// Says who pays for a request, and what it may cost at most.
pub trait Ask<Req> {
    /// Hands both to `with`, for as long as the request is there; `None` where nobody pays for it.
    fn ask<T>(&self, req: &Req, with: impl FnOnce(&Payer<'_>, Wanted) -> T) -> Option<T>;

    /// Has the request be served by a cheaper model. Says whether it will be.
    fn degrade(&self, _req: &mut Req, _to: &Degrade) -> bool {
        false
    }
}

/// Nobody pays for anything: there are no budgets.
#[derive(Clone, Copy, Debug, Default)]
pub struct Nobody;

impl<Req> Ask<Req> for Nobody {
    fn ask<T>(&self, _: &Req, _: impl FnOnce(&Payer<'_>, Wanted) -> T) -> Option<T> {
        None
    }
}
