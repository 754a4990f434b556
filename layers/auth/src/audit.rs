//! What was done to keys, by whom and from where: rows that are only ever added, each bound to the one
//! before it by its hash.

use std::net::IpAddr;
use std::time::SystemTime;

use sha2::{Digest, Sha256};

use crate::time::{millis, whole};

/// Who does something administrative.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Act {
    /// Who: the id of a key, a person's name, or `command line`.
    pub actor: String,
    /// From where, if it came over a network.
    pub address: Option<IpAddr>,
    /// When.
    pub at: SystemTime,
}

/// A row of the audit log. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct AuditEntry {
    /// Its number: 1, 2, 3 and so on.
    pub sequence: i64,
    /// Who did it, from where and when.
    pub act: Act,
    /// What was done: `key.create`.
    pub action: String,
    /// To what: the id of a key.
    pub subject: String,
    /// With what in it, as JSON.
    pub detail: String,
    /// The hash of the row before; zeros before the first.
    pub previous: AuditHash,
}

/// SHA-256 of a row.
pub type AuditHash = [u8; 32];

/// Where a log ends. Noted elsewhere, it shows later whether somebody has rewritten the whole log.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AuditHead {
    /// The number of the last row, zero if there is none.
    pub sequence: i64,
    /// Its hash.
    pub hash: AuditHash,
}

/// The log is not as it was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AuditError {
    /// A row is missing, or stands where it does not belong.
    #[error("a row of the audit log is missing: {0}")]
    Missing(i64),
    /// A row was changed after the next one was written.
    #[error("a row of the audit log was changed: {0}")]
    Changed(i64),
    /// The last rows are missing, or the last one was changed.
    #[error("the audit log does not end as it was written, at row {0}")]
    End(i64),
}

impl AuditEntry {
    /// A row that follows the head of a log.
    pub fn after(head: AuditHead, act: Act, action: &str, subject: &str, detail: &str) -> Self {
        Self {
            sequence: head.sequence + 1,
            act: Act { at: whole(act.at), ..act },
            action: action.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
            previous: head.hash,
        }
    }

    /// The hash of the row, over every field of it with its length before it.
    pub fn hash(&self) -> AuditHash {
        let address = self.act.address.map_or_else(String::new, |address| address.to_string());
        let mut hash = Sha256::new();
        for field in [
            &self.sequence.to_be_bytes()[..],
            &millis(self.act.at).to_be_bytes(),
            self.act.actor.as_bytes(),
            address.as_bytes(),
            self.action.as_bytes(),
            self.subject.as_bytes(),
            self.detail.as_bytes(),
            &self.previous,
        ] {
            hash.update(u64::try_from(field.len()).unwrap_or(u64::MAX).to_be_bytes());
            hash.update(field);
        }
        hash.finalize().into()
    }

    /// Where a log ends that ends with this row.
    pub fn head(&self) -> AuditHead {
        AuditHead { sequence: self.sequence, hash: self.hash() }
    }
}

/// Checks that rows follow `from` and one another, and says where they end.
pub fn verify<'e>(
    from: AuditHead,
    entries: impl IntoIterator<Item = &'e AuditEntry>,
) -> Result<AuditHead, AuditError> {
    entries.into_iter().try_fold(from, |head, entry| {
        if entry.sequence != head.sequence + 1 {
            return Err(AuditError::Missing(head.sequence + 1));
        }
        if entry.previous != head.hash {
            return Err(AuditError::Changed(head.sequence));
        }
        Ok(entry.head())
    })
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    fn log(length: usize) -> Vec<AuditEntry> {
        let mut head = AuditHead::default();
        let entries = (0..length).map(|at| {
            let act = Act {
                actor: "ada".to_owned(),
                address: Some([192, 0, 2, 1].into()),
                at: UNIX_EPOCH + Duration::from_millis(at as u64),
            };
            let entry = AuditEntry::after(head, act, "key.create", "key_0", "null");
            head = entry.head();
            entry
        });
        entries.collect()
    }

    #[test]
    fn a_log_as_it_was_written_is_good() {
        assert_eq!(verify(AuditHead::default(), &[]), Ok(AuditHead::default()));
        let log = log(9);
        assert_eq!(verify(AuditHead::default(), &log), Ok(log[8].head()));
        assert_eq!(verify(log[3].head(), &log[4..]), Ok(log[8].head()), "also read in pieces");
    }

    #[test]
    fn no_field_runs_into_the_next() {
        let mut one = log(1).remove(0);
        let mut two = one.clone();
        (one.action, one.subject) = ("ab".to_owned(), "c".to_owned());
        (two.action, two.subject) = ("a".to_owned(), "bc".to_owned());
        assert_ne!(one.hash(), two.hash());
    }

    proptest! {
        #[test]
        fn whatever_is_changed_shows(at in 0..9_usize, field in 0..8) {
            let written = log(9);
            let head = written[8].head();
            let mut log = written;
            let entry = &mut log[at];
            match field {
                0 => entry.act.actor.push('x'),
                1 => entry.act.address = None,
                2 => entry.act.at += Duration::from_millis(1),
                3 => entry.action.push('x'),
                4 => entry.subject.push('x'),
                5 => entry.detail.push(' '),
                6 => entry.previous[7] ^= 1,
                _ => { log.remove(at); }
            }
            prop_assert_ne!(verify(AuditHead::default(), &log), Ok(head));
        }
    }
}
