use std::time::SystemTime;

use crate::row::RequestRow;
use crate::time::millis;

/// Some records, in the order of their times.
#[derive(Clone, Debug, Default)]
pub struct Page {
    pub(crate) requests: Vec<RequestRow>,
    /// Where the next one begins; none where there is nothing more.
    pub(crate) next: Option<Position>,
}

/// Where a page begins: after the request of a time and a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    pub(crate) time: i64,
    pub(crate) id: i64,
}

impl Position {
    /// Before everything of a moment.
    pub fn at(moment: SystemTime) -> Self {
        Self { time: millis(moment), id: i64::MIN }
    }
}
