//! The state as rows: its processes, threads or descriptors go through a filter into a sink.
//!
//! In: the [`State`] as it stands, and the plan's choice. Out: what the sink makes of an event
//! without parameters for each of them, so that fields mean what they mean for events.

use serde::Deserialize;

use crate::ctx::{Clock, Ctx};
use crate::error::Result;
use crate::event::{Event, Params};
use crate::extract::Extractors;
use crate::filter::{Program, ProgramRow};
use crate::sink::Sink;
use crate::source::Block;
use crate::state::threads::flag;
use crate::state::{Applied, State, Thread};
use crate::tables::{self, EventInfo, Tables};

/// What a walk meets.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "snake_case")]
pub enum Over {
    /// Main threads.
    Processes,
    /// All threads.
    Threads,
    /// Descriptors, each once in the table that holds it.
    Fds,
}

/// A walk as the plan declares it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WalkRow {
    /// What it meets.
    pub over: Over,
    /// What of it goes into the sink; none for everything.
    pub filter: Option<ProgramRow>,
}

/// A walk, ready to be made any number of times.
pub struct Walk {
    over: Over,
    filter: Option<Program>,
    /// Says of the event that stands for a row whether it is about a descriptor.
    info: EventInfo,
    /// Where rows go.
    pub sink: Box<dyn Sink>,
}

/// What is around a walk.
pub struct Ground<'a> {
    /// The state.
    pub state: &'a State,
    /// The declared tables.
    pub tables: &'a Tables,
    /// The plan's fields.
    pub fields: &'a Extractors,
    /// Reference times.
    pub clock: Clock,
    /// When it is, ns since the epoch.
    pub ts_ns: u64,
}

impl Walk {
    /// A walk of the plan's row into `sink`.
    ///
    /// # Errors
    /// [`crate::error::Error::Plan`] for a filter that does not run.
    pub fn new(
        row: &WalkRow,
        sink: Box<dyn Sink>,
        fields: &Extractors,
        tables: &Tables,
    ) -> Result<Self> {
        let filter = row.filter.as_ref().map(|p| Program::new(p, fields)).transpose()?;
        let flags = if row.over == Over::Fds { tables::flag::USES_FD } else { 0 };
        let info = EventInfo { flags, ..tables.unknown.clone() };
        Ok(Walk { over: row.over, filter, info, sink })
    }

    /// Gives every row to the sink, threads and descriptors in the order of their numbers.
    ///
    /// # Errors
    /// The sink's.
    pub fn run(&mut self, ground: &Ground<'_>) -> Result<()> {
        let mut threads: Vec<&Thread> =
            ground.state.threads.iter().filter(|t| t.is_known() && !t.is_dead()).collect();
        threads.sort_by_key(|t| t.tid);
        for thread in threads {
            match self.over {
                Over::Processes if !thread.is_main() => {}
                Over::Processes | Over::Threads => self.visit(ground, thread, None)?,
                Over::Fds => self.visit_fds(ground, thread)?,
            }
        }
        Ok(())
    }

    fn visit_fds(&mut self, ground: &Ground<'_>, thread: &Thread) -> Result<()> {
        if thread.has(flag::CLONE_FILES) && !thread.is_main() {
            return Ok(());
        }
        let mut nums: Vec<i64> = thread.fds.iter().map(|(num, _)| num).collect();
        nums.sort_unstable();
        nums.into_iter().try_for_each(|num| self.visit(ground, thread, Some(num)))
    }

    fn visit(&mut self, ground: &Ground<'_>, thread: &Thread, fd: Option<i64>) -> Result<()> {
        let ev = Event {
            num: 0,
            ts_ns: ground.ts_ns,
            tid: thread.tid,
            code: u16::MAX,
            cpu: 0,
            flags: 0,
            duration_ns: None,
            info: &self.info,
            params: Params::new(&[], &[]),
        };
        let applied = Applied { attached: true, fd_num: fd, ..Applied::default() };
        let ctx = Ctx::new(&ev, ground.state, ground.tables, &applied, ground.clock);
        if self.filter.as_ref().is_some_and(|f| !f.matches(&ctx, ground.fields)) {
            return Ok(());
        }
        let no_block = Block { kind: 0, offset: 0, body: &[], raw: &[] };
        self.sink.event(&ctx, &no_block, ground.fields).map(drop)
    }
}
