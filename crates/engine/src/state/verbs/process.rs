//! Threads begin, become another program, and end.
//!
//! In: the clone family seen from both sides, execve, execveat, procexit, prctl.
//! Out: the thread table. Next: `thread`.
//! Source: scap format specification, event semantics 2.

use super::super::rules::inputs;
use super::super::text::{Interner, Text, TextList};
use super::super::threads::{flag, Caps, ExeFile, Memory, Thread};
use super::super::State;
use super::thread::set_directory;
use super::{Step, AT_FDCWD};
use crate::event::Event;

/// How long a thread made by one side of a clone waits for the other side's event.
const CLONE_PAIR_NS: u64 = 2_000_000_000;

/// Codes of the enter events that carry the path of the program.
const EXECVE_ENTER: u16 = 292;
const EXECVEAT_ENTER: u16 = 330;

/// Lookup flag: the directory descriptor itself is meant.
const AT_EMPTY_PATH: u32 = 1;

/// Commands of prctl.
const PR_SET_NAME: i64 = 15;
const PR_SET_CHILD_SUBREAPER: i64 = 36;
const PR_GET_CHILD_SUBREAPER: i64 = 37;

/// Longest command name of the kernel.
const MAX_COMM_BYTES: usize = 15;

inputs! {
    /// Inputs of `clone`.
    CloneInputs {
        res: Num, exe: Str, args: Raw, pid: Num, ptid: Num, fdlimit: Num, pgft_maj: Num,
        pgft_min: Num, vm_size: Num, vm_rss: Num, vm_swap: Num, comm: Str, cgroups: Raw,
        flags: Num, uid: Num, gid: Num, vtid: Num, vpid: Num, pidns_start: Num,
    }
    consts { is_vfork }
}

inputs! {
    /// Inputs of `exec`.
    ExecInputs {
        res: Num, exe: Str, args: Raw, pid: Num, ptid: Num, fdlimit: Num, pgft_maj: Num,
        pgft_min: Num, vm_size: Num, vm_rss: Num, vm_swap: Num, comm: Str, cgroups: Raw,
        env: Raw, tty: Num, vpgid: Num, loginuid: Num, exe_flags: Num, cap_inheritable: Num,
        cap_permitted: Num, cap_effective: Num, exe_ino: Num, exe_ctime: Num, exe_mtime: Num,
        uid: Num, exepath: Str, pgid: Num, gid: Num, cwd: Str,
    }
}

inputs! {
    /// Inputs of `exit`.
    ExitInputs { reaper: Num }
}

inputs! {
    /// Inputs of `control_process`.
    ControlInputs { res: Num, option: Num, text: Str, number: Num }
}

/// A clone returned, in the caller (result: the child) or in the child (result: 0).
pub(super) fn clone(step: &mut Step<'_, '_>, inputs: &CloneInputs) {
    match inputs.res.int(step.ev) {
        Some(0) => clone_in_child(step, inputs),
        Some(child) if child > 0 => clone_in_caller(step, inputs, child),
        _ => {}
    }
}

fn clone_in_caller(step: &mut Step<'_, '_>, inputs: &CloneInputs, child: i64) {
    let ev = step.ev;
    ensure_caller(step, inputs);
    let flags = inputs.flags.u32(ev).unwrap_or(0);
    let Some(caller) = step.state.thread(ev.tid) else { return };
    let child_tells_itself = flags & (flag::CHILD_IN_PIDNS | flag::CLONE_NEWPID) != 0
        || flags & (flag::CLONE_PARENT | flag::CLONE_VFORK) != 0
        || inputs.is_vfork != 0
        || caller.tid != caller.vtid;
    let is_there = step.state.thread(child).is_some_and(|t| t.has(flag::INVERTED));
    if child_tells_itself || is_there || step.state.exits.has_left(child, ev.tid, ev.ts_ns) {
        return;
    }
    let thread = inherit(step, ev.tid, child, flags);
    let thread = child_of_caller(step, inputs, thread, flags);
    step.state.threads.bury(child);
    step.state.threads.insert(thread);
    step.state.threads.get_mut(ev.tid);
}

/// Makes sure that the caller is in the table, with what its own event tells of it.
fn ensure_caller(step: &mut Step<'_, '_>, inputs: &CloneInputs) {
    let ev = step.ev;
    if step.state.attach(ev.tid) {
        return;
    }
    let names = names_of(step, inputs);
    let (Some(pid), ptid) = (inputs.pid.int(ev), inputs.ptid.int(ev)) else { return };
    let Some(caller) = step.thread() else { return };
    names.give(caller);
    caller.vtid = inputs.vtid.int(ev).unwrap_or(ev.tid);
    caller.vpid = inputs.vpid.int(ev).unwrap_or(-1);
    step.state.threads.make_known(ev.tid, pid, ptid.unwrap_or(-1));
}

/// The names that a clone event carries.
struct Names {
    exe: Text,
    comm: Text,
    args: TextList,
}

impl Names {
    fn give(self, thread: &mut Thread) {
        thread.exe = self.exe;
        thread.comm = self.comm;
        thread.args = self.args;
    }
}

fn names_of(step: &mut Step<'_, '_>, inputs: &CloneInputs) -> Names {
    let ev = step.ev;
    let exe = step.text(inputs.exe.get(ev).unwrap_or(b"<NA>"));
    let comm = inputs.comm.get(ev).map_or_else(|| exe.clone(), |comm| step.text(comm));
    let args = step.state.interner.list(inputs.args.get(ev).unwrap_or(&[]));
    Names { exe, comm, args }
}

/// A copy of what `source` hands to a thread that it makes, under the number `child`.
fn inherit(step: &Step<'_, '_>, source: i64, child: i64, flags: u32) -> Thread {
    let mut thread = Thread::new(child);
    let Some(from) = step.state.thread(source) else { return thread };
    thread.exepath = from.exepath.clone();
    thread.exe_file = ExeFile { pidns_to_ctime_ns: 0, ..from.exe_file };
    thread.root = from.root.clone();
    thread.sid = from.sid;
    thread.vpgid = from.vpgid;
    thread.pgid = from.pgid;
    thread.tty = from.tty;
    thread.loginuid = from.loginuid;
    thread.caps = from.caps;
    if flags & flag::CLONE_THREAD != 0 {
        thread.lastexec_ts_ns = from.lastexec_ts_ns;
    } else {
        thread.fds = step.state.fd_table(from).clone();
        let main = step.state.main_thread(from);
        thread.cwd = main.cwd.clone();
        // DIFFERENCE(libs 0.25-dev): also of a process that a thread makes.
        thread.env = main.env.clone();
    }
    thread
}

/// The child as the caller's event tells of it.
fn child_of_caller(
    step: &mut Step<'_, '_>,
    inputs: &CloneInputs,
    mut thread: Thread,
    flags: u32,
) -> Thread {
    let caller = step.state.thread(step.ev.tid);
    let (caller_pid, caller_ptid) = caller.map_or((-1, 0), |c| (c.pid, c.ptid));
    thread.flags = flags;
    if flags & flag::CLONE_THREAD == 0 {
        (thread.pid, thread.ptid) = (thread.tid, step.ev.tid);
    } else {
        (thread.pid, thread.ptid) = (caller_pid, caller_ptid);
        thread.flags |= flag::CLONE_FILES;
    }
    (thread.vtid, thread.vpid) = (thread.tid, thread.pid);
    thread.pidns_start_ns = step.state.machine.boot_ts_ns;
    fill_from_clone(step, inputs, &mut thread);
    thread
}

fn clone_in_child(step: &mut Step<'_, '_>, inputs: &CloneInputs) {
    let ev = step.ev;
    let (Some(pid), Some(ptid)) = (inputs.pid.int(ev), inputs.ptid.int(ev)) else { return };
    if let Some(existing) = step.state.thread(ev.tid) {
        let age_ns = ev.ts_ns.saturating_sub(existing.clone_ts_ns);
        if existing.clone_ts_ns != 0 && age_ns < CLONE_PAIR_NS {
            return;
        }
    }
    step.state.threads.bury(ev.tid);
    let flags = inputs.flags.u32(ev).unwrap_or(0);
    let is_thread = flags & flag::CLONE_THREAD != 0;
    let source = if is_thread { pid } else { ptid };
    let was_known = step.state.attach(source);
    let mut thread = inherit(step, source, ev.tid, flags);
    thread.flags = flags | flag::INVERTED;
    if is_thread {
        thread.flags |= flag::CLONE_FILES;
    }
    (thread.pid, thread.ptid) = (pid, ptid);
    thread.vtid = inputs.vtid.int(ev).unwrap_or(ev.tid);
    thread.vpid = inputs.vpid.int(ev).unwrap_or(-1);
    thread.pidns_start_ns = pidns_start_ns(step, inputs, &thread);
    fill_from_clone(step, inputs, &mut thread);
    if is_thread && !was_known && source != ev.tid {
        make_leader_known(step, &thread);
    }
    step.state.threads.insert(thread);
}

/// A thread tells of its process, whose main thread was known by its number alone.
fn make_leader_known(step: &mut Step<'_, '_>, thread: &Thread) {
    if let Some(leader) = step.state.threads.get_mut(thread.pid) {
        leader.comm = thread.comm.clone();
        leader.exe = thread.exe.clone();
        leader.args = thread.args.clone();
        leader.vtid = thread.vpid;
        leader.vpid = thread.vpid;
        leader.uid = thread.uid;
        leader.gid = thread.gid;
    }
    step.state.threads.make_known(thread.pid, thread.pid, thread.ptid);
}

fn pidns_start_ns(step: &Step<'_, '_>, inputs: &CloneInputs, thread: &Thread) -> u64 {
    let boot_ns = step.state.machine.boot_ts_ns;
    let start = inputs.pidns_start.uint(step.ev).filter(|_| thread.in_pid_namespace());
    start.map_or(boot_ns, |ns| boot_ns.saturating_add(ns))
}

/// What both sides of a clone tell of the child in the same way.
fn fill_from_clone(step: &mut Step<'_, '_>, inputs: &CloneInputs, thread: &mut Thread) {
    let ev = step.ev;
    names_of(step, inputs).give(thread);
    thread.fdlimit = inputs.fdlimit.int(ev).unwrap_or(thread.fdlimit);
    thread.memory = Memory {
        vmsize_kb: inputs.vm_size.u32(ev).unwrap_or(0),
        vmrss_kb: inputs.vm_rss.u32(ev).unwrap_or(0),
        vmswap_kb: inputs.vm_swap.u32(ev).unwrap_or(0),
        pfmajor: inputs.pgft_maj.uint(ev).unwrap_or(0),
        pfminor: inputs.pgft_min.uint(ev).unwrap_or(0),
    };
    thread.uid = inputs.uid.u32(ev).unwrap_or(thread.uid);
    thread.gid = inputs.gid.u32(ev).unwrap_or(thread.gid);
    thread.clone_ts_ns = ev.ts_ns;
    if let Some(cgroups) = inputs.cgroups.get(ev) {
        step.state.cgroups.give(thread, cgroups, &mut step.state.containers);
    }
}

/// The process became another program.
pub(super) fn exec(step: &mut Step<'_, '_>, inputs: &ExecInputs) {
    let ev = step.ev;
    if !inputs.res.is_success(ev) {
        return;
    }
    make_real(step, inputs);
    step.state.threads.revive(ev.tid);
    if let Some(fds) = step.fds() {
        fds.remove_where(|_, fd| fd.cloexec);
    }
    end_other_threads(step);
    // Files have the events that change directories; libs 0.25-dev does not look at this one.
    let is_live = step.state.is_live();
    if let Some(cwd) = inputs.cwd.get(ev).filter(|cwd| is_live && cwd.starts_with(b"/")) {
        set_directory(step, cwd);
    }
    let exepath = exepath_of(step, inputs);
    let State { threads, interner, cgroups, containers, .. } = &mut *step.state;
    let Some(thread) = threads.get_mut(ev.tid) else { return };
    fill_program(ev, inputs, thread, interner);
    if let Some(bytes) = inputs.cgroups.get(ev) {
        cgroups.give(thread, bytes, containers);
    }
    fill_numbers(ev, inputs, thread);
    fill_exe_file(ev, inputs, thread);
    if let Some(exepath) = exepath {
        thread.exepath = exepath;
    }
    let kept = flag::INVERTED | flag::PIPE_SRC | flag::PIPE_DST | flag::IS_MAIN_THREAD;
    thread.flags = (thread.flags & kept) | flag::ACTIVE | flag::NAME_CHANGED;
    thread.lastexec_ts_ns = ev.ts_ns;
}

/// A thread known by its number alone learns its process and parent from its exec.
fn make_real(step: &mut Step<'_, '_>, inputs: &ExecInputs) {
    let ev = step.ev;
    let Some(thread) = step.thread().filter(|t| !t.is_known()) else { return };
    let Some(pid) = inputs.pid.int(ev) else { return };
    (thread.vtid, thread.vpid) = (ev.tid, pid);
    step.state.threads.make_known(ev.tid, pid, inputs.ptid.int(ev).unwrap_or(-1));
}

/// An exec ends all threads of the process but the one that called it.
fn end_other_threads(step: &mut Step<'_, '_>) {
    let Some(pid) = step.thread().map(|t| t.pid) else { return };
    let Some(group) = step.state.threads.group(pid).filter(|g| g.tids.len() > 1) else { return };
    let caller = step.ev.tid;
    let others: Vec<i64> =
        group.tids.iter().copied().filter(|t| *t != pid && *t != caller).collect();
    for tid in others {
        step.state.threads.bury(tid);
    }
}

fn fill_program(ev: &Event<'_>, inputs: &ExecInputs, thread: &mut Thread, interner: &mut Interner) {
    if let Some(exe) = inputs.exe.get(ev) {
        thread.exe = interner.text(exe);
    }
    thread.comm = match inputs.comm.get(ev) {
        Some(comm) => interner.text(comm),
        None => thread.exe.clone(),
    };
    // An empty list here is no argument, not an unknown one.
    thread.args = interner.list(inputs.args.get(ev).unwrap_or(&[]));
    if let Some(env) = inputs.env.get(ev) {
        thread.env = interner.list(env);
    }
}

fn fill_numbers(ev: &Event<'_>, inputs: &ExecInputs, thread: &mut Thread) {
    let (memory, caps) = (&mut thread.memory, &mut thread.caps);
    thread.fdlimit = inputs.fdlimit.int(ev).unwrap_or(thread.fdlimit);
    *memory = Memory {
        vmsize_kb: inputs.vm_size.u32(ev).unwrap_or(memory.vmsize_kb),
        vmrss_kb: inputs.vm_rss.u32(ev).unwrap_or(memory.vmrss_kb),
        vmswap_kb: inputs.vm_swap.u32(ev).unwrap_or(memory.vmswap_kb),
        pfmajor: inputs.pgft_maj.uint(ev).unwrap_or(memory.pfmajor),
        pfminor: inputs.pgft_min.uint(ev).unwrap_or(memory.pfminor),
    };
    *caps = Caps {
        inheritable: inputs.cap_inheritable.uint(ev).unwrap_or(caps.inheritable),
        permitted: inputs.cap_permitted.uint(ev).unwrap_or(caps.permitted),
        effective: inputs.cap_effective.uint(ev).unwrap_or(caps.effective),
    };
    thread.tty = inputs.tty.u32(ev).unwrap_or(thread.tty);
    thread.vpgid = inputs.vpgid.int(ev).unwrap_or(thread.vpgid);
    thread.pgid = inputs.pgid.int(ev).unwrap_or(-1);
    thread.loginuid = inputs.loginuid.u32(ev).unwrap_or(thread.loginuid);
    thread.uid = inputs.uid.u32(ev).unwrap_or(thread.uid);
    thread.gid = inputs.gid.u32(ev).unwrap_or(thread.gid);
}

/// 0 when one of them is not known (0) or they are the other way round.
///
/// DIFFERENCE(libs 0.25-dev): there, the difference wraps around.
fn time_between(earlier_ns: u64, later_ns: u64) -> u64 {
    if earlier_ns == 0 {
        0
    } else {
        later_ns.saturating_sub(earlier_ns)
    }
}

fn fill_exe_file(ev: &Event<'_>, inputs: &ExecInputs, thread: &mut Thread) {
    let exe_file = &mut thread.exe_file;
    if let Some(bits) = inputs.exe_flags.u32(ev) {
        exe_file.writable = bits & 1 != 0;
        exe_file.upper_layer = bits & 2 != 0;
        exe_file.from_memfd = bits & 4 != 0;
        exe_file.lower_layer = bits & 8 != 0;
    }
    *exe_file = ExeFile {
        ino: inputs.exe_ino.uint(ev).unwrap_or(exe_file.ino),
        ctime_ns: inputs.exe_ctime.uint(ev).unwrap_or(exe_file.ctime_ns),
        mtime_ns: inputs.exe_mtime.uint(ev).unwrap_or(exe_file.mtime_ns),
        ..*exe_file
    };
    exe_file.ctime_to_clone_ns = time_between(exe_file.ctime_ns, thread.clone_ts_ns);
    exe_file.pidns_to_ctime_ns = time_between(thread.pidns_start_ns, exe_file.ctime_ns);
}

/// The path of the new program: the event's own, or that of the enter event in older files.
fn exepath_of(step: &mut Step<'_, '_>, inputs: &ExecInputs) -> Option<Text> {
    if let Some(path) = inputs.exepath.get(step.ev) {
        let path = path.strip_suffix(b" (deleted)").unwrap_or(path);
        return Some(step.text(path));
    }
    let enter = step.enter.take()?;
    let path = match enter.code {
        EXECVE_ENTER => step.state.resolve(step.ev.tid, Some(AT_FDCWD), enter.name.as_deref()?),
        EXECVEAT_ENTER => {
            let name = enter.name.as_deref().unwrap_or(&[]);
            let whole = enter.flags.is_some_and(|f| f & AT_EMPTY_PATH != 0);
            let dirfd = enter.dirfd.filter(|_| !name.starts_with(b"/"));
            match (whole, dirfd) {
                (true, Some(fd)) => step.fd(fd)?.name.clone()?,
                _ => step.state.resolve(step.ev.tid, dirfd, name),
            }
        }
        _ => return None,
    };
    Some(path)
}

/// The thread ends; it leaves the table before the next event, so that this one still sees it.
pub(super) fn exit(step: &mut Step<'_, '_>, inputs: &ExitInputs) {
    let ev = step.ev;
    let reaper = inputs.reaper.int(ev);
    let Some(thread) = step.thread() else { return };
    if let Some(reaper) = reaper.filter(|_| !thread.children.is_empty()) {
        thread.reaper_tid = reaper;
    }
    let ptid = thread.ptid;
    step.state.threads.mark_dead(ev.tid);
    step.state.exits.remember(ev.tid, ptid, ev.ts_ns);
    step.state.pending_exit = Some(ev.tid);
}

/// The process becomes the reaper of its orphans, or takes another name.
pub(super) fn control(step: &mut Step<'_, '_>, inputs: &ControlInputs) {
    let ev = step.ev;
    if !inputs.res.is_success(ev) {
        return;
    }
    match inputs.option.int(ev) {
        // DIFFERENCE(libs 0.25-dev): the name that a thread gives itself is shown from then on.
        Some(PR_SET_NAME) => rename(step, inputs),
        Some(PR_SET_CHILD_SUBREAPER | PR_GET_CHILD_SUBREAPER) => {
            let is_reaper = inputs.number.int(ev).is_some_and(|n| n != 0);
            let Some(pid) = step.thread().map(|t| t.pid) else { return };
            if let Some(group) = step.state.threads.group_mut(pid) {
                group.is_reaper = is_reaper;
            }
        }
        _ => {}
    }
}

fn rename(step: &mut Step<'_, '_>, inputs: &ControlInputs) {
    let Some(name) = inputs.text.get(step.ev) else { return };
    let name = step.text(name.get(..MAX_COMM_BYTES).unwrap_or(name));
    if let Some(thread) = step.thread() {
        thread.comm = name;
    }
}
