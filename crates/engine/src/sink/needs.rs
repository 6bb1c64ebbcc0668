//! Which processes the chosen events depend on, and until when.
//!
//! In: every event of a capture, read a first time. Out: [`Needs`], plain data in the plan of
//! the second reading. Next: `sink::savefile` keeps what is needed.
//! Source: ADR 0010.
//!
//! A chosen event needs its process, its ancestors, the leaders of its session and group, and
//! the processes that its parameters name; a process that was born during the capture needs the
//! one that made it, up to its birth. Events are known by their position in the capture.

use rustc_hash::{FxHashMap, FxHashSet};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::ctx::Ctx;
use crate::error::Result;
use crate::event::Event;
use crate::extract::Extractors;
use crate::sink::{Passed, PassedOver, Sink};
use crate::source::{Block, SECTION_HEADER};
use crate::state::{State, Thread};
use crate::tables::ParamType;

/// Longest chain of ancestors that is followed.
const MAX_ANCESTORS: usize = 1024;

/// A process of a capture: numbers are used again, times of birth are not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ProcessKey {
    /// Section of the capture, from 0.
    pub section: u32,
    /// Process id; the thread id for a thread of which nothing else is known.
    pub pid: i64,
    /// Time of birth; 0 when it was there before.
    pub born_ns: u64,
}

impl ProcessKey {
    /// The process of `thread`.
    pub fn of(section: u32, state: &State, thread: &Thread) -> Self {
        let main = state.main_thread(thread);
        let pid = if thread.is_known() { thread.pid } else { thread.tid };
        let born_ns = if main.tid == pid { main.clone_ts_ns } else { 0 };
        ProcessKey { section, pid, born_ns }
    }
}

/// What must be kept of a capture.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Position of the last event that needs a process.
    pub until: FxHashMap<ProcessKey, u64>,
    /// Positions of the enter events of chosen events.
    pub enters: FxHashSet<u64>,
    /// Ids of the containers of needed processes.
    pub containers: FxHashSet<Vec<u8>>,
}

impl Needs {
    /// Whether an event at `position` about `key` matters to a later chosen one.
    pub fn has(&self, key: ProcessKey, position: u64) -> bool {
        self.until.get(&key).is_some_and(|last| position <= *last)
    }

    fn add(&mut self, key: ProcessKey, position: u64) {
        let last = self.until.entry(key).or_insert(position);
        *last = position.max(*last);
    }

    /// The needs as plain data, to be handed to the second reading.
    pub fn to_row(&self) -> NeedsRow {
        let until = self.until.iter().map(|(k, last)| (k.section, k.pid, k.born_ns, *last));
        let containers = self.containers.iter().map(|id| String::from_utf8_lossy(id).into());
        NeedsRow {
            until: until.collect(),
            enters: self.enters.iter().copied().collect(),
            containers: containers.collect(),
        }
    }

    /// The needs out of plain data.
    pub fn from_row(row: &NeedsRow) -> Self {
        let key = |&(section, pid, born_ns, last): &(u32, i64, u64, u64)| {
            (ProcessKey { section, pid, born_ns }, last)
        };
        Needs {
            until: row.until.iter().map(key).collect(),
            enters: row.enters.iter().copied().collect(),
            containers: row.containers.iter().map(|id| id.clone().into_bytes()).collect(),
        }
    }
}

/// [`Needs`] as they cross to Python and back in the plan of the second reading.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NeedsRow {
    /// Section, process id, time of birth, position of the last event that needs the process.
    pub until: Vec<(u32, i64, u64, u64)>,
    /// Positions of the enter events of chosen events.
    pub enters: Vec<u64>,
    /// Ids of containers.
    pub containers: Vec<String>,
}

/// Where a reader of events stands; both readings count alike.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position {
    /// Section, from 1.
    pub section: u32,
    /// Blocks up to this one.
    pub block: u64,
    saw_event: bool,
}

impl Position {
    /// Takes note of a block that is no event. Like the session, it takes a section header
    /// before the first event as one more of the same section.
    pub fn metadata(&mut self, block: &Block<'_>) {
        self.block += 1;
        if block.kind == SECTION_HEADER && (self.saw_event || self.section == 0) {
            self.section += 1;
            self.saw_event = false;
        }
    }

    /// Takes note of an event.
    pub fn event(&mut self) {
        self.block += 1;
        self.saw_event = true;
    }
}

/// Gathers the needs; writes nothing.
#[derive(Debug, Default)]
pub struct Survey {
    position: Position,
    needs: Needs,
    /// Who made a process, and when.
    makers: FxHashMap<ProcessKey, (ProcessKey, u64)>,
    /// Position of the last enter event of each thread.
    entered: FxHashMap<i64, u64>,
}

impl Survey {
    fn note_birth(&mut self, ev: &Event<'_>, state: &State) {
        if !matches!(&*ev.info.name, "clone" | "fork" | "vfork" | "clone3") {
            return;
        }
        let Some(result) = ev.params.int(0).filter(|n| *n >= 0) else { return };
        let child = if result > 0 { result } else { ev.tid };
        let born = state.thread(child).filter(|t| t.is_main() && t.clone_ts_ns == ev.ts_ns);
        let Some(child) = born else { return };
        let maker = if result > 0 { state.thread(ev.tid) } else { state.thread(child.ptid) };
        if let Some(maker) = maker {
            let section = self.position.section;
            let key = ProcessKey::of(section, state, child);
            let maker = ProcessKey::of(section, state, maker);
            self.makers.insert(key, (maker, self.position.block));
        }
    }

    fn need(&mut self, state: &State, thread: &Thread) {
        let key = ProcessKey::of(self.position.section, state, thread);
        self.needs.add(key, self.position.block);
        let id = &thread.container_id;
        if !id.is_empty() && !self.needs.containers.contains(&**id) {
            self.needs.containers.insert(id.to_vec());
        }
    }

    fn need_chosen(&mut self, ctx: &Ctx<'_>) {
        let state = ctx.state;
        let mut named: Vec<i64> = pids(ctx.ev).collect();
        if let Some(thread) = ctx.thread.or_else(|| state.thread(ctx.ev.tid)) {
            let main = state.main_thread(thread);
            named.extend([main.sid, main.pgid, main.vpgid]);
            self.need_family(state, thread);
        }
        for tid in named {
            if let Some(thread) = state.thread(tid) {
                self.need(state, thread);
            }
        }
    }

    fn need_family(&mut self, state: &State, thread: &Thread) {
        let mut next = Some(thread);
        for _ in 0..MAX_ANCESTORS {
            let Some(thread) = next else { break };
            self.need(state, thread);
            next = state.parent(state.main_thread(thread)).filter(|p| p.tid != thread.tid);
        }
    }

    /// Adds what the makers of needed processes are needed for, and gives the needs away.
    pub fn finish(&mut self) -> Needs {
        let mut todo: Vec<ProcessKey> = self.needs.until.keys().copied().collect();
        while let Some(key) = todo.pop() {
            if let Some((maker, position)) = self.makers.remove(&key) {
                self.needs.add(maker, position);
                todo.push(maker);
            }
        }
        std::mem::take(&mut self.needs)
    }
}

/// The threads that the parameters of an event name.
fn pids<'a>(ev: &'a Event<'a>) -> impl Iterator<Item = i64> + 'a {
    let rows = ev.info.params.iter().enumerate();
    rows.filter(|(_, p)| matches!(p.kind, ParamType::Pid | ParamType::Pid32))
        .filter_map(|(i, _)| ev.params.int(i))
}

impl Sink for Survey {
    fn metadata(&mut self, block: &Block<'_>) -> Result<()> {
        self.position.metadata(block);
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, _block: &Block<'_>, _fields: &Extractors) -> Result<bool> {
        self.position.event();
        self.note_birth(ctx.ev, ctx.state);
        self.need_chosen(ctx);
        if let Some(position) = self.entered.remove(&ctx.ev.tid) {
            self.needs.enters.insert(position);
        }
        Ok(true)
    }

    fn passed(&mut self, over: &PassedOver<'_>) -> Result<()> {
        self.position.event();
        match (over.why, over.ev) {
            (Passed::Stored, _) => {
                self.entered.insert(over.tid, self.position.block);
            }
            (_, Some(ev)) => {
                self.entered.remove(&over.tid);
                self.note_birth(ev, over.state);
            }
            _ => {}
        }
        Ok(())
    }

    fn result(&mut self, _reset: bool) -> Option<Json> {
        serde_json::to_value(self.finish().to_row()).ok()
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(pid: i64, born_ns: u64) -> ProcessKey {
        ProcessKey { section: 1, pid, born_ns }
    }

    #[test]
    fn needs_come_back_from_plain_data() {
        let mut needs = Needs::default();
        needs.add(key(7, 0), 9);
        needs.add(key(7, 0), 3);
        needs.enters.insert(5);
        needs.containers.insert(b"abc".to_vec());
        let text = serde_json::to_string(&needs.to_row()).expect("JSON");
        let back = Needs::from_row(&serde_json::from_str(&text).expect("a row"));
        assert_eq!(back, needs);
        assert!(back.has(key(7, 0), 9) && !back.has(key(7, 0), 10) && !back.has(key(7, 1), 1));
    }

    #[test]
    fn makers_are_needed_up_to_the_birth() {
        let mut survey = Survey::default();
        survey.needs.add(key(3, 30), 100);
        survey.makers.insert(key(3, 30), (key(2, 20), 50));
        survey.makers.insert(key(2, 20), (key(1, 0), 10));
        survey.makers.insert(key(9, 9), (key(8, 0), 10));
        let needs = survey.finish();
        assert!(needs.has(key(2, 20), 50) && !needs.has(key(2, 20), 51));
        assert!(needs.has(key(1, 0), 10) && !needs.has(key(8, 0), 1));
    }
}
