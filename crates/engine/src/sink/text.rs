//! Lines of text by a template.
//!
//! In: a [`TextRow`] and a [`Ctx`] an event. Out: lines to a descriptor.
//! Source: observed: sysdig 0.41.4, option `-p`.

use serde::Deserialize;

use super::output::{OpenFd, Output};
use super::source::{Source, SourceRow};
use super::Sink;
use crate::ctx::Ctx;
use crate::error::Result;
use crate::extract::Extractors;
use crate::filter::{Program, ProgramRow};
use crate::render::{BufferMode, Style, TimeStyle, ABSENT};
use crate::source::Block;

/// The template and how its values are written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextRow {
    /// Descriptor to write to.
    pub fd: i32,
    /// The line, piece by piece.
    pub segments: Vec<SegmentRow>,
    /// Other looks of the line; the first one whose filter takes the event is its look.
    #[serde(default)]
    pub looks: Vec<LookRow>,
    /// Print lines in which fields are absent, with `<NA>` in their place.
    pub star: bool,
    /// How buffers are shown.
    #[serde(default)]
    pub buffer: BufferMode,
    /// Greatest number of characters of a buffer shown as dots.
    #[serde(default)]
    pub cut: Option<usize>,
    /// How `evt.outputtime` is written.
    #[serde(default)]
    pub time: TimeStyle,
    /// Write control characters as escapes.
    pub escape: bool,
    /// Write every line by itself.
    #[serde(default)]
    pub unbuffered: bool,
}

/// How the lines of some events look.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LookRow {
    /// Which events.
    pub filter: ProgramRow,
    /// The line, piece by piece.
    pub segments: Vec<SegmentRow>,
}

/// A piece of a line.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum SegmentRow {
    /// Text that stands as it is.
    Lit(String),
    /// A value.
    Value(ValueRow),
}

/// A value in a line.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ValueRow {
    /// Where it comes from.
    pub of: SourceRow,
    /// Exactly so many characters: filled with blanks on the right, or cut.
    #[serde(default)]
    pub width: Option<usize>,
}

/// A piece of a line, ready to be written.
pub(super) enum Segment {
    Lit(Vec<u8>),
    Value(Source, Option<usize>),
}

impl Segment {
    /// Checks a piece of a template.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a field that is not in the plan.
    pub(super) fn new(row: &SegmentRow, fields: &Extractors) -> Result<Self> {
        Ok(match row {
            SegmentRow::Lit(text) => Segment::Lit(text.as_bytes().to_vec()),
            SegmentRow::Value(row) => Segment::Value(Source::new(&row.of, fields)?, row.width),
        })
    }

    /// Checks the pieces of a line.
    fn all(rows: &[SegmentRow], fields: &Extractors) -> Result<Vec<Self>> {
        rows.iter().map(|row| Segment::new(row, fields)).collect()
    }

    /// Appends the piece; false when its value is absent, and `<NA>` was written.
    ///
    /// It is inlined: half of the pieces of a line are a blank, cheaper to write than to call for.
    #[inline(always)]
    pub(super) fn put(
        &self,
        (ctx, fields, style): (&Ctx<'_>, &Extractors, &Style),
        out: &mut Vec<u8>,
    ) -> bool {
        match self {
            Segment::Lit(text) => {
                match text.as_slice() {
                    [byte] => out.push(*byte),
                    text => out.extend_from_slice(text),
                }
                true
            }
            Segment::Value(source, width) => {
                let start = out.len();
                let found = source.text(ctx, fields, style, out);
                if !found {
                    out.extend_from_slice(ABSENT);
                }
                if let Some(width) = width {
                    fit(out, start, *width);
                }
                found
            }
        }
    }
}

/// Prints each event as a line.
pub struct TextSink {
    output: Output,
    segments: Vec<Segment>,
    looks: Vec<(Program, Vec<Segment>)>,
    star: bool,
    style: Style,
}

impl TextSink {
    /// Checks the template and opens the output.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a field that is not in the plan;
    /// [`crate::error::Error::Io`] for the descriptor.
    pub fn new(row: &TextRow, fields: &Extractors, open: OpenFd) -> Result<Self> {
        let look = |row: &LookRow| {
            Ok((Program::new(&row.filter, fields)?, Segment::all(&row.segments, fields)?))
        };
        Ok(TextSink {
            output: Output::new(row.fd, row.unbuffered, open)?,
            segments: Segment::all(&row.segments, fields)?,
            looks: row.looks.iter().map(look).collect::<Result<_>>()?,
            star: row.star,
            style: Style { buffer: row.buffer, cut: row.cut, escape: row.escape, time: row.time },
        })
    }
}

impl Sink for TextSink {
    fn metadata(&mut self, _block: &Block<'_>) -> Result<()> {
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        let mut looks = self.looks.iter();
        let look = looks.find(|(of, _)| of.accepts(ctx, fields));
        let segments = look.map_or(&self.segments, |(_, segments)| segments);
        let out = self.output.line();
        let start = out.len();
        for segment in segments {
            if !segment.put((ctx, fields, &self.style), out) && !self.star {
                out.truncate(start);
                return Ok(false);
            }
        }
        out.push(b'\n');
        self.output.end_line()?;
        Ok(true)
    }

    fn flush(&mut self) -> Result<()> {
        self.output.flush()
    }
}

/// Makes what was appended since `start` exactly `width` characters wide.
///
/// DIFFERENCE(sysdig 0.41.4): characters are counted, not bytes: none is cut in two.
fn fit(out: &mut Vec<u8>, start: usize, width: usize) {
    let is_first = |b: &u8| *b & 0xc0 != 0x80;
    let mut count = 0;
    for at in start..out.len() {
        if is_first(&out[at]) {
            if count == width {
                out.truncate(at);
                return;
            }
            count += 1;
        }
    }
    out.resize(out.len() + width - count, b' ');
}

#[cfg(test)]
mod tests {
    use super::fit;

    fn fitted(text: &str, width: usize) -> String {
        let mut out = format!("x{text}").into_bytes();
        fit(&mut out, 1, width);
        String::from_utf8(out).unwrap_or_default()
    }

    #[test]
    fn widths_are_exact() {
        assert_eq!(fitted("curl", 6), "xcurl  ");
        assert_eq!(fitted("curl", 2), "xcu");
        assert_eq!(fitted("curl", 4), "xcurl");
        assert_eq!(fitted("é€x", 2), "xé€");
        assert_eq!(fitted("é", 3), "xé  ");
    }
}
