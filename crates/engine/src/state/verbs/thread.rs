//! What a thread changes of itself: directories, limits, counters, session.
//!
//! In: chdir, chroot, rlimits, memory calls, setsid, scheduler switches, and enter events.
//! Out: fields of [`Thread`]. Next: `ids`.
//! Source: scap format specification, event semantics 2.

use super::super::enter::Enter;
use super::super::rules::inputs;
use super::super::threads::Memory;
use super::super::Thread;
use super::Step;
use crate::event::Event;
use crate::path;

/// Number of the limit of open descriptors.
const RLIMIT_NOFILE: i64 = 7;

inputs! {
    /// Inputs of `remember_enter`.
    EnterInputs { name: Str, dirfd: Num, flags: Num, addr: Raw }
}

inputs! {
    /// Inputs of `set_session`.
    SessionInputs { res: Num }
}

inputs! {
    /// Inputs of `limit_descriptors`.
    LimitInputs { res: Num, limit: Num, resource: Num, pid: Num }
}

inputs! {
    /// Inputs of `change_directory`.
    DirectoryInputs { res: Num, path: Str, fd: Num }
}

inputs! {
    /// Inputs of `change_root`.
    RootInputs { res: Num, path: Str }
}

inputs! {
    /// Inputs of `count_memory`.
    MemoryInputs { vm_size: Num, vm_rss: Num, vm_swap: Num }
}

inputs! {
    /// Inputs of `switch_out`.
    SwitchInputs { pgft_maj: Num, pgft_min: Num, vm_size: Num, vm_rss: Num, vm_swap: Num }
}

/// Keeps what an enter event says for the exit event that follows it.
pub(super) fn remember_enter(step: &mut Step<'_, '_>, inputs: &EnterInputs) {
    let ev = step.ev;
    step.applied.hidden = true;
    let enter = Enter {
        code: ev.code,
        name: inputs.name.get(ev).map(<[u8]>::to_vec),
        dirfd: inputs.dirfd.int(ev),
        flags: inputs.flags.u32(ev),
        addr: inputs.addr.get(ev).map(<[u8]>::to_vec),
    };
    if let Some(thread) = step.thread() {
        thread.enter = Some(Box::new(enter));
    }
}

/// The thread leads a session of its own.
pub(super) fn set_session(step: &mut Step<'_, '_>, inputs: &SessionInputs) {
    let Some(sid) = inputs.res.int(step.ev).filter(|r| *r >= 0) else { return };
    if let Some(thread) = step.thread() {
        thread.sid = sid;
    }
}

/// The limit of open descriptors changes; it belongs to the process.
pub(super) fn limit_fds(step: &mut Step<'_, '_>, inputs: &LimitInputs) {
    let ev = step.ev;
    let is_fds = inputs.resource.int(ev) == Some(RLIMIT_NOFILE);
    let Some(limit) = inputs.limit.int(ev).filter(|l| *l != -1) else { return };
    if inputs.res.int(ev) != Some(0) || !is_fds {
        return;
    }
    let target = inputs.pid.int(ev).filter(|pid| *pid != 0).unwrap_or(ev.tid);
    if let Some(main) = step.state.main_mut(target) {
        main.fdlimit = limit;
    }
}

/// The process works in another directory.
pub(super) fn change_directory(step: &mut Step<'_, '_>, inputs: &DirectoryInputs) {
    let ev = step.ev;
    if !inputs.res.is_success(ev) {
        return;
    }
    let target = match inputs.fd.int(ev) {
        Some(fd) => step.fd(fd).and_then(|fd| fd.name.as_deref()).map(<[u8]>::to_vec),
        None => inputs.path.get(ev).map(<[u8]>::to_vec),
    };
    if let Some(target) = target {
        set_directory(step, &target);
    }
}

/// The process works in `target`, which is relative to where it worked before.
pub(super) fn set_directory(step: &mut Step<'_, '_>, target: &[u8]) {
    let mut cwd = std::mem::take(&mut step.state.scratch);
    path::join_stored(step.state.cwd(step.ev.tid), target, &mut cwd);
    if cwd.last() != Some(&b'/') {
        cwd.push(b'/');
    }
    let text = step.text(&cwd);
    step.state.scratch = cwd;
    if let Some(main) = step.main_thread() {
        main.cwd = text;
    }
}

/// The thread has another root directory; its working directory stays.
pub(super) fn change_root(step: &mut Step<'_, '_>, inputs: &RootInputs) {
    let ev = step.ev;
    let (Some(0), Some(target)) = (inputs.res.int(ev), inputs.path.get(ev)) else { return };
    let mut root = std::mem::take(&mut step.state.scratch);
    path::join_stored(step.state.cwd(ev.tid), target, &mut root);
    let text = step.text(&root);
    step.state.scratch = root;
    if let Some(thread) = step.thread() {
        thread.root = text;
    }
}

/// Memory calls tell the sizes after them, also when they fail.
pub(super) fn count_memory(step: &mut Step<'_, '_>, inputs: &MemoryInputs) {
    let ev = step.ev;
    let Some(thread) = step.thread() else { return };
    let memory = &mut thread.memory;
    memory.vmsize_kb = inputs.vm_size.u32(ev).unwrap_or(memory.vmsize_kb);
    memory.vmrss_kb = inputs.vm_rss.u32(ev).unwrap_or(memory.vmrss_kb);
    memory.vmswap_kb = inputs.vm_swap.u32(ev).unwrap_or(memory.vmswap_kb);
}

/// The thread leaves the processor: faults are its own, sizes belong to the process.
pub(super) fn switch_out(step: &mut Step<'_, '_>, inputs: &SwitchInputs) {
    let ev = step.ev;
    let Some(thread) = step.thread() else { return };
    let memory = &mut thread.memory;
    memory.pfmajor = inputs.pgft_maj.uint(ev).unwrap_or(memory.pfmajor);
    memory.pfminor = inputs.pgft_min.uint(ev).unwrap_or(memory.pfminor);
    if let Some(main) = step.main_thread() {
        set_sizes(main, inputs, ev);
    }
}

fn set_sizes(main: &mut Thread, inputs: &SwitchInputs, ev: &Event<'_>) {
    let old = main.memory;
    main.memory = Memory {
        vmsize_kb: inputs.vm_size.u32(ev).unwrap_or(old.vmsize_kb),
        vmrss_kb: inputs.vm_rss.u32(ev).unwrap_or(old.vmrss_kb),
        vmswap_kb: inputs.vm_swap.u32(ev).unwrap_or(old.vmswap_kb),
        ..old
    };
}
