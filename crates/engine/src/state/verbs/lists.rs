//! Users, groups and containers that events tell of.
//!
//! In: events 324, 354 to 360 and 402. Out: the user table and the container table.
//! Source: scap format specification, event semantics 4.

use super::super::rules::inputs;
use super::super::users::{Group, User};
use super::Step;
use crate::bytes::trim_nul;

inputs! {
    /// Inputs of `add_user` and `remove_user`.
    UserInputs { uid: Num, gid: Num, name: Str, home: Str, shell: Str, container: Str }
}

inputs! {
    /// Inputs of `add_group` and `remove_group`.
    GroupInputs { gid: Num, name: Str, container: Str }
}

inputs! {
    /// Inputs of `describe_container`: the text of a container event, or of an asynchronous
    /// event called `name`.
    ContainerInputs { name: Str, json: Str, data: Raw }
}

/// A user became known.
pub(super) fn add_user(step: &mut Step<'_, '_>, inputs: &UserInputs) {
    let ev = step.ev;
    let Some(uid) = inputs.uid.u32(ev) else { return };
    let name = inputs.name.get(ev).unwrap_or(&[]);
    if is_network_name(name) {
        return;
    }
    let user = User {
        uid,
        gid: inputs.gid.u32(ev).unwrap_or(u32::MAX),
        name: step.text(name),
        homedir: step.text(inputs.home.get(ev).unwrap_or(&[])),
        shell: step.text(inputs.shell.get(ev).unwrap_or(&[])),
    };
    step.state.users.insert_user(inputs.container.get(ev).unwrap_or(&[]), user);
}

/// A user is gone.
pub(super) fn remove_user(step: &mut Step<'_, '_>, inputs: &UserInputs) {
    if let Some(uid) = inputs.uid.u32(step.ev) {
        step.state.users.remove_user(inputs.container.get(step.ev).unwrap_or(&[]), uid);
    }
}

/// A group became known.
pub(super) fn add_group(step: &mut Step<'_, '_>, inputs: &GroupInputs) {
    let ev = step.ev;
    let Some(gid) = inputs.gid.u32(ev) else { return };
    let name = inputs.name.get(ev).unwrap_or(&[]);
    if is_network_name(name) {
        return;
    }
    let group = Group { gid, name: step.text(name) };
    step.state.users.insert_group(inputs.container.get(ev).unwrap_or(&[]), group);
}

/// A group is gone.
pub(super) fn remove_group(step: &mut Step<'_, '_>, inputs: &GroupInputs) {
    if let Some(gid) = inputs.gid.u32(step.ev) {
        step.state.users.remove_group(inputs.container.get(step.ev).unwrap_or(&[]), gid);
    }
}

/// Names that begin so stand for entries of a network directory, not for users.
fn is_network_name(name: &[u8]) -> bool {
    matches!(name.first(), Some(b'+' | b'-'))
}

/// A container became known.
pub(super) fn describe_container(step: &mut Step<'_, '_>, inputs: &ContainerInputs) {
    let ev = step.ev;
    if inputs.name.get(ev).is_some_and(|name| name != b"container") {
        return;
    }
    let json = inputs.json.get(ev).or_else(|| inputs.data.get(ev).map(trim_nul));
    if let Some(json) = json {
        step.state.containers.describe(json);
    }
}
