//! Several captures as one, by time.
//!
//! In: captures, and packet captures in pcapng. Out: one section: the metadata of all, then events
//! and packets in the order of their times. Next: [`crate::feed`].
//!
//! Captures of the same machine share their tables. The threads of another machine get numbers
//! that no machine gives, so that equal numbers stay two threads: its own and a multiple of
//! [`SHIFT`].

use std::collections::VecDeque;
use std::sync::Arc;

use super::savefile::Savefile;
use super::{Block, Item, Source, SECTION_HEADER};
use crate::bytes::{read_int, Cursor};
use crate::decode;
use crate::error::{Error, Result};
use crate::event::Span;
use crate::tables::{ParamType, Tables};

/// More than the greatest thread number of Linux, and easy to take off in the head.
pub const SHIFT: i64 = 10_000_000;

const INTERFACE: u32 = 1;
const ENHANCED_PACKET: u32 = 6;
const MACHINE: [u32; 2] = [0x201, 0x8002_ABCD];
const OPTION_TIME_RESOLUTION: u16 = 9;
const INTERFACE_FIXED_BYTES: usize = 8;

/// The captures on their way to one.
pub struct Merged {
    tables: Arc<Tables>,
    inputs: Vec<Input>,
    /// Blocks that come before the first event.
    heads: VecDeque<Vec<u8>>,
    current: Vec<u8>,
    offset: u64,
    begun: bool,
    has_header: bool,
    /// What ended an input too early; told when all others have ended.
    failed: Option<Error>,
    /// The machines met so far, by their blocks.
    machines: Vec<Vec<u8>>,
    /// Interfaces of packets in all inputs so far.
    interfaces: u32,
    spans: Vec<Span>,
}

struct Input {
    source: Savefile,
    /// The time of the next timed block, and the block as it will be written.
    next: Option<(u64, Vec<u8>)>,
    damage: VecDeque<(u64, &'static str)>,
    numbers: Numbers,
}

/// What the numbers in the blocks of an input become.
#[derive(Default)]
struct Numbers {
    /// Added to threads.
    shift: i64,
    /// Nanoseconds a tick of each packet interface, and its number in the output.
    interfaces: Vec<(f64, u32)>,
}

/// What the inputs have in common.
struct Shared<'a> {
    tables: &'a Tables,
    has_header: &'a mut bool,
    heads: &'a mut VecDeque<Vec<u8>>,
    machines: &'a mut Vec<Vec<u8>>,
    interfaces: &'a mut u32,
    spans: &'a mut Vec<Span>,
}

impl Numbers {
    /// Takes a block: a timed one is given back with its time, others become heads.
    fn take(&mut self, block: &Block<'_>, shared: &mut Shared<'_>) -> Option<(u64, Vec<u8>)> {
        let mut raw = block.raw.to_vec();
        match block.kind {
            ENHANCED_PACKET => {
                let ts_ns = self.packet(block, &mut raw)?;
                return Some((ts_ns, raw));
            }
            kind if decode::event_kind(kind).is_some() => {
                let ts_ns = event_time(block)?;
                renumber_event(block, self.shift, shared.tables, shared.spans, &mut raw);
                return Some((ts_ns, raw));
            }
            SECTION_HEADER if std::mem::replace(shared.has_header, true) => return None,
            INTERFACE => self.interface(block, shared),
            kind if MACHINE.contains(&kind) && !self.machine(block, shared) => return None,
            _ => shared.tables.layouts.renumber(block, self.shift, &mut raw),
        }
        shared.heads.push_back(raw);
        None
    }

    /// Finds out whose threads these are; whether the block is the one that is written.
    fn machine(&mut self, block: &Block<'_>, shared: &mut Shared<'_>) -> bool {
        let known = shared.machines.iter().position(|m| m == block.body);
        let number = known.unwrap_or(shared.machines.len());
        if known.is_none() {
            shared.machines.push(block.body.to_vec());
        }
        self.shift = i64::try_from(number).unwrap_or(0).saturating_mul(SHIFT);
        known.is_none() && number == 0
    }

    fn interface(&mut self, block: &Block<'_>, shared: &mut Shared<'_>) {
        self.interfaces.push((resolution(block), *shared.interfaces));
        *shared.interfaces += 1;
    }

    /// Gives a packet the number that its interface has in the output; returns its time.
    #[allow(clippy::cast_possible_truncation, clippy::cast_precision_loss, clippy::cast_sign_loss)]
    fn packet(&self, block: &Block<'_>, raw: &mut [u8]) -> Option<u64> {
        let mut c = Cursor::new(block.body);
        let (interface, high, low) = (c.u32()?, c.u32()?, c.u32()?);
        let (ns, number) = self.interfaces.get(interface as usize)?;
        raw.get_mut(8..12)?.copy_from_slice(&number.to_le_bytes());
        let ticks = u64::from(high) << 32 | u64::from(low);
        let is_whole = *ns >= 1.0 && ns.fract() == 0.0;
        Some(if is_whole { ticks.wrapping_mul(*ns as u64) } else { (ticks as f64 * ns) as u64 })
    }
}

impl Merged {
    /// The captures behind `sources` as one.
    pub fn new(sources: Vec<Savefile>, tables: Arc<Tables>) -> Self {
        let input = |source| Input {
            source,
            next: None,
            damage: VecDeque::new(),
            numbers: Numbers::default(),
        };
        Merged {
            tables,
            inputs: sources.into_iter().map(input).collect(),
            heads: VecDeque::new(),
            current: Vec::new(),
            offset: 0,
            begun: false,
            has_header: false,
            failed: None,
            machines: Vec::new(),
            interfaces: 0,
            spans: Vec::new(),
        }
    }

    /// Reads every input up to its first timed block; the machines are known then.
    fn begin(&mut self) {
        self.begun = true;
        for index in 0..self.inputs.len() {
            self.advance(index);
        }
    }

    /// Goes to the next timed block of an input; what comes before it is put in order.
    fn advance(&mut self, index: usize) {
        let Some(input) = self.inputs.get_mut(index) else { return };
        let mut shared = Shared {
            tables: &self.tables,
            has_header: &mut self.has_header,
            heads: &mut self.heads,
            machines: &mut self.machines,
            interfaces: &mut self.interfaces,
            spans: &mut self.spans,
        };
        input.next = None;
        while input.next.is_none() {
            match input.source.next_block() {
                Ok(Item::Block(block)) => input.next = input.numbers.take(&block, &mut shared),
                Ok(Item::Damaged { offset, what }) => input.damage.push_back((offset, what)),
                Ok(Item::Idle | Item::End) => break,
                Err(error) => {
                    self.failed.get_or_insert(error);
                    break;
                }
            }
        }
    }

    /// The input whose next block is the earliest; the first of them when times are equal.
    fn earliest(&self) -> Option<usize> {
        let times = self.inputs.iter().enumerate();
        let times = times.filter_map(|(i, input)| Some((input.next.as_ref()?.0, i)));
        times.min().map(|(_, i)| i)
    }

    fn give(&mut self, raw: Vec<u8>) -> Item<'_> {
        self.current = raw;
        let offset = self.offset;
        self.offset += self.current.len() as u64;
        let raw = &self.current[..];
        let mut c = Cursor::new(raw);
        let kind = c.u32().unwrap_or(0);
        let body = raw.get(8..raw.len().saturating_sub(4)).unwrap_or(&[]);
        Item::Block(Block { kind, offset, body, raw })
    }
}

impl Source for Merged {
    fn next_block(&mut self) -> Result<Item<'_>> {
        if !self.begun {
            self.begin();
        }
        if let Some((offset, what)) = self.inputs.iter_mut().find_map(|i| i.damage.pop_front()) {
            return Ok(Item::Damaged { offset, what });
        }
        if let Some(raw) = self.heads.pop_front() {
            return Ok(self.give(raw));
        }
        let Some(index) = self.earliest() else {
            return self.failed.take().map_or(Ok(Item::End), Err);
        };
        let Some((_, raw)) = self.inputs.get_mut(index).and_then(|i| i.next.take()) else {
            return Ok(Item::End);
        };
        self.advance(index);
        Ok(self.give(raw))
    }
}

fn event_time(block: &Block<'_>) -> Option<u64> {
    let kind = decode::event_kind(block.kind)?;
    let head = if kind.flags { 6 } else { 2 };
    Cursor::new(block.body.get(head..)?).u64()
}

/// Shifts the thread of the header and the threads that the parameters name.
fn renumber_event(
    block: &Block<'_>,
    shift: i64,
    tables: &Tables,
    spans: &mut Vec<Span>,
    raw: &mut [u8],
) {
    let Some(kind) = decode::event_kind(block.kind).filter(|_| shift != 0) else { return };
    spans.clear();
    let Ok(event) = decode::decode(kind, block.body, tables, spans) else { return };
    let tid_at = 8 + if kind.flags { 6 } else { 2 } + 8;
    shift_at(raw, tid_at, shift);
    let bytes_at = (event.bytes.as_ptr() as usize).saturating_sub(block.raw.as_ptr() as usize);
    for (span, param) in spans.iter().zip(&tables.event(event.code).params) {
        if param.kind == ParamType::Pid && span.len == 8 {
            shift_at(raw, bytes_at + span.start as usize, shift);
        }
    }
}

/// Adds `shift` to the number at `at`, if it is that of a thread.
pub(crate) fn shift_at(raw: &mut [u8], at: usize, shift: i64) {
    let Some(place) = raw.get_mut(at..at + 8) else { return };
    if let Some(number) = read_int(place).filter(|n| *n > 0) {
        place.copy_from_slice(&number.saturating_add(shift).to_le_bytes());
    }
}

/// Nanoseconds a tick of an interface's times.
fn resolution(block: &Block<'_>) -> f64 {
    let options = block.body.get(INTERFACE_FIXED_BYTES..).unwrap_or(&[]);
    let value = decode::options(options).find(|(code, _)| *code == OPTION_TIME_RESOLUTION);
    let exponent = value.and_then(|(_, v)| v.first().copied()).unwrap_or(6);
    let base: f64 = if exponent & 0x80 == 0 { 10.0 } else { 2.0 };
    1e9 / base.powi(i32::from(exponent & 0x7F))
}
