//! Fields out of an event and its surroundings.
//!
//! In: the plan's field uses, and a [`Ctx`] an event. Out: [`Value`]s. Next: `filter`, `render`.

use crate::ctx::Ctx;
use crate::error::Result;
use crate::plan::FieldUse;
use crate::tables::Tables;
use crate::value::Value;

/// The fields of a plan, resolved to the functions that compute them.
pub struct Extractors;

impl Extractors {
    /// Resolves the field uses of a plan.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a field that this engine does not compute.
    pub fn new(_fields: &[FieldUse], _tables: &Tables) -> Result<Self> {
        Ok(Extractors)
    }

    /// The value of field use `index`, or `None` when it does not apply.
    pub fn extract<'a>(&self, _index: usize, _ctx: &Ctx<'a>) -> Option<Value<'a>> {
        None
    }
}
