//! Blocks out of a byte stream: a file, a pipe, or bytes in memory.
//!
//! In: anything that reads. Out: [`Block`]s in order. Next: [`crate::decode`].
//! Source: pcapng block structure; scap format specification, section 1.

use std::io::Read;

use super::{Block, Item, Source, SECTION_HEADER};
use crate::error::{Error, Result};

/// Largest block taken: above the format's large events, far below what would exhaust memory.
pub const MAX_BLOCK_BYTES: u32 = 64 << 20;

/// Largest block of an event; other readers take no more than 65544 bytes, but for large events.
const MAX_EVENT_BLOCK_BYTES: u32 = 1 << 20;
const MAX_LARGE_BLOCK_BYTES: u32 = 32 << 20;

/// How far the next whole block is looked for behind a damaged one.
const MAX_SEARCH_BYTES: u64 = 64 << 20;

const CHUNK_BYTES: usize = 1 << 20;
const MIN_BLOCK_BYTES: u32 = 12;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;

const BAD_LENGTH: &str = "a block cannot have this length";
const LENGTHS_DIFFER: &str = "the two lengths of a block differ";

/// A stream of blocks read from `input`.
pub struct Savefile {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    /// The part of the buffer that is read and not yet delivered.
    start: usize,
    end: usize,
    offset: u64,
    ended: bool,
    /// Why the compressed data came to its end, when that was no end.
    broken: Option<String>,
    /// Damage of the block delivered last.
    pending: Option<(u64, &'static str)>,
}

/// What stands at the beginning of the buffer.
enum Front {
    Block(usize),
    /// A block whose trailer alone is wrong.
    Doubtful(usize),
    Damaged(&'static str),
    End,
}

impl Savefile {
    /// Reads `input`, which is gzip, zstd or plain.
    ///
    /// # Errors
    /// I/O errors; [`Error::NotACapture`] when the first bytes are no section header.
    pub fn new(input: Box<dyn Read + Send>) -> Result<Self> {
        let input = super::compress::open(input)?;
        let mut file = Savefile {
            input,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            offset: 0,
            ended: false,
            broken: None,
            pending: None,
        };
        file.check_head()?;
        Ok(file)
    }

    fn check_head(&mut self) -> Result<()> {
        if !self.fill(MIN_BLOCK_BYTES as usize)? {
            let what = if self.available().is_empty() { "it is empty" } else { "it is too short" };
            return Err(Error::NotACapture(what.into()));
        }
        let head = self.available();
        if word(head, 0) != Some(SECTION_HEADER) {
            return Err(Error::NotACapture("it does not begin with a section header".into()));
        }
        if word(head, 8) == Some(BYTE_ORDER_MAGIC.swap_bytes()) {
            return Err(Error::NotACapture("it is big-endian, which no scap file is".into()));
        }
        if word(head, 8) != Some(BYTE_ORDER_MAGIC) {
            return Err(Error::NotACapture("its section header has no byte-order mark".into()));
        }
        Ok(())
    }

    fn available(&self) -> &[u8] {
        self.buffer.get(self.start..self.end).unwrap_or(&[])
    }

    /// Makes `need` bytes available; false when the input ends before.
    fn fill(&mut self, need: usize) -> Result<bool> {
        while self.end - self.start < need {
            if self.ended {
                return Ok(false);
            }
            self.make_room();
            let got = self.read_some(self.end)?;
            self.end += got;
            self.ended = got == 0;
        }
        Ok(true)
    }

    /// Reads to `from` in the buffer; compressed data that goes wrong is an end with a reason.
    fn read_some(&mut self, from: usize) -> Result<usize> {
        let into = self.buffer.get_mut(from..).unwrap_or(&mut []);
        loop {
            match self.input.read(into) {
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) if e.raw_os_error().is_some() => {
                    return Err(Error::io("reading the capture", e));
                }
                Err(e) => {
                    self.broken = Some(format!("the compressed data: {e}"));
                    return Ok(0);
                }
                Ok(n) => return Ok(n),
            }
        }
    }

    /// Moves what is left to the front, and grows the buffer when that is not enough; bytes of
    /// earlier reads stay behind the end, so that nothing is cleared twice.
    fn make_room(&mut self) {
        self.buffer.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buffer.len() - self.end < CHUNK_BYTES {
            self.buffer.resize(self.end + CHUNK_BYTES, 0);
        }
    }

    fn truncated(&self, what: &str) -> Error {
        let what = self.broken.as_deref().unwrap_or(what);
        Error::Truncated { offset: self.offset, what: what.into() }
    }

    /// Looks at the next block; an incomplete one is an error.
    fn front(&mut self) -> Result<Front> {
        if !self.fill(8)? {
            let is_clean = self.available().is_empty() && self.broken.is_none();
            return if is_clean {
                Ok(Front::End)
            } else {
                Err(self.truncated("the head of a block"))
            };
        }
        let kind = word(self.available(), 0).unwrap_or(0);
        let len = word(self.available(), 4).unwrap_or(0);
        if len < MIN_BLOCK_BYTES || len > max_len(kind) {
            return Ok(Front::Damaged(BAD_LENGTH));
        }
        let size = len as usize;
        if !self.fill(size)? {
            return Err(self.truncated("a block"));
        }
        if word(self.available(), size - 4) == Some(len) {
            return Ok(Front::Block(size));
        }
        let is_followed = self.is_whole_at(size)? || (self.ended && self.available().len() == size);
        let is_known = is_known(kind);
        Ok(if is_known && is_followed {
            Front::Doubtful(size)
        } else {
            Front::Damaged(LENGTHS_DIFFER)
        })
    }

    /// Whether a whole block of a known type lies `at` bytes ahead.
    fn is_whole_at(&mut self, at: usize) -> Result<bool> {
        if !self.fill(at + 8)? {
            return Ok(false);
        }
        let kind = word(self.available(), at).unwrap_or(0);
        let len = word(self.available(), at + 4).unwrap_or(0);
        if !is_known(kind) || len < MIN_BLOCK_BYTES || len > max_len(kind) {
            return Ok(false);
        }
        let end = at + len as usize;
        Ok(self.fill(end)? && word(self.available(), end - 4) == Some(len))
    }

    /// Goes to the next whole block behind a damaged one; false when there is none.
    ///
    /// DIFFERENCE(sysdig 0.41.4, libs 0.25-dev): they end the reading.
    fn search(&mut self) -> Result<bool> {
        let from = self.offset;
        while self.offset - from < MAX_SEARCH_BYTES {
            self.skip(1);
            if self.is_whole_at(0)? {
                return Ok(true);
            }
            if self.available().len() < MIN_BLOCK_BYTES as usize {
                return Ok(false);
            }
        }
        Ok(false)
    }

    fn skip(&mut self, bytes: usize) {
        self.start += bytes;
        self.offset += bytes as u64;
    }

    fn deliver(&mut self, len: usize) -> Item<'_> {
        let (offset, from) = (self.offset, self.start);
        self.skip(len);
        Item::Block(Block::front(self.buffer.get(from..).unwrap_or(&[]), len, offset))
    }
}

impl Source for Savefile {
    fn ahead(&self) -> &[u8] {
        if self.pending.is_some() {
            return &[];
        }
        self.available()
    }

    fn advance(&mut self, bytes: usize) {
        self.skip(bytes);
    }

    fn offset(&self) -> u64 {
        self.offset
    }

    fn is_ready(&self) -> bool {
        let have = self.available();
        word(have, 4).is_some_and(|len| len as usize <= have.len())
    }

    fn next_block(&mut self) -> Result<Item<'_>> {
        if let Some((offset, what)) = self.pending.take() {
            return Ok(Item::Damaged { offset, what });
        }
        let at = self.offset;
        match self.front()? {
            Front::End => Ok(Item::End),
            Front::Block(len) => Ok(self.deliver(len)),
            Front::Doubtful(len) => {
                self.pending = Some((at, LENGTHS_DIFFER));
                Ok(self.deliver(len))
            }
            Front::Damaged(what) => match self.search()? {
                true => Ok(Item::Damaged { offset: at, what }),
                false => Err(Error::Damaged { offset: at, what: what.into() }),
            },
        }
    }
}

/// The size of the block at the front of `bytes`, when it is all there and sound: nearly always,
/// and then no more of what [`Savefile::front`] looks at is needed.
pub fn sound(bytes: &[u8]) -> Option<usize> {
    let (kind, len) = (word(bytes, 0)?, word(bytes, 4)?);
    let size = len as usize;
    let is_possible = len >= MIN_BLOCK_BYTES && len <= max_len(kind);
    (is_possible && word(bytes.get(..size)?, size - 4) == Some(len)).then_some(size)
}

/// The types that a damaged file is searched for: those of this format and of pcapng.
fn is_known(kind: u32) -> bool {
    let is_legacy = kind & 0xFFFF == 0xABCD && matches!(kind >> 16, 0x8000..=0x8014);
    is_legacy || matches!(kind, SECTION_HEADER | 1..=6 | 0x201..=0x222)
}

fn max_len(kind: u32) -> u32 {
    match kind {
        0x221 | 0x222 => MAX_LARGE_BLOCK_BYTES,
        _ if crate::decode::event_kind(kind).is_some() => MAX_EVENT_BLOCK_BYTES,
        _ => MAX_BLOCK_BYTES,
    }
}

/// The number of four bytes that stands `at` in `bytes`.
pub(super) fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().copied().map(u32::from_le_bytes)
}
