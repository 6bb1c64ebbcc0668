//! The kernel's ring buffers, one for each processor, as one stream in the order of time.
//!
//! In: descriptors of BPF ring buffers that hold whole event blocks. Out: [`Item`]s.
//! Next: [`crate::decode`].
//!
//! **Release rule.** A look notes the time `t` and then how far each ring is filled. A block is
//! handed on when its time stamp is before `t` minus [`HOLD_NS`]: whatever happened before that
//! and was still being written at `t` would have needed longer than the hold to be stored. The
//! hold is left out while a ring is more than half full, when there is only one ring, and when the
//! capture ends. A block that comes too late nevertheless is handed on at once and counted.
//! Blocks are read where they lie; the kernel gets their room back when the next one is asked for.
//!
//! Source: Documentation/bpf/ringbuf.rst and kernel/bpf/ringbuf.c of Linux (the layout is fixed).

// The only place with shared memory; each use says why it is sound.
#![allow(unsafe_code)]

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::os::fd::{AsRawFd, BorrowedFd};
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

use super::{Block, Item, Source};
use crate::decode::event_kind;
use crate::error::{Error, Result};

/// How long a block is kept back so that older ones of other processors come first.
pub const HOLD_NS: u64 = 20_000_000;

/// A record that is being written.
const BUSY: u32 = 1 << 31;
/// A record that its writer gave up.
const DISCARDED: u32 = 1 << 30;
/// Bytes before each record: length and flags, and a word of the kernel's own.
const RECORD_HEAD: usize = 8;
/// Smallest block: head, processor, event header, trailer.
const BLOCK_MIN: usize = 40;
/// Where an event block carries its time stamp, without and with flags before it.
const TS_AT: usize = 10;
const TS_BEHIND_FLAGS_AT: usize = 14;
/// The kernel learns that room is free once this part of a ring has been read.
const PUBLISH_PART: u64 = 16;

/// A shared mapping of a file.
struct Mapping {
    start: NonNull<u8>,
    len: usize,
}

// SAFETY: the mapping belongs to its owner alone; nothing in it is tied to a thread.
unsafe impl Send for Mapping {}

impl Mapping {
    fn new(fd: BorrowedFd<'_>, offset: usize, len: usize, write: bool) -> Result<Self> {
        let protection = libc::PROT_READ | if write { libc::PROT_WRITE } else { 0 };
        let offset = libc::off_t::try_from(offset).unwrap_or(libc::off_t::MAX);
        // SAFETY: a new mapping at an address that the kernel chooses touches no other memory.
        let start = unsafe {
            libc::mmap(
                std::ptr::null_mut(),
                len,
                protection,
                libc::MAP_SHARED,
                fd.as_raw_fd(),
                offset,
            )
        };
        match NonNull::new(start.cast::<u8>()) {
            Some(start) if start.as_ptr().cast::<libc::c_void>() != libc::MAP_FAILED => {
                Ok(Mapping { start, len })
            }
            _ => Err(Error::io("mapping a ring buffer", std::io::Error::last_os_error())),
        }
    }

    /// A counter that the kernel shares with us.
    fn counter(&self, at: usize) -> &AtomicU64 {
        assert!(at % 8 == 0 && at + 8 <= self.len, "counters lie inside their page");
        // SAFETY: inside the mapping and aligned (just checked; mappings start at a page); the
        // kernel accesses it with atomic operations only; it lives as long as `self`.
        unsafe { &*self.start.as_ptr().add(at).cast::<AtomicU64>() }
    }
}

impl Drop for Mapping {
    fn drop(&mut self) {
        // SAFETY: start and length are those of the mapping that `new` made; nothing borrowed
        // from it outlives `self`.
        unsafe { libc::munmap(self.start.as_ptr().cast(), self.len) };
    }
}

/// A complete record in a ring.
#[derive(Clone, Copy)]
struct Record {
    /// Bytes of its content.
    len: usize,
    /// Position behind it.
    next: u64,
    ts_ns: u64,
}

/// One ring: what the kernel fills, and how far we are.
struct Ring {
    positions: Mapping,
    data: Mapping,
    page: usize,
    size: usize,
    /// What has been read.
    at: u64,
    /// What the kernel knows to be read.
    published: u64,
    /// How far the ring was filled at the last look.
    limit: u64,
    /// The record at `at`, once it has been looked at.
    front: Option<Record>,
}

impl Ring {
    fn new(fd: BorrowedFd<'_>, size: usize) -> Result<Self> {
        let page = page_size();
        let positions = Mapping::new(fd, 0, page, true)?;
        let data = Mapping::new(fd, page, page + 2 * size, false)?;
        let at = positions.counter(0).load(Ordering::Relaxed);
        Ok(Ring { positions, data, page, size, at, published: at, limit: at, front: None })
    }

    /// Notes how far the kernel has filled the ring.
    fn look(&mut self) {
        self.limit = self.data.counter(0).load(Ordering::Acquire);
    }

    fn is_pressed(&self) -> bool {
        (self.limit - self.published) as usize > self.size / 2
    }

    /// Finds the next complete record before the limit; `None` when there is none yet.
    fn find_front(&mut self) -> Option<Record> {
        while self.front.is_none() && self.at < self.limit {
            let head = self.record_head();
            if head & BUSY != 0 {
                return None;
            }
            let len = (head & !(BUSY | DISCARDED)) as usize;
            let next = self.at + ((len + RECORD_HEAD + 7) & !7) as u64;
            let ts_ns = block_ts_ns(self.content(len)).unwrap_or(0);
            if head & DISCARDED == 0 && len >= BLOCK_MIN {
                self.front = Some(Record { len, next, ts_ns });
            } else {
                self.at = next;
            }
        }
        self.front
    }

    /// Length and flags of the record at `at`.
    fn record_head(&self) -> u32 {
        let offset = self.offset();
        // SAFETY: `offset` is below `size` and a multiple of 8, as all records are; the mapping
        // has `page + 2 * size` bytes. The kernel writes this word with a release operation.
        let word = unsafe { &*self.data.start.as_ptr().add(offset).cast::<AtomicU32>() };
        word.load(Ordering::Acquire)
    }

    /// Content of the record at `at`; the data is mapped twice in a row, so it is in one piece.
    fn content(&self, len: usize) -> &[u8] {
        let len = len.min(self.size);
        // SAFETY: from below `size`, `RECORD_HEAD + len` bytes stay within `2 * size`. The record
        // is complete (its busy bit was clear, read with acquire), and the kernel leaves it alone
        // until we publish a position behind it, which needs `&mut self`.
        unsafe {
            let start = self.data.start.as_ptr().add(self.offset() + RECORD_HEAD);
            std::slice::from_raw_parts(start, len.min(2 * self.size - RECORD_HEAD))
        }
    }

    /// Where the record at `at` begins in the mapping.
    fn offset(&self) -> usize {
        self.page + (self.at as usize & (self.size - 1) & !7)
    }

    /// Steps behind the front record.
    fn pass(&mut self) {
        if let Some(record) = self.front.take() {
            self.at = record.next;
        }
        if self.at - self.published >= self.size as u64 / PUBLISH_PART {
            self.publish();
        }
    }

    /// Gives the room of everything read back to the kernel.
    fn publish(&mut self) {
        if self.published != self.at {
            self.positions.counter(0).store(self.at, Ordering::Release);
            self.published = self.at;
        }
    }
}

/// The time stamp of an event block.
fn block_ts_ns(content: &[u8]) -> Option<u64> {
    let kind = u32::from_le_bytes(content.get(..4)?.try_into().ok()?);
    let has_flags = event_kind(kind).is_some_and(|kind| kind.flags);
    let at = if has_flags { TS_BEHIND_FLAGS_AT } else { TS_AT };
    Some(u64::from_le_bytes(content.get(at..at + 8)?.try_into().ok()?))
}

/// Bytes of a page.
fn page_size() -> usize {
    // SAFETY: asks for a constant of the system.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).unwrap_or(4096)
}

/// Now, in the clock of the events.
fn now_ns(offset_ns: i64) -> u64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid place for the answer; the clock exists since Linux 2.6.39.
    unsafe { libc::clock_gettime(libc::CLOCK_BOOTTIME, &mut time) };
    let boot_ns = time.tv_sec.wrapping_mul(1_000_000_000).wrapping_add(time.tv_nsec);
    u64::try_from(boot_ns.wrapping_add(offset_ns)).unwrap_or(0)
}

/// All rings of a capture.
pub struct Rings {
    rings: Vec<Ring>,
    /// Rings with a complete record, oldest first.
    order: BinaryHeap<Reverse<(u64, usize)>>,
    /// The ring whose front record the caller holds.
    held: Option<usize>,
    /// Blocks older than this may go.
    release_before: u64,
    offset_ns: i64,
    last_ts_ns: u64,
    late: u64,
    bytes: u64,
    stopping: bool,
}

impl Rings {
    /// Maps the rings.
    ///
    /// `ring_bytes` is the size of each, `offset_ns` is what the kernel side adds to the time
    /// since boot to make time stamps.
    ///
    /// # Errors
    /// A size that no ring has, or a descriptor that cannot be mapped as one.
    pub fn new(fds: &[BorrowedFd<'_>], ring_bytes: usize, offset_ns: i64) -> Result<Self> {
        if !ring_bytes.is_power_of_two() || ring_bytes < page_size() || ring_bytes > 1 << 30 {
            return Err(Error::Plan(format!("no ring has {ring_bytes} bytes")));
        }
        let rings: Result<Vec<_>> = fds.iter().map(|fd| Ring::new(*fd, ring_bytes)).collect();
        Ok(Rings {
            rings: rings?,
            order: BinaryHeap::with_capacity(fds.len()),
            held: None,
            release_before: 0,
            offset_ns,
            last_ts_ns: 0,
            late: 0,
            bytes: 0,
            stopping: false,
        })
    }

    /// Blocks that came behind younger ones.
    pub fn late(&self) -> u64 {
        self.late
    }

    /// Looks at all rings: what may be released, and which ring has the oldest block.
    fn look(&mut self) {
        let now = now_ns(self.offset_ns);
        let mut hurry = self.stopping || self.rings.len() == 1;
        self.order.clear();
        for (index, ring) in self.rings.iter_mut().enumerate() {
            ring.publish();
            ring.look();
            hurry |= ring.is_pressed();
            if let Some(record) = ring.find_front() {
                self.order.push(Reverse((record.ts_ns, index)));
            }
        }
        self.release_before = if hurry { u64::MAX } else { now.saturating_sub(HOLD_NS) };
    }

    /// Gives up the block that the caller held.
    fn let_go(&mut self) {
        let Some(index) = self.held.take() else { return };
        let Some(ring) = self.rings.get_mut(index) else { return };
        ring.pass();
        if let Some(record) = ring.find_front() {
            self.order.push(Reverse((record.ts_ns, index)));
        }
    }

    /// The ring with the oldest block that may go.
    fn next_ring(&mut self) -> Option<usize> {
        let Reverse((ts_ns, index)) = *self.order.peek()?;
        if ts_ns >= self.release_before {
            return None;
        }
        self.order.pop();
        self.late += u64::from(ts_ns < self.last_ts_ns);
        self.last_ts_ns = ts_ns;
        Some(index)
    }
}

impl Source for Rings {
    fn is_live(&self) -> bool {
        true
    }

    fn next_block(&mut self) -> Result<Item<'_>> {
        self.let_go();
        let index = match self.next_ring() {
            Some(index) => index,
            None => {
                self.look();
                match self.next_ring() {
                    Some(index) => index,
                    None if self.stopping => return Ok(Item::End),
                    None => return Ok(Item::Idle),
                }
            }
        };
        self.held = Some(index);
        let offset = self.bytes;
        let Some(ring) = self.rings.get(index) else { return Ok(Item::Idle) };
        let raw = ring.content(ring.front.map_or(0, |record| record.len));
        self.bytes += raw.len() as u64;
        Ok(Item::Block(block(raw, offset)))
    }

    fn stop(&mut self) {
        self.stopping = true;
    }

    fn progress(&self) -> (u64, Option<u64>) {
        (self.bytes, None)
    }
}

/// A record as a block; what the kernel side wrote is at least [`BLOCK_MIN`] bytes.
fn block(raw: &[u8], offset: u64) -> Block<'_> {
    let kind = raw.first_chunk().map_or(0, |b| u32::from_le_bytes(*b));
    let body = raw.get(8..raw.len().saturating_sub(4)).unwrap_or_default();
    Block { kind, offset, body, raw }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::File;
    use std::io::{Seek, SeekFrom, Write};
    use std::os::fd::{AsFd, FromRawFd};

    const SIZE: usize = 4096 * 4;

    /// A file laid out like a ring buffer of the kernel, and the kernel's side of it.
    struct Writer {
        file: File,
        filled: u64,
    }

    impl Writer {
        fn new() -> Self {
            // SAFETY: a new descriptor that nobody else owns.
            let file = unsafe { File::from_raw_fd(libc::memfd_create(c"ring".as_ptr(), 0)) };
            file.set_len((2 * page_size() + 2 * SIZE) as u64).unwrap();
            Writer { file, filled: 0 }
        }

        fn put(&mut self, at: usize, bytes: &[u8]) {
            for (n, byte) in bytes.iter().enumerate() {
                let place = (at + n) % SIZE;
                for copy in [place, place + SIZE] {
                    let at = (2 * page_size() + copy) as u64;
                    self.file.seek(SeekFrom::Start(at)).unwrap();
                    self.file.write_all(&[*byte]).unwrap();
                }
            }
        }

        fn push_record(&mut self, content: &[u8], flags: u32) {
            let at = self.filled as usize;
            self.put(at, &(content.len() as u32 | flags).to_le_bytes());
            self.put(at + RECORD_HEAD, content);
            self.filled += ((content.len() + RECORD_HEAD + 7) & !7) as u64;
            self.file.seek(SeekFrom::Start(page_size() as u64)).unwrap();
            self.file.write_all(&self.filled.to_le_bytes()).unwrap();
        }

        fn push(&mut self, ts_ns: u64) {
            self.push_record(&event(ts_ns), 0);
        }

        fn consumed(&mut self) -> u64 {
            let mut bytes = [0; 8];
            std::os::unix::fs::FileExt::read_exact_at(&self.file, &mut bytes, 0).unwrap();
            u64::from_le_bytes(bytes)
        }
    }

    fn event(ts_ns: u64) -> Vec<u8> {
        let mut block = vec![0; 48];
        block[..4].copy_from_slice(&0x216u32.to_le_bytes());
        block[4..8].copy_from_slice(&48u32.to_le_bytes());
        block[TS_AT..TS_AT + 8].copy_from_slice(&ts_ns.to_le_bytes());
        block
    }

    fn open(writers: &[&Writer]) -> Rings {
        let fds: Vec<_> = writers.iter().map(|w| w.file.as_fd()).collect();
        Rings::new(&fds, SIZE, 0).unwrap()
    }

    fn drain(rings: &mut Rings) -> Vec<u64> {
        let mut seen = Vec::new();
        while let Item::Block(block) = rings.next_block().unwrap() {
            assert_eq!((block.kind, block.body.len()), (0x216, 36));
            seen.push(u64::from_le_bytes(block.raw[TS_AT..TS_AT + 8].try_into().unwrap()));
        }
        seen
    }

    #[test]
    fn rings_are_merged_by_time() {
        let (mut a, mut b) = (Writer::new(), Writer::new());
        [1, 4, 5, 9].into_iter().for_each(|ts| a.push(ts));
        [2, 3, 8].into_iter().for_each(|ts| b.push(ts));
        let mut rings = open(&[&a, &b]);
        assert_eq!(drain(&mut rings), [1, 2, 3, 4, 5, 8, 9]);
        assert_eq!(rings.late(), 0);
    }

    #[test]
    fn blocks_with_flags_have_their_time_elsewhere() {
        let (mut a, mut b) = (Writer::new(), Writer::new());
        let mut flagged = vec![0xff; 48];
        flagged[..4].copy_from_slice(&0x217u32.to_le_bytes());
        flagged[4..8].copy_from_slice(&48u32.to_le_bytes());
        flagged[TS_BEHIND_FLAGS_AT..TS_BEHIND_FLAGS_AT + 8].copy_from_slice(&2u64.to_le_bytes());
        a.push(1);
        a.push_record(&flagged, 0);
        a.push(4);
        b.push(3);
        let mut rings = open(&[&a, &b]);
        let mut kinds = Vec::new();
        while let Item::Block(block) = rings.next_block().unwrap() {
            kinds.push(block.kind);
        }
        assert_eq!(kinds, [0x216, 0x217, 0x216, 0x216]);
        assert_eq!(rings.late(), 0);
    }

    #[test]
    fn young_blocks_wait_for_the_hold_and_for_the_end() {
        let (mut a, mut b) = (Writer::new(), Writer::new());
        let now = now_ns(0);
        a.push(now - 2 * HOLD_NS);
        b.push(now + HOLD_NS);
        let mut rings = open(&[&a, &b]);
        assert_eq!(drain(&mut rings), [now - 2 * HOLD_NS]);
        rings.stop();
        assert_eq!(drain(&mut rings), [now + HOLD_NS]);
        assert!(matches!(rings.next_block().unwrap(), Item::End));
    }

    #[test]
    fn a_ring_more_than_half_full_does_not_wait() {
        let (mut a, b) = (Writer::new(), Writer::new());
        let late = now_ns(0) + 1_000_000_000_000;
        (0..SIZE / 56 * 3 / 4).for_each(|_| a.push(late));
        assert_eq!(drain(&mut open(&[&a, &b])).len(), SIZE / 56 * 3 / 4);
    }

    #[test]
    fn a_late_block_is_delivered_and_counted() {
        let (mut a, mut b) = (Writer::new(), Writer::new());
        a.push(10);
        let mut rings = open(&[&a, &b]);
        assert_eq!(drain(&mut rings), [10]);
        b.push(5);
        assert_eq!(drain(&mut rings), [5]);
        assert_eq!(rings.late(), 1);
    }

    #[test]
    fn busy_records_end_a_look_and_discarded_and_short_ones_are_passed_over() {
        let mut a = Writer::new();
        a.push_record(&event(1), DISCARDED);
        a.push_record(&[0; 8], 0);
        a.push(2);
        a.push_record(&event(3), BUSY);
        a.push(4);
        assert_eq!(drain(&mut open(&[&a])), [2]);
    }

    #[test]
    fn room_goes_back_and_records_cross_the_end() {
        let mut a = Writer::new();
        let mut rings = open(&[&a]);
        let mut expected = 0;
        for round in 0..50 {
            (0..97).for_each(|n| a.push(round * 100 + n));
            expected += 97;
            assert_eq!(drain(&mut rings).len(), 97);
            assert_eq!(a.consumed(), a.filled);
        }
        assert_eq!(a.filled, expected * 56);
        assert_eq!(rings.progress().0, expected * 48);
    }

    #[test]
    fn impossible_sizes_are_refused() {
        let a = Writer::new();
        for size in [0, 100, 4096 * 3, 1 << 31] {
            assert!(Rings::new(&[a.file.as_fd()], size, 0).is_err());
        }
    }
}
