//! One decoded event: header and parameter slices, nothing copied.
//!
//! In: built by [`crate::decode`] or [`crate::convert`]. Out: what every later stage looks at.

use crate::bytes::{read_int, read_uint, trim_nul};
use crate::tables::EventInfo;

/// Bit of the block flags: applied to the state, not shown.
pub const FLAG_STATE_ONLY: u32 = 1;

/// Where a parameter lies in the bytes of its event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Span {
    /// First byte.
    pub start: u32,
    /// Length in bytes; 0 is "empty": the value is unknown.
    pub len: u32,
}

/// Parameters of one event.
#[derive(Clone, Copy, Debug)]
pub struct Params<'a> {
    spans: &'a [Span],
    bytes: &'a [u8],
}

impl<'a> Params<'a> {
    /// Parameters whose `spans` point into `bytes`; a span outside reads as absent.
    pub fn new(spans: &'a [Span], bytes: &'a [u8]) -> Self {
        Params { spans, bytes }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// The bytes of parameter `i`; `None` when the event has no such parameter.
    pub fn get(&self, i: usize) -> Option<&'a [u8]> {
        let span = self.spans.get(i)?;
        let start = span.start as usize;
        self.bytes.get(start..start + span.len as usize)
    }

    /// The bytes of parameter `i`; `None` when absent or empty.
    pub fn known(&self, i: usize) -> Option<&'a [u8]> {
        self.get(i).filter(|b| !b.is_empty())
    }

    /// Parameter `i` as an unsigned number of its own width.
    pub fn uint(&self, i: usize) -> Option<u64> {
        self.known(i).and_then(read_uint)
    }

    /// Parameter `i` as a signed number of its own width.
    pub fn int(&self, i: usize) -> Option<i64> {
        self.known(i).and_then(read_int)
    }

    /// Parameter `i` as a string without its final NUL; empty and "(NULL)" are `None`.
    pub fn text(&self, i: usize) -> Option<&'a [u8]> {
        self.known(i).map(trim_nul).filter(|t| *t != b"(NULL)")
    }
}

/// One event.
#[derive(Clone, Copy, Debug)]
pub struct Event<'a> {
    /// Sequence number, from 1.
    pub num: u64,
    /// Nanoseconds since the epoch.
    pub ts_ns: u64,
    /// Thread; -1 for events that no thread made.
    pub tid: i64,
    /// Event code.
    pub code: u16,
    /// Processor.
    pub cpu: u16,
    /// Block flags, see [`FLAG_STATE_ONLY`].
    pub flags: u32,
    /// Time from entry to exit, when it was measured.
    pub duration_ns: Option<u64>,
    /// What the table says of the code.
    pub info: &'a EventInfo,
    /// Its parameters.
    pub params: Params<'a>,
}

impl Event<'_> {
    /// The return value: the first parameter when the table calls it `res` or a descriptor.
    pub fn retval(&self) -> Option<i64> {
        if self.info.has_retval {
            self.params.int(0)
        } else {
            None
        }
    }
}
