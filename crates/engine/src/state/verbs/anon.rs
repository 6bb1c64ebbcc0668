//! Descriptors without a file: event counters, timers, pipes, memory files, process handles.
//!
//! In: the calls that make them. Out: descriptor tables. Next: `socket`.
//! Source: scap format specification, event semantics 3.

use super::super::fds::{Fd, FdKind};
use super::super::rules::inputs;
use super::file::open_flag;
use super::Step;

inputs! {
    /// Inputs of `make_descriptor`.
    MakeInputs { fd: Num, flags: Num, name: Str, ino: Num }
    consts { kind, cloexec_bits }
}

inputs! {
    /// Inputs of `make_pipe`.
    PipeInputs { res: Num, first: Num, second: Num, ino: Num, flags: Num }
}

inputs! {
    /// Inputs of `make_pidfd`.
    PidfdInputs { fd: Num, pid: Num, flags: Num }
}

inputs! {
    /// Inputs of `take_descriptor`.
    TakeInputs { fd: Num, pidfd: Num, target: Num }
}

/// A descriptor of the kind that the rule names.
pub(super) fn make(step: &mut Step<'_, '_>, inputs: &MakeInputs) {
    let ev = step.ev;
    // DIFFERENCE(libs 0.25-dev): a call that failed makes no descriptor, memfd_create neither.
    let Some(num) = inputs.fd.int(ev).filter(|n| *n >= 0) else { return };
    let flags = inputs.flags.u32(ev).unwrap_or(0);
    let cloexec_bits = u32::try_from(inputs.cloexec_bits).unwrap_or(0);
    let name = inputs.name.get(ev).map(|name| step.text(name));
    let kind = usize::try_from(inputs.kind).ok().and_then(|k| FdKind::ALL.get(k).copied());
    let fd = Fd {
        kind: kind.unwrap_or_default(),
        open_flags: flags,
        cloexec: flags & cloexec_bits != 0,
        name,
        ino: inputs.ino.uint(ev).unwrap_or(0),
        ..Fd::default()
    };
    step.add_fd(num, fd);
}

/// Both ends of a pipe.
pub(super) fn make_pipe(step: &mut Step<'_, '_>, inputs: &PipeInputs) {
    let ev = step.ev;
    let (Some(first), Some(second)) = (inputs.first.int(ev), inputs.second.int(ev)) else { return };
    if !inputs.res.is_success(ev) {
        return;
    }
    let flags = inputs.flags.u32(ev).unwrap_or(0);
    let fd = Fd {
        kind: FdKind::Fifo,
        open_flags: flags,
        cloexec: flags & open_flag::CLOEXEC != 0,
        ino: inputs.ino.uint(ev).unwrap_or(0),
        ..Fd::default()
    };
    step.add_fd(first, fd.clone());
    step.add_fd(second, fd);
}

/// A handle on a process.
pub(super) fn make_pidfd(step: &mut Step<'_, '_>, inputs: &PidfdInputs) {
    let ev = step.ev;
    let Some(num) = inputs.fd.int(ev).filter(|n| *n >= 0) else { return };
    let Some(pid) = inputs.pid.int(ev) else { return };
    let name = step.text(format!("/proc/{pid}").as_bytes());
    let fd = Fd {
        kind: FdKind::Pidfd,
        open_flags: inputs.flags.u32(ev).unwrap_or(0),
        // The kernel always marks them.
        cloexec: true,
        name: Some(name),
        ..Fd::default()
    };
    step.add_fd(num, fd);
}

/// A copy of another process's descriptor, reached through a handle on it.
pub(super) fn take(step: &mut Step<'_, '_>, inputs: &TakeInputs) {
    let ev = step.ev;
    let Some(num) = inputs.fd.int(ev).filter(|n| *n >= 0) else { return };
    let (Some(pidfd), Some(target)) = (inputs.pidfd.int(ev), inputs.target.int(ev)) else {
        return;
    };
    let pid = step.fd(pidfd).filter(|fd| fd.kind == FdKind::Pidfd).and_then(pid_of);
    let Some(thread) = pid.and_then(|pid| step.state.thread(pid)) else { return };
    let Some(mut fd) = step.state.fd(thread, target).cloned() else { return };
    fd.cloexec = true;
    step.add_fd(num, fd);
}

fn pid_of(pidfd: &Fd) -> Option<i64> {
    let digits = pidfd.name.as_deref()?.strip_prefix(b"/proc/")?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}
