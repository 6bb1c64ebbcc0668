//! One JSON object a line.
//!
//! In: a [`JsonRow`] and a [`Ctx`] an event. Out: lines to a descriptor.
//! Source: observed: sysdig 0.41.4, option `-j`.

use serde::Deserialize;

use super::output::{OpenFd, Output};
use super::source::{Source, SourceRow};
use super::Sink;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::{Extractors, JsonLine};
use crate::render::{BufferMode, Style};
use crate::source::Block;

/// The fields and how their values are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JsonRow {
    /// Descriptor to write to.
    pub fd: i32,
    /// Keys and their values, in the order of printing.
    pub keys: Vec<KeyRow>,
    /// Print objects in which fields are absent, with `null` in their place.
    pub star: bool,
    /// How buffers are shown.
    #[serde(default)]
    pub buffer: BufferMode,
    /// Write every line by itself.
    #[serde(default)]
    pub unbuffered: bool,
}

/// A key and its value.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeyRow {
    /// The key.
    pub key: String,
    /// Where the value comes from.
    pub of: SourceRow,
}

/// Prints each event as an object.
pub struct JsonSink {
    output: Output,
    /// What stands before each value, and where the value comes from.
    keys: Vec<(Vec<u8>, Source)>,
    star: bool,
    style: Style,
    scratch: Vec<u8>,
}

impl JsonSink {
    /// Checks the fields and opens the output.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a field that is not in the plan;
    /// [`crate::error::Error::Io`] for the descriptor.
    pub fn new(row: &JsonRow, fields: &Extractors, open: OpenFd) -> Result<Self> {
        let keys = row.keys.iter().enumerate().map(|(position, row)| {
            Ok((before_value(position, &row.key), Source::new(&row.of, fields)?))
        });
        Ok(JsonSink {
            output: Output::new(row.fd, row.unbuffered, open)?,
            keys: keys.collect::<Result<_>>()?,
            star: row.star,
            style: Style { buffer: row.buffer, ..Style::default() },
            scratch: Vec::new(),
        })
    }
}

fn before_value(position: usize, key: &str) -> Vec<u8> {
    let mut out = vec![if position == 0 { b'{' } else { b',' }];
    crate::render::escape::json(&mut out, key.as_bytes());
    out.push(b':');
    out
}

impl Sink for JsonSink {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        let start = self.output.line().len();
        let mut line = JsonLine { out: self.output.line(), scratch: &mut self.scratch };
        for (before, source) in &self.keys {
            line.out.extend_from_slice(before);
            if !source.json(ctx, fields, &self.style, &mut line) {
                if !self.star {
                    line.out.truncate(start);
                    return Ok(false);
                }
                line.out.extend_from_slice(b"null");
            }
        }
        line.out.extend_from_slice(if self.keys.is_empty() { b"{}\n" } else { b"}\n" });
        self.output.end_line()?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }
}
