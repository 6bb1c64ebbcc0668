//! Events of older schemas become events of the current one.
//!
//! In: a decoded event, and the enter event its thread made before. Out: what to deliver.
//! Next: [`crate::state`].
//! Source: scap format specification, event semantics 6.

use rustc_hash::FxHashMap;

use crate::decode::Raw;
use crate::error::{Error, Result};
use crate::event::Span;
use crate::tables::{flag, EventInfo, ParamType, Tables};

/// Most rounds of conversion one event may take; the longest declared chain has 8.
const MAX_ROUNDS: usize = 16;

/// Half of the threads of which something is remembered at most; see [`OfThreads::insert`].
const MAX_RECENT: usize = 1 << 15;

/// Where a converted parameter comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fill {
    Own(u8),
    Enter { param: u8, or_zero: bool },
    Zero,
    Empty,
    Computed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Action {
    Store,
    Pass,
    StoreAndPass,
    Add,
    Change(u16),
}

#[derive(Clone, Debug)]
struct Rule {
    action: Action,
    fills: Vec<Fill>,
}

/// The declared conversion rows, by code and parameter count.
#[derive(Debug, Default)]
pub struct Conversions {
    rules: FxHashMap<(u16, u32), Rule>,
}

impl Conversions {
    /// Checks and indexes the rows.
    ///
    /// # Errors
    /// [`Error::Plan`] for an unknown action, fill or code.
    pub fn new(rows: &[(u16, u32, String, i32, String)], events: &[EventInfo]) -> Result<Self> {
        let mut rules = FxHashMap::default();
        for (code, count, action, to_code, fills) in rows {
            let action = parse_action(action, *to_code, events.len())?;
            let fills = fills.split_whitespace().map(parse_fill).collect::<Result<_>>()?;
            rules.insert((*code, *count), Rule { action, fills });
        }
        Ok(Conversions { rules })
    }
}

fn parse_action(name: &str, to_code: i32, codes: usize) -> Result<Action> {
    Ok(match name {
        "store" => Action::Store,
        "pass" => Action::Pass,
        "store_and_pass" => Action::StoreAndPass,
        "add" => Action::Add,
        "change" => match u16::try_from(to_code) {
            Ok(code) if usize::from(code) < codes => Action::Change(code),
            _ => return Err(Error::Plan(format!("conversion to unknown event {to_code}"))),
        },
        _ => return Err(Error::Plan(format!("unknown conversion action {name:?}"))),
    })
}

fn parse_fill(word: &str) -> Result<Fill> {
    let bad = || Error::Plan(format!("unknown conversion fill {word:?}"));
    Ok(match word {
        "D" => Fill::Zero,
        "-" => Fill::Empty,
        "CB" => Fill::Computed,
        _ => {
            if let Some(n) = word.strip_prefix('P') {
                Fill::Own(n.parse().map_err(|_| bad())?)
            } else {
                let n = word.strip_prefix('E').ok_or_else(bad)?;
                let or_zero = n.ends_with('d');
                let n = n.trim_end_matches(['d', 'e']);
                Fill::Enter { param: n.parse().map_err(|_| bad())?, or_zero }
            }
        }
    })
}

/// An event under conversion: owned, since its parameters come from two events.
#[derive(Clone, Debug, Default)]
pub struct Owned {
    /// Current code.
    pub code: u16,
    /// Parameters.
    pub spans: Vec<Span>,
    /// Their bytes.
    pub bytes: Vec<u8>,
}

impl Owned {
    fn param(&self, i: u8) -> Option<&[u8]> {
        let span = self.spans.get(usize::from(i))?;
        self.bytes.get(span.start as usize..(span.start + span.len) as usize)
    }

    fn push(&mut self, value: &[u8]) {
        let start = u32::try_from(self.bytes.len()).unwrap_or(u32::MAX);
        self.bytes.extend_from_slice(value);
        let len = u32::try_from(value.len()).unwrap_or(0);
        self.spans.push(Span { start, len });
    }
}

/// What became of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Deliver it as it was decoded.
    Same,
    /// Deliver what now stands in the converter.
    Converted,
    /// An enter event, kept for its exit: nothing to deliver.
    Stored,
    /// Unused or outdated: nothing to deliver.
    Dropped,
}

/// Keeps the last enter event of each thread, and builds converted events.
#[derive(Debug, Default)]
pub struct Converter {
    stored: OfThreads<Owned>,
    begun: Begun,
    /// How long the call took that the last event ended, when the file says when it began.
    pub duration_ns: Option<u64>,
    /// The result of [`Outcome::Converted`].
    pub out: Owned,
    scratch: Owned,
}

impl Converter {
    /// Forgets all enter events, as at the start of a section.
    pub fn reset(&mut self) {
        self.stored = OfThreads::default();
        self.begun = Begun::default();
    }

    /// Decides what becomes of a decoded event.
    pub fn convert(&mut self, raw: &Raw<'_>, spans: &[Span], tables: &Tables) -> Outcome {
        self.duration_ns = self.begun.note(raw, tables);
        let info = tables.event(raw.code);
        if info.has(flag::UNUSED) {
            return Outcome::Dropped;
        }
        if !info.has(flag::CONVERTER_MANAGED) {
            let outdated = info.is_enter && info.has(flag::OLD_VERSION);
            return if outdated { Outcome::Dropped } else { Outcome::Same };
        }
        if is_current(info, spans.len()) && !info.is_enter {
            return Outcome::Same;
        }
        self.load(raw, spans);
        self.run(raw.tid, tables)
    }

    fn load(&mut self, raw: &Raw<'_>, spans: &[Span]) {
        self.out.code = raw.code;
        self.out.spans.clear();
        self.out.spans.extend_from_slice(spans);
        self.out.bytes.clear();
        self.out.bytes.extend_from_slice(raw.bytes);
    }

    fn run(&mut self, tid: i64, tables: &Tables) -> Outcome {
        let mut outcome = Outcome::Same;
        for _ in 0..MAX_ROUNDS {
            let info = tables.event(self.out.code);
            if !info.is_enter && is_current(info, self.out.spans.len()) {
                break;
            }
            let key = (self.out.code, u32::try_from(self.out.spans.len()).unwrap_or(u32::MAX));
            // A count that no schema had: shown as it is, by the parameters that are there.
            let Some(rule) = tables.conversions.rules.get(&key) else { break };
            match rule.action {
                Action::Store => return self.store(tid, Outcome::Stored),
                Action::StoreAndPass => return self.store(tid, outcome),
                Action::Pass => break,
                Action::Add => self.rebuild(tid, None, rule, tables),
                Action::Change(code) => self.rebuild(tid, Some(code), rule, tables),
            }
            outcome = Outcome::Converted;
        }
        outcome
    }

    fn store(&mut self, tid: i64, outcome: Outcome) -> Outcome {
        self.stored.insert(tid, self.out.clone());
        outcome
    }

    /// Builds the next form of the event: its own parameters (unless the code changes) and fills.
    fn rebuild(&mut self, tid: i64, to_code: Option<u16>, rule: &Rule, tables: &Tables) {
        let own = std::mem::take(&mut self.out);
        let mut next = std::mem::take(&mut self.scratch);
        next.spans.clear();
        next.bytes.clear();
        next.code = to_code.unwrap_or(own.code);
        if to_code.is_none() {
            for i in 0..own.spans.len() {
                next.push(u8::try_from(i).ok().and_then(|i| own.param(i)).unwrap_or(&[]));
            }
        }
        let wants_enter = rule.fills.iter().any(|f| matches!(f, Fill::Enter { .. }));
        let enter = if wants_enter { self.take_enter(tid, own.code, tables) } else { None };
        for fill in &rule.fills {
            match *fill {
                Fill::Own(i) => next.push(own.param(i).unwrap_or(&[])),
                Fill::Empty => next.push(&[]),
                Fill::Computed => next.push(&container_json(&own)),
                Fill::Zero => push_zero(&mut next, tables),
                Fill::Enter { param, or_zero } => {
                    match enter.as_ref().and_then(|e| e.param(param)) {
                        Some(value) => next.push(value),
                        // DIFFERENCE(libs 0.25-dev): a missing enter event reads as "unknown",
                        // not as descriptor 0; a missing parameter of one that is there is zero.
                        None if or_zero && enter.is_some() => push_zero(&mut next, tables),
                        None => next.push(&[]),
                    }
                }
            }
        }
        self.scratch = own;
        self.out = next;
    }

    /// The stored enter event, when it is the one that belongs to this exit.
    fn take_enter(&mut self, tid: i64, exit_code: u16, tables: &Tables) -> Option<Owned> {
        let enter = self.stored.remove(tid)?;
        // DIFFERENCE(libs 0.25-dev): an enter event of another call is treated as missing; libs
        // ends the capture there.
        let same = enter.code + 1 == exit_code
            || tables.event(enter.code).name == tables.event(exit_code).name;
        same.then_some(enter)
    }
}

/// Something remembered of each thread until it is asked for.
#[derive(Debug)]
struct OfThreads<T> {
    recent: FxHashMap<i64, T>,
    /// What was recent before.
    older: FxHashMap<i64, T>,
}

impl<T> Default for OfThreads<T> {
    fn default() -> Self {
        OfThreads { recent: FxHashMap::default(), older: FxHashMap::default() }
    }
}

impl<T> OfThreads<T> {
    /// Remembers `value`; of too many, those of the threads that are quiet longest go.
    fn insert(&mut self, tid: i64, value: T) {
        if self.recent.len() >= MAX_RECENT {
            self.older = std::mem::take(&mut self.recent);
        }
        self.older.remove(&tid);
        self.recent.insert(tid, value);
    }

    fn remove(&mut self, tid: i64) -> Option<T> {
        self.recent.remove(&tid).or_else(|| self.older.remove(&tid))
    }

    fn is_empty(&self) -> bool {
        self.recent.is_empty() && self.older.is_empty()
    }
}

/// When each thread entered the call that it is in, for files that have enter events.
#[derive(Debug, Default)]
struct Begun {
    /// Code and time of the enter event, by thread.
    calls: OfThreads<(u16, u64)>,
}

impl Begun {
    /// Takes note of an event; when it ends a call, gives the nanoseconds that the call took.
    ///
    /// DIFFERENCE(libs 0.25-dev): calls of files with enter events have a duration, as they had
    /// in libs 0.10.
    fn note(&mut self, raw: &Raw<'_>, tables: &Tables) -> Option<u64> {
        let info = tables.event(raw.code);
        if info.is_enter {
            let exit = tables.event(raw.code.saturating_add(1));
            if !exit.is_enter && exit.name == info.name {
                self.calls.insert(raw.tid, (raw.code, raw.ts_ns));
            }
            return None;
        }
        if self.calls.is_empty() {
            return None;
        }
        let (code, began_ns) = self.calls.remove(raw.tid)?;
        let same = code.saturating_add(1) == raw.code;
        raw.ts_ns.checked_sub(began_ns).filter(|_| same)
    }
}

fn is_current(info: &EventInfo, nparams: usize) -> bool {
    !info.has(flag::OLD_VERSION) && nparams == info.params.len()
}

/// The zero of the type that the next parameter has.
fn push_zero(next: &mut Owned, tables: &Tables) {
    let kind = tables.event(next.code).params.get(next.spans.len());
    match kind {
        Some(p) if matches!(p.kind, ParamType::Uid | ParamType::Gid) => next.push(&[0xff; 4]),
        Some(p) => next.push(&[0u8; 8][..p.size.min(8)]),
        None => next.push(&[]),
    }
}

/// The container event of the oldest files had four parameters instead of one JSON text.
fn container_json(own: &Owned) -> Vec<u8> {
    let text = |i: u8| {
        let bytes = own.param(i).map(crate::bytes::trim_nul).unwrap_or(&[]);
        String::from_utf8_lossy(bytes).into_owned()
    };
    let kind = own.param(1).and_then(crate::bytes::read_uint).unwrap_or(0);
    let json = serde_json::json!({"id": text(0), "type": kind, "name": text(2), "image": text(3)});
    let mut bytes = json.to_string().into_bytes();
    bytes.push(0);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_too_many_threads_the_quietest_are_forgotten() {
        let mut memory = OfThreads::default();
        let busy = -1;
        for tid in 0..3 * MAX_RECENT as i64 {
            memory.insert(tid, tid);
            if tid % 1000 == 0 {
                memory.insert(busy, tid);
            }
        }
        assert!(memory.recent.len() + memory.older.len() <= 2 * MAX_RECENT);
        let last = 3 * MAX_RECENT as i64 - 1;
        assert_eq!(memory.remove(last), Some(last));
        assert_eq!(memory.remove(busy), Some(last / 1000 * 1000));
        assert_eq!((memory.remove(busy), memory.remove(0)), (None, None));
    }
}
