//! Where the chosen events go.
//!
//! In: the plan's output, and a [`Ctx`] an event. Out: bytes to a file descriptor.

use serde::Deserialize;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;
use crate::source::Block;
use crate::tables::Tables;

/// What to do with the chosen events.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields, tag = "kind")]
pub enum OutputRow {
    /// Count them.
    None {},
}

/// The sink that the plan asks for.
///
/// # Errors
/// [`crate::error::Error::Plan`] for a choice that does not exist; I/O errors of the output.
pub fn make(row: &OutputRow, _tables: &Tables) -> Result<Box<dyn Sink>> {
    Ok(match row {
        OutputRow::None {} => Box::new(Count),
    })
}

/// Takes events and keeps nothing; the session counts them.
struct Count;

impl Sink for Count {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, _ctx: &Ctx<'_>, _block: &Block<'_>, _fields: &Extractors) -> Result<()> {
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
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
