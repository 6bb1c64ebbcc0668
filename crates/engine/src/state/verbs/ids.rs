//! Who a thread is: users, groups, capabilities.
//!
//! In: the set*id family, capset, unshare, setns. Out: ids and capabilities of the thread.
//! Source: scap format specification, event semantics 2.

use super::super::rules::inputs;
use super::super::threads::{flag, Caps, NO_ID};
use super::Step;

/// The capabilities the format knows: 0 to 40.
const ALL_CAPS: u64 = (1 << 41) - 1;

inputs! {
    /// Inputs of `set_ids`.
    IdInputs { res: Num, uid: Num, gid: Num }
}

inputs! {
    /// Inputs of `set_capabilities`.
    CapInputs { res: Num, inheritable: Num, permitted: Num, effective: Num }
}

inputs! {
    /// Inputs of `enter_namespaces`.
    NamespaceInputs { res: Num, flags: Num }
}

/// The thread has another effective user or group.
pub(super) fn set_ids(step: &mut Step<'_, '_>, inputs: &IdInputs) {
    if inputs.res.int(step.ev) != Some(0) {
        return;
    }
    // DIFFERENCE(libs 0.25-dev): -1 is "keep", not the number 4294967295.
    let uid = inputs.uid.u32(step.ev).filter(|id| *id != NO_ID);
    let gid = inputs.gid.u32(step.ev).filter(|id| *id != NO_ID);
    if let Some(thread) = step.thread() {
        thread.uid = uid.unwrap_or(thread.uid);
        thread.gid = gid.unwrap_or(thread.gid);
    }
}

/// The thread has other capabilities.
pub(super) fn set_caps(step: &mut Step<'_, '_>, inputs: &CapInputs) {
    let ev = step.ev;
    if inputs.res.int(ev) != Some(0) {
        return;
    }
    let Some(thread) = step.thread() else { return };
    let caps = &mut thread.caps;
    *caps = Caps {
        inheritable: inputs.inheritable.uint(ev).unwrap_or(caps.inheritable),
        permitted: inputs.permitted.uint(ev).unwrap_or(caps.permitted),
        effective: inputs.effective.uint(ev).unwrap_or(caps.effective),
    };
}

/// The first thread in a user namespace has every capability in it.
pub(super) fn enter_namespaces(step: &mut Step<'_, '_>, inputs: &NamespaceInputs) {
    let new_user = inputs.flags.u32(step.ev).is_some_and(|f| f & flag::CLONE_NEWUSER != 0);
    if inputs.res.int(step.ev) != Some(0) || !new_user {
        return;
    }
    if let Some(thread) = step.thread() {
        thread.caps = Caps { inheritable: ALL_CAPS, permitted: ALL_CAPS, effective: ALL_CAPS };
    }
}
