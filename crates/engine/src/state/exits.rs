//! Threads that left a moment ago.
//!
//! In: exits. Out: whether a clone event tells of a child that is gone already.
//! Source: scap format specification, event semantics 2.

use std::collections::VecDeque;

use rustc_hash::FxHashMap;

/// How many exits are remembered.
const MAX_EXITS: usize = 8192;

/// How long an exit says that a clone event of the same child comes late.
const RECENT_NS: u64 = 2_000_000_000;

/// The last exits.
#[derive(Debug, Default)]
pub(crate) struct Exits {
    by_tid: FxHashMap<i64, (i64, u64)>,
    order: VecDeque<(i64, u64)>,
}

impl Exits {
    /// Remembers that `tid`, child of `ptid`, left at `ts_ns`.
    pub fn remember(&mut self, tid: i64, ptid: i64, ts_ns: u64) {
        if self.order.len() >= MAX_EXITS {
            self.forget_oldest();
        }
        self.order.push_back((tid, ts_ns));
        self.by_tid.insert(tid, (ptid, ts_ns));
    }

    /// Whether `tid`, child of `ptid`, left shortly before `now_ns`.
    pub fn has_left(&self, tid: i64, ptid: i64, now_ns: u64) -> bool {
        self.by_tid
            .get(&tid)
            .is_some_and(|(p, ts_ns)| *p == ptid && now_ns.saturating_sub(*ts_ns) < RECENT_NS)
    }

    fn forget_oldest(&mut self) {
        let Some((tid, ts_ns)) = self.order.pop_front() else { return };
        if self.by_tid.get(&tid).is_some_and(|(_, t)| *t == ts_ns) {
            self.by_tid.remove(&tid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exit_counts_for_two_seconds_and_for_its_parent_only() {
        let mut exits = Exits::default();
        exits.remember(7, 1, 1_000);
        assert!(exits.has_left(7, 1, 1_000 + RECENT_NS - 1));
        assert!(!exits.has_left(7, 1, 1_000 + RECENT_NS));
        assert!(!exits.has_left(7, 2, 1_001));
    }

    #[test]
    fn the_memory_of_exits_is_bounded() {
        let mut exits = Exits::default();
        for tid in 0..100_000 {
            exits.remember(tid, 1, 1);
        }
        assert_eq!(exits.order.len(), MAX_EXITS);
        assert_eq!(exits.by_tid.len(), MAX_EXITS);
    }
}
