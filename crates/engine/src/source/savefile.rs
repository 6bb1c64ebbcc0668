//! Blocks out of a byte stream: a file, a pipe, or bytes in memory.
//!
//! In: anything that reads. Out: [`Block`]s in order. Next: [`crate::decode`].
//! Source: pcapng block structure; scap format specification, section 1.

use std::io::Read;

use super::{Block, Item, Source, SECTION_HEADER};
use crate::error::{Error, Result};

/// Largest block taken: above the format's large events, far below what would exhaust memory.
pub const MAX_BLOCK_BYTES: u32 = 64 << 20;

const CHUNK_BYTES: usize = 1 << 20;
const MIN_BLOCK_BYTES: u32 = 12;
const BYTE_ORDER_MAGIC: u32 = 0x1A2B_3C4D;

/// A stream of blocks read from `input`.
pub struct Savefile {
    input: Box<dyn Read + Send>,
    buffer: Vec<u8>,
    start: usize,
    offset: u64,
    ended: bool,
}

impl Savefile {
    /// Reads `input`, which is gzip, zstd or plain.
    ///
    /// # Errors
    /// I/O errors; [`Error::NotACapture`] when the first bytes are no section header.
    pub fn new(input: Box<dyn Read + Send>) -> Result<Self> {
        let input = super::compress::open(input)?;
        let mut file = Savefile { input, buffer: Vec::new(), start: 0, offset: 0, ended: false };
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
        self.buffer.get(self.start..).unwrap_or(&[])
    }

    /// Makes `need` bytes available; false when the input ends before.
    fn fill(&mut self, need: usize) -> Result<bool> {
        while self.buffer.len() - self.start < need {
            if self.ended {
                return Ok(false);
            }
            if self.start > 0 {
                self.buffer.drain(..self.start);
                self.start = 0;
            }
            let old = self.buffer.len();
            self.buffer.resize(old + CHUNK_BYTES, 0);
            let got = read_some(&mut *self.input, &mut self.buffer[old..])?;
            self.buffer.truncate(old + got);
            self.ended = got == 0;
        }
        Ok(true)
    }

    fn truncated(&self, what: &str) -> Error {
        Error::Truncated { offset: self.offset, what: what.into() }
    }

    fn damaged(&self, what: String) -> Error {
        Error::Damaged { offset: self.offset, what }
    }

    /// The length of the next block, checked; `None` at a clean end.
    fn next_len(&mut self) -> Result<Option<usize>> {
        if !self.fill(8)? {
            return if self.available().is_empty() {
                Ok(None)
            } else {
                Err(self.truncated("the head of a block"))
            };
        }
        let len = word(self.available(), 4).unwrap_or(0);
        if len < MIN_BLOCK_BYTES || len % 4 != 0 || len > MAX_BLOCK_BYTES {
            return Err(self.damaged(format!("a block cannot be {len} bytes long")));
        }
        Ok(Some(len as usize))
    }
}

impl Source for Savefile {
    fn is_ready(&self) -> bool {
        let have = self.available();
        word(have, 4).is_some_and(|len| len as usize <= have.len())
    }

    fn next_block(&mut self) -> Result<Item<'_>> {
        let Some(len) = self.next_len()? else { return Ok(Item::End) };
        if !self.fill(len)? {
            return Err(self.truncated("a block"));
        }
        let (at, from) = (self.offset, self.start);
        if word(self.available(), len - 4) != u32::try_from(len).ok() {
            return Err(self.damaged("the two lengths of a block differ".into()));
        }
        self.start += len;
        self.offset += len as u64;
        let raw = self.buffer.get(from..from + len).unwrap_or(&[]);
        let body = raw.get(8..len - 4).unwrap_or(&[]);
        Ok(Item::Block(Block { kind: word(raw, 0).unwrap_or(0), offset: at, body, raw }))
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..at + 4).and_then(|b| b.try_into().ok()).map(u32::from_le_bytes)
}

fn read_some(input: &mut dyn Read, into: &mut [u8]) -> Result<usize> {
    loop {
        match input.read(into) {
            Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
            Err(e) => return Err(Error::io("reading the capture", e)),
            Ok(n) => return Ok(n),
        }
    }
}
