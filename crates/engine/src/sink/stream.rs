//! The data that calls read and write, one after the other.
//!
//! In: chosen I/O events, and how their data is shown. Out: bytes to a descriptor, and counts on
//! request. Next: the user, or a file.

use serde::Deserialize;
use serde_json::{json, Value as Json};

use super::output::{OpenFd, Output};
use super::table::key;
use super::text::{Segment, SegmentRow};
use super::{check_fields, Sink};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;
use crate::render::{buffer, escape, BufferMode, Style};
use crate::source::Block;
use crate::tables::flag;
use crate::value::Value;

/// How data is shown.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    /// As it is.
    Raw,
    /// Text with its lines; what would steer a terminal is escaped.
    Text,
    /// As buffers of lines of text are.
    Buffer(BufferMode),
}

/// When the line above the data is printed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Headers {
    /// Above the data of every call.
    Each,
    /// Where the direction or the owner changes.
    Turn,
    /// Never.
    None,
}

/// What belongs to one direction.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SideRow {
    /// Stands before header and data, as a terminal's code of a colour.
    pub start: String,
    /// The header.
    pub segments: Vec<SegmentRow>,
    /// Stands after the data.
    pub end: String,
}

/// A stream as the plan declares it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StreamRow {
    /// Descriptor to write to.
    pub fd: i32,
    /// Position of the field that holds the data.
    pub data: usize,
    /// How it is shown.
    pub form: Form,
    /// When headers are printed.
    pub headers: Headers,
    /// Positions of fields that tell the owners of data apart.
    pub owner: Vec<usize>,
    /// Data that was read.
    pub read: SideRow,
    /// Data that was written.
    pub write: SideRow,
    /// Say behind the data how many bytes of it were not captured.
    pub gaps: bool,
    /// Write the data of every call by itself.
    pub unbuffered: bool,
}

/// What belongs to one direction, ready to be written.
struct Side {
    start: String,
    segments: Vec<Segment>,
    end: String,
}

impl Side {
    fn new(row: &SideRow, fields: &Extractors) -> Result<Self> {
        let segments = row.segments.iter().map(|s| Segment::new(s, fields));
        let (start, end) = (row.start.clone(), row.end.clone());
        Ok(Side { start, segments: segments.collect::<Result<_>>()?, end })
    }
}

/// Prints the data of each event.
pub struct StreamSink {
    output: Output,
    data: usize,
    form: Form,
    headers: Headers,
    owner_fields: Vec<usize>,
    read: Side,
    write: Side,
    gaps: bool,
    style: Style,
    last: Option<(bool, Vec<u8>)>,
    owner: Vec<u8>,
    calls: u64,
    bytes: u64,
    missing: u64,
}

impl StreamSink {
    /// Checks the headers and opens the output.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a field that is not in the plan;
    /// [`crate::error::Error::Io`] for the descriptor.
    pub fn new(row: &StreamRow, fields: &Extractors, open: OpenFd) -> Result<Self> {
        check_fields(row.owner.iter().chain([&row.data]), fields.len())?;
        Ok(StreamSink {
            output: Output::new(row.fd, row.unbuffered, open)?,
            data: row.data,
            form: row.form,
            headers: row.headers,
            owner_fields: row.owner.clone(),
            read: Side::new(&row.read, fields)?,
            write: Side::new(&row.write, fields)?,
            gaps: row.gaps,
            style: Style { escape: true, ..Style::default() },
            last: None,
            owner: Vec::new(),
            calls: 0,
            bytes: 0,
            missing: 0,
        })
    }

    /// Whether a header belongs above the data of this call.
    fn wants_header(&mut self, is_read: bool, ctx: &Ctx<'_>, fields: &Extractors) -> bool {
        if self.headers != Headers::Turn {
            return self.headers == Headers::Each;
        }
        self.owner.clear();
        for field in &self.owner_fields {
            match fields.extract(*field, ctx) {
                Some(value) => key::encode(&mut self.owner, &value),
                None => key::encode_absent(&mut self.owner),
            }
        }
        let turns = self.last.as_ref().map_or(true, |(r, o)| *r != is_read || *o != self.owner);
        if turns {
            self.last = Some((is_read, self.owner.clone()));
        }
        turns
    }
}

fn show_data(out: &mut Vec<u8>, data: &[u8], form: Form) {
    match form {
        Form::Raw => out.extend_from_slice(data),
        Form::Text => text(out, data),
        Form::Buffer(mode) => buffer::buffer(out, data, mode, None),
    }
}

/// Text line by line; a carriage return before a line feed is part of the line's end.
fn text(out: &mut Vec<u8>, data: &[u8]) {
    for line in data.split_inclusive(|b| *b == b'\n') {
        let (body, ends) = match line.strip_suffix(b"\n") {
            Some(body) => (body.strip_suffix(b"\r").unwrap_or(body), true),
            None => (line, false),
        };
        for (n, part) in body.split(|b| *b == b'\t').enumerate() {
            if n > 0 {
                out.push(b'\t');
            }
            escape::text(out, part);
        }
        if ends {
            out.push(b'\n');
        }
    }
}

impl Sink for StreamSink {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        let data = match fields.extract(self.data, ctx) {
            Some(Value::Bytes(bytes) | Value::Text(bytes)) => bytes,
            _ => return Ok(false),
        };
        let is_read = ctx.ev.info.has(flag::READS_FROM_FD);
        let moved = ctx.ev.retval().and_then(|n| u64::try_from(n).ok()).unwrap_or(0);
        let missing = moved.saturating_sub(data.len() as u64);
        self.calls += 1;
        self.bytes += data.len() as u64;
        self.missing += missing;
        let header = self.wants_header(is_read, ctx, fields);
        let side = if is_read { &self.read } else { &self.write };
        let out = self.output.line();
        out.extend_from_slice(side.start.as_bytes());
        if header {
            side.segments.iter().for_each(|s| _ = s.put((ctx, fields, &self.style), out));
            out.push(b'\n');
        }
        show_data(out, &data, self.form);
        if self.gaps && missing > 0 {
            out.extend_from_slice(format!("[{missing} more bytes were not captured]").as_bytes());
        }
        let ends_line = self.form != Form::Raw && self.headers != Headers::None;
        if ends_line && out.last() != Some(&b'\n') {
            out.push(b'\n');
        }
        out.extend_from_slice(side.end.as_bytes());
        self.output.end_line()?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }

    /// An object with `calls`, `bytes` (shown) and `missing` (moved, but not captured).
    fn result(&mut self, _reset: bool) -> Option<Json> {
        Some(json!({ "calls": self.calls, "bytes": self.bytes, "missing": self.missing }))
    }
}

#[cfg(test)]
mod tests {
    use super::text;

    #[test]
    fn lines_stay_lines_and_nothing_steers_a_terminal() {
        let mut out = Vec::new();
        text(&mut out, b"GET /\r\nA:\tb\x1b[2J\n\xff\r");
        assert_eq!(String::from_utf8(out).unwrap(), "GET /\nA:\tb\\x1b[2J\n\\xff\\r");
    }
}
