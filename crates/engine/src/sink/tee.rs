//! One event to several sinks, as for lines with a table of counts after them.
//!
//! In: chosen events. Out: what each sink makes of them.

use serde_json::Value as Json;

use super::{make, NextFile, OpenFd, OutputRow, PassedOver, Sink};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;
use crate::source::Block;
use crate::tables::Tables;

/// Sinks that all get everything.
pub struct Tee(Vec<Box<dyn Sink>>);

impl Tee {
    /// The sinks of the plan's rows.
    ///
    /// # Errors
    /// Those of the sinks.
    pub fn new(
        rows: &[OutputRow],
        tables: &Tables,
        fields: &Extractors,
        open: OpenFd,
    ) -> Result<Self> {
        rows.iter().map(|row| make(row, tables, fields, open)).collect::<Result<_>>().map(Tee)
    }
}

impl Sink for Tee {
    fn metadata(&mut self, block: &Block<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|sink| sink.metadata(block))
    }

    fn event(&mut self, ctx: &Ctx<'_>, block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        let mut shown = false;
        for sink in &mut self.0 {
            shown |= sink.event(ctx, block, fields)?;
        }
        Ok(shown)
    }

    fn passed(&mut self, over: &PassedOver<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|sink| sink.passed(over))
    }

    fn finish(&mut self, summary: Option<&str>) -> Result<()> {
        self.0.iter_mut().try_for_each(|sink| sink.finish(summary))
    }

    fn flush(&mut self) -> Result<()> {
        self.0.iter_mut().try_for_each(|sink| sink.flush())
    }

    /// The result of the first sink that has one.
    fn result(&mut self, reset: bool) -> Option<Json> {
        self.0.iter_mut().find_map(|sink| sink.result(reset))
    }

    fn next_file(&mut self, next: &NextFile<'_>) -> Result<()> {
        self.0.iter_mut().try_for_each(|sink| sink.next_file(next))
    }

    fn is_full(&self) -> bool {
        self.0.iter().any(|sink| sink.is_full())
    }
}
