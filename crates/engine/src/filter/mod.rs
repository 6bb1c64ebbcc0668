//! The filter program.
//!
//! In: the plan's program, and a [`Ctx`] an event. Out: whether the event is chosen.
//! Next: [`crate::sink`].

use serde::Deserialize;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;

/// The program as it stands in the plan.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProgramRow {
    /// Instructions.
    pub ops: Vec<serde_json::Value>,
    /// Codes of the events that can match; none for "any".
    pub event_codes: Option<Vec<u16>>,
}

/// A program ready to run.
#[derive(Debug)]
pub struct Program;

impl Program {
    /// Checks the program and compiles its patterns.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for an instruction, type or position that does not exist.
    pub fn new(_row: &ProgramRow, _fields: &Extractors) -> Result<Self> {
        Ok(Program)
    }

    /// Whether events of `code` can match at all.
    pub fn can_match(&self, _code: u16) -> bool {
        true
    }

    /// Whether the event of `ctx` is chosen.
    pub fn matches(&self, _ctx: &Ctx<'_>, _fields: &Extractors) -> bool {
        true
    }
}
