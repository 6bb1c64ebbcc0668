//! Events as a capture file.
//!
//! In: blocks, with what is known around the events in them. Out: blocks, compressed when asked.
//! Next: any program that reads captures.
//! Source: scap format specification, sections 3 to 7; ADR 0009 and 0010.
//!
//! Blocks are copied as they are wherever that is possible. Three things change one: the mark
//! that an event is for the state alone, a piece of the initial state (see [`carried`]), and the
//! summary in the last event.

use std::collections::VecDeque;
use std::fs::File;
use std::io::Write;
use std::sync::Arc;

use flate2::write::GzEncoder;
use rustc_hash::FxHashSet;
use serde::Deserialize;

use super::head::Head;
use super::needs::{Needs, NeedsRow, Position, ProcessKey};
use super::rotate::{Meter, RotateRow};
use super::{NextFile, OpenFd, Passed, PassedOver, Sink};
use crate::ctx::Ctx;
use crate::decode::{self, option, EventKind, Extent};
use crate::error::{Error, Result};
use crate::event::{Event, FLAG_STATE_ONLY};
use crate::extract::Extractors;
use crate::frame::{self, push_option, HEAD_BYTES, TRAILER_BYTES};
use crate::source::metadata::Layouts;
use crate::source::{carried, Block, SECTION_HEADER};
use crate::state::State;
use crate::tables::{flag, Tables};

/// How the file is compressed.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Compression {
    /// Not at all.
    None,
    /// gzip, which every reader takes.
    Gzip,
    /// zstd, which pyscap alone takes.
    Zstd,
}

/// What is written of the events that are not chosen.
#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Others {
    /// Everything as it is: nothing was filtered.
    Copy,
    /// None.
    Drop,
    /// Those that change the state, marked as such.
    State,
    /// Of those, the ones that chosen events depend on; metadata is cut down to the same.
    Needed(NeedsRow),
}

/// The plan's choice of a capture file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SavefileRow {
    /// Descriptor to write to.
    pub fd: i32,
    /// Compression.
    pub compression: Compression,
    /// What is written besides the chosen events.
    pub others: Others,
    /// Repeat the metadata inside the first event blocks, where mergecap keeps it.
    pub carry_state: bool,
    /// Keep the last event back for the summary; for files, not for pipes.
    pub hold_last: bool,
    /// Code and text of options added to the section headers.
    pub section_options: Vec<(u16, String)>,
    /// When the next file begins; absent for one file.
    #[serde(default)]
    pub rotate: Option<RotateRow>,
}

/// Largest block that every reader takes, except of large events.
const MAX_EVENT_BLOCK: usize = 65544;

const SECTION_FIXED_BYTES: usize = 16;

/// Writes a capture file.
pub struct SavefileSink {
    out: Output,
    others: Kept,
    layouts: Arc<Layouts>,
    position: Position,
    carry_state: bool,
    section_options: Vec<(u16, String)>,
    /// Metadata blocks that are still to travel in events.
    gathered: Vec<u8>,
    pieces: VecDeque<Vec<u8>>,
    /// An event of the section is written.
    saw_event: bool,
    /// Threads whose row of the process list is kept.
    kept_tids: FxHashSet<i64>,
    rotation: Option<Rotation>,
}

/// What a sink that writes several files knows beside.
struct Rotation {
    limits: RotateRow,
    meter: Meter,
    head: Head,
    compression: Compression,
    hold_last: bool,
    open: OpenFd,
}

/// [`Others`], ready to be looked up.
pub enum Kept {
    /// Everything.
    All,
    /// The chosen events.
    Chosen,
    /// Beside them, those that change the state.
    State,
    /// Of those, the needed ones.
    Needed(Needs),
}

impl SavefileSink {
    /// A sink as the plan says.
    ///
    /// # Errors
    /// I/O errors of the output.
    pub fn new(row: &SavefileRow, tables: &Tables, open: OpenFd) -> Result<Self> {
        let file = open(row.fd).map_err(|e| Error::io("opening the output", e))?;
        Ok(SavefileSink {
            out: Output::new(file, row.compression, row.hold_last)?,
            others: Kept::of(&row.others),
            layouts: tables.layouts.clone(),
            position: Position::default(),
            carry_state: row.carry_state,
            section_options: row.section_options.clone(),
            gathered: Vec::new(),
            pieces: VecDeque::new(),
            saw_event: false,
            kept_tids: FxHashSet::default(),
            rotation: row.rotate.as_ref().map(|limits| Rotation {
                limits: limits.clone(),
                meter: Meter::default(),
                head: Head::new(tables.layouts.clone(), tables.lists.clone()),
                compression: row.compression,
                hold_last: row.hold_last,
                open,
            }),
        })
    }

    fn begin_section(&mut self, block: &Block<'_>) -> Result<()> {
        self.gathered.clear();
        self.pieces.clear();
        self.kept_tids.clear();
        self.saw_event = false;
        let raw = match self.section_options.as_slice() {
            [] => block.raw.to_vec(),
            options => with_options(block, options),
        };
        if let Some(rotation) = &mut self.rotation {
            rotation.head.begin_section(&raw);
        }
        self.out.block(&raw)
    }

    /// Writes a metadata block, or lets it travel in the next events: after the first event
    /// other readers would take it for the end of the capture.
    fn put_metadata(&mut self, raw: &[u8]) -> Result<()> {
        if let Some(rotation) = &mut self.rotation {
            rotation.meter.add_head(raw.len());
            rotation.head.add_list(raw);
        }
        let late = self.saw_event && self.carry_state;
        if self.carry_state {
            self.gathered.extend_from_slice(raw);
        }
        if late {
            return Ok(());
        }
        self.out.block(raw)
    }

    /// Writes an event, marked as being for the state alone if it is.
    ///
    /// # Errors
    /// I/O errors of the output.
    pub fn put_event(
        &mut self,
        block: &Block<'_>,
        state_only: bool,
        tables: &Tables,
    ) -> Result<()> {
        self.saw_event = true;
        if let Some(rotation) = &mut self.rotation {
            rotation.meter.add_bytes(block.raw.len());
        }
        if !self.gathered.is_empty() {
            let metadata = std::mem::take(&mut self.gathered);
            self.pieces.extend(carried::split(&metadata));
        }
        let Some(extent) = decode::extent(block, tables) else { return Ok(()) };
        if !state_only && self.pieces.is_empty() && !is_due(block, extent) {
            return self.out.event(block.raw, extent.end());
        }
        let Some(mut event) = Rewrite::of(block, extent, state_only, self.carry_state) else {
            return Ok(());
        };
        if let Some(piece) = self.pieces.front() {
            if event.has_room(piece.len()) {
                event.add_own(option::STATE, piece);
                self.pieces.pop_front();
            }
        }
        let end = event.event_end;
        self.out.event(&event.finish(), end)
    }

    /// Whether the chosen events after this one depend on the process of `tid`.
    fn is_needed(needs: &Needs, position: Position, state: &State, tid: i64) -> bool {
        let key = match state.thread(tid) {
            Some(thread) => ProcessKey::of(position.section, state, thread),
            None => ProcessKey { section: position.section, pid: tid, born_ns: 0 },
        };
        needs.has(key, position.block)
    }

    /// What becomes of an event that was passed over: nothing, a copy (false), or a copy that is
    /// marked as being for the state alone (true).
    fn verdict(&self, over: &PassedOver<'_>) -> Option<bool> {
        let Kept::Needed(needs) = &self.others else { return self.others.verdict(over) };
        if over.why == Passed::Dropped {
            return None;
        }
        if over.why == Passed::Stored && needs.enters.contains(&self.position.block) {
            return Some(false);
        }
        if over.tid < 0 {
            return over.ev.filter(|ev| is_general(ev, needs)).map(|_| over.why != Passed::Hidden);
        }
        let useful = over.why == Passed::Stored || over.ev.is_some_and(|ev| changes_state(ev));
        let needed = useful && Self::is_needed(needs, self.position, over.state, over.tid);
        needed.then_some(over.why != Passed::Hidden)
    }

    /// Keeps an event that is written for the heads of the next files, if it names something.
    fn remember(&mut self, ev: Option<&Event<'_>>, block: &Block<'_>) {
        if let Some((rotation, ev)) = self.rotation.as_mut().zip(ev) {
            rotation.head.add_event(ev.code, block);
        }
    }
}

impl Kept {
    /// What the plan says.
    pub fn of(others: &Others) -> Self {
        match others {
            Others::Copy => Kept::All,
            Others::Drop => Kept::Chosen,
            Others::State => Kept::State,
            Others::Needed(needs) => Kept::Needed(Needs::from_row(needs)),
        }
    }

    /// What becomes of an event that was passed over, where no later event matters.
    pub fn verdict(&self, over: &PassedOver<'_>) -> Option<bool> {
        match (self, over.why) {
            (Kept::All, _) => Some(false),
            (Kept::Chosen | Kept::Needed(_), _) | (_, Passed::Dropped) => None,
            (Kept::State, Passed::Stored) => Some(true),
            (Kept::State, Passed::Hidden) => Some(false),
            (Kept::State, _) => over.ev.filter(|ev| changes_state(ev)).map(|_| true),
        }
    }
}

/// Whether the table says that an event changes threads or descriptors.
fn changes_state(ev: &Event<'_>) -> bool {
    ev.info.has(flag::MODIFIES_STATE | flag::CREATES_FD | flag::DESTROYS_FD)
}

/// Whether an event of no thread is kept: users and groups always, containers when a chosen
/// event's process runs in them.
fn is_general(ev: &Event<'_>, needs: &Needs) -> bool {
    match ev.code {
        354..=361 => true,
        324 | 402 => {
            let bytes: Vec<&[u8]> = (0..ev.params.len()).filter_map(|i| ev.params.get(i)).collect();
            let has = |id: &Vec<u8>| bytes.iter().any(|b| memchr::memmem::find(b, id).is_some());
            needs.containers.iter().any(has)
        }
        _ => false,
    }
}

impl Sink for SavefileSink {
    fn metadata(&mut self, block: &Block<'_>) -> Result<()> {
        self.position.metadata(block);
        if block.kind == SECTION_HEADER {
            return self.begin_section(block);
        }
        let is_metadata = self.layouts.is_metadata(block.kind);
        let Kept::Needed(needs) = &self.others else {
            return if is_metadata {
                self.put_metadata(block.raw)
            } else {
                self.out.block(block.raw)
            };
        };
        if !is_metadata {
            return Ok(());
        }
        let (section, kept) = (self.position.section, &mut self.kept_tids);
        let pruned = self.layouts.prune(block, |tid, pid| {
            let Some(pid) = pid else { return kept.contains(&tid) };
            let keep = needs.until.contains_key(&ProcessKey { section, pid, born_ns: 0 });
            if keep {
                kept.insert(tid);
            }
            keep
        });
        match pruned {
            Some(body) => self.put_metadata(&frame::block(block.kind, &body)),
            None => Ok(()),
        }
    }

    fn event(&mut self, ctx: &Ctx<'_>, block: &Block<'_>, _fields: &Extractors) -> Result<bool> {
        self.position.event();
        if let Some(rotation) = &mut self.rotation {
            rotation.meter.add_event(ctx.ev.ts_ns);
        }
        self.remember(Some(ctx.ev), block);
        self.put_event(block, false, ctx.tables)?;
        Ok(true)
    }

    fn passed(&mut self, over: &PassedOver<'_>) -> Result<()> {
        self.position.event();
        let Some(state_only) = self.verdict(over) else { return Ok(()) };
        self.remember(over.ev, over.block);
        self.put_event(over.block, state_only, over.tables)
    }

    fn finish(&mut self, summary: Option<&str>) -> Result<()> {
        self.out.finish(summary)
    }

    fn next_file(&mut self, next: &NextFile<'_>) -> Result<()> {
        let Some(rotation) = &mut self.rotation else { return Ok(()) };
        self.out.finish(next.summary)?;
        let file = (rotation.open)(next.fd).map_err(|e| Error::io("opening the output", e))?;
        self.out = Output::new(file, rotation.compression, rotation.hold_last)?;
        let (others, position) = (&self.others, self.position);
        let lists = rotation.head.lists(next.state, |thread| match others {
            Kept::Needed(needs) => Self::is_needed(needs, position, next.state, thread.tid),
            _ => true,
        });
        let events = rotation.head.events(rotation.meter.last_ns());
        rotation.meter = Meter::default();
        rotation.meter.add_head(rotation.head.header().len() + lists.len());
        self.out.block(rotation.head.header())?;
        self.out.block(&lists)?;
        self.pieces.clear();
        self.gathered = if self.carry_state { lists } else { Vec::new() };
        self.saw_event = false;
        for block in carried::blocks(&events, 0) {
            self.put_event(&block, true, next.tables)?;
        }
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.rotation.as_ref().is_some_and(|r| r.meter.is_full(&r.limits))
    }

    fn flush(&mut self) -> Result<()> {
        self.out.flush()
    }
}

/// A section header with more options.
fn with_options(block: &Block<'_>, added: &[(u16, String)]) -> Vec<u8> {
    let (fixed, old) = block.body.split_at(SECTION_FIXED_BYTES.min(block.body.len()));
    let mut body = fixed.to_vec();
    for (code, value) in decode::options(old) {
        push_option(&mut body, code, value);
    }
    for (code, text) in added {
        push_option(&mut body, *code, text.as_bytes());
    }
    push_option(&mut body, option::END, &[]);
    frame::block(block.kind, &body)
}

/// Whether an option says something of the file that it stands in.
fn is_of_file(option: (u16, &[u8])) -> bool {
    let own = decode::own_option(option);
    own.is_some_and(|(kind, _)| matches!(kind, option::STATE | option::SUMMARY))
}

/// Whether the block has something that is not to be copied: options of another file, or the
/// wrong length that one rewriting program leaves.
fn is_due(block: &Block<'_>, extent: Extent) -> bool {
    let options = block.body.get(extent.end()..).unwrap_or(&[]);
    extent.stored_len != extent.len || decode::options(options).any(is_of_file)
}

/// An event block being built anew.
struct Rewrite {
    kind: u32,
    body: Vec<u8>,
    /// Where the event ends in the body, padded; options follow.
    event_end: usize,
}

impl Rewrite {
    /// The block, marked if it is for the state only; `strip` takes away what it said of the
    /// file that it was in.
    fn of(block: &Block<'_>, extent: Extent, state_only: bool, strip: bool) -> Option<Self> {
        let kind = decode::event_kind(block.kind)?;
        let mut body = block.body.get(..2)?.to_vec();
        let flags = block.body.get(2..extent.head).filter(|f| f.len() == 4);
        let flags = flags.and_then(crate::bytes::read_uint).unwrap_or(0);
        if kind.flags || state_only {
            let mark = if state_only { u64::from(FLAG_STATE_ONLY) } else { 0 };
            body.extend(u32::try_from(flags | mark).unwrap_or(FLAG_STATE_ONLY).to_le_bytes());
        }
        let start = body.len();
        body.extend(block.body.get(extent.head..extent.head + extent.len)?);
        let len_bytes = u32::try_from(extent.len).ok()?.to_le_bytes();
        body.get_mut(start + 16..start + 20)?.copy_from_slice(&len_bytes);
        body.resize(body.len().next_multiple_of(4), 0);
        let number = if state_only { flagged(block.kind, kind) } else { block.kind };
        let mut new = Rewrite { kind: number, event_end: body.len(), body };
        new.copy_options(block.body.get(extent.end()..).unwrap_or(&[]), strip);
        Some(new)
    }

    fn copy_options(&mut self, bytes: &[u8], strip: bool) {
        for (code, value) in decode::options(bytes) {
            if !(strip && is_of_file((code, value))) {
                push_option(&mut self.body, code, value);
            }
        }
    }

    fn has_room(&self, payload_len: usize) -> bool {
        // Padding twice, head of the option, its owner and kind, the end of the list, and the
        // block's own head and trailer.
        let more = payload_len + 6 + 4 + 8 + 4 + HEAD_BYTES + TRAILER_BYTES;
        self.body.len() + more <= MAX_EVENT_BLOCK
    }

    fn add_own(&mut self, kind: u32, payload: &[u8]) {
        let value = [&option::OWNER.to_le_bytes(), &kind.to_le_bytes(), payload].concat();
        push_option(&mut self.body, option::CUSTOM, &value);
    }

    fn finish(mut self) -> Vec<u8> {
        if self.body.len() > self.event_end {
            push_option(&mut self.body, option::END, &[]);
        }
        frame::block(self.kind, &self.body)
    }
}

/// The block type that has a flags word.
fn flagged(number: u32, kind: EventKind) -> u32 {
    match (number, kind.v2) {
        (0x221 | 0x222, _) => 0x222,
        (_, true) => 0x217,
        (_, false) => 0x208,
    }
}

/// Bytes gathered for one write.
const CAPACITY: usize = 1 << 17;

/// zstd's own default: about as fast as gzip's fastest and smaller than its best.
const ZSTD_LEVEL: i32 = 3;

enum Coder {
    Plain(File),
    Gzip(GzEncoder<File>),
    Zstd(zstd::stream::write::Encoder<'static, File>),
}

impl Coder {
    fn new(file: File, compression: Compression) -> std::io::Result<Self> {
        Ok(match compression {
            Compression::None => Coder::Plain(file),
            Compression::Gzip => Coder::Gzip(GzEncoder::new(file, flate2::Compression::default())),
            Compression::Zstd => Coder::Zstd(zstd::stream::write::Encoder::new(file, ZSTD_LEVEL)?),
        })
    }

    fn writer(&mut self) -> &mut dyn Write {
        match self {
            Coder::Plain(file) => file,
            Coder::Gzip(coder) => coder,
            Coder::Zstd(coder) => coder,
        }
    }

    /// Writes the end that the compression has.
    fn finish(self) -> std::io::Result<()> {
        match self {
            Coder::Plain(_) => Ok(()),
            Coder::Gzip(coder) => coder.finish().map(|_| ()),
            Coder::Zstd(coder) => coder.finish().map(|_| ()),
        }
    }
}

/// Blocks on their way to the file.
struct Output {
    /// None when the file is complete, or cannot be completed.
    coder: Option<Coder>,
    buffer: Vec<u8>,
    /// The last event, kept back for the summary, and where it ends in its body.
    last: Vec<u8>,
    last_end: usize,
    hold_last: bool,
}

impl Output {
    fn new(file: File, compression: Compression, hold_last: bool) -> Result<Self> {
        let coder =
            Coder::new(file, compression).map_err(|e| Error::io("opening the output", e))?;
        let buffer = Vec::with_capacity(CAPACITY + MAX_EVENT_BLOCK);
        Ok(Output { coder: Some(coder), buffer, last: Vec::new(), last_end: 0, hold_last })
    }

    fn block(&mut self, raw: &[u8]) -> Result<()> {
        self.buffer.append(&mut self.last);
        self.buffer.extend_from_slice(raw);
        if self.buffer.len() >= CAPACITY {
            return self.write();
        }
        Ok(())
    }

    fn event(&mut self, raw: &[u8], end: usize) -> Result<()> {
        if !self.hold_last {
            return self.block(raw);
        }
        self.block(&[])?;
        self.last.extend_from_slice(raw);
        self.last_end = end;
        Ok(())
    }

    /// Hands the buffer to the coder; after an error nothing more is written.
    fn write(&mut self) -> Result<()> {
        let Some(coder) = &mut self.coder else { return Ok(()) };
        let written = coder.writer().write_all(&self.buffer);
        self.buffer.clear();
        if written.is_err() {
            self.coder = None;
        }
        written.map_err(|e| Error::io("writing the capture", e))
    }

    fn flush(&mut self) -> Result<()> {
        if self.buffer.is_empty() {
            return Ok(());
        }
        self.write()?;
        let flushed = self.coder.as_mut().map_or(Ok(()), |c| c.writer().flush());
        flushed.map_err(|e| Error::io("writing the capture", e))
    }

    fn finish(&mut self, summary: Option<&str>) -> Result<()> {
        if let Some(event) = summary.and_then(|text| with_summary(&self.last, self.last_end, text))
        {
            self.last = event;
        }
        self.block(&[])?;
        self.write()?;
        let finished = self.coder.take().map_or(Ok(()), Coder::finish);
        finished.map_err(|e| Error::io("writing the capture", e))
    }
}

impl Drop for Output {
    /// A file that nobody finished is complete all the same.
    fn drop(&mut self) {
        let _ = self.finish(None);
    }
}

/// The event block with the summary after everything else that is in it.
fn with_summary(raw: &[u8], end: usize, text: &str) -> Option<Vec<u8>> {
    let block = carried::blocks(raw, 0).next()?;
    let (event, options) = block.body.split_at_checked(end)?;
    let mut new = Rewrite { kind: block.kind, body: event.to_vec(), event_end: end };
    new.copy_options(options, false);
    if !new.has_room(text.len()) {
        return None;
    }
    new.add_own(option::SUMMARY, text.as_bytes());
    Some(new.finish())
}
