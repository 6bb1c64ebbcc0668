//! Everything about each chosen event: fields as text, every parameter raw and decoded.
//!
//! In: chosen events, and the plan's fields. Out: objects, on request. Next: Python draws trees.

use serde::Deserialize;
use serde_json::{json, Value as Json};

use super::{check_fields, Sink};
use crate::ctx::Ctx;
use crate::error::{Error, Result};
use crate::extract::Extractors;
use crate::render::param::{each_flag, Param};
use crate::render::Style;
use crate::source::Block;
use crate::tables::{ParamType, PARAM_TYPES};

/// What is wanted, as the plan declares it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DetailRow {
    /// Positions of the fields, in the order of printing.
    pub fields: Vec<usize>,
    /// How many events may wait before the engine wants them taken, 1 or more.
    pub max_rows: u32,
}

/// Events that wait to be taken.
pub struct DetailSink {
    fields: Vec<usize>,
    max_rows: usize,
    rows: Vec<Json>,
    style: Style,
}

impl DetailSink {
    /// Checks the plan's row.
    ///
    /// # Errors
    /// [`Error::Plan`] for a bound of 0 and for positions beyond the plan's fields.
    pub fn new(row: &DetailRow, fields: &Extractors) -> Result<Self> {
        check_fields(&row.fields, fields.len())?;
        if row.max_rows == 0 {
            return Err(Error::Plan("detail: max_rows is 0".into()));
        }
        Ok(DetailSink {
            fields: row.fields.clone(),
            max_rows: row.max_rows as usize,
            rows: Vec::new(),
            style: Style { escape: true, ..Style::default() },
        })
    }
}

impl Sink for DetailSink {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        let texts: Vec<Json> = self
            .fields
            .iter()
            .map(|field| written(|out| fields.text(*field, ctx, &self.style, out)))
            .collect();
        let count = ctx.ev.params.len();
        let params: Vec<Json> = (0..count).map(|index| describe(ctx, index, &self.style)).collect();
        self.rows.push(json!({ "fields": texts, "params": params }));
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    fn result(&mut self, _reset: bool) -> Option<Json> {
        Some(json!({ "rows": std::mem::take(&mut self.rows) }))
    }

    fn is_full(&self) -> bool {
        self.rows.len() >= self.max_rows
    }
}

/// The text that `write` appends; null when it says that there is none.
fn written(write: impl FnOnce(&mut Vec<u8>) -> bool) -> Json {
    let mut out = Vec::new();
    match write(&mut out) {
        true => String::from_utf8_lossy(&out).into(),
        false => Json::Null,
    }
}

/// One parameter: name, type, raw text, resolved text, bits without a name, bytes of a buffer.
fn describe(ctx: &Ctx<'_>, index: usize, style: &Style) -> Json {
    let Some(param) = Param::new(ctx, index) else {
        let bytes = ctx.ev.params.get(index).unwrap_or(&[]);
        return json!({ "name": format!("parameter {index}"), "type": "unknown", "data": base64(bytes) });
    };
    let data = (param.info.kind == ParamType::Bytebuf).then(|| base64(param.bytes));
    json!({
        "name": &*param.info.name,
        "type": PARAM_TYPES.get(param.info.kind as usize).map(|(name, ..)| *name),
        "raw": written(|out| {
            param.raw(style, out);
            !param.is_absent()
        }),
        "resolved": written(|out| param.resolved(style, out)),
        "unnamed_bits": unnamed_bits(&param),
        "data": data,
    })
}

/// Bits of a flag parameter that its table does not name, in hexadecimal.
fn unnamed_bits(param: &Param<'_, '_>) -> Option<String> {
    use ParamType::{Flags16, Flags32, Flags8, Mode};
    let is_set = matches!(param.info.kind, Flags8 | Flags16 | Flags32 | Mode);
    let rest = each_flag(param.uint().filter(|_| is_set)?, param.symbols(), |_| {});
    (rest != 0).then(|| format!("{rest:#x}"))
}

fn base64(bytes: &[u8]) -> String {
    use base64::Engine as _;
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
