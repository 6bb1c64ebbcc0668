//! Descriptors of files: open, close, duplicate.
//!
//! In: the open family, close, close_range, the dup family, fcntl. Out: descriptor tables.
//! Next: `anon`, `socket`.
//! Source: scap format specification, event semantics 3.

use super::super::fds::{Fd, FdKind};
use super::super::rules::inputs;
use super::super::threads::flag;
use super::Step;
use crate::path;

/// Open flags in the format's numbering.
pub(super) mod open_flag {
    pub const DIRECTORY: u32 = 1 << 10;
    pub const CLOEXEC: u32 = 1 << 12;
    /// From here on the bits are the kernel's findings, not the caller's wishes.
    pub const FOUND: u32 = !((1 << 14) - 1);
    /// Where the layer bits of creat stand among the open flags.
    pub const UPPER_LAYER_SHIFT: u32 = 15;
}

/// Stands for the working directory in the place of a directory descriptor.
pub(crate) const AT_FDCWD: i64 = -100;

/// Commands of fcntl in the format's numbering.
const F_DUPFD: i64 = 1;
const F_SETFD: i64 = 3;
const F_DUPFD_CLOEXEC: i64 = 26;

/// Flag of close_range: mark instead of closing.
const CLOSE_RANGE_CLOEXEC: u32 = 1 << 2;

inputs! {
    /// Inputs of `open_file`.
    OpenInputs { fd: Num, name: Str, dirfd: Num, flags: Num, dev: Num, ino: Num, layer: Num }
    consts { enter, relative_to_descriptor }
}

inputs! {
    /// Inputs of `close`.
    CloseInputs { res: Num, fd: Num }
}

inputs! {
    /// Inputs of `close_range`.
    CloseRangeInputs { res: Num, first: Num, last: Num, flags: Num }
}

inputs! {
    /// Inputs of `duplicate`.
    DuplicateInputs { res: Num, old: Num, flags: Num }
}

inputs! {
    /// Inputs of `control_descriptor`.
    ControlInputs { res: Num, fd: Num, command: Num, number: Num }
}

/// A file or directory was opened.
pub(super) fn open_file(step: &mut Step<'_, '_>, inputs: &OpenInputs) {
    let ev = step.ev;
    let Some(num) = inputs.fd.int(ev).filter(|n| *n >= 0) else { return };
    let mut flags = inputs.flags.u32(ev).unwrap_or(0);
    flags |= inputs.layer.u32(ev).unwrap_or(0) << open_flag::UPPER_LAYER_SHIFT;
    let enter = step.enter.take();
    let enter = enter.filter(|e| i64::from(e.code) == inputs.enter && e.name.is_some());
    // The values of the enter event cannot have been changed by the program meanwhile.
    let (name, dirfd) = match &enter {
        Some(enter) => {
            flags = enter.flags.unwrap_or(0) | (flags & open_flag::FOUND);
            (enter.name.as_deref(), enter.dirfd)
        }
        None => (inputs.name.get(ev), inputs.dirfd.int(ev)),
    };
    let name = name.unwrap_or(b"<NA>");
    let dirfd = if inputs.relative_to_descriptor != 0 { dirfd } else { Some(AT_FDCWD) };
    let path = step.state.resolve(ev.tid, dirfd, name);
    let is_directory = flags & open_flag::DIRECTORY != 0;
    let fd = Fd {
        kind: if is_directory { FdKind::Directory } else { FdKind::FileV2 },
        raw_name: Some(raw_name(step, name, &path)),
        name: Some(path),
        open_flags: flags,
        cloexec: flags & open_flag::CLOEXEC != 0,
        dev: inputs.dev.u32(ev).unwrap_or(0),
        ino: inputs.ino.uint(ev).unwrap_or(0),
        ..Fd::default()
    };
    step.add_fd(num, fd);
}

/// The path as it was given, with runs of slashes made one.
fn raw_name(step: &mut Step<'_, '_>, name: &[u8], path: &super::Text) -> super::Text {
    if name == &**path {
        return path.clone();
    }
    let mut raw = std::mem::take(&mut step.state.scratch);
    path::collapse_slashes(name, &mut raw);
    let text = step.text(&raw);
    step.state.scratch = raw;
    text
}

/// A descriptor was closed; it leaves the table before the next event.
pub(super) fn close(step: &mut Step<'_, '_>, inputs: &CloseInputs) {
    let ev = step.ev;
    if inputs.res.is_success(ev) {
        step.state.pending_close = inputs.fd.int(ev).map(|num| (ev.tid, num));
    }
}

/// A run of descriptors was closed, or marked to be closed at exec.
pub(super) fn close_range(step: &mut Step<'_, '_>, inputs: &CloseRangeInputs) {
    let ev = step.ev;
    let (Some(first), Some(last)) = (inputs.first.uint(ev), inputs.last.uint(ev)) else { return };
    if !inputs.res.is_success(ev) {
        return;
    }
    let marks = inputs.flags.u32(ev).is_some_and(|f| f & CLOSE_RANGE_CLOEXEC != 0);
    let Some(fds) = step.fds() else { return };
    let within = |num: i64| u64::try_from(num).is_ok_and(|n| (first..=last).contains(&n));
    if marks {
        fds.change_where(|num, _| within(num), |fd| fd.cloexec = true);
    } else {
        fds.remove_where(|num, _| within(num));
    }
}

/// A descriptor has a second number.
pub(super) fn duplicate(step: &mut Step<'_, '_>, inputs: &DuplicateInputs) {
    let ev = step.ev;
    let Some(num) = inputs.res.int(ev).filter(|n| *n >= 0) else { return };
    // A process that puts a descriptor in the place of its input or output is part of a pipeline.
    if let Some(thread) = step.thread() {
        thread.flags |= match num {
            0 => flag::PIPE_DST,
            1 => flag::PIPE_SRC,
            _ => 0,
        };
    }
    let cloexec = inputs.flags.u32(ev).is_some_and(|f| f & open_flag::CLOEXEC != 0);
    copy(step, inputs.old.int(ev), num, cloexec);
}

fn copy(step: &mut Step<'_, '_>, old: Option<i64>, num: i64, cloexec: bool) {
    let Some(mut fd) = old.and_then(|old| step.fd(old)).cloned() else { return };
    fd.cloexec = cloexec;
    step.applied.fd_num = Some(num);
    step.put_fd(num, fd);
}

/// A descriptor has a second number, or is marked to be closed at exec.
pub(super) fn control(step: &mut Step<'_, '_>, inputs: &ControlInputs) {
    let ev = step.ev;
    let (Some(res), Some(num)) = (inputs.res.int(ev), inputs.fd.int(ev)) else { return };
    if res < 0 {
        return;
    }
    match inputs.command.int(ev) {
        Some(F_DUPFD) => copy(step, Some(num), res, false),
        Some(F_DUPFD_CLOEXEC) => copy(step, Some(num), res, true),
        Some(F_SETFD) => {
            let Some(mark) = inputs.number.uint(ev) else { return };
            if let Some(fd) = step.fds().and_then(|fds| fds.get_mut(num)) {
                fd.cloexec = mark & 1 != 0;
            }
        }
        _ => {}
    }
}
