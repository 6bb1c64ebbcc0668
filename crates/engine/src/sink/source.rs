//! Where a piece of output gets its value: a field, or functions of fields.
//!
//! In: a [`SourceRow`] of the plan, a [`Ctx`] an event. Out: text or JSON appended to a line.
//! Next: `text`, `json`.

use serde::Deserialize;

use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::extract::{Extractors, JsonLine};
use crate::filter::expr::Expr;
use crate::filter::row::StepRow;
use crate::render::value::{self, NumberForm};
use crate::render::Style;

/// The source as it stands in the plan.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SourceRow {
    /// Position in the plan's fields.
    Field(usize),
    /// Steps of an expression, as in filters.
    Expr(Vec<StepRow>),
}

/// The source, checked.
#[derive(Debug)]
pub enum Source {
    /// Position in the plan's fields.
    Field(usize),
    /// An expression.
    Expr(Expr),
}

impl Source {
    /// Checks the row.
    ///
    /// # Errors
    /// [`Error::Plan`] for a field that is not in the plan, and for steps that do not fit.
    pub fn new(row: &SourceRow, fields: &Extractors) -> Result<Self> {
        match row {
            SourceRow::Field(field) if *field < fields.len() => Ok(Source::Field(*field)),
            SourceRow::Field(field) => {
                Err(Error::Plan(format!("output: there is no field {field}")))
            }
            SourceRow::Expr(steps) => Expr::new(steps, fields.len()).map(Source::Expr),
        }
    }

    /// Appends the text; false (and nothing appended) when there is no value.
    #[inline]
    pub fn text(
        &self,
        ctx: &Ctx<'_>,
        fields: &Extractors,
        style: &Style,
        out: &mut Vec<u8>,
    ) -> bool {
        match self {
            Source::Field(field) => fields.text(*field, ctx, style, out),
            Source::Expr(expr) => {
                let found = expr.eval(&|field| fields.extract(field, ctx));
                if let Some(found) = &found {
                    value::text(out, found, NumberForm::Dec, style);
                }
                found.is_some()
            }
        }
    }

    /// Appends the JSON; false (and nothing appended) when there is no value.
    #[inline]
    pub fn json(
        &self,
        ctx: &Ctx<'_>,
        fields: &Extractors,
        style: &Style,
        line: &mut JsonLine<'_>,
    ) -> bool {
        match self {
            Source::Field(field) => fields.json(*field, ctx, style, line),
            Source::Expr(expr) => {
                let found = expr.eval(&|field| fields.extract(field, ctx));
                if let Some(found) = &found {
                    value::json(line.out, found, NumberForm::Dec, style);
                }
                found.is_some()
            }
        }
    }
}
