//! Values and parameters as text.
//!
//! In: parameters and [`Value`]s. Out: bytes appended to a line. Next: `sink`.
//! Modules stand from the plain to the composed: numbers, times, escapes, buffers, paths,
//! addresses, parameters, calls; [`value`] prints what a field yields.

pub mod addr;
pub mod buffer;
pub mod call;
pub mod escape;
pub mod num;
pub mod param;
pub mod time;
pub mod value;

use serde::Deserialize;

pub use buffer::BufferMode;
pub use time::Zone;

/// What stands for a value that is not there.
pub const ABSENT: &[u8] = b"<NA>";

/// How `evt.outputtime` is written.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum TimeStyle {
    /// Time of day with nanoseconds.
    #[default]
    Clock,
    /// Seconds since the epoch.
    Epoch,
    /// Seconds since the first event of the capture.
    Relative,
    /// Time from entry to exit of the call.
    Duration,
    /// Seconds since the line before.
    Delta,
    /// Date and time with the offset from UTC.
    Iso,
}

/// The choices that every rendering follows.
#[derive(Clone, Debug, Default)]
pub struct Style {
    /// How buffers are shown.
    pub buffer: BufferMode,
    /// Greatest number of characters of a buffer shown as dots.
    pub cut: Option<usize>,
    /// Control and bidirectional characters are escaped.
    pub escape: bool,
    /// How `evt.outputtime` is written.
    pub time: TimeStyle,
}

impl Style {
    /// Appends text from the capture.
    #[inline]
    pub fn text(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        if self.escape {
            escape::text(out, bytes);
        } else {
            out.extend_from_slice(bytes);
        }
    }

    /// Appends a byte buffer from the capture.
    pub fn bytes(&self, out: &mut Vec<u8>, bytes: &[u8]) {
        buffer::buffer(out, bytes, self.buffer, self.cut);
    }
}
