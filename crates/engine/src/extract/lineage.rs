//! Fields of other processes: parents, ancestors, leaders of sessions and groups.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: `thread`.

use super::proc::{age_ns, cmdline, joined, main, on, variable};
use super::Get::{Both, Text, Value as Val};
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::render::num::dec;
use crate::render::Style;
use crate::state::Thread;
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("proc.pexe", Val(|c, _| Some(Value::text(&parent(c)?.exe)))),
    ("proc.pexepath", Val(|c, _| Some(Value::text(&parent(c)?.exepath)))),
    ("proc.pname", Val(|c, _| Some(Value::text(&parent(c)?.comm)))),
    ("proc.pcmdline", Text(|c, _, style, out| on(parent(c), |t| cmdline(t, style, out)))),
    ("proc.ppid", Val(|c, _| Some(Value::Int(parent_pid(c)?)))),
    ("proc.pvpid", Val(|c, _| Some(Value::Int(parent(c)?.vpid)))),
    // DIFFERENCE(libs 0.25-dev): absent when the parent's start is unknown; there, the number of
    // open descriptors.
    ("proc.ppid.duration", Val(|c, _| age_ns(c, parent(c)?))),
    ("proc.ppid.ts", Val(|c, _| Some(Value::Uint(maker(c)?.clone_ts_ns)))),
    ("proc.aexe", Both(|c, s| any(c, s, exe), |c, s, y, o| all(c, s, y, o, write_exe))),
    ("proc.aexepath", Both(|c, s| any(c, s, exepath), |c, s, y, o| all(c, s, y, o, write_path))),
    ("proc.aname", Both(|c, s| any(c, s, comm), |c, s, y, o| all(c, s, y, o, write_comm))),
    ("proc.aargs", Text(aargs)),
    ("proc.acmdline", Both(|c, s| any(c, s, owned_cmdline), |c, s, y, o| all(c, s, y, o, cmdline))),
    ("proc.aenv", Both(aenv, aenv_text)),
    ("proc.apid", Both(|c, s| any(c, s, pid), apid_text)),
    ("proc.tree", Both(tree, tree_text)),
    ("proc.loginshellid", Val(login_shell)),
    ("proc.sname", Val(|c, _| Some(session_leader(c)?.show(|t| &t.comm)))),
    ("proc.sid.exe", Val(|c, _| Some(session_leader(c)?.show(|t| &t.exe)))),
    ("proc.sid.exepath", Val(|c, _| Some(session_leader(c)?.show(|t| &t.exepath)))),
    ("proc.vpgid.name", Val(|c, _| Some(vgroup_leader(c)?.show(|t| &t.comm)))),
    ("proc.vpgid.exe", Val(|c, _| Some(vgroup_leader(c)?.show(|t| &t.exe)))),
    ("proc.vpgid.exepath", Val(|c, _| Some(vgroup_leader(c)?.show(|t| &t.exepath)))),
    ("proc.pgid.name", Val(|c, _| Some(group_leader(c)?.show(|t| &t.comm)))),
    ("proc.pgid.exe", Val(|c, _| Some(group_leader(c)?.show(|t| &t.exe)))),
    ("proc.pgid.exepath", Val(|c, _| Some(group_leader(c)?.show(|t| &t.exepath)))),
];

/// How far a lineage is followed: a capture can claim a circle of parents.
const MAX_DEPTH: usize = 512;

/// The thread that made the process.
fn maker<'a>(ctx: &Ctx<'a>) -> Option<&'a Thread> {
    ctx.state.parent(main(ctx)?)
}

/// The process that made the process: the main thread of the one that did.
fn parent<'a>(ctx: &Ctx<'a>) -> Option<&'a Thread> {
    maker(ctx).map(|thread| ctx.state.main_thread(thread))
}

fn parent_pid(ctx: &Ctx<'_>) -> Option<i64> {
    let ptid = main(ctx)?.ptid;
    (ptid > 0).then(|| ctx.state.thread(ptid).map_or(ptid, |parent| parent.pid))
}

/// The process itself, its parent, and so on; nothing of one known by its number alone.
pub fn ancestors<'a>(ctx: &Ctx<'a>) -> impl Iterator<Item = &'a Thread> {
    let state = ctx.state;
    let first = main(ctx).filter(|thread| thread.is_known());
    let older = move |thread: &&'a Thread| state.parent(thread).map(|t| state.main_thread(t));
    std::iter::successors(first, older).take(MAX_DEPTH)
}

/// The ancestor that the index argument means; 0 is the process itself.
fn chosen<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<&'a Thread> {
    ancestors(ctx).nth(usize::try_from(slot.index()?).ok()?)
}

/// The value of one ancestor, or without an index those of all, the process itself excluded.
fn any<'a>(ctx: &Ctx<'a>, slot: &Slot, value: fn(&'a Thread) -> Value<'a>) -> Option<Value<'a>> {
    if slot.index().is_some() {
        return chosen(ctx, slot).map(value);
    }
    let values: Vec<_> = ancestors(ctx).skip(1).map(value).collect();
    (!values.is_empty()).then_some(Value::List(values))
}

/// The process and all that it descends from, also those that have ended.
fn tree<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    let pids = ctx.state.threads.lineage(ctx.thread?);
    (!pids.is_empty()).then(|| Value::List(pids.into_iter().map(Value::Int).collect()))
}

fn tree_text(ctx: &Ctx<'_>, _: &Slot, _: &Style, out: &mut Vec<u8>) -> bool {
    on(ctx.thread, |thread| {
        for (i, pid) in ctx.state.threads.lineage(thread).into_iter().enumerate() {
            if i > 0 {
                out.push(b' ');
            }
            dec(out, pid);
        }
    })
}

/// The text of one ancestor, or without an index those of all, joined by blanks.
fn all(
    ctx: &Ctx<'_>,
    slot: &Slot,
    style: &Style,
    out: &mut Vec<u8>,
    write: fn(&Thread, &Style, &mut Vec<u8>),
) -> bool {
    if slot.index().is_some() {
        return on(chosen(ctx, slot), |t| write(t, style, out));
    }
    let start = out.len();
    for thread in ancestors(ctx).skip(1) {
        if out.len() > start {
            out.push(b' ');
        }
        write(thread, style, out);
    }
    out.len() > start
}

fn exe(thread: &Thread) -> Value<'_> {
    Value::text(&thread.exe)
}

fn exepath(thread: &Thread) -> Value<'_> {
    Value::text(&thread.exepath)
}

fn comm(thread: &Thread) -> Value<'_> {
    Value::text(&thread.comm)
}

fn pid(thread: &Thread) -> Value<'_> {
    Value::Int(thread.pid)
}

fn owned_cmdline(thread: &Thread) -> Value<'_> {
    let mut out = Vec::new();
    cmdline(thread, &Style::default(), &mut out);
    Value::owned(out)
}

fn write_exe(thread: &Thread, style: &Style, out: &mut Vec<u8>) {
    style.text(out, &thread.exe);
}

fn write_path(thread: &Thread, style: &Style, out: &mut Vec<u8>) {
    style.text(out, &thread.exepath);
}

fn write_comm(thread: &Thread, style: &Style, out: &mut Vec<u8>) {
    style.text(out, &thread.comm);
}

fn write_args(thread: &Thread, style: &Style, out: &mut Vec<u8>) {
    joined(&thread.args, style, out);
}

fn aargs(ctx: &Ctx<'_>, slot: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    all(ctx, slot, style, out, write_args)
}

/// Without an index, the process itself.
fn apid_text(ctx: &Ctx<'_>, slot: &Slot, _: &Style, out: &mut Vec<u8>) -> bool {
    let thread = if slot.index().is_some() { chosen(ctx, slot) } else { ctx.thread };
    on(thread, |t| dec(out, t.pid))
}

fn nearest_variable<'a>(ctx: &Ctx<'a>, name: &str) -> Option<&'a [u8]> {
    ancestors(ctx).skip(1).find_map(|thread| variable(&thread.env, name))
}

fn write_env(thread: &Thread, style: &Style, out: &mut Vec<u8>) {
    joined(&thread.env, style, out);
}

fn owned_env(thread: &Thread) -> Value<'_> {
    let mut out = Vec::new();
    write_env(thread, &Style::default(), &mut out);
    Value::owned(out)
}

fn aenv<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    match slot.word() {
        Some(name) => nearest_variable(ctx, name).map(Value::text),
        None => any(ctx, slot, owned_env),
    }
}

/// Without an argument, the environment of the process itself.
fn aenv_text(ctx: &Ctx<'_>, slot: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    match slot.word() {
        Some(name) => on(ctx.thread, |_| {
            style.text(out, nearest_variable(ctx, name).unwrap_or(b""));
        }),
        None if slot.index().is_none() => on(main(ctx), |main| write_env(main, style, out)),
        None => all(ctx, slot, style, out, write_env),
    }
}

/// The oldest in the unbroken line of processes whose names end in "sh".
fn login_shell<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    let shells = ancestors(ctx).filter(|thread| thread.comm.ends_with(b"sh"));
    shells.last().map(pid)
}

/// The leader of the session.
fn session_leader<'a>(ctx: &Ctx<'a>) -> Option<Leader<'a>> {
    leader(ctx, !ctx.thread?.in_pid_namespace(), |thread| thread.sid)
}

/// The leader of the process group.
fn group_leader<'a>(ctx: &Ctx<'a>) -> Option<Leader<'a>> {
    leader(ctx, true, |thread| thread.pgid)
}

/// The leader of the process group by its number in the pid namespace.
fn vgroup_leader<'a>(ctx: &Ctx<'a>) -> Option<Leader<'a>> {
    leader(ctx, !ctx.thread?.in_pid_namespace(), |thread| thread.vpgid)
}

/// A leader, or that it is not known: then its fields are empty texts.
///
/// Source: observed: libs 0.25-dev.
struct Leader<'a>(Option<&'a Thread>);

impl<'a> Leader<'a> {
    fn show(self, part: fn(&'a Thread) -> &'a [u8]) -> Value<'a> {
        Value::text(self.0.map_or(b"", part))
    }
}

/// The thread that `id_of` means; when it is gone, or the number is one of a pid namespace and so
/// not `global`, the eldest ancestor that names the same leader.
///
/// Source: observed: libs 0.25-dev.
fn leader<'a>(ctx: &Ctx<'a>, global: bool, id_of: fn(&Thread) -> i64) -> Option<Leader<'a>> {
    let id = id_of(ctx.thread?);
    if id < 0 {
        return Some(Leader(None));
    }
    let found = if global { ctx.state.thread(id) } else { None };
    Some(Leader(found.or_else(|| {
        let older = ancestors(ctx).skip(1).take_while(|thread| id_of(thread) == id);
        older.last()
    })))
}
