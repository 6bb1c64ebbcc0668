//! What a capture is, without showing its events.
//!
//! In: every block and event. Out: counts and facts as JSON. Next: `pyscap.format.info`.

use std::collections::BTreeMap;

use rustc_hash::FxHashSet;
use serde::Serialize;
use serde_json::Value as Json;

use super::needs::{Position, ProcessKey};
use super::{PassedOver, Sink};
use crate::bytes::Cursor;
use crate::ctx::Ctx;
use crate::decode;
use crate::error::Result;
use crate::event::{Event, FLAG_STATE_ONLY};
use crate::extract::Extractors;
use crate::source::{Block, SECTION_HEADER};
use crate::state::State;

/// Most sections whose headers are told; the rest is counted.
const MAX_SECTIONS: usize = 256;

/// Magic, versions and length of a section header.
const SECTION_FIXED_BYTES: usize = 16;

/// Facts of a section.
#[derive(Debug, Default, Serialize)]
struct Section {
    major: u16,
    minor: u16,
    options: Vec<(u16, String)>,
    hostname: String,
    num_cpus: u32,
    memory_bytes: u64,
    boot_ts_ns: u64,
    listed_threads: usize,
    listed_processes: usize,
    listed_fds: usize,
}

/// Gathers the facts.
#[derive(Debug, Default)]
pub struct Inspect {
    position: Position,
    blocks: BTreeMap<u32, u64>,
    codes: BTreeMap<u16, u64>,
    state_only: u64,
    processes: FxHashSet<ProcessKey>,
    sections: Vec<Section>,
    /// The state at the first event of the section is noted.
    noted: bool,
}

impl Inspect {
    fn count(&mut self, block: &Block<'_>, ev: Option<&Event<'_>>, state: &State) {
        self.position.event();
        *self.blocks.entry(block.kind).or_default() += 1;
        if !self.noted {
            self.noted = true;
            self.note(state);
        }
        let Some(ev) = ev else { return };
        *self.codes.entry(ev.code).or_default() += 1;
        self.state_only += u64::from(ev.flags & FLAG_STATE_ONLY != 0);
        if let Some(thread) = state.thread(ev.tid).filter(|t| t.is_known()) {
            self.processes.insert(ProcessKey::of(self.position.section, state, thread));
        }
    }

    /// What the metadata of the section said.
    fn note(&mut self, state: &State) {
        let machine = &state.machine;
        let Some(section) = self.sections.last_mut() else { return };
        section.hostname = String::from_utf8_lossy(&machine.hostname).into_owned();
        section.num_cpus = machine.num_cpus;
        section.memory_bytes = machine.memory_bytes;
        section.boot_ts_ns = machine.boot_ts_ns;
        let listed = || state.threads.iter().filter(|t| t.is_known() && t.clone_ts_ns == 0);
        section.listed_threads = listed().count();
        section.listed_processes = listed().filter(|t| t.is_main()).count();
        section.listed_fds = listed().map(|t| t.fds.len()).sum();
    }

    fn begin_section(&mut self, block: &Block<'_>) {
        self.noted = false;
        if self.sections.len() >= MAX_SECTIONS {
            return;
        }
        let mut c = Cursor::new(block.body);
        let _magic = c.u32();
        let (major, minor) = (c.u16().unwrap_or(0), c.u16().unwrap_or(0));
        let options = block.body.get(SECTION_FIXED_BYTES..).unwrap_or(&[]);
        let text = |(code, value): (u16, &[u8])| (code, String::from_utf8_lossy(value).into());
        let options = decode::options(options).map(text).collect();
        self.sections.push(Section { major, minor, options, ..Section::default() });
    }
}

impl Sink for Inspect {
    fn metadata(&mut self, block: &Block<'_>) -> Result<()> {
        self.position.metadata(block);
        *self.blocks.entry(block.kind).or_default() += 1;
        if block.kind == SECTION_HEADER {
            self.begin_section(block);
        }
        Ok(())
    }

    fn event(&mut self, ctx: &Ctx<'_>, block: &Block<'_>, _fields: &Extractors) -> Result<bool> {
        self.count(block, Some(ctx.ev), ctx.state);
        Ok(true)
    }

    fn passed(&mut self, over: &PassedOver<'_>) -> Result<()> {
        self.count(over.block, over.ev, over.state);
        Ok(())
    }

    fn result(&mut self, _reset: bool) -> Option<Json> {
        Some(serde_json::json!({
            "sections": self.sections,
            "blocks": self.blocks.iter().collect::<Vec<_>>(),
            "codes": self.codes.iter().collect::<Vec<_>>(),
            "state_only": self.state_only,
            "processes": self.processes.len(),
        }))
    }

    fn flush(&mut self) -> Result<()> {
        Ok(())
    }
}
