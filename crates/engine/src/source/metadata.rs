//! Metadata blocks into the state, by the declared layouts.
//!
//! In: a block that is no event, and the layouts of the plan. Out: changes of [`State`].
//! Next: [`crate::state`].

use std::collections::BTreeMap;

use super::Block;
use crate::error::Result;
use crate::plan::LayoutRow;
use crate::state::State;

/// The declared record layouts, indexed.
#[derive(Debug, Default)]
pub struct Layouts;

impl Layouts {
    /// Checks and indexes the rows.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for an unknown wire type.
    pub fn new(_rows: &BTreeMap<String, Vec<LayoutRow>>) -> Result<Self> {
        Ok(Layouts)
    }

    /// Loads `block` into `state`; blocks of other kinds are left alone.
    ///
    /// # Errors
    /// [`crate::error::Error::Damaged`] for a record that contradicts itself.
    pub fn load(&self, _block: &Block<'_>, _state: &mut State) -> Result<()> {
        Ok(())
    }
}
