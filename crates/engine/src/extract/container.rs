//! Fields of the container that the event's process runs in.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: `k8s`.
//! What the runtime has not told is absent; processes outside containers have the id, name and
//! type "host" and nothing else.

use std::collections::BTreeMap;

use super::Get::{Text, Value as Val};
use super::{Row, Slot};
use crate::ctx::Ctx;
use crate::plan::FieldArg;
use crate::render::Style;
use crate::state::containers::Mount;
use crate::state::Container;
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("container.id", Val(|c, _| c.thread.map(|_| Value::text(id(c))))),
    ("container.full_id", Val(|c, _| known(&of(c)?.full_id))),
    ("container.name", Val(|c, _| or_host(c, |found| &found.name))),
    ("container.type", Val(|c, _| or_host(c, |found| &found.runtime))),
    ("container.image", Val(|c, _| known(&of(c)?.image))),
    ("container.image.id", Val(|c, _| known(&of(c)?.image_id))),
    ("container.image.repository", Val(|c, _| known(&of(c)?.image_repo))),
    ("container.image.tag", Val(|c, _| known(&of(c)?.image_tag))),
    ("container.image.digest", Val(|c, _| known(&of(c)?.image_digest))),
    ("container.privileged", Val(|c, _| of(c)?.privileged.map(Value::Bool))),
    ("container.host_pid", Val(|c, _| of(c)?.host_pid.map(Value::Bool))),
    ("container.host_network", Val(|c, _| of(c)?.host_network.map(Value::Bool))),
    ("container.host_ipc", Val(|c, _| of(c)?.host_ipc.map(Value::Bool))),
    ("container.ip", Val(|c, _| known(&of(c)?.ip))),
    ("container.cni.json", Val(|c, _| known(&of(c)?.cni_json))),
    ("container.start_ts", Val(|c, _| start_ns(c).map(Value::Uint))),
    ("container.duration", Val(|c, _| c.ev.ts_ns.checked_sub(start_ns(c)?).map(Value::Uint))),
    ("container.label", Val(|c, s| known(of(c)?.label(s.word()?)?))),
    (
        "container.labels",
        Text(|c, _, style, out| write_labels(of(c).map(|f| &f.labels), style, out)),
    ),
    ("container.mounts", Text(mounts)),
    ("container.mount", Text(mount)),
    ("container.mount.source", Val(|c, s| known(&chosen(c, s, |m| &m.dest)?.source))),
    ("container.mount.dest", Val(|c, s| known(&chosen(c, s, |m| &m.source)?.dest))),
    ("container.mount.mode", Val(|c, s| known(&chosen(c, s, |m| &m.source)?.mode))),
    ("container.mount.rdwr", Val(|c, s| Some(writable(chosen(c, s, |m| &m.source)?)))),
    ("container.mount.propagation", Val(|c, s| known(&chosen(c, s, |m| &m.source)?.propagation))),
];

/// What processes outside containers have for some fields.
const HOST: &[u8] = b"host";

/// The container; nothing on the host.
pub fn of<'a>(ctx: &Ctx<'a>) -> Option<&'a Container> {
    ctx.state.container_of(ctx.thread?)
}

/// The short id of the container.
pub fn id<'a>(ctx: &Ctx<'a>) -> &'a [u8] {
    of(ctx).map_or(HOST, |found| found.id.as_bytes())
}

/// The name of the user table that applies: the container's id, nothing for the host.
pub fn user_table<'a>(ctx: &Ctx<'a>) -> &'a [u8] {
    of(ctx).map_or(b"", |found| found.id.as_bytes())
}

/// A text that the runtime has told.
pub fn known(text: &str) -> Option<Value<'_>> {
    (!text.is_empty()).then(|| Value::text(text.as_bytes()))
}

fn or_host<'a>(ctx: &Ctx<'a>, part: fn(&'a Container) -> &'a str) -> Option<Value<'a>> {
    ctx.thread?;
    match of(ctx) {
        Some(found) => known(part(found)),
        None => Some(Value::text(HOST)),
    }
}

/// When the pid namespace of the container began.
fn start_ns(ctx: &Ctx<'_>) -> Option<u64> {
    of(ctx)?;
    Some(ctx.thread?.pidns_start_ns).filter(|ns| *ns != 0)
}

/// Appends `key:value, key:value`; false when there is no label.
pub fn write_labels(
    labels: Option<&BTreeMap<String, String>>,
    style: &Style,
    out: &mut Vec<u8>,
) -> bool {
    let Some(labels) = labels.filter(|labels| !labels.is_empty()) else { return false };
    for (i, (key, value)) in labels.iter().enumerate() {
        if i > 0 {
            out.extend_from_slice(b", ");
        }
        style.text(out, key.as_bytes());
        out.push(b':');
        style.text(out, value.as_bytes());
    }
    true
}

fn write_mount(mount: &Mount, style: &Style, out: &mut Vec<u8>) {
    let access = if mount.rdwr { "true" } else { "false" };
    let parts = [&mount.source, &mount.dest, &mount.mode, access, &mount.propagation];
    for (i, part) in parts.into_iter().enumerate() {
        if i > 0 {
            out.push(b':');
        }
        style.text(out, part.as_bytes());
    }
}

fn mounts(ctx: &Ctx<'_>, _: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    let Some(found) = of(ctx).filter(|found| !found.mounts.is_empty()) else { return false };
    for (i, mount) in found.mounts.iter().enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        write_mount(mount, style, out);
    }
    true
}

fn mount(ctx: &Ctx<'_>, slot: &Slot, style: &Style, out: &mut Vec<u8>) -> bool {
    super::proc::on(chosen(ctx, slot, |m| &m.source), |mount| write_mount(mount, style, out))
}

fn writable(mount: &Mount) -> Value<'_> {
    Value::text(if mount.rdwr { b"true" } else { b"false" })
}

/// The mount at a position, or the first whose path matches a pattern.
fn chosen<'a>(ctx: &Ctx<'a>, slot: &Slot, path: fn(&Mount) -> &str) -> Option<&'a Mount> {
    let mounts = &of(ctx)?.mounts;
    match &slot.arg {
        Some(FieldArg::Index(n)) => mounts.get(usize::try_from(*n).ok()?),
        Some(FieldArg::Key(pattern)) => mounts
            .iter()
            .find(|m| crate::filter::glob::matches(pattern.as_bytes(), path(m).as_bytes(), false)),
        _ => None,
    }
}
