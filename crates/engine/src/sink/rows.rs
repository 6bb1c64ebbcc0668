//! Chosen events as rows of field values, for views that list.
//!
//! In: chosen events (or records made of them), and the plan's fields. Out: rows as JSON, on
//! request. Next: Python shows them.

use serde::Deserialize;
use serde_json::{json, Value as Json};

use super::table::key::readable;
use super::table::Input;
use super::{check_fields, Sink};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::extract::Extractors;
use crate::source::Block;
use crate::value::Value;

/// A list as the plan declares it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RowsRow {
    /// Positions of the fields, in the order of the columns.
    pub fields: Vec<usize>,
    /// How many rows may wait before the engine wants them taken, 1 or more.
    pub max_rows: u32,
}

/// Rows that wait to be taken.
pub struct Rows {
    fields: Vec<usize>,
    max_rows: usize,
    rows: Vec<Json>,
}

impl Rows {
    /// Checks the plan's row, whose fields are positions among `known` ones.
    ///
    /// # Errors
    /// [`Error::Plan`] for a bound of 0 and for positions beyond.
    pub fn new(row: &RowsRow, known: usize) -> Result<Self> {
        check_fields(&row.fields, known)?;
        if row.max_rows == 0 {
            return Err(Error::Plan("rows: max_rows is 0".into()));
        }
        Ok(Rows { fields: row.fields.clone(), max_rows: row.max_rows as usize, rows: Vec::new() })
    }

    /// Adds the row of an event or record.
    pub fn take(&mut self, input: Input<'_, '_>) {
        let row = self.fields.iter().map(|f| input.get(*f).map_or(Json::Null, |v| typed(&v)));
        self.rows.push(row.collect());
    }

    /// Whether rows should be taken before more come.
    pub fn is_full(&self) -> bool {
        self.rows.len() >= self.max_rows
    }

    /// The rows that wait, as an object with `rows`; they wait no longer.
    pub fn result(&mut self) -> Json {
        json!({ "rows": std::mem::take(&mut self.rows) })
    }
}

/// A value as JSON: numbers as numbers, the rest as text.
pub fn typed(value: &Value<'_>) -> Json {
    match value {
        Value::Int(n) => (*n).into(),
        Value::Uint(n) => (*n).into(),
        Value::Bool(b) => (*b).into(),
        Value::Double(x) => (*x).into(),
        Value::Text(bytes) | Value::Bytes(bytes) => readable(bytes).into(),
        Value::Ip(ip) => ip.to_string().into(),
        Value::List(items) | Value::Ends(items) => items.iter().map(typed).collect(),
    }
}

/// A list of events.
pub struct RowsSink(Rows);

impl RowsSink {
    /// A sink for the plan's row.
    ///
    /// # Errors
    /// [`Error::Plan`], see [`Rows::new`].
    pub fn new(row: &RowsRow, fields: &Extractors) -> Result<Self> {
        Rows::new(row, fields.len()).map(RowsSink)
    }
}

impl Sink for RowsSink {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        self.0.take(Input::Event(ctx, fields));
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn result(&mut self, _reset: bool) -> Option<Json> {
        Some(self.0.result())
    }

    fn is_full(&self) -> bool {
        self.0.is_full()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_typed_and_taken_once() {
        let mut rows = Rows::new(&RowsRow { fields: vec![1, 0, 2], max_rows: 2 }, 3).unwrap();
        let record = [Some(Value::text(b"a\xff")), Some(Value::Uint(u64::MAX)), None];
        rows.take(Input::Record(&record));
        assert!(!rows.is_full());
        rows.take(Input::Record(&record));
        assert!(rows.is_full());
        let row = json!([u64::MAX, "a\\xff", null]);
        assert_eq!(rows.result(), json!({ "rows": [row, row] }));
        assert_eq!(rows.result(), json!({ "rows": [] }));
    }
}
