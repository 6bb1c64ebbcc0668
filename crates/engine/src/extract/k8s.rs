//! Fields of the Kubernetes pod that the event's process runs in.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: [`crate::filter`].

use super::Row;

/// The fields of this module.
pub const FIELDS: &[Row] = &[];
