//! Fields of the thread that made the event.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: `user`.

use super::proc::{id, on};
use super::Get::{Int, Text, Value as Val};
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::render::num::dec;
use crate::render::Style;
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("thread.tid", Int(|c, _| Some(c.ev.tid))),
    ("thread.vtid", Val(|c, _| id(c.thread?.vtid))),
    ("thread.ismain", Val(|c, _| c.thread.map(|t| Value::Bool(t.tid == t.pid)))),
    ("thread.nametid", Text(name_and_tid)),
    ("thread.cap_permitted", Text(|c, _, _, out| caps(c, c.thread.map(|t| t.caps.permitted), out))),
    ("thread.cap_inheritable", Text(|c, _, _, o| caps(c, c.thread.map(|t| t.caps.inheritable), o))),
    ("thread.cap_effective", Text(|c, _, _, out| caps(c, c.thread.map(|t| t.caps.effective), out))),
    ("thread.pfmajor", Val(|c, _| Some(Value::Uint(c.thread?.memory.pfmajor)))),
    ("thread.pfminor", Val(|c, _| Some(Value::Uint(c.thread?.memory.pfminor)))),
    ("thread.exectime", Val(exec_time)),
    ("thread.totexectime", Val(total_exec_time)),
    ("thread.cgroups", Text(cgroups)),
    ("thread.cgroup", Val(cgroup)),
    ("thread.cpu", Val(|c, s| cpu_share(c, s, &["cpu_usr", "cpu_sys"]))),
    ("thread.cpu.user", Val(|c, s| cpu_share(c, s, &["cpu_usr"]))),
    ("thread.cpu.system", Val(|c, s| cpu_share(c, s, &["cpu_sys"]))),
    ("thread.vmsize", Val(|c, _| of_main(c, |m| m.vmsize_kb.into()))),
    ("thread.vmrss", Val(|c, _| of_main(c, |m| m.vmrss_kb.into()))),
    ("thread.vmsize.b", Val(|c, _| of_main(c, |m| u64::from(m.vmsize_kb) * 1024))),
    ("thread.vmrss.b", Val(|c, _| of_main(c, |m| u64::from(m.vmrss_kb) * 1024))),
];

fn cgroups(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(thread) = ctx.thread else { return false };
    for (i, (name, path)) in thread.cgroups.iter().filter_map(|group| subsystem(group)).enumerate()
    {
        if i > 0 {
            out.push(b' ');
        }
        style.text(out, name);
        out.push(b'=');
        style.text(out, path);
    }
    !thread.cgroups.is_empty()
}

/// Names of subsystems that have become others.
///
/// Source: observed: libs 0.25-dev.
const RENAMED: &[(&[u8], &[u8])] =
    &[(b"perf", b"perf_event"), (b"mem", b"memory"), (b"io", b"blkio")];

/// Name and path of a `subsystem=path` entry.
fn subsystem(group: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = memchr::memchr(b'=', group)?;
    let (name, path) = (&group[..at], &group[at + 1..]);
    let name = name.strip_suffix(b"_cgroup").unwrap_or(name);
    let newer = RENAMED.iter().find(|(old, _)| *old == name);
    Some((newer.map_or(name, |(_, new)| new), path))
}

fn name_and_tid(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    on(ctx.thread, |thread| {
        style.text(out, &thread.comm);
        dec(out, thread.tid);
    })
}

/// Appends the names of the set bits, joined by blanks.
fn caps(ctx: &Ctx<'_>, set: Option<u64>, out: &mut Vec<u8>) -> bool {
    let Some(set) = set else { return false };
    let start = out.len();
    for bit in (0..64).filter(|bit| set >> bit & 1 == 1) {
        if let Some(name) = ctx.tables.capabilities.name(bit) {
            if out.len() > start {
                out.push(b' ');
            }
            out.extend_from_slice(name.as_bytes());
        }
    }
    true
}

/// On a switch: time since the switch before on the same processor; else 0.
///
/// DIFFERENCE(libs 0.25-dev): always 0 there.
fn switch_ns(ctx: &Ctx<'_>, by_cpu: &mut rustc_hash::FxHashMap<i64, u64>) -> u64 {
    if *ctx.ev.info.name != *"switch" {
        return 0;
    }
    let before = by_cpu.insert(i64::from(ctx.ev.cpu), ctx.ev.ts_ns);
    before.map_or(0, |before| ctx.ev.ts_ns.saturating_sub(before))
}

fn exec_time<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    Some(Value::Uint(slot.once(ctx, |memory| switch_ns(ctx, &mut memory.by_key))))
}

/// Totals are kept under the complement of the thread id, times under the processor's number.
fn total_exec_time<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    let tid = ctx.thread?.tid;
    Some(Value::Uint(slot.once(ctx, |memory| {
        let spent = switch_ns(ctx, &mut memory.by_key);
        let total = memory.by_key.entry(!tid).or_default();
        *total += spent;
        *total
    })))
}

fn cgroup<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    let wanted = slot.word()?.as_bytes();
    let mut groups = ctx.thread?.cgroups.iter().filter_map(|group| subsystem(group));
    groups.find(|(name, _)| *name == wanted).map(|(_, path)| Value::text(path))
}

/// Time on a processor since the thread's procinfo event before, in hundredths of a second (of
/// procinfo events, one a second: percent), 100 at most; 0 for the first.
///
/// Source: observed: libs 0.25-dev.
fn cpu_share<'a>(ctx: &Ctx<'a>, slot: &Slot, names: &[&str]) -> Option<Value<'a>> {
    if *ctx.ev.info.name != *"procinfo" {
        return None;
    }
    let share = |name: &&str| ctx.ev.params.uint(super::evt::position(ctx, name)?);
    let total: u64 = names.iter().filter_map(share).fold(0, u64::saturating_add);
    let spent = slot.once(ctx, |memory| match memory.by_key.insert(ctx.ev.tid, total) {
        Some(before) if before > 0 => total.saturating_sub(before).min(100),
        _ => 0,
    });
    u32::try_from(spent).ok().map(|spent| Value::Double(spent.into()))
}

fn of_main<'a>(
    ctx: &Ctx<'a>,
    count: fn(&crate::state::threads::Memory) -> u64,
) -> Option<Value<'a>> {
    let thread = ctx.thread?;
    Some(Value::Uint(if thread.tid == thread.pid { count(&thread.memory) } else { 0 }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn subsystems_have_one_name_each() {
        let found = |group: &'static [u8]| subsystem(group).map(|(name, _)| name);
        assert_eq!(found(b"io=/a"), Some(&b"blkio"[..]));
        assert_eq!(found(b"perf_cgroup=/"), Some(&b"perf_event"[..]));
        assert_eq!(found(b"cpu=/"), Some(&b"cpu"[..]));
        assert_eq!(subsystem(b"cpuset"), None);
    }
}
