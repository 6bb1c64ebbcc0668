//! The main loop: block in, state changed, event chosen, sink told.
//!
//! In: a plan, sources, a sink. Out: [`Stats`]. Next: the bindings hand them to Python.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::convert::Outcome;
use crate::ctx::{Clock, Ctx};
use crate::decode::{self, option};
use crate::error::Result;
use crate::event::{Event, Params, Span, FLAG_STATE_ONLY};
use crate::extract::Extractors;
use crate::feed::{Batch, Feed, Head, Run, Then, What};
use crate::filter::Program;
use crate::plan::{Options, Plan};
use crate::render::addr::Services;
use crate::render::Zone;
use crate::sink::{NextFile, OpenFd, Passed, PassedOver, Sink};
use crate::source::lists::ListWriter;
use crate::source::merged::Merged;
use crate::source::metadata::Layouts;
use crate::source::redact::{Redacted, Redactor};
use crate::source::savefile::Savefile;
use crate::source::{carried, Block, Source, SECTION_HEADER};
use crate::state::{Applied, State};
use crate::tables::Tables;
use crate::triage::Triage;
use crate::walk::{Ground, Walk};

/// How long an idle live source is left alone.
///
/// Rings hold 8 MB a processor by default, which is 40 ms of a million events a second.
const IDLE_SLEEP: Duration = Duration::from_millis(5);

/// Most damaged spots whose offsets are told.
const MAX_SPOTS: usize = 100;

/// Most summaries kept: one a capture that was merged into the input.
const MAX_SUMMARIES: usize = 64;

/// How many blocks are taken between two looks at the clock.
const BLOCKS_PER_LOOK: usize = 256;

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub struct Stats {
    /// Blocks read.
    pub blocks: u64,
    /// Events that were decoded and not dropped by the conversion.
    pub events: u64,
    /// Events that the filter chose.
    pub chosen: u64,
    /// Events that the filter took and that have no value for a field of the line.
    pub unshown: u64,
    /// Events whose duration was measured.
    pub measured: u64,
    /// Events with a code that the tables do not have.
    pub unknown: u64,
    /// Blocks that could not be decoded.
    pub damaged: u64,
    /// Offset of the first damaged block, and what is wrong with it.
    pub first_damage: Option<(u64, &'static str)>,
    /// The first [`MAX_SPOTS`] damaged spots.
    pub spots: Vec<(u64, &'static str)>,
    /// Packet blocks passed over.
    pub packets: u64,
    /// Sections begun.
    pub sections: u64,
    /// Time of the first and last event, ns since the epoch.
    pub first_ns: Option<u64>,
    /// Time of the last event.
    pub last_ns: u64,
    /// What writers said of whole captures: JSON texts, at most [`MAX_SUMMARIES`].
    pub summaries: Vec<String>,
}

impl Stats {
    /// Whether `ts_ns` is more than `limit` after the first event.
    fn is_past(&self, limit: Option<u64>, ts_ns: u64) -> bool {
        let span = self.first_ns.map(|first| ts_ns.saturating_sub(first));
        limit.zip(span).is_some_and(|(limit, span)| span > limit)
    }
}

/// Why a slice of work ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// The time is up; there may be more.
    More,
    /// Everything is done, or a limit of the plan is reached.
    Done,
}

/// A plan at work.
pub struct Session {
    tables: Arc<Tables>,
    fields: Extractors,
    filter: Option<Program>,
    options: Options,
    redactor: Option<Redactor>,
    triage: Arc<Triage>,
    feeds: VecDeque<Feed>,
    batch: Batch,
    /// Records of the batch that are done.
    taken: usize,
    sink: Box<dyn Sink>,
    walk: Option<Walk>,
    pipe: Pipe,
}

/// The parts that change with every event.
struct Pipe {
    state: State,
    applied: Applied,
    clock: Clock,
    stats: Stats,
    saw_event: bool,
    /// The section has metadata blocks of its own.
    has_lists: bool,
    joiner: carried::Joiner,
    /// Parameters of an event as it was written.
    spans: Vec<Span>,
    done: bool,
}

impl Session {
    /// Makes the plan ready to run; sources are added next. `open` opens descriptors for output.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] when the plan contradicts itself.
    pub fn new(plan: &Plan, open: OpenFd) -> Result<Self> {
        let mut tables = Tables::new(&plan.tables)?;
        tables.zone = Zone::new(&plan.options.zone);
        tables.services = Services::new(&plan.options.services);
        tables.hosts = plan.options.hosts.iter().cloned().collect();
        tables.layouts = Arc::new(Layouts::new(&plan.layouts)?);
        tables.lists = Arc::new(ListWriter::new(&plan.layouts)?);
        let fields = Extractors::new(&plan.fields, &tables)?;
        let filter = plan.filter.as_ref().map(|row| Program::new(row, &fields)).transpose()?;
        let mut state = State::new(&plan.transitions, &tables, &plan.options)?;
        state.ignore(&plan.unseen);
        let mut sink = crate::sink::make(&plan.output, &tables, &fields, open)?;
        let mut walk = None;
        if let Some(row) = &plan.walk {
            walk = Some(Walk::new(row, sink, &fields, &tables)?);
            sink = crate::sink::make(&crate::sink::OutputRow::None {}, &tables, &fields, open)?;
        }
        let triage = Arc::new(Triage::new(plan, filter.as_ref(), &state, &tables));
        let tables = Arc::new(tables);
        let redact = plan.redact.as_ref();
        let redactor = redact.map(|row| Redactor::new(row, &plan.layouts, tables.clone()));
        Ok(Session {
            redactor: redactor.transpose()?,
            options: plan.options.clone(),
            feeds: VecDeque::new(),
            batch: Batch::default(),
            taken: 0,
            pipe: Pipe::new(state),
            triage,
            tables,
            fields,
            filter,
            sink,
            walk,
        })
    }

    /// Adds a source; sources run one after the other.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub fn add_source(&mut self, source: Box<dyn Source>) -> Result<()> {
        let source = match &self.redactor {
            Some(redactor) => Box::new(Redacted::new(source, redactor.clone())),
            None => source,
        };
        self.feeds.push_back(Feed::new(source, self.tables.clone(), self.triage.clone())?);
        Ok(())
    }

    /// Adds several captures as one source, merged by time.
    ///
    /// # Errors
    /// The operating system has no thread to give.
    pub fn add_merged(&mut self, sources: Vec<Savefile>) -> Result<()> {
        let merged = Merged::new(sources, self.tables.clone());
        self.add_source(Box::new(merged))
    }

    /// Counts so far.
    pub fn stats(&self) -> &Stats {
        &self.pipe.stats
    }

    /// Sends the state as it stands through the plan's walk, if it has one.
    ///
    /// # Errors
    /// The sink's.
    pub fn walk(&mut self) -> Result<()> {
        let ground = Ground {
            state: &self.pipe.state,
            tables: &self.tables,
            fields: &self.fields,
            clock: self.pipe.clock,
            ts_ns: self.pipe.stats.last_ns,
        };
        self.walk.as_mut().map_or(Ok(()), |walk| walk.run(&ground))
    }

    /// What the sink has collected, if it is one that does; `reset` begins anew.
    pub fn result(&mut self, reset: bool) -> Option<serde_json::Value> {
        match &mut self.walk {
            Some(walk) => walk.sink.result(reset),
            None => self.sink.result(reset),
        }
    }

    /// Completes the output; `summary` is what a capture file says of itself.
    ///
    /// # Errors
    /// I/O errors of the output.
    pub fn finish(&mut self, summary: Option<&str>) -> Result<()> {
        self.sink.finish(summary)
    }

    /// Whether the output needs its next file, or its result taken, before it gets more events.
    pub fn is_full(&self) -> bool {
        self.sink.is_full()
    }

    /// Completes the capture file that is written and goes on in `fd`.
    ///
    /// # Errors
    /// I/O errors of the output.
    pub fn next_file(&mut self, fd: i32, summary: Option<&str>) -> Result<()> {
        let (state, tables) = (&self.pipe.state, &*self.tables);
        self.sink.next_file(&NextFile { fd, state, tables, summary })
    }

    /// Takes blocks that come from no source, now: what was found out about a container.
    ///
    /// # Errors
    /// The sink's.
    pub fn inject(&mut self, bytes: &[u8]) -> Result<()> {
        let batch = Batch::of_bytes(bytes, self.tables.clone());
        let stages = Stages {
            tables: &self.tables,
            fields: &self.fields,
            filter: self.filter.as_ref(),
            options: &self.options,
        };
        for record in &batch.records {
            let block = batch.block(record);
            self.pipe.take(&record.what, &block, &batch, &stages, &mut *self.sink)?;
        }
        Ok(())
    }

    /// Complete ids and runtimes of the containers met since the last call.
    pub fn new_containers(&mut self) -> Vec<(String, String)> {
        self.pipe.state.containers.take_new()
    }

    /// Asks live sources to end.
    pub fn stop(&mut self) {
        for feed in &mut self.feeds {
            feed.stop();
        }
    }

    /// Works for about `slice`, or to the end.
    ///
    /// # Errors
    /// The source's and the sink's; the call may be repeated after damage that was passed over.
    pub fn run(&mut self, slice: Duration) -> Result<Progress> {
        let until = Instant::now() + slice;
        let result = self.run_until(until);
        self.sink.flush()?;
        result
    }

    /// Works until `until`; while a live source has nothing, the sink is flushed and the engine
    /// sleeps, so that an idle capture costs next to nothing and lines appear as they happen.
    fn run_until(&mut self, until: Instant) -> Result<Progress> {
        loop {
            if let Some(progress) = self.run_batches(until)? {
                return Ok(progress);
            }
            if Instant::now() >= until {
                return Ok(Progress::More);
            }
            self.sink.flush()?;
            std::thread::sleep(IDLE_SLEEP);
        }
    }

    /// Works until `until`; none when a live source has nothing at the moment.
    fn run_batches(&mut self, until: Instant) -> Result<Option<Progress>> {
        loop {
            if self.take_records()? || Instant::now() >= until {
                return Ok(Some(if self.pipe.done { Progress::Done } else { Progress::More }));
            }
            if self.taken < self.batch.records.len() {
                continue;
            }
            let then = std::mem::take(&mut self.batch.then);
            match then {
                Then::Failed(error) => {
                    self.feeds.pop_front();
                    return Err(error);
                }
                Then::End => drop(self.feeds.pop_front()),
                Then::Idle => return Ok(None),
                Then::More => {}
            }
            let Some(feed) = self.feeds.front_mut() else { return Ok(Some(Progress::Done)) };
            feed.next(&mut self.batch);
            self.taken = 0;
        }
    }

    /// Takes some records of the batch; true when the work is done or the sink is full.
    fn take_records(&mut self) -> Result<bool> {
        let stages = Stages {
            tables: &self.tables,
            fields: &self.fields,
            filter: self.filter.as_ref(),
            options: &self.options,
        };
        let rest = self.batch.records.get(self.taken..).unwrap_or(&[]);
        for record in rest.iter().take(BLOCKS_PER_LOOK) {
            if self.pipe.done {
                return Ok(true);
            }
            self.taken += 1;
            let block = self.batch.block(record);
            self.pipe.take(&record.what, &block, &self.batch, &stages, &mut *self.sink)?;
            if self.sink.is_full() {
                return Ok(true);
            }
        }
        Ok(self.pipe.done)
    }
}

/// The parts that stay as they are during a run.
struct Stages<'a> {
    tables: &'a Tables,
    fields: &'a Extractors,
    filter: Option<&'a Program>,
    options: &'a Options,
}

impl Pipe {
    fn new(state: State) -> Self {
        Pipe {
            state,
            applied: Applied::default(),
            clock: Clock::default(),
            stats: Stats::default(),
            saw_event: false,
            has_lists: false,
            joiner: carried::Joiner::default(),
            spans: Vec::new(),
            done: false,
        }
    }

    fn take(
        &mut self,
        what: &What,
        block: &Block<'_>,
        batch: &Batch,
        stages: &Stages<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        self.stats.blocks += what.blocks();
        match what {
            What::Passed(run) => {
                self.pass(run);
                Ok(())
            }
            What::Event(head) => self.take_event(head, block, batch, stages, sink),
            What::Metadata => self.take_metadata(block, stages, sink),
            What::Damaged(fault) => {
                self.saw_event = true;
                self.count_damage(block.offset, fault);
                Ok(())
            }
        }
    }

    /// Takes events whose headers are enough; see [`crate::triage`].
    fn pass(&mut self, run: &Run) {
        self.saw_event = true;
        self.state.pass(run.tid, run.creates);
        self.stats.events += run.events;
        self.stats.measured += run.measured;
        self.stats.first_ns.get_or_insert(run.first_ns);
        self.stats.last_ns = run.last_ns;
        self.clock.first_ns.get_or_insert(run.first_ns);
    }

    fn take_metadata(
        &mut self,
        block: &Block<'_>,
        stages: &Stages<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        // DIFFERENCE(sysdig 0.41.4, libs 0.25-dev): they end a capture at the first block after an
        // event that is no event; here other blocks are skipped and metadata is taken.
        match block.kind {
            SECTION_HEADER => self.begin_section(),
            2 | 3 | 6 => self.stats.packets += 1,
            _ => {}
        }
        self.has_lists |= stages.tables.layouts.is_metadata(block.kind);
        self.load(block, stages, sink)
    }

    fn load(&mut self, block: &Block<'_>, stages: &Stages<'_>, sink: &mut dyn Sink) -> Result<()> {
        sink.metadata(block)?;
        if let Err(what) = stages.tables.layouts.load(block, &mut self.state) {
            self.count_damage(block.offset, what);
        }
        Ok(())
    }

    /// Takes what travels in an event block besides the event: the state of a capture whose
    /// metadata blocks are lost, and what is to be said of the whole capture.
    fn take_options(
        &mut self,
        bytes: &[u8],
        offset: u64,
        stages: &Stages<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        for (kind, value) in decode::options(bytes).filter_map(decode::own_option) {
            match kind {
                option::STATE if !self.has_lists => {
                    let Some(metadata) = self.joiner.add(value) else { continue };
                    for block in carried::blocks(&metadata, offset) {
                        self.load(&block, stages, sink)?;
                    }
                }
                option::SUMMARY if self.stats.summaries.len() < MAX_SUMMARIES => {
                    self.stats.summaries.push(String::from_utf8_lossy(value).into_owned());
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn count_damage(&mut self, offset: u64, what: &'static str) {
        self.stats.damaged += 1;
        self.stats.first_damage.get_or_insert((offset, what));
        if self.stats.spots.len() < MAX_SPOTS {
            self.stats.spots.push((offset, what));
        }
    }

    /// A section header after events begins a capture of its own; before them it is one of
    /// several headers of the same capture.
    fn begin_section(&mut self) {
        if self.saw_event || self.stats.sections == 0 {
            self.stats.sections += 1;
            self.state.reset();
            self.saw_event = false;
            self.has_lists = false;
            self.joiner = carried::Joiner::default();
        }
    }

    fn take_event(
        &mut self,
        head: &Head,
        block: &Block<'_>,
        batch: &Batch,
        stages: &Stages<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        self.saw_event = true;
        self.take_options(batch.options(head), block.offset, stages, sink)?;
        if usize::from(head.code) >= stages.tables.events.len() {
            self.stats.unknown += 1;
        }
        let why = match head.outcome {
            _ if stages.options.enter => None,
            Outcome::Stored => Some(Passed::Stored),
            Outcome::Dropped => Some(Passed::Dropped),
            Outcome::Same | Outcome::Converted => None,
        };
        let Some(why) = why else {
            return self.deliver(head, batch.params(head), block, stages, sink);
        };
        let (state, tables) = (&self.state, stages.tables);
        sink.passed(&PassedOver { why, tid: head.tid, ev: None, state, tables, block })
    }

    fn deliver(
        &mut self,
        head: &Head,
        params: Params<'_>,
        block: &Block<'_>,
        stages: &Stages<'_>,
        sink: &mut dyn Sink,
    ) -> Result<()> {
        self.stats.events += 1;
        let mut ev = Event {
            num: self.stats.events,
            ts_ns: head.ts_ns,
            tid: head.tid,
            code: head.code,
            cpu: head.cpu,
            flags: head.flags,
            duration_ns: head.duration_ns,
            info: stages.tables.event(head.code),
            params,
        };
        self.stats.measured += u64::from(ev.duration_ns.is_some());
        if matches!(head.outcome, Outcome::Same | Outcome::Converted) {
            self.state.apply(&ev, stages.tables, &mut self.applied);
        } else {
            self.applied = Applied::of_enter(&ev);
        }
        if stages.options.enter {
            self.applied.hidden = false;
            written(&mut ev, block, stages.tables, &mut self.spans);
        }
        self.stats.first_ns.get_or_insert(ev.ts_ns);
        self.stats.last_ns = ev.ts_ns;
        let (state, tables) = (&self.state, stages.tables);
        let over = |why| PassedOver { why, tid: ev.tid, ev: Some(&ev), state, tables, block };
        if ev.flags & FLAG_STATE_ONLY != 0 || self.applied.hidden {
            return sink.passed(&over(Passed::Hidden));
        }
        if !ev.info.is_internal {
            self.clock.first_ns.get_or_insert(ev.ts_ns);
        }
        if self.stats.is_past(stages.options.max_event_ns, ev.ts_ns) {
            self.done = true;
            return Ok(());
        }
        if ev.info.is_internal && !stages.options.internal {
            return sink.passed(&over(Passed::Internal));
        }
        if stages.filter.is_some_and(|f| !f.can_match(ev.code)) {
            return sink.passed(&over(Passed::Rejected));
        }
        let ctx = Ctx::new(&ev, &self.state, stages.tables, &self.applied, self.clock);
        if stages.filter.is_some_and(|f| !f.matches(&ctx, stages.fields)) {
            return sink.passed(&over(Passed::Rejected));
        }
        if !sink.event(&ctx, block, stages.fields)? {
            self.stats.unshown += 1;
            return Ok(());
        }
        self.stats.chosen += 1;
        self.clock.shown_ns = Some(ev.ts_ns);
        self.done = stages.options.max_events.is_some_and(|max| self.stats.chosen >= max);
        Ok(())
    }
}

/// Makes of a converted event the one that stands in the file.
fn written<'a>(
    ev: &mut Event<'a>,
    block: &Block<'a>,
    tables: &'a Tables,
    spans: &'a mut Vec<Span>,
) {
    let Some(kind) = decode::event_kind(block.kind) else { return };
    spans.clear();
    if let Ok(raw) = decode::decode(kind, block.body, tables, spans) {
        ev.code = raw.code;
        ev.info = tables.event(raw.code);
        ev.params = Params::new(spans, raw.bytes);
    }
}
