//! Blocks in memory, the oldest of which go when there are too many or they are too old.
//!
//! In: blocks, and now and then the head that a file would have if it began here. Out: the blocks
//! again, from the oldest head on. Next: [`super::Recorder`] writes them to a file.
//!
//! The blocks lie in segments. Each begins with a head of its own, so that it can become the
//! oldest: letting go means to drop a segment, and nothing needs to be decoded again for that.

use std::collections::VecDeque;

use crate::decode;
use crate::error::Result;
use crate::source::{carried, Block};

/// Segments that the bytes are divided into when heads are small, and when they are large.
const MANY: usize = 32;
const FEW: usize = 4;

/// The part of all bytes that one head may take.
const HEAD_PART: usize = 8;

/// A head for less than this is not worth its work.
const MIN_SEGMENT_BYTES: usize = 64 << 10;

/// A segment that must grow does so by this much at least.
const GROWTH_BYTES: usize = 64 << 10;

/// What a block is kept as; a byte in front of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// No event.
    List,
    /// A chosen event.
    Event,
    /// An event that is to be marked as being for the state alone.
    StateOnly,
    /// An event that is not shown and needs no mark.
    Copied,
}

impl Mark {
    fn of(byte: u8) -> Self {
        [Mark::List, Mark::Event, Mark::StateOnly]
            .into_iter()
            .find(|mark| *mark as u8 == byte)
            .unwrap_or(Mark::Copied)
    }
}

/// How much is kept.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// Bytes of memory.
    pub max_bytes: usize,
    /// Time between the oldest event and the newest.
    pub max_ns: Option<u64>,
}

impl Bounds {
    /// Most bytes of a head.
    pub fn max_head(&self) -> usize {
        self.max_bytes / HEAD_PART
    }

    /// Bytes of a segment with such a head: most of it is events, and some segments fit.
    fn segment_bytes(&self, head: usize) -> usize {
        (2 * head).clamp(self.max_bytes / MANY, self.max_bytes / FEW)
    }
}

/// Blocks with a head of their own.
struct Segment {
    bytes: Vec<u8>,
    /// Bytes of it that are no events, at its beginning unless lists came late.
    lists: usize,
    /// Where its own head ends: what follows can follow the segment before.
    head: usize,
    /// Chosen events.
    events: u64,
    first_ns: u64,
    last_ns: u64,
}

impl Segment {
    fn new(capacity: usize) -> Self {
        let bytes = Vec::with_capacity(capacity);
        Segment { bytes, lists: 0, head: 0, events: 0, first_ns: u64::MAX, last_ns: 0 }
    }

    fn push(&mut self, mark: Mark, raw: &[u8]) {
        let more = self.growth(raw);
        if more > 0 {
            self.bytes.reserve_exact(self.bytes.capacity() - self.bytes.len() + more);
        }
        self.bytes.push(mark as u8);
        self.bytes.extend_from_slice(raw);
        if mark == Mark::List {
            self.lists += 1 + raw.len();
        }
    }

    fn push_event(&mut self, mark: Mark, raw: &[u8], ts_ns: u64) {
        self.push(mark, raw);
        self.events += u64::from(mark == Mark::Event);
        self.first_ns = self.first_ns.min(ts_ns);
        self.last_ns = self.last_ns.max(ts_ns);
    }

    /// Bytes of memory, whether used or set aside.
    fn memory(&self) -> usize {
        self.bytes.capacity() + size_of::<Segment>()
    }

    /// How many more bytes of memory a block needs: none, or enough for others too.
    fn growth(&self, raw: &[u8]) -> usize {
        match (self.bytes.len() + 1 + raw.len()).saturating_sub(self.bytes.capacity()) {
            0 => 0,
            bytes => bytes.max(GROWTH_BYTES),
        }
    }
}

/// The marked blocks in `bytes`.
fn entries(bytes: &[u8]) -> impl Iterator<Item = (Mark, Block<'_>)> {
    let mut rest = bytes;
    std::iter::from_fn(move || {
        let (mark, blocks) = rest.split_first()?;
        let block = carried::blocks(blocks, 0).next()?;
        rest = blocks.get(block.raw.len()..)?;
        Some((Mark::of(*mark), block))
    })
}

/// Time of the event in a block; 0 for a block without one.
pub fn time_of(block: &Block<'_>) -> u64 {
    let at = decode::event_kind(block.kind).map(decode::EventKind::time_at);
    let time = at.and_then(|at| block.raw.get(at..)).and_then(|rest| rest.first_chunk());
    time.map_or(0, |bytes| u64::from_le_bytes(*bytes))
}

/// The kept blocks.
pub struct Ring {
    bounds: Bounds,
    /// All but the last one, oldest first.
    closed: VecDeque<Segment>,
    open: Segment,
    closed_bytes: usize,
    /// Chosen events that are no longer there, in no file either.
    let_go: u64,
    /// Time of the last of them that went for want of bytes.
    pub crowded_out_ns: Option<u64>,
}

impl Ring {
    /// Nothing is kept.
    pub fn new(bounds: Bounds) -> Self {
        Ring {
            bounds,
            closed: VecDeque::new(),
            open: Segment::new(bounds.segment_bytes(0)),
            closed_bytes: 0,
            let_go: 0,
            crowded_out_ns: None,
        }
    }

    /// Bytes of memory that are in use or set aside.
    pub fn memory(&self) -> usize {
        self.closed_bytes + self.open.memory()
    }

    /// Keeps a block that is no event; false when there is no room for it.
    pub fn push_list(&mut self, raw: &[u8]) -> bool {
        let fits = self.open.lists + raw.len() < self.bounds.max_head();
        let fits = fits && self.make_room(self.open.growth(raw));
        if fits {
            self.open.push(Mark::List, raw);
        }
        fits
    }

    /// Keeps an event, and lets go of what is too old now or takes its room.
    pub fn push_event(&mut self, mark: Mark, block: &Block<'_>) {
        let ts_ns = time_of(block);
        self.age(ts_ns);
        if self.make_room(self.open.growth(block.raw)) {
            self.open.push_event(mark, block.raw, ts_ns);
        } else {
            self.let_go += u64::from(mark == Mark::Event);
            self.crowded_out_ns = self.crowded_out_ns.max(Some(ts_ns));
        }
    }

    /// Whether the next event should find a new head.
    pub fn wants_head(&self) -> bool {
        let (len, lists) = (self.open.bytes.len(), self.open.lists);
        let lasted = self.open.last_ns.saturating_sub(self.open.first_ns);
        let is_long = self.bounds.max_ns.is_some_and(|ns| lasted >= ns / MANY as u64);
        let is_due = is_long && len >= (2 * lists).max(MIN_SEGMENT_BYTES);
        len > lists && (is_due || len >= self.bounds.segment_bytes(lists))
    }

    /// Begins a segment with a head: `lists` that are no events, and `events` for the state.
    pub fn begin(&mut self, lists: &[u8], events: &[u8]) {
        let capacity = self.bounds.segment_bytes(lists.len() + events.len());
        self.close();
        self.make_room(capacity);
        self.open = Segment::new(capacity);
        for block in carried::blocks(lists, 0) {
            self.open.push(Mark::List, block.raw);
        }
        for block in carried::blocks(events, 0) {
            self.open.push_event(Mark::StateOnly, block.raw, time_of(&block));
        }
        self.open.head = self.open.bytes.len();
    }

    /// Begins a segment of another capture, whose lists follow.
    pub fn begin_section(&mut self) {
        if self.open.bytes.len() > self.open.lists {
            self.begin(&[], &[]);
        }
    }

    /// Forgets everything; what there was from `from_ns` on stands in a file now.
    pub fn clear(&mut self, from_ns: u64) {
        self.let_go = self.gone(from_ns);
        self.closed.clear();
        self.closed_bytes = 0;
        self.open = Segment::new(0);
        self.crowded_out_ns = None;
    }

    /// How many chosen events are in no file when the next one begins at `from_ns`.
    pub fn gone(&self, from_ns: u64) -> u64 {
        let all: u64 = self.segments().map(|segment| segment.events).sum();
        self.let_go + all - self.kept(from_ns).0
    }

    /// Whether the next segment will cost the oldest one.
    pub fn is_crowded(&self) -> bool {
        let more = self.bounds.segment_bytes(self.open.lists);
        let is_last = self.memory() + more > self.bounds.max_bytes;
        is_last && self.open.bytes.len() + more / 4 > self.open.bytes.capacity()
    }

    /// How many chosen events from `from_ns` on there are, and the time of the first of them.
    pub fn kept(&self, from_ns: u64) -> (u64, Option<u64>) {
        let (mut count, mut first) = (0, None);
        for segment in self.segments() {
            if segment.first_ns >= from_ns && first.is_some() {
                count += segment.events;
                continue;
            }
            for (_, block) in entries(&segment.bytes).filter(|(mark, _)| *mark == Mark::Event) {
                let ts_ns = time_of(&block);
                if ts_ns >= from_ns {
                    count += 1;
                    first.get_or_insert(ts_ns);
                }
            }
        }
        (count, first)
    }

    /// Everything from the oldest head on; events before `from_ns` are for the state alone.
    ///
    /// # Errors
    /// Those of `put`.
    pub fn replay(
        &self,
        from_ns: u64,
        mut put: impl FnMut(Mark, &Block<'_>) -> Result<()>,
    ) -> Result<()> {
        for (at, segment) in self.segments().enumerate() {
            let start = if at == 0 { 0 } else { segment.head };
            for (mark, block) in entries(segment.bytes.get(start..).unwrap_or(&[])) {
                let is_old = mark == Mark::Event && time_of(&block) < from_ns;
                put(if is_old { Mark::StateOnly } else { mark }, &block)?;
            }
        }
        Ok(())
    }

    fn segments(&self) -> impl Iterator<Item = &Segment> {
        self.closed.iter().chain([&self.open])
    }

    fn close(&mut self) {
        let mut segment = std::mem::replace(&mut self.open, Segment::new(0));
        if segment.bytes.is_empty() {
            return;
        }
        segment.bytes.shrink_to_fit();
        self.closed_bytes += segment.memory();
        self.closed.push_back(segment);
    }

    /// Lets go of segments that are older than the bound, seen from `now_ns`.
    fn age(&mut self, now_ns: u64) {
        let Some(max_ns) = self.bounds.max_ns else { return };
        let is_old = |s: &Segment| s.last_ns.saturating_add(max_ns) < now_ns;
        while self.closed.front().is_some_and(is_old) {
            self.drop_oldest();
        }
    }

    /// Lets go of segments until so many bytes more may be used; false when that cannot be.
    fn make_room(&mut self, bytes: usize) -> bool {
        while self.memory() + bytes > self.bounds.max_bytes {
            let Some(segment) = self.drop_oldest() else { return false };
            self.crowded_out_ns = self.crowded_out_ns.max(Some(segment.last_ns));
        }
        true
    }

    fn drop_oldest(&mut self) -> Option<Segment> {
        let segment = self.closed.pop_front()?;
        self.closed_bytes -= segment.memory();
        self.let_go += segment.events;
        Some(segment)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MAX_BYTES: usize = 4 << 20;
    const LIST: u32 = 0x221F;

    /// A block of an event of that time.
    fn event(ts_ns: u64, len: usize) -> Vec<u8> {
        raw(0x216, &[&[0; 2], &ts_ns.to_le_bytes()[..], &vec![7; len]].concat())
    }

    fn raw(kind: u32, body: &[u8]) -> Vec<u8> {
        let len = u32::try_from(12 + body.len()).expect("a small block").to_le_bytes();
        [&kind.to_le_bytes(), &len, body, &len].concat()
    }

    fn push(ring: &mut Ring, ts_ns: u64, len: usize) {
        let raw = event(ts_ns, len);
        ring.push_event(Mark::Event, &carried::blocks(&raw, 0).next().expect("a block"));
    }

    fn ring(max_ns: Option<u64>) -> Ring {
        Ring::new(Bounds { max_bytes: MAX_BYTES, max_ns })
    }

    /// Marks, kinds and times of a replay.
    fn replayed(ring: &Ring, from_ns: u64) -> Vec<(Mark, u32, u64)> {
        let mut seen = Vec::new();
        ring.replay(from_ns, |mark, block| {
            seen.push((mark, block.kind, time_of(block)));
            Ok(())
        })
        .expect("nothing fails");
        seen
    }

    #[test]
    fn memory_is_never_more_than_the_bound() {
        let mut ring = ring(None);
        let mut largest = 0;
        for ts_ns in 0..60_000 {
            push(&mut ring, ts_ns, (ts_ns % 999) as usize);
            if ring.wants_head() {
                // Heads of every size up to the largest.
                let list =
                    raw(LIST, &vec![0; (ts_ns as usize * 13) % (MAX_BYTES / HEAD_PART - 99)]);
                ring.begin(&list, &event(ts_ns, 10));
            }
            largest = largest.max(ring.memory());
            let sum: usize = ring.closed.iter().map(Segment::memory).sum();
            assert_eq!(sum, ring.closed_bytes);
        }
        assert!((MAX_BYTES * 3 / 4..=MAX_BYTES).contains(&largest), "{largest}");
        let (kept, first_ns) = ring.kept(0);
        assert_eq!(kept + ring.let_go, 60_000);
        assert_eq!(first_ns, Some(60_000 - kept));
        assert!(kept * 510 > MAX_BYTES as u64 / 3, "{kept}");
        assert!(ring.crowded_out_ns.is_some_and(|ts_ns| ts_ns == 60_000 - kept - 1));
    }

    #[test]
    fn a_block_that_has_no_room_is_let_go_alone() {
        let mut ring = ring(None);
        push(&mut ring, 1, 100);
        push(&mut ring, 2, MAX_BYTES);
        assert_eq!((ring.kept(0), ring.let_go), ((1, Some(1)), 1));
        assert!(!ring.push_list(&raw(LIST, &vec![0; MAX_BYTES / HEAD_PART])));
        assert!(ring.memory() <= MAX_BYTES);
    }

    #[test]
    fn what_is_too_old_goes_by_segments_and_is_hidden_before() {
        let mut ring = ring(Some(1000));
        for ts_ns in 0..10_000 {
            push(&mut ring, ts_ns, 1000);
            if ring.wants_head() {
                ring.begin(&raw(LIST, &[0; 8]), &[]);
            }
        }
        assert_eq!(ring.kept(9000), (1000, Some(9000)));
        assert!(ring.let_go > 8000 && ring.crowded_out_ns.is_none());
        let seen = replayed(&ring, 9000);
        assert_eq!(seen[0], (Mark::List, LIST, 0));
        assert!(seen[1..].iter().all(|(_, kind, _)| *kind == 0x216));
        assert!(seen[1..].iter().all(|(mark, _, ts)| (*mark == Mark::Event) == (*ts >= 9000)));
        assert_eq!(seen.iter().filter(|(mark, ..)| *mark == Mark::Event).count(), 1000);
    }

    #[test]
    fn only_the_oldest_head_and_those_of_other_captures_are_replayed() {
        let mut ring = ring(None);
        let first = raw(LIST, &[1; 8]);
        assert!(ring.push_list(&first));
        push(&mut ring, 1, 10);
        ring.begin(&raw(LIST, &[2; 8]), &event(1, 5));
        push(&mut ring, 2, 10);
        ring.begin_section();
        assert!(ring.push_list(&raw(LIST, &[3; 8])));
        push(&mut ring, 3, 10);
        let event = |ts_ns| (Mark::Event, 0x216, ts_ns);
        let list = (Mark::List, LIST, 0);
        assert_eq!(replayed(&ring, 0), [list, event(1), event(2), list, event(3)]);
        assert_eq!((ring.kept(2), ring.gone(2)), ((2, Some(2)), 1));
        ring.clear(2);
        assert_eq!((ring.kept(0), replayed(&ring, 0).len(), ring.let_go), ((0, None), 0, 1));
    }
}
