//! What stands at the head of a capture file that begins in the middle of a capture.
//!
//! In: the blocks that are not events, the events that name containers and users, and the state
//! where the file begins. Out: the blocks of a head. Next: `sink::savefile` for the files of a
//! rotation, `sink::recorder` for what is kept of the past.
//!
//! Threads and descriptors are told anew from the state. Everything else is told again as it was:
//! no list of the format can hold a container.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use rustc_hash::{FxHashSet, FxHasher};

use crate::decode;
use crate::source::lists::ListWriter;
use crate::source::metadata::Layouts;
use crate::source::{carried, Block};
use crate::state::{State, Thread};

/// Most bytes of lists, and most of events, that are kept for the next heads.
const MAX_HEAD_BYTES: usize = 16 << 20;

/// Bytes of an event's time.
const TIME_BYTES: usize = 8;

/// What is known for the next heads.
pub struct Head {
    layouts: Arc<Layouts>,
    writer: Arc<ListWriter>,
    /// The section header.
    header: Vec<u8>,
    /// Lists that are not of threads.
    lists: Vec<u8>,
    /// Events that name containers, users and groups, and what each of them says.
    events: Vec<u8>,
    said: FxHashSet<u64>,
}

impl Head {
    /// Nothing is known.
    pub fn new(layouts: Arc<Layouts>, writer: Arc<ListWriter>) -> Self {
        Head {
            layouts,
            writer,
            header: Vec::new(),
            lists: Vec::new(),
            events: Vec::new(),
            said: FxHashSet::default(),
        }
    }

    /// Begins a section with this header.
    pub fn begin_section(&mut self, raw: &[u8]) {
        self.header = raw.to_vec();
        self.lists.clear();
        self.events.clear();
        self.said.clear();
    }

    /// Whether a block is a list that readers of captures know.
    pub fn is_list(&self, block: &Block<'_>) -> bool {
        self.layouts.is_metadata(block.kind)
    }

    /// Keeps a block that is no event, unless the state will replace it.
    pub fn add_list(&mut self, raw: &[u8]) {
        let kind = raw.first_chunk().map_or(0, |bytes| u32::from_le_bytes(*bytes));
        let room = self.lists.len() + raw.len() <= MAX_HEAD_BYTES;
        if room && !self.layouts.is_of_threads(kind) {
            self.lists.extend_from_slice(raw);
        }
    }

    /// Keeps an event of `code` if it names a container, a user or a group, and says it first.
    pub fn add_event(&mut self, code: u16, block: &Block<'_>) {
        let room = self.events.len() + block.raw.len() <= MAX_HEAD_BYTES;
        let Some(kind) = decode::event_kind(block.kind).filter(|_| room && is_naming(code)) else {
            return;
        };
        let mut what = FxHasher::default();
        block.raw.get(kind.time_at() + TIME_BYTES..).hash(&mut what);
        if self.said.insert(what.finish()) {
            self.events.extend_from_slice(block.raw);
        }
    }

    /// The section header.
    pub fn header(&self) -> &[u8] {
        &self.header
    }

    /// The lists, with the threads of `state` for which `keep` holds.
    pub fn lists(&self, state: &State, keep: impl Fn(&Thread) -> bool) -> Vec<u8> {
        [self.lists.as_slice(), &self.writer.blocks(state, keep)].concat()
    }

    /// The events, as if they had happened at `ts_ns`; times in a file do not go back.
    pub fn events(&self, ts_ns: u64) -> Vec<u8> {
        let mut events = self.events.clone();
        let mut start = 0;
        for block in carried::blocks(&self.events, 0) {
            let at = decode::event_kind(block.kind).map(|kind| start + kind.time_at());
            if let Some(time) = at.and_then(|at| events.get_mut(at..at + TIME_BYTES)) {
                time.copy_from_slice(&ts_ns.to_le_bytes());
            }
            start += block.raw.len();
        }
        events
    }
}

/// Whether events of `code` name a container, a user or a group.
pub fn is_naming(code: u16) -> bool {
    matches!(code, 324 | 354..=361 | 402)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A block of an event of that time, with and without flags.
    fn event(flags: bool, ts_ns: u64) -> Vec<u8> {
        let (kind, len): (u32, u32) = if flags { (0x217, 44) } else { (0x216, 40) };
        let mut raw = [kind.to_le_bytes(), len.to_le_bytes()].concat();
        raw.extend([0; 2]);
        raw.extend(vec![0; if flags { 4 } else { 0 }]);
        raw.extend(ts_ns.to_le_bytes());
        raw.resize(len as usize - 4, 7);
        raw.extend(len.to_le_bytes());
        raw
    }

    fn block(raw: &[u8]) -> Block<'_> {
        carried::blocks(raw, 0).next().expect("a block")
    }

    #[test]
    fn naming_events_are_told_again_at_the_time_of_the_head() {
        let mut head = Head::new(Arc::default(), Arc::default());
        for (code, flags) in [(402, false), (3, false), (360, true), (402, false)] {
            let raw = event(flags, if flags { 5 } else { 6 });
            head.add_event(code, &block(&raw));
        }
        assert_eq!(head.events(9), [event(false, 9), event(true, 9)].concat());
        head.begin_section(&[1]);
        assert!(head.events(9).is_empty());
    }
}
