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
use crate::decode::{self, Header, Raw, Sealed};
use crate::error::{Error, Result};
use crate::event::{Params, Span};
use crate::frame::{HEAD_BYTES, TRAILER_BYTES};
use crate::source::{carried, savefile, Block, Item, Source, SECTION_HEADER};
use crate::tables::Tables;
use crate::triage::Triage;

/// A batch is handed on when it holds this much: it stays in the processor's cache.
const BATCH_BYTES: usize = 256 << 10;

/// What an event that is passed over counts in a batch.
const PASSED_BYTES: usize = 16;

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
    /// Events of one thread in a row whose headers are enough.
    Passed(Run),
}

impl What {
    /// How many blocks it stands for.
    pub fn blocks(&self) -> u64 {
        match self {
            What::Passed(run) => run.events,
            _ => 1,
        }
    }
}

/// Events of one thread, one after the other, that neither match nor change anything.
#[derive(Clone, Copy, Debug)]
pub struct Run {
    /// How many.
    pub events: u64,
    /// How many of them have a duration.
    pub measured: u64,
    /// Their thread.
    pub tid: i64,
    /// Whether the thread is made when it is not known.
    pub creates: bool,
    /// Time of the first one.
    pub first_ns: u64,
    /// Time of the last one.
    pub last_ns: u64,
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
    /// How many events were passed over.
    passed: usize,
    /// What comes after them.
    pub then: Then,
}

impl Batch {
    /// The whole blocks that stand in `bytes`, decoded; what is no block ends them.
    pub fn of_bytes(bytes: &[u8], tables: Arc<Tables>) -> Self {
        let mut batch = Batch::default();
        let mut decoder = Decoder::new(tables, Arc::default());
        for block in carried::blocks(bytes, 0) {
            decoder.add(&block, &mut batch);
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

    /// Whether it is to be handed on: events that were passed over count a little, so that the
    /// session is told of them now and then.
    fn is_full(&self) -> bool {
        self.bytes.len() + self.passed * PASSED_BYTES >= BATCH_BYTES
    }

    /// Takes an event that needs only a glance.
    #[inline]
    fn pass(&mut self, header: &Header<'_>, creates: bool, block: &Block<'_>) {
        self.passed += 1;
        let measured = u64::from(header.is_measured);
        if let Some(Record { what: What::Passed(run), .. }) = self.records.last_mut() {
            if run.tid == header.tid {
                run.events += 1;
                run.measured += measured;
                run.creates |= creates;
                run.last_ns = header.ts_ns;
                return;
            }
        }
        let (tid, first_ns, last_ns) = (header.tid, header.ts_ns, header.ts_ns);
        let what = What::Passed(Run { events: 1, measured, tid, creates, first_ns, last_ns });
        let (kind, offset, raw) = (block.kind, block.offset, Range::default());
        self.records.push(Record { kind, offset, raw, what });
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.spans.clear();
        self.records.clear();
        self.passed = 0;
        self.then = Then::More;
    }
}

/// Decodes and converts the blocks of one source.
struct Feeder {
    source: Box<dyn Source>,
    decoder: Decoder,
}

impl Feeder {
    /// Fills `batch` until it is large enough, or the source has nothing more for now.
    fn fill(&mut self, batch: &mut Batch) {
        batch.clear();
        loop {
            self.take_ahead(batch);
            if batch.is_full() || !batch.records.is_empty() && !self.source.is_ready() {
                return;
            }
            match self.source.next_block() {
                Ok(Item::Block(block)) => self.decoder.take(&block, batch),
                Ok(Item::Damaged { offset, what }) => {
                    let (raw, what) = (Range::default(), What::Damaged(what));
                    batch.records.push(Record { kind: 0, offset, raw, what });
                }
                Ok(Item::Idle) => return batch.then = Then::Idle,
                Ok(Item::End) => return batch.then = Then::End,
                Err(error) => return batch.then = Then::Failed(error),
            }
        }
    }

    /// Takes the sound blocks that are there already, without asking the source for each.
    fn take_ahead(&mut self, batch: &mut Batch) {
        let (ahead, offset) = (self.source.ahead(), self.source.offset());
        let mut at = 0;
        while !batch.is_full() {
            let rest = ahead.get(at..).unwrap_or(&[]);
            let Some(size) = savefile::sound(rest) else { break };
            let block = Block::front(rest, size, offset + at as u64);
            self.decoder.take(&block, batch);
            at += size;
        }
        self.source.advance(at);
    }
}

/// The parts of a feeder that are not lent to the block at hand.
struct Decoder {
    tables: Arc<Tables>,
    triage: Arc<Triage>,
    converter: Converter,
}

impl Decoder {
    fn new(tables: Arc<Tables>, triage: Arc<Triage>) -> Self {
        Decoder { tables, triage, converter: Converter::default() }
    }

    #[inline]
    fn take(&mut self, block: &Block<'_>, batch: &mut Batch) {
        let sealed = decode::event_kind(block.kind).and_then(|kind| Sealed::new(kind, block.body));
        match sealed.and_then(|event| self.triage.glance(&event)) {
            Some((header, creates)) => batch.pass(&header, creates, block),
            None => self.add(block, batch),
        }
    }

    #[inline(never)]
    fn add(&mut self, block: &Block<'_>, batch: &mut Batch) {
        let start = batch.bytes.len();
        batch.bytes.extend_from_slice(block.raw);
        let what = match decode::event_kind(block.kind) {
            Some(kind) => self.event(kind, block, start, batch),
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

    fn event(
        &mut self,
        kind: decode::EventKind,
        block: &Block<'_>,
        start: usize,
        batch: &mut Batch,
    ) -> What {
        let first = batch.spans.len();
        match decode::decode(kind, block.body, &self.tables, &mut batch.spans) {
            Ok(raw) => What::Event(self.convert(&raw, block.raw, start, first, batch)),
            Err(fault) => {
                batch.spans.truncate(first);
                What::Damaged(fault.text())
            }
        }
    }

    /// The event as it is delivered; its parameters are the spans of the batch from `first` on.
    fn convert(
        &mut self,
        raw: &Raw<'_>,
        whole: &[u8],
        start: usize,
        first: usize,
        batch: &mut Batch,
    ) -> Head {
        let spans = batch.spans.get(first..).unwrap_or(&[]);
        let outcome = self.converter.convert(raw, spans, &self.tables);
        let shifted = |part: &[u8]| {
            let range = Range::within(whole, part);
            Range { start: range.start.saturating_add(to_u32(start)), len: range.len }
        };
        let options = if raw.options.is_empty() { Range::default() } else { shifted(raw.options) };
        let (code, bytes) = if outcome == Outcome::Converted {
            let (at, out) = (to_u32(batch.bytes.len()), &self.converter.out);
            batch.bytes.extend_from_slice(&out.bytes);
            batch.spans.truncate(first);
            batch.spans.extend_from_slice(&out.spans);
            (out.code, Range { start: at, len: to_u32(out.bytes.len()) })
        } else {
            (raw.code, shifted(raw.bytes))
        };
        Head {
            cpu: raw.cpu,
            flags: raw.flags,
            ts_ns: raw.ts_ns,
            tid: raw.tid,
            code,
            duration_ns: raw.duration_ns.or(self.converter.duration_ns),
            outcome,
            options,
            spans: Range { start: to_u32(first), len: to_u32(batch.spans.len() - first) },
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
    pub fn new(source: Box<dyn Source>, tables: Arc<Tables>, triage: Arc<Triage>) -> Result<Self> {
        let live = source.is_live();
        let feeder = Feeder { source, decoder: Decoder::new(tables, triage) };
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
