use std::time::SystemTime;

use super::{Ask, Shared};
use crate::budget::{Asking, Denied, Reservation, Verdict};

/// What becomes of a request.
pub(super) enum Decided {
    /// It goes on, with what was reserved for it.
    Go(Option<Reservation>),
    /// It may not pass.
    Denied(Denied),
    /// The store has to be asked.
    Asking(Asking),
}

/// Asks the budgets. A request that they let pass only by a cheaper model is made one for that, once.
pub(super) fn decide<O, A, R, Req>(shared: &Shared<O, A, R>, req: &mut Req, is_degraded: &mut bool) -> Decided
where
    A: Ask<Req>,
{
    let Some(budgets) = &shared.budgets else { return Decided::Go(None) };
    loop {
        let verdict = shared.ask.ask(req, |payer, wanted| {
            let wanted = if *is_degraded { wanted.degraded() } else { wanted };
            budgets.reserve(SystemTime::now(), payer, wanted)
        });
        match verdict {
            None => return Decided::Go(None),
            Some(Verdict::Reserved(reservation)) => return Decided::Go(Some(reservation)),
            Some(Verdict::Asking(asking)) => return Decided::Asking(asking),
            Some(Verdict::Denied(denied)) => {
                if !degrade(shared, req, is_degraded, &denied) {
                    return Decided::Denied(denied);
                }
            }
        }
    }
}

/// Whether a request that was denied is now one for a cheaper model.
pub(super) fn degrade<O, A, R, Req>(
    shared: &Shared<O, A, R>,
    req: &mut Req,
    is_degraded: &mut bool,
    denied: &Denied,
) -> bool
where
    A: Ask<Req>,
{
    let Denied::Degrade(to) = denied else { return false };
    if std::mem::replace(is_degraded, true) {
        return false;
    }
    shared.ask.degrade(req, to)
}
