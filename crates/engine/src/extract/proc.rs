//! Fields of the process that made the event.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: `lineage`.

use super::Get::{Borrow, Both, Text, Value as Val};
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::render::Style;
use crate::state::{Text as Shared, Thread};
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("proc.exe", Val(|c, _| Some(Value::text(&c.thread?.exe)))),
    ("proc.exepath", Val(|c, _| Some(Value::text(&c.thread?.exepath)))),
    ("proc.name", Borrow(|c, _| Some(&c.thread?.comm))),
    ("proc.args", Both(argument, args)),
    ("proc.cmdline", Text(|c, _, style, out| on(c.thread, |t| cmdline(t, style, out)))),
    ("proc.cmdnargs", Val(|c, _| Some(Value::Uint(c.thread?.args.len() as u64)))),
    ("proc.cmdlenargs", Val(|c, _| Some(Value::Uint(args_length(c.thread?))))),
    ("proc.exeline", Text(|c, _, style, out| on(c.thread, |t| exeline(t, style, out)))),
    ("proc.env", Both(own_variable, env)),
    ("proc.cwd", Val(|c, _| cwd(c).map(Value::text))),
    ("proc.tty", Val(|c, _| Some(Value::Uint(c.thread?.tty.into())))),
    ("proc.pid", Val(|c, _| Some(Value::Int(c.thread?.pid)))),
    ("proc.vpid", Val(|c, _| id(c.thread?.vpid))),
    ("proc.sid", Val(|c, _| Some(Value::Int(c.thread?.sid)))),
    ("proc.vpgid", Val(|c, _| Some(Value::Int(c.thread?.vpgid)))),
    ("proc.pgid", Val(|c, _| Some(Value::Int(c.thread?.pgid)))),
    ("proc.duration", Val(|c, _| age_ns(c, c.thread?))),
    ("proc.pid.ts", Val(|c, _| nonzero(c.thread?.clone_ts_ns))),
    ("proc.is_exe_writable", Val(|c, _| Some(Value::Bool(c.thread?.exe_file.writable)))),
    ("proc.is_exe_upper_layer", Val(|c, _| Some(Value::Bool(c.thread?.exe_file.upper_layer)))),
    ("proc.is_exe_lower_layer", Val(|c, _| Some(Value::Bool(c.thread?.exe_file.lower_layer)))),
    ("proc.is_exe_from_memfd", Val(|c, _| Some(Value::Bool(c.thread?.exe_file.from_memfd)))),
    ("proc.is_sid_leader", Val(|c, _| c.thread.map(|t| Value::Bool(t.sid == t.vpid)))),
    ("proc.is_vpgid_leader", Val(|c, _| c.thread.map(|t| Value::Bool(t.vpgid == t.vpid)))),
    ("proc.is_pgid_leader", Val(|c, _| c.thread.map(|t| Value::Bool(t.pgid == t.pid)))),
    ("proc.exe_ino", Val(|c, _| nonzero(c.thread?.exe_file.ino))),
    ("proc.exe_ino.ctime", Val(|c, _| nonzero(c.thread?.exe_file.ctime_ns))),
    ("proc.exe_ino.mtime", Val(|c, _| nonzero(c.thread?.exe_file.mtime_ns))),
    (
        "proc.exe_ino.ctime_duration_proc_start",
        Val(|c, _| nonzero(c.thread?.exe_file.ctime_to_clone_ns)),
    ),
    (
        "proc.exe_ino.ctime_duration_pidns_start",
        Val(|c, _| nonzero(c.thread?.exe_file.pidns_to_ctime_ns)),
    ),
    // DIFFERENCE(libs 0.25-dev): since the epoch, not since the start of the machine.
    ("proc.pidns_init_start_ts", Val(|c, _| nonzero(c.thread?.pidns_start_ns))),
    ("proc.fdopencount", Val(|c, _| Some(Value::Uint(open_fds(c)?)))),
    ("proc.fdlimit", Val(|c, _| Some(Value::Int(main(c)?.fdlimit)))),
    ("proc.fdusage", Val(fd_usage)),
    ("proc.vmsize", Val(|c, _| Some(Value::Uint(c.thread?.memory.vmsize_kb.into())))),
    ("proc.vmrss", Val(|c, _| Some(Value::Uint(c.thread?.memory.vmrss_kb.into())))),
    ("proc.vmswap", Val(|c, _| Some(Value::Uint(c.thread?.memory.vmswap_kb.into())))),
    ("proc.nthreads", Val(|c, _| Some(Value::Uint(threads_alive(c)?)))),
    ("proc.nchilds", Val(|c, _| Some(Value::Uint(other_threads_alive(c)?)))),
    ("proc.stdin.type", Val(|c, _| standard_type(c, 0))),
    ("proc.stdout.type", Val(|c, _| standard_type(c, 1))),
    ("proc.stderr.type", Val(|c, _| standard_type(c, 2))),
    ("proc.stdin.name", Val(|c, _| standard_name(c, 0))),
    ("proc.stdout.name", Val(|c, _| standard_name(c, 1))),
    ("proc.stderr.name", Val(|c, _| standard_name(c, 2))),
];

/// Calls `write` for something that is there.
pub fn on<T>(found: Option<T>, write: impl FnOnce(T)) -> bool {
    found.map(write).is_some()
}

/// The main thread of the event's process.
pub fn main<'a>(ctx: &Ctx<'a>) -> Option<&'a Thread> {
    ctx.thread.map(|t| ctx.state.main_thread(t))
}

fn nonzero<'a>(n: u64) -> Option<Value<'a>> {
    (n != 0).then_some(Value::Uint(n))
}

/// Appends `words` joined by blanks.
pub fn joined(words: &[Shared], style: &Style, out: &mut Vec<u8>) {
    for (i, word) in words.iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        style.text(out, word);
    }
}

fn args(ctx: &Ctx<'_>, slot: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(thread) = ctx.thread else { return false };
    match slot.index() {
        None => joined(&thread.args, style, out),
        Some(n) => style.text(out, nth(&thread.args, n).unwrap_or(b"")),
    }
    true
}

fn nth(words: &[Shared], n: i64) -> Option<&[u8]> {
    words.get(usize::try_from(n).ok()?).map(|word| &**word)
}

/// The argument that the index means.
///
/// DIFFERENCE(libs 0.25-dev): for a filter, one that is not there is absent, not empty.
fn argument<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    nth(&ctx.thread?.args, slot.index()?).map(Value::text)
}

/// Appends the command name and the arguments.
pub fn cmdline(thread: &Thread, style: &Style, out: &mut Vec<u8>) {
    style.text(out, &thread.comm);
    for word in thread.args.iter() {
        out.push(b' ');
        style.text(out, word);
    }
}

/// Appends the first argument and, behind a blank, the others.
fn exeline(thread: &Thread, style: &Style, out: &mut Vec<u8>) {
    style.text(out, &thread.exe);
    out.push(b' ');
    joined(&thread.args, style, out);
}

fn args_length(thread: &Thread) -> u64 {
    thread.args.iter().map(|word| word.len() as u64).sum()
}

/// The value of variable `name` in an environment.
pub fn variable<'a>(env: &'a [Shared], name: &str) -> Option<&'a [u8]> {
    env.iter().find_map(|entry| entry.strip_prefix(name.as_bytes())?.strip_prefix(b"="))
}

fn env(ctx: &Ctx<'_>, slot: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(main) = main(ctx) else { return false };
    match slot.word() {
        None => joined(&main.env, style, out),
        Some(name) => style.text(out, variable(&main.env, name).unwrap_or(b"")),
    }
    true
}

/// The value of the variable that the argument names.
///
/// DIFFERENCE(libs 0.25-dev): for a filter, one that is not set is absent, not empty.
fn own_variable<'a>(ctx: &Ctx<'a>, slot: &Slot) -> Option<Value<'a>> {
    variable(&main(ctx)?.env, slot.word()?).map(Value::text)
}

/// Time since a thread was made; absent when that was before the capture.
pub fn age_ns<'a>(ctx: &Ctx<'a>, thread: &Thread) -> Option<Value<'a>> {
    let born = Some(thread.clone_ts_ns).filter(|ns| *ns != 0)?;
    Some(Value::Uint(ctx.ev.ts_ns.saturating_sub(born)))
}

fn open_fds(ctx: &Ctx<'_>) -> Option<u64> {
    Some(ctx.state.fd_table(ctx.thread?).len() as u64)
}

fn fd_usage<'a>(ctx: &Ctx<'a>, _: &Slot) -> Option<Value<'a>> {
    let limit = main(ctx)?.fdlimit;
    let open = open_fds(ctx)? as f64;
    Some(Value::Double(if limit > 0 { open * 100.0 / limit as f64 } else { 0.0 }))
}

/// Threads of the process that have not exited; none of a process that is not known.
fn threads_alive(ctx: &Ctx<'_>) -> Option<u64> {
    let group = ctx.state.threads.group(ctx.thread?.pid);
    Some(group.map_or(0, |group| group.alive as u64))
}

/// Those of them that are not the main thread.
fn other_threads_alive(ctx: &Ctx<'_>) -> Option<u64> {
    let is_dead = ctx.state.thread(ctx.thread?.pid).map_or(true, Thread::is_dead);
    threads_alive(ctx).map(|alive| alive.saturating_sub((!is_dead).into()))
}

/// The working directory; "./" for a process that is not known.
///
/// Source: observed: libs 0.25-dev.
fn cwd<'a>(ctx: &Ctx<'a>) -> Option<&'a [u8]> {
    let main = main(ctx)?;
    Some(if main.is_known() { &main.cwd } else { b"./" })
}

/// A number that is -1 where it is not known.
pub fn id<'a>(number: i64) -> Option<Value<'a>> {
    (number >= 0).then_some(Value::Int(number))
}

fn standard_type<'a>(ctx: &Ctx<'a>, num: i64) -> Option<Value<'a>> {
    let fd = ctx.state.fd(ctx.thread?, num)?;
    super::fd::type_name(ctx, fd).map(Value::text)
}

fn standard_name<'a>(ctx: &Ctx<'a>, num: i64) -> Option<Value<'a>> {
    let fd = ctx.state.fd(ctx.thread?, num)?;
    Some(Value::text(fd.name.as_deref().unwrap_or(b"")))
}
