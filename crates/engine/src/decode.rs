//! Event blocks to headers and parameter spans, every length checked.
//!
//! In: the body of an event block. Out: [`Raw`] and its spans. Next: [`crate::convert`].
//! Source: scap format specification, sections 3 and 5.

use crate::bytes::{read_uint, Cursor};
use crate::event::{Span, FLAG_STATE_ONLY};
use crate::source::Block;
use crate::tables::Tables;

/// Most parameters an event of any version may claim.
///
/// The largest declared event has 32; the rest is room for newer schemas.
pub const MAX_PARAMS: usize = 256;

/// The pcapng options inside event blocks.
///
/// Source: pcapng, "Custom options" (opt_custom, binary, may be copied). Wireshark 4.6 stops at an
/// event block with an option of any other private code; other readers skip all options.
pub mod option {
    /// Ends the list.
    pub const END: u16 = 0;
    /// A custom option: u32 owner, then what the owner likes.
    pub const CUSTOM: u16 = 2989;
    /// The owner: the number that is set aside for examples, until pyscap has one of its own.
    pub const OWNER: u32 = 32473;
    /// Kind of our options, u32 after the owner. The call's duration: u64 nanoseconds.
    pub const DURATION: u32 = 1;
    /// A piece of the initial state, see [`crate::source::carried`].
    pub const STATE: u32 = 2;
    /// What is to be said of the whole capture, as JSON text; in the last event.
    pub const SUMMARY: u32 = 3;
}

/// What a block type says of the event inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventKind {
    /// Header carries the number of parameters.
    pub v2: bool,
    /// A flags word precedes the header.
    pub flags: bool,
}

/// The event block types, and nothing for every other type.
#[inline]
pub fn event_kind(block_type: u32) -> Option<EventKind> {
    Some(match block_type {
        0x204 | 0x8010_ABCD => EventKind { v2: false, flags: false },
        0x208 => EventKind { v2: false, flags: true },
        0x216 | 0x221 => EventKind { v2: true, flags: false },
        0x217 | 0x222 => EventKind { v2: true, flags: true },
        _ => return None,
    })
}

impl EventKind {
    /// Where the time of the event stands in its whole block.
    pub fn time_at(self) -> usize {
        if self.flags {
            14
        } else {
            10
        }
    }
}

/// The header of an event as it lies in the block.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    /// Processor.
    pub cpu: u16,
    /// Block flags, 0 when the block has none.
    pub flags: u32,
    /// Nanoseconds since the epoch.
    pub ts_ns: u64,
    /// Thread.
    pub tid: i64,
    /// Event code.
    pub code: u16,
    /// Duration option, when the block carries one.
    pub duration_ns: Option<u64>,
    /// The parameters, without header and length table.
    pub bytes: &'a [u8],
    /// What follows the event in its block: padding is left out, pcapng options are here.
    pub options: &'a [u8],
}

/// Why an event block cannot be decoded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The block is shorter than its header.
    ShortHeader,
    /// The event claims more bytes than its block holds.
    LengthBeyondBlock,
    /// More parameters than any event has.
    TooManyParams,
    /// The lengths of the parameters pass the end of the event.
    ParamBeyondEvent,
    /// A version 1 event whose lengths fit no number of parameters.
    NoParamCount,
}

impl Fault {
    /// The fault in words.
    pub fn text(self) -> &'static str {
        match self {
            Fault::ShortHeader => "the event block is shorter than an event header",
            Fault::LengthBeyondBlock => "the event is longer than its block",
            Fault::TooManyParams => "the event claims too many parameters",
            Fault::ParamBeyondEvent => "a parameter passes the end of its event",
            Fault::NoParamCount => "the parameter lengths fit no number of parameters",
        }
    }
}

const HEADER_V1: usize = 22;
const HEADER_V2: usize = 26;

/// Decodes the body of an event block; `spans` receives the parameters, behind those it has.
///
/// # Errors
/// A [`Fault`] when the block contradicts itself; what `spans` received is then of no use.
pub fn decode<'a>(
    kind: EventKind,
    body: &'a [u8],
    tables: &Tables,
    spans: &mut Vec<Span>,
) -> Result<Raw<'a>, Fault> {
    let mut c = Cursor::new(body);
    let cpu = c.u16().ok_or(Fault::ShortHeader)?;
    let flags = if kind.flags { c.u32().ok_or(Fault::ShortHeader)? } else { 0 };
    let start = c.rest();
    let ts_ns = c.u64().ok_or(Fault::ShortHeader)?;
    let tid = c.i64().ok_or(Fault::ShortHeader)?;
    let len = c.u32().ok_or(Fault::ShortHeader)? as usize;
    let code = c.u16().ok_or(Fault::ShortHeader)?;
    let width = tables.event(code).len_width();
    let (bytes, used) = if kind.v2 {
        let nparams = c.u32().ok_or(Fault::ShortHeader)? as usize;
        let event = start.get(..len).ok_or(Fault::LengthBeyondBlock)?;
        let payload = event.get(HEADER_V2..).ok_or(Fault::ShortHeader)?;
        (read_table(payload, nparams, width, spans)?, len)
    } else {
        let (len, nparams) = v1_extent(len, code, start, tables)?;
        let payload = start.get(HEADER_V1..len).ok_or(Fault::ShortHeader)?;
        (read_table(payload, nparams, width, spans)?, len)
    };
    let head_len = body.len() - start.len();
    // Padding is relative to the block, whose head is 8 bytes, so body offsets keep alignment.
    let options = body.get((head_len + used).next_multiple_of(4)..).unwrap_or(&[]);
    let duration_ns = duration(options);
    Ok(Raw { cpu, flags, ts_ns, tid, code, duration_ns, bytes, options })
}

/// What is known of a well-formed event by its header and its length table.
#[derive(Clone, Copy, Debug)]
pub struct Header<'a> {
    /// Nanoseconds since the epoch.
    pub ts_ns: u64,
    /// Thread.
    pub tid: i64,
    /// Number of parameters.
    pub params: usize,
    /// Whether the block carries a duration.
    pub is_measured: bool,
    /// Length of the first parameter.
    first_len: usize,
    bytes: &'a [u8],
}

impl<'a> Header<'a> {
    /// The bytes of the first parameter, when there is one.
    #[inline]
    pub fn first_param(&self) -> Option<&'a [u8]> {
        self.bytes.get(..self.first_len)
    }
}

/// An event of version 2 as it lies in its block, of which no more than the code is known.
#[derive(Clone, Copy, Debug)]
pub struct Sealed<'a> {
    flags: u32,
    event: &'a [u8],
    /// Bytes of the block before the event.
    start: usize,
    /// Event code.
    pub code: u16,
}

impl<'a> Sealed<'a> {
    /// The event in the body of a block of `kind`; `None` when [`decode`] has to look.
    #[inline]
    pub fn new(kind: EventKind, body: &'a [u8]) -> Option<Self> {
        let start = if kind.flags { 6 } else { 2 };
        let flags = if kind.flags { read_uint(body.get(2..6)?)? as u32 } else { 0 };
        let event = body.get(start..)?;
        let head: &[u8; HEADER_V2] = event.first_chunk()?;
        kind.v2.then_some(Sealed {
            flags,
            event,
            start,
            code: u16::from_le_bytes([head[20], head[21]]),
        })
    }

    /// The header of a shown event whose length table has entries of `width` bytes; `None` when
    /// [`decode`] has to look: at what is damaged, and at what travels beside the event.
    #[inline]
    pub fn header(&self, width: usize) -> Option<Header<'a>> {
        let mut c = Cursor::new(self.event.first_chunk::<HEADER_V2>()?);
        let (ts_ns, tid, len) = (c.u64()?, c.i64()?, c.u32()? as usize);
        let params = read_uint(c.rest().get(2..)?)? as usize;
        let payload = self.event.get(HEADER_V2..len)?;
        if params > MAX_PARAMS || self.flags & FLAG_STATE_ONLY != 0 {
            return None;
        }
        let (table, bytes) = payload.split_at_checked(params * width)?;
        let sum =
            if width == 2 { lengths::<2>(table).sum() } else { lengths::<4>(table).sum::<u64>() };
        if sum > bytes.len() as u64 {
            return None;
        }
        let end = (self.start + len).next_multiple_of(4) - self.start;
        let options = self.event.get(end..).unwrap_or(&[]);
        if !options.is_empty() && !carries_nothing_else(options) {
            return None;
        }
        let is_measured = duration(options).is_some();
        let first_len = table.get(..width).map_or(0, table_len) as usize;
        Some(Header { ts_ns, tid, params, is_measured, first_len, bytes })
    }
}

/// Whether none of our options holds more than a duration.
fn carries_nothing_else(bytes: &[u8]) -> bool {
    options(bytes).filter_map(own_option).all(|(kind, _)| kind == option::DURATION)
}

/// Where the event lies in the body of its block.
#[derive(Clone, Copy, Debug)]
pub struct Extent {
    /// Bytes before the event.
    pub head: usize,
    /// Its length as the header tells it.
    pub stored_len: usize,
    /// Its true length.
    pub len: usize,
}

impl Extent {
    /// Where the padded event ends and options may begin. Padding is relative to the block, whose
    /// head is 8 bytes, so body offsets keep alignment.
    pub fn end(self) -> usize {
        (self.head + self.len).next_multiple_of(4)
    }
}

/// Where the event lies in the body of `block`; `None` when it does not fit.
pub fn extent(block: &Block<'_>, tables: &Tables) -> Option<Extent> {
    let kind = event_kind(block.kind)?;
    let head = if kind.flags { 6 } else { 2 };
    let start = block.body.get(head..)?;
    let mut c = Cursor::new(start.get(16..)?);
    let (stored_len, code) = (c.u32()? as usize, c.u16()?);
    let v1 = || v1_extent(stored_len, code, start, tables).ok().map(|(len, _)| len);
    let len = if kind.v2 { Some(stored_len) } else { v1() }?;
    (len <= start.len()).then_some(Extent { head, stored_len, len })
}

/// The true length of a version 1 event, and how many parameters fill it exactly.
///
/// Two codes were stored 3 bytes too long, and one rewriting program (mergecap 4.0) keeps the
/// version 2 length, 4 too large, in the version 1 block that it makes.
/// DIFFERENCE(sysdig 0.41.4, libs 0.25-dev): they cannot read the latter.
fn v1_extent(
    len: usize,
    code: u16,
    start: &[u8],
    tables: &Tables,
) -> Result<(usize, usize), Fault> {
    let info = tables.event(code);
    let (width, today) = (info.len_width(), info.params.len());
    let too_long = if matches!(code, 280 | 286) { 3 } else { 0 };
    let candidates = [len, len.saturating_sub(HEADER_V2 - HEADER_V1), len.saturating_sub(too_long)];
    let mut fault = Fault::LengthBeyondBlock;
    for len in candidates {
        let Some(payload) = start.get(HEADER_V1..len) else { continue };
        match infer_nparams(payload, width, today) {
            Ok(nparams) => return Ok((len, nparams)),
            Err(f) => fault = f,
        }
    }
    Err(fault)
}

fn read_table<'a>(
    payload: &'a [u8],
    nparams: usize,
    width: usize,
    spans: &mut Vec<Span>,
) -> Result<&'a [u8], Fault> {
    if nparams > MAX_PARAMS {
        return Err(Fault::TooManyParams);
    }
    let (table, bytes) =
        payload.split_at_checked(nparams * width).ok_or(Fault::ParamBeyondEvent)?;
    let end = if width == 2 { push::<2>(table, spans) } else { push::<4>(table, spans) };
    // The last one ends behind all others, and no event has more bytes than a u32 can count.
    if end > bytes.len() as u64 {
        return Err(Fault::ParamBeyondEvent);
    }
    Ok(bytes)
}

/// The entries of a length table; the width is constant, so that nothing is decided for each.
fn lengths<const WIDTH: usize>(table: &[u8]) -> impl Iterator<Item = u64> + '_ {
    table.chunks_exact(WIDTH).map(|entry| table_len(entry).into())
}

/// Appends the spans of a length table; returns where the last one ends.
fn push<const WIDTH: usize>(table: &[u8], spans: &mut Vec<Span>) -> u64 {
    let mut end = 0;
    spans.extend(table.chunks_exact(WIDTH).map(|entry| {
        let (start, len) = (end as u32, table_len(entry));
        end += u64::from(len);
        Span { start, len }
    }));
    end
}

fn table_len(entry: &[u8]) -> u32 {
    match *entry {
        [a, b] => u32::from(u16::from_le_bytes([a, b])),
        [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
        _ => 0,
    }
}

/// Version 1 events do not say how many parameters they have: the count whose lengths fill the
/// payload exactly is taken, trying from today's count downward.
fn infer_nparams(payload: &[u8], width: usize, today: usize) -> Result<usize, Fault> {
    (0..=today).rev().find(|n| fills_exactly(payload, *n, width)).ok_or(Fault::NoParamCount)
}

fn fills_exactly(payload: &[u8], nparams: usize, width: usize) -> bool {
    let Some(table) = payload.get(..nparams * width) else { return false };
    let sum: usize = table.chunks_exact(width).map(|e| table_len(e) as usize).sum();
    table.len() + sum == payload.len()
}

/// The pcapng options in `bytes`, up to the end of the list or to what is no option.
pub fn options(bytes: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    let mut c = Cursor::new(bytes);
    std::iter::from_fn(move || {
        let code = c.u16().filter(|code| *code != option::END)?;
        let len = usize::from(c.u16()?);
        let value = c.take(len.next_multiple_of(4))?;
        Some((code, value.get(..len)?))
    })
}

/// The kind and payload of an option of ours.
pub fn own_option((code, value): (u16, &[u8])) -> Option<(u32, &[u8])> {
    let mut c = Cursor::new(value);
    let is_own = code == option::CUSTOM && c.u32() == Some(option::OWNER);
    let kind = c.u32().filter(|_| is_own)?;
    Some((kind, c.rest()))
}

fn duration(bytes: &[u8]) -> Option<u64> {
    if bytes.is_empty() {
        return None;
    }
    let mut own = options(bytes).filter_map(own_option);
    let (_, value) = own.find(|(kind, _)| *kind == option::DURATION)?;
    value.try_into().ok().map(u64::from_le_bytes)
}
