//! Fields of the Kubernetes pod that the event's process runs in.
//!
//! In: a [`Ctx`]. Out: [`Value`]s and text. Next: [`crate::filter`].
//! Source: labels that the kubelet gives to containers, `io.kubernetes.*`.

use super::container::{known, of, write_labels};
use super::Get::{Text, Value as Val};
use super::Row;
use crate::ctx::Ctx;
use crate::state::Container;
use crate::value::Value;

/// The fields of this module.
pub const FIELDS: &[Row] = &[
    ("k8s.pod.name", Val(|c, _| known(of(c)?.label("io.kubernetes.pod.name")?))),
    ("k8s.pod.id", Val(|c, _| uid(c))),
    ("k8s.pod.uid", Val(|c, _| uid(c))),
    ("k8s.ns.name", Val(|c, _| known(of(c)?.label("io.kubernetes.pod.namespace")?))),
    ("k8s.pod.sandbox_id", Val(|c, _| known(sandbox_id(of(c)?)?.get(..SHORT_ID_CHARS)?))),
    ("k8s.pod.full_sandbox_id", Val(|c, _| known(sandbox_id(of(c)?)?))),
    ("k8s.pod.label", Val(|c, s| known(sandbox(c)?.pod_sandbox_labels.get(s.word()?)?))),
    (
        "k8s.pod.labels",
        Text(|c, _, style, out| {
            write_labels(sandbox(c).map(|s| &s.pod_sandbox_labels), style, out)
        }),
    ),
    ("k8s.pod.ip", Val(|c, _| known(&sandbox(c)?.ip))),
    ("k8s.pod.cni.json", Val(|c, _| known(&sandbox(c)?.cni_json))),
];

const SHORT_ID_CHARS: usize = 12;

/// The pod's uid: as a label says, else as the control group's path does.
fn uid<'a>(ctx: &Ctx<'a>) -> Option<Value<'a>> {
    let container = of(ctx)?;
    known(container.label("io.kubernetes.pod.uid").unwrap_or(&container.pod_uid))
}

/// Complete id of the container that holds the pod's namespaces.
fn sandbox_id(container: &Container) -> Option<&str> {
    let id = if container.is_pod_sandbox { &container.full_id } else { &container.pod_sandbox_id };
    (!id.is_empty()).then_some(id)
}

/// The container that knows of the pod: its sandbox, when that has been told of, or itself.
fn sandbox<'a>(ctx: &Ctx<'a>) -> Option<&'a Container> {
    let container = of(ctx)?;
    let id = sandbox_id(container)?;
    let told = id.get(..SHORT_ID_CHARS).and_then(|id| ctx.state.containers.get(id.as_bytes()));
    Some(if container.pod_sandbox_labels.is_empty() {
        told.unwrap_or(container)
    } else {
        container
    })
}
