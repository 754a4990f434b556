use std::sync::Arc;
use std::time::SystemTime;

use super::token::looks_ours;
use super::{Found, KeyTable, Standing};
use crate::{Decision, Error, Method, Presented, Verified};

/// Knows callers by their virtual keys.
#[derive(Clone, Debug)]
pub struct Keys {
    table: Arc<KeyTable>,
}

impl Keys {
    /// Knows the keys of a table.
    pub const fn new(table: Arc<KeyTable>) -> Self {
        Self { table }
    }
}

impl Method for Keys {
    fn name(&self) -> &'static str {
        "key"
    }

    fn decide(&self, presented: &Presented<'_>, now: SystemTime) -> Decision {
        for credential in presented.credentials() {
            let is_ours = looks_ours(&credential.secret);
            // What is longer than any key is not worth its hash: a JWT, or an attack.
            let may_be_key = credential.secret.len() <= MOST_BYTES && (is_ours || self.table.has_foreign());
            let found = if may_be_key { self.table.find(&credential.secret, now) } else { Found::Nothing };
            match found {
                Found::Good(key) => {
                    return Decision::Verified(Verified {
                        caller: key.caller,
                        limits: key.limits,
                        way: credential.way,
                        guessable: key.guessable,
                    });
                }
                Found::Bad(Standing::Revoked) => return Decision::Refused(Error::Revoked),
                Found::Bad(_) => return Decision::Refused(Error::Expired),
                // Nobody can say yet that there is no such key.
                Found::Nothing if is_ours && self.table.is_expecting() => {
                    let reason = "the keys have not been read from their store yet".into();
                    return Decision::Refused(Error::Unavailable { reason });
                }
                Found::Nothing if is_ours => return Decision::Refused(Error::Invalid),
                Found::Nothing => {}
            }
        }
        Decision::NotMine
    }

    fn is_in_use(&self) -> bool {
        self.table.is_in_use()
    }
}

/// Longer than any token: ours have 46 bytes, and those that people declare may have so many.
pub(super) const MOST_BYTES: usize = 256;
