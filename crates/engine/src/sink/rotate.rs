//! When a capture file is full and the next one begins.
//!
//! In: the plan's limits, what was written. Out: whether it is time. Next: Python names and opens
//! the next file, [`super::savefile`] begins it with the state as it then is.

use serde::Deserialize;

/// The limits of one file; those that are absent do not hold.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RotateRow {
    /// Bytes, before compression.
    pub max_bytes: Option<u64>,
    /// Chosen events.
    pub max_events: Option<u64>,
    /// Nanoseconds between the first event and the last.
    pub max_ns: Option<u64>,
}

/// What stands in the current file.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meter {
    bytes: u64,
    /// Of them, what stands at the head.
    head: u64,
    events: u64,
    first_ns: Option<u64>,
    last_ns: u64,
}

impl Meter {
    /// Counts bytes of an event's block.
    pub fn add_bytes(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
    }

    /// Counts bytes at the head of the file.
    pub fn add_head(&mut self, bytes: usize) {
        self.bytes += bytes as u64;
        self.head += bytes as u64;
    }

    /// Counts a chosen event.
    pub fn add_event(&mut self, ts_ns: u64) {
        self.events += 1;
        self.first_ns.get_or_insert(ts_ns);
        self.last_ns = ts_ns;
    }

    /// Time of the last chosen event.
    pub fn last_ns(&self) -> u64 {
        self.last_ns
    }

    /// Whether one of the limits is reached; a file has an event at least, and as many bytes of
    /// events as of its head, so that a small limit does not make files of heads alone.
    pub fn is_full(&self, limits: &RotateRow) -> bool {
        let reached = |limit: Option<u64>, value: u64| limit.is_some_and(|most| value >= most);
        let lasted = self.last_ns.saturating_sub(self.first_ns.unwrap_or(self.last_ns));
        self.events > 0
            && (reached(limits.max_bytes.map(|most| most.max(2 * self.head)), self.bytes)
                || reached(limits.max_events, self.events)
                || reached(limits.max_ns, lasted))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_ends_a_file_that_has_an_event() {
        let mut meter = Meter::default();
        let bytes = RotateRow { max_bytes: Some(10), ..RotateRow::default() };
        meter.add_bytes(20);
        assert!(!meter.is_full(&bytes));
        meter.add_event(100);
        assert!(meter.is_full(&bytes));
        meter.add_head(40);
        assert!(!meter.is_full(&bytes));
        meter.add_bytes(20);
        assert!(meter.is_full(&bytes));
        let events = RotateRow { max_events: Some(2), ..RotateRow::default() };
        let time = RotateRow { max_ns: Some(50), ..RotateRow::default() };
        assert!(!meter.is_full(&events) && !meter.is_full(&time));
        meter.add_event(150);
        assert!(meter.is_full(&events) && meter.is_full(&time));
        assert!(!meter.is_full(&RotateRow::default()));
    }
}
