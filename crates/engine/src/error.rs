//! What can go wrong, as codes with offsets; Python writes the sentence and the hint.
//!
//! In: nothing. Out: [`Error`]. Next: the bindings map each kind to an exception.

use thiserror::Error;

/// An error that ends the reading, or refuses to begin it.
#[derive(Debug, Error)]
pub enum Error {
    /// The plan is not what this engine runs.
    #[error("plan: {0}")]
    Plan(String),
    /// The input is no capture at all.
    #[error("not a capture: {0}")]
    NotACapture(String),
    /// The input ends inside a block; everything before it has been delivered.
    #[error("cut short at byte {offset}: {what}")]
    Truncated {
        /// Offset of the first byte of the incomplete block, in the uncompressed stream.
        offset: u64,
        /// What was incomplete.
        what: String,
    },
    /// A structure of the input contradicts itself; everything before it has been delivered.
    #[error("damaged at byte {offset}: {what}")]
    Damaged {
        /// Offset of the block, in the uncompressed stream.
        offset: u64,
        /// What was wrong.
        what: String,
    },
    /// A mistake in this engine.
    #[error("internal error: {0}")]
    Internal(&'static str),
    /// The operating system refused a read or a write.
    #[error("{what}: {source}")]
    Io {
        /// What was being done.
        what: &'static str,
        /// The operating system's error.
        source: std::io::Error,
    },
}

impl Error {
    /// An I/O error with what was being done.
    pub fn io(what: &'static str, source: std::io::Error) -> Self {
        Error::Io { what, source }
    }
}

/// Result of the engine's fallible calls.
pub type Result<T> = std::result::Result<T, Error>;
