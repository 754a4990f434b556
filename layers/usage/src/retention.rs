/// How long things are kept. `None` is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// Days of records. Batches are known again as long, and for a week at least.
    pub records: Option<u32>,
    /// Days of daily sums, which reports are made of.
    pub sums: Option<u32>,
    /// Days of hourly sums, which budgets are restored from: as long as the longest budget, at least.
    pub hours: Option<u32>,
}

/// What a sweep has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// How many requests were deleted, with their attempts.
    pub requests: u64,
    /// How many rows of sums, daily and hourly, were deleted.
    pub sums: u64,
    /// Whether there is more to delete.
    pub more: bool,
}

impl Default for Retention {
    /// Records for 90 days, hourly sums for 400, daily ones for ever.
    fn default() -> Self {
        Self { records: Some(90), sums: None, hours: Some(400) }
    }
}
