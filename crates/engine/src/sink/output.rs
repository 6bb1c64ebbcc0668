//! Bytes on their way to a file descriptor.
//!
//! In: lines of a sink. Out: large writes. Next: the operating system.

use std::fs::File;
use std::io::Write;

use crate::error::{Error, Result};

/// Gives a file that writes to the descriptor with this number, which stays the caller's.
pub type OpenFd = fn(i32) -> std::io::Result<File>;

/// How many bytes are gathered for one write.
const CAPACITY: usize = 1 << 17;

/// Room kept behind [`CAPACITY`], so that a usual line fits without moving the buffer.
const SLACK: usize = 1 << 12;

/// A file behind a large buffer, into which lines are written in place.
pub struct Output {
    file: File,
    buffer: Vec<u8>,
    unbuffered: bool,
}

impl Output {
    /// An output to descriptor `fd`; `unbuffered` writes every line by itself.
    ///
    /// # Errors
    /// [`Error::Io`] when there is no such descriptor.
    pub fn new(fd: i32, unbuffered: bool, open: OpenFd) -> Result<Self> {
        let file = open(fd).map_err(|e| Error::io("opening the output", e))?;
        Ok(Output { file, buffer: Vec::with_capacity(CAPACITY + SLACK), unbuffered })
    }

    /// The buffer, to whose end a line is appended.
    pub fn line(&mut self) -> &mut Vec<u8> {
        &mut self.buffer
    }

    /// A line has been appended.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written.
    pub fn end_line(&mut self) -> Result<()> {
        if self.unbuffered || self.buffer.len() >= CAPACITY {
            return self.flush();
        }
        Ok(())
    }

    /// Writes what is buffered; on an error it is dropped, so that nothing is written twice.
    ///
    /// # Errors
    /// [`Error::Io`] when it cannot be written; of kind `BrokenPipe` when nobody reads any more.
    pub fn flush(&mut self) -> Result<()> {
        let written = self.file.write_all(&self.buffer);
        self.buffer.clear();
        written.map_err(|e| Error::io("writing the output", e))
    }
}
