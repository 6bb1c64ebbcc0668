//! Where blocks come from: a savefile, a pipe, or the kernel's ring buffers.
//!
//! In: bytes. Out: [`Item`]s. Next: [`crate::decode`] for events, [`metadata`] for the rest.

pub mod carried;
pub mod compress;
pub mod lists;
pub mod merged;
pub mod metadata;
pub mod redact;
#[cfg(target_os = "linux")]
pub mod ring;
pub mod savefile;

use crate::error::Result;

/// Block type of the section header.
pub const SECTION_HEADER: u32 = 0x0A0D_0D0A;

/// One block of the stream.
#[derive(Clone, Copy, Debug)]
pub struct Block<'a> {
    /// Block type number.
    pub kind: u32,
    /// Offset of its first byte in the uncompressed stream.
    pub offset: u64,
    /// Everything between the head (type, length) and the trailer (length), padding included.
    pub body: &'a [u8],
    /// The whole block, as it stands in the stream.
    pub raw: &'a [u8],
}

impl<'a> Block<'a> {
    /// The block of so many bytes at the front of `bytes`, which has them.
    pub fn front(bytes: &'a [u8], size: usize, offset: u64) -> Self {
        let raw = bytes.get(..size).unwrap_or(&[]);
        let body = raw.get(8..size.saturating_sub(4)).unwrap_or(&[]);
        Block { kind: savefile::word(raw, 0).unwrap_or(0), offset, body, raw }
    }
}

/// What a source yields.
#[derive(Debug)]
pub enum Item<'a> {
    /// A complete block.
    Block(Block<'a>),
    /// Bytes that are no block were passed over; whole blocks follow.
    Damaged {
        /// Offset of the first of them in the uncompressed stream.
        offset: u64,
        /// What was wrong there.
        what: &'static str,
    },
    /// Nothing now; a live source may have more later.
    Idle,
    /// Nothing any more.
    End,
}

/// A stream of blocks.
pub trait Source: Send {
    /// The next block, valid until the next call.
    ///
    /// # Errors
    /// Truncated or damaged input, and I/O errors; complete blocks before it were delivered.
    fn next_block(&mut self) -> Result<Item<'_>>;

    /// What has been read from the next block on, for whoever walks many blocks at once; it may be
    /// empty and may end inside a block.
    fn ahead(&self) -> &[u8] {
        &[]
    }

    /// Goes on behind the first `bytes` of what is ahead.
    fn advance(&mut self, _bytes: usize) {}

    /// Where the next block begins in the uncompressed stream.
    fn offset(&self) -> u64 {
        0
    }

    /// Asks a live source to end: what is buffered is still delivered, then [`Item::End`].
    fn stop(&mut self) {}

    /// Whether events happen while it is read, so that none should wait in a buffer.
    fn is_live(&self) -> bool {
        false
    }

    /// Whether the next block can be had without waiting.
    fn is_ready(&self) -> bool {
        true
    }

    /// Bytes of the input consumed so far, before decompression, and its total when known.
    fn progress(&self) -> (u64, Option<u64>) {
        (0, None)
    }
}
