//! Blocks to decoded and converted events, in batches; for files on a thread of its own.
//!
//! In: a [`Source`]. Out: [`Batch`]es of [`Record`]s. Next: [`crate::session`].
//!
//! Everything that looks at one event alone, or at the events of one thread of the captured
//! machine in order, happens here; everything that needs the whole state comes after. That splits
//! the work about in half, so that a file is read on one processor and understood on another.

use std::sync::mpsc::{sync_channel, Receiver, RecvTimeoutError, Sender, SyncSender};
use std::sync::Arc;
use std::time::Duration;

use crate::convert::{Converter, Outcome};
use crate::decode::{self, Raw};
use crate::error::{Error, Result};
use crate::event::{Params, Span};
use crate::frame::{HEAD_BYTES, TRAILER_BYTES};
use crate::source::{carried, Block, Item, Source, SECTION_HEADER};
use crate::tables::Tables;

/// A batch is handed on when it holds this much: it stays in the processor's cache.
const BATCH_BYTES: usize = 256 << 10;

/// Batches under way between the two threads.
const BATCHES_AHEAD: usize = 4;

/// How long the session waits for a batch before it looks after its output.
const PATIENCE: Duration = Duration::from_millis(20);

/// A part of a batch's bytes or spans.
#[derive(Clone, Copy, Debug, Default)]
struct Range {
    start: u32,
    len: u32,
}

impl Range {
    fn of<T>(self, all: &[T]) -> &[T] {
        let start = self.start as usize;
        all.get(start..start + self.len as usize).unwrap_or(&[])
    }

    /// Where `part` lies in `whole`, of which it is a slice.
    fn within(whole: &[u8], part: &[u8]) -> Self {
        let start = (part.as_ptr() as usize).saturating_sub(whole.as_ptr() as usize);
        Range { start: to_u32(start), len: to_u32(part.len()) }
    }
}

fn to_u32(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// What a block turned out to be.
#[derive(Debug)]
pub enum What {
    /// No event.
    Metadata,
    /// A block that contradicts itself, or bytes that are none.
    Damaged(&'static str),
    /// An event, delivered or not.
    Event(Head),
}

/// The header of an event, after the conversion.
#[derive(Clone, Copy, Debug)]
pub struct Head {
    /// Processor.
    pub cpu: u16,
    /// Block flags.
    pub flags: u32,
    /// Nanoseconds since the epoch.
    pub ts_ns: u64,
    /// Thread.
    pub tid: i64,
    /// Event code, that of the converted event if there is one.
    pub code: u16,
    /// Time from entry to exit, when it was measured.
    pub duration_ns: Option<u64>,
    /// What the conversion decided.
    pub outcome: Outcome,
    options: Range,
    spans: Range,
    bytes: Range,
}

/// One block of a batch.
#[derive(Debug)]
pub struct Record {
    kind: u32,
    offset: u64,
    raw: Range,
    /// What it is.
    pub what: What,
}

/// What comes after a batch.
#[derive(Debug, Default)]
pub enum Then {
    /// Another batch.
    #[default]
    More,
    /// Nothing at the moment.
    Idle,
    /// Nothing any more.
    End,
    /// An error; nothing comes after it.
    Failed(Error),
}

/// Some blocks, decoded.
#[derive(Debug, Default)]
pub struct Batch {
    bytes: Vec<u8>,
    spans: Vec<Span>,
    /// The blocks in order.
    pub records: Vec<Record>,
    /// What comes after them.
    pub then: Then,
}

impl Batch {
    /// The whole blocks that stand in `bytes`, decoded; what is no block ends them.
    pub fn of_bytes(bytes: &[u8], tables: &Tables) -> Self {
        let (mut batch, mut converter, mut spans) =
            (Batch::default(), Converter::default(), Vec::new());
        for block in carried::blocks(bytes, 0) {
            let decoder = Decoder { tables, converter: &mut converter };
            decoder.add(&block, &mut spans, &mut batch);
        }
        batch
    }

    /// The block of a record.
    pub fn block(&self, record: &Record) -> Block<'_> {
        let raw = record.raw.of(&self.bytes);
        let end = raw.len().saturating_sub(TRAILER_BYTES);
        let body = raw.get(HEAD_BYTES..end).unwrap_or(&[]);
        Block { kind: record.kind, offset: record.offset, body, raw }
    }

    /// The parameters of an event.
    pub fn params(&self, head: &Head) -> Params<'_> {
        Params::new(head.spans.of(&self.spans), head.bytes.of(&self.bytes))
    }

    /// The pcapng options of an event's block.
    pub fn options(&self, head: &Head) -> &[u8] {
        head.options.of(&self.bytes)
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.records.clear();
        self.then = Then::More;
    }
}

/// Decodes and converts the blocks of one source.
struct Feeder {
    source: Box<dyn Source>,
    tables: Arc<Tables>,
    converter: Converter,
    spans: Vec<Span>,
}

impl Feeder {
    /// Fills `batch` until it is large enough, or the source has nothing more for now.
    fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        while batch.bytes.len() < BATCH_BYTES {
            match self.source.next_block() {
                Ok(Item::Block(block)) => {
                    let decoder = Decoder { tables: &self.tables, converter: &mut self.converter };
                    decoder.add(&block, &mut self.spans, batch);
                }
                Ok(Item::Damaged { offset, what }) => {
                    let (raw, what) = (Range::default(), What::Damaged(what));
                    batch.records.push(Record { kind: 0, offset, raw, what });
                }
                Ok(Item::Idle) => return batch.then = Then::Idle,
                Ok(Item::End) => return batch.then = Then::End,
                Err(error) => return batch.then = Then::Failed(error),
            }
            if !self.source.is_ready() {
                return;
            }
        }
    }
}

/// The parts of a feeder that are not lent to the block at hand.
struct Decoder<'a> {
    tables: &'a Tables,
    converter: &'a mut Converter,
}

impl Decoder<'_> {
    fn add(self, block: &Block<'_>, spans: &mut Vec<Span>, batch: &mut Batch) {
        let start = batch.bytes.len();
        batch.bytes.extend_from_slice(block.raw);
        let what = match decode::event_kind(block.kind) {
            Some(kind) => match decode::decode(kind, block.body, self.tables, spans) {
                Ok(raw) => What::Event(self.convert(&raw, block.raw, start, spans, batch)),
                Err(fault) => What::Damaged(fault.text()),
            },
            None => {
                if block.kind == SECTION_HEADER {
                    self.converter.reset();
                }
                What::Metadata
            }
        };
        let raw = Range { start: to_u32(start), len: to_u32(block.raw.len()) };
        batch.records.push(Record { kind: block.kind, offset: block.offset, raw, what });
    }

    fn convert(
        self,
        raw: &Raw<'_>,
        whole: &[u8],
        start: usize,
        spans: &[Span],
        batch: &mut Batch,
    ) -> Head {
        let outcome = self.converter.convert(raw, spans, self.tables);
        let shifted = |part: &[u8]| {
            let range = Range::within(whole, part);
            Range { start: range.start.saturating_add(to_u32(start)), len: range.len }
        };
        let options = if raw.options.is_empty() { Range::default() } else { shifted(raw.options) };
        let (code, spans, bytes) = if outcome == Outcome::Converted {
            let (at, out) = (to_u32(batch.bytes.len()), &self.converter.out);
            batch.bytes.extend_from_slice(&out.bytes);
            (out.code, &*out.spans, Range { start: at, len: to_u32(out.bytes.len()) })
        } else {
            (raw.code, spans, shifted(raw.bytes))
        };
        let first = to_u32(batch.spans.len());
        batch.spans.extend_from_slice(spans);
        Head {
            cpu: raw.cpu,
            flags: raw.flags,
            ts_ns: raw.ts_ns,
            tid: raw.tid,
            code,
            duration_ns: raw.duration_ns.or(self.converter.duration_ns),
            outcome,
            options,
            spans: Range { start: first, len: to_u32(spans.len()) },
            bytes,
        }
    }
}

/// Where batches come from.
pub enum Feed {
    /// A live source: filled when the session asks, so that nothing waits in between.
    Inline(Box<Inline>),
    /// A file or a pipe: filled ahead by a thread.
    Ahead(Ahead),
}

/// A feeder on the session's own thread.
pub struct Inline(Feeder);

/// A feeder on a thread of its own, which ends when this is dropped.
pub struct Ahead {
    full: Receiver<Batch>,
    empty: Sender<Batch>,
}

impl Feed {
    /// Feeds from `source`.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub fn new(source: Box<dyn Source>, tables: Arc<Tables>) -> Result<Self> {
        let live = source.is_live();
        let feeder = Feeder { source, tables, converter: Converter::default(), spans: Vec::new() };
        if live {
            return Ok(Feed::Inline(Box::new(Inline(feeder))));
        }
        let (to_session, full) = sync_channel(BATCHES_AHEAD);
        let (empty, from_session) = std::sync::mpsc::channel();
        std::thread::Builder::new()
            .name("feed".into())
            .spawn(move || run(feeder, &to_session, &from_session))
            .map_err(|e| Error::io("starting a thread", e))?;
        Ok(Feed::Ahead(Ahead { full, empty }))
    }

    /// Replaces `batch` by the next one.
    pub fn next(&mut self, batch: &mut Batch) {
        match self {
            Feed::Inline(inline) => inline.0.fill(batch),
            Feed::Ahead(ahead) => ahead.next(batch),
        }
    }

    /// Asks a live source to end.
    pub fn stop(&mut self) {
        if let Feed::Inline(inline) = self {
            inline.0.source.stop();
        }
    }
}

impl Ahead {
    fn next(&mut self, batch: &mut Batch) {
        match self.full.recv_timeout(PATIENCE) {
            Ok(next) => {
                let used = std::mem::replace(batch, next);
                // The thread is gone when it has delivered its last batch.
                let _ = self.empty.send(used);
            }
            Err(RecvTimeoutError::Timeout) => {
                batch.clear();
                batch.then = Then::Idle;
            }
            Err(RecvTimeoutError::Disconnected) => {
                batch.clear();
                batch.then = Then::Failed(Error::Internal("the reading thread died"));
            }
        }
    }
}

/// The feeding thread: fills used batches again until the end, or until nobody takes them.
fn run(mut feeder: Feeder, full: &SyncSender<Batch>, empty: &Receiver<Batch>) {
    loop {
        let mut batch = empty.try_recv().unwrap_or_default();
        feeder.fill(&mut batch);
        let is_last = matches!(batch.then, Then::End | Then::Failed(_));
        if full.send(batch).is_err() || is_last {
            return;
        }
    }
}
