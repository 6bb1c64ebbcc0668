//! The flight recorder: events wait in memory until something happens.
//!
//! In: every event, with two programs: one says what is recorded, one what is waited for. Out: at
//! the call of [`Sink::next_file`] a capture file of what is in memory. Next: Python asks
//! [`Sink::is_full`] whether it is time, names the file and tells what is in it.
//! Source: ADR 0022.

mod ring;

use serde::Deserialize;
use serde_json::{json, Value as Json};

use self::ring::{time_of, Bounds, Mark, Ring};
use super::head::Head;
use super::savefile::{Kept, Others, SavefileRow, SavefileSink};
use super::{NextFile, OpenFd, Passed, PassedOver, Sink};
use crate::ctx::Ctx;
use crate::error::Result;
use crate::event::Event;
use crate::extract::Extractors;
use crate::filter::{Program, ProgramRow};
use crate::source::{Block, SECTION_HEADER};
use crate::state::State;
use crate::tables::Tables;

/// The plan's choice of a flight recorder.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RecorderRow {
    /// Most bytes of memory.
    pub max_bytes: usize,
    /// Most nanoseconds between what is waited for and the oldest event; none for any.
    pub max_ns: Option<u64>,
    /// After a file, the next one waits so many nanoseconds, or until the memory is full.
    pub quiet_ns: u64,
    /// Files at most.
    pub limit: Option<u64>,
    /// What is recorded; none for everything.
    pub filter: Option<ProgramRow>,
    /// What is waited for; none when only the caller decides.
    pub trigger: Option<ProgramRow>,
    /// How files are written; their descriptors come with [`Sink::next_file`].
    pub file: SavefileRow,
}

/// Keeps the past in memory.
pub struct Recorder {
    ring: Ring,
    bounds: Bounds,
    head: Head,
    /// What is kept of events that are not recorded.
    others: Kept,
    filter: Option<Program>,
    trigger: Option<Program>,
    file: SavefileRow,
    open: OpenFd,
    quiet_ns: u64,
    files_left: Option<u64>,
    /// The first event since the last file that was waited for: number and time.
    pending: Option<(u64, u64)>,
    /// Time of the last event that was in a file.
    written_ns: Option<u64>,
    now_ns: u64,
    /// Lists had no room since the last file.
    is_bare: bool,
}

impl Recorder {
    /// A recorder as the plan says.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a program that does not run.
    pub fn new(
        row: &RecorderRow,
        tables: &Tables,
        fields: &Extractors,
        open: OpenFd,
    ) -> Result<Self> {
        let program = |row: &Option<ProgramRow>| {
            row.as_ref().map(|row| Program::new(row, fields)).transpose()
        };
        let bounds = Bounds { max_bytes: row.max_bytes, max_ns: row.max_ns };
        Ok(Recorder {
            ring: Ring::new(bounds),
            bounds,
            head: Head::new(tables.layouts.clone(), tables.lists.clone()),
            others: Kept::of(&row.file.others),
            filter: program(&row.filter)?,
            trigger: program(&row.trigger)?,
            file: SavefileRow { others: Others::Copy, ..row.file.clone() },
            open,
            quiet_ns: row.quiet_ns,
            files_left: row.limit,
            pending: None,
            written_ns: None,
            now_ns: 0,
            is_bare: false,
        })
    }

    fn keep(&mut self, mark: Mark, ev: Option<&Event<'_>>, block: &Block<'_>, state: &State) {
        self.now_ns = time_of(block);
        if let Some(ev) = ev {
            self.head.add_event(ev.code, block);
        }
        self.ring.push_event(mark, block);
        if self.ring.wants_head() {
            self.begin(state);
        }
    }

    /// Begins a segment where the state is this one.
    fn begin(&mut self, state: &State) {
        let mut lists = self.head.header().to_vec();
        let threads = self.head.lists(state, |_| true);
        let events = self.head.events(self.now_ns);
        if lists.len() + threads.len() + events.len() > self.bounds.max_head() {
            self.is_bare = true;
            return self.ring.begin(&lists, &[]);
        }
        lists.extend_from_slice(&threads);
        self.ring.begin(&lists, &events);
    }

    /// Time from which on events are shown in a file that is written now.
    fn shown_from(&self) -> u64 {
        let until = self.pending.map_or(self.now_ns, |(_, ts_ns)| ts_ns);
        self.bounds.max_ns.map_or(0, |max_ns| until.saturating_sub(max_ns))
    }

    fn is_at_end(&self) -> bool {
        self.files_left == Some(0)
    }
}

/// Whether a program accepts an event; one that is not there does not.
fn accepts(program: Option<&Program>, ctx: &Ctx<'_>, fields: &Extractors) -> bool {
    program.is_some_and(|program| program.accepts(ctx, fields))
}

impl Sink for Recorder {
    fn metadata(&mut self, block: &Block<'_>) -> Result<()> {
        if block.kind == SECTION_HEADER {
            self.head.begin_section(block.raw);
            self.ring.begin_section();
        } else if self.head.is_list(block) {
            self.head.add_list(block.raw);
        } else {
            return Ok(());
        }
        self.is_bare |= !self.ring.push_list(block.raw);
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, block: &Block<'_>, fields: &Extractors) -> Result<bool> {
        if self.is_at_end() {
            return Ok(false);
        }
        let chosen = self.filter.is_none() || accepts(self.filter.as_ref(), ctx, fields);
        let triggers = accepts(self.trigger.as_ref(), ctx, fields);
        if triggers {
            self.pending.get_or_insert((ctx.ev.num, ctx.ev.ts_ns));
        }
        if chosen || triggers {
            self.keep(Mark::Event, Some(ctx.ev), block, ctx.state);
            return Ok(chosen);
        }
        let (state, tables, ev) = (ctx.state, ctx.tables, Some(ctx.ev));
        let why = Passed::Rejected;
        self.passed(&PassedOver { why, tid: ctx.ev.tid, ev, state, tables, block })?;
        Ok(false)
    }

    fn passed(&mut self, over: &PassedOver<'_>) -> Result<()> {
        if let Some(state_only) = self.others.verdict(over).filter(|_| !self.is_at_end()) {
            // What is hidden already, or no event to show, is copied as it is and not counted.
            let mark = if state_only { Mark::StateOnly } else { Mark::Copied };
            self.keep(mark, over.ev, over.block, over.state);
        }
        Ok(())
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }

    /// What a file that is written now will hold, and what is gone.
    fn result(&mut self, _reset: bool) -> Option<Json> {
        let from_ns = self.shown_from();
        let (kept, first_ns) = self.ring.kept(from_ns);
        Some(json!({
            "trigger_num": self.pending.map(|(num, _)| num),
            "trigger_ns": self.pending.map(|(_, ts_ns)| ts_ns),
            "kept": kept,
            "let_go": self.ring.gone(from_ns),
            "first_ns": first_ns,
            "last_ns": self.now_ns,
            "crowded_out": self.ring.crowded_out_ns.is_some_and(|ts_ns| ts_ns >= from_ns),
            "bare": self.is_bare,
        }))
    }

    fn next_file(&mut self, next: &NextFile<'_>) -> Result<()> {
        let row = SavefileRow { fd: next.fd, ..self.file.clone() };
        let mut out = SavefileSink::new(&row, next.tables, self.open)?;
        let from_ns = self.shown_from();
        self.ring.replay(from_ns, |mark, block| match mark {
            Mark::List => out.metadata(block),
            _ => out.put_event(block, mark == Mark::StateOnly, next.tables),
        })?;
        out.finish(next.summary)?;
        self.files_left = self.files_left.map(|left| left.saturating_sub(1));
        self.pending = None;
        self.written_ns = Some(self.now_ns);
        self.ring.clear(from_ns);
        self.is_bare = false;
        self.begin(next.state);
        Ok(())
    }

    /// Whether a file is due: at once for the first, and later when the quiet time is over.
    fn is_full(&self) -> bool {
        let is_quiet = |written: u64| self.now_ns.saturating_sub(written) < self.quiet_ns;
        let waits = self.written_ns.is_some_and(is_quiet) && !self.ring.is_crowded();
        self.pending.is_some() && !waits
    }
}
