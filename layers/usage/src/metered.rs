//! What a writer tells of itself through the facade of the `metrics` crate. Where no recorder is installed
//! before a [`UsageWriter`](crate::UsageWriter) is started, nothing is kept.

use metrics::{Counter, Gauge, Unit, counter, describe_counter, describe_gauge, gauge};

/// Records in memory that are not yet written, as of the last batch.
pub const QUEUED: &str = "tollway_usage_queued_records";
/// Records written into the store.
pub const WRITTEN: &str = "tollway_usage_written_records_total";
/// Records written into files, as the store did not take them.
pub const SPILLED: &str = "tollway_usage_spilled_records_total";
/// Bytes of the files that wait for the store.
pub const SPILL_BYTES: &str = "tollway_usage_spill_bytes";
/// Records that are gone, by `reason`: `queue_full`, `spill_full`, `spill_failed`, `unreadable` (counted by
/// files), `refused` (set aside, as the store took others but never these).
pub const LOST: &str = "tollway_usage_lost_records_total";
/// How often the store failed or did not answer in time.
pub const STORE_FAILURES: &str = "tollway_usage_store_failures_total";
/// Whether the store took what was written last: 1 or 0.
pub const STORE_UP: &str = "tollway_usage_store_up";

/// Tells the recorder what the names mean.
pub fn describe() {
    describe_gauge!(QUEUED, Unit::Count, "Records of usage in memory that are not yet written");
    describe_counter!(WRITTEN, Unit::Count, "Records of usage written into the store");
    describe_counter!(SPILLED, Unit::Count, "Records of usage written into files for want of the store");
    describe_gauge!(SPILL_BYTES, Unit::Bytes, "Files of usage that wait for the store");
    describe_counter!(LOST, Unit::Count, "Records of usage that are gone, by reason");
    describe_counter!(STORE_FAILURES, Unit::Count, "How often the store of usage failed or was too slow");
    describe_gauge!(STORE_UP, Unit::Count, "Whether the store of usage took what was written last");
}

/// What is told of a writer.
#[derive(Debug)]
pub(crate) struct Meters {
    pub(crate) queued: Gauge,
    pub(crate) written: Counter,
    pub(crate) spilled: Counter,
    pub(crate) spill_bytes: Gauge,
    pub(crate) failures: Counter,
    pub(crate) up: Gauge,
}

impl Meters {
    pub(crate) fn new() -> Self {
        Self {
            queued: gauge!(QUEUED),
            written: counter!(WRITTEN),
            spilled: counter!(SPILLED),
            spill_bytes: gauge!(SPILL_BYTES),
            failures: counter!(STORE_FAILURES),
            up: gauge!(STORE_UP),
        }
    }

    #[expect(clippy::unused_self, reason = "rare enough to be looked up each time")]
    pub(crate) fn lost(&self, reason: &'static str, records: u64) {
        if records > 0 {
            counter!(LOST, "reason" => reason).increment(records);
        }
    }
}
