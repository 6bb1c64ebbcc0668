//! Where the chosen events go.
//!
//! In: the plan's output, and a [`Ctx`] an event. Out: bytes to a file descriptor.

use serde::Deserialize;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;
use crate::source::Block;

/// What to do with the chosen events.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, tag = "kind")]
pub enum OutputRow {
    /// Count them.
    None {},
}

/// A consumer of chosen events.
pub trait Sink: Send {
    /// A block that is no event, before the state has taken it.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn metadata(&mut self, block: &Block<'_>) -> Result<()>;

    /// A chosen event and the block it came from.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn event(&mut self, ctx: &Ctx<'_>, block: &Block<'_>, fields: &Extractors) -> Result<()>;

    /// Hands everything buffered to the operating system.
    ///
    /// # Errors
    /// I/O errors of the output.
    fn flush(&mut self) -> Result<()>;
}
