"""How containers are recognised, and what their runtimes are called.

In:  nothing. Out: `RUNTIMES`, `CGROUP_PATTERNS`. Next: `pyscap.plan`, then the engine's
`state::containers`; `probe/containers.py` asks the runtimes for names.
A pattern is held against each component of a control group path, from the last to the first; `:`
separates components like `/`. The component must be `prefix` + id + `suffix`, the id of the
stated form; `parent`, when given, is the component before it. A pattern without a runtime says
that the path is that of no container.
Source: cgroups(7); systemd.slice(5), "machine-NAME.scope"; OCI runtime specification, cgroupsPath;
the drivers "cgroupfs" and "systemd" of Docker 20 to 28, containerd 1.4 to 2.1, CRI-O 1.20 to 1.33
and Podman 3 to 5; LXC 3 to 6. Runtime numbers: container events of the scap format.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

IdForm = Literal["hex64", "hex", "name"]
"""`hex64`: 64 hexadecimal digits; `hex`: 12 to 64 of them; `name`: anything but nothing."""


class Runtime(NamedTuple):
    """A container runtime."""

    number: int
    """Value of "type" in container events."""
    name: str
    """Value of `container.type`."""


class CgroupPattern(NamedTuple):
    """A form of control group path and the runtime that makes it."""

    runtime: str
    prefix: str = ""
    suffix: str = ""
    id_form: IdForm = "hex64"
    parent: str = ""


RUNTIMES: tuple[Runtime, ...] = (
    Runtime(0, "docker"),
    Runtime(1, "lxc"),
    Runtime(2, "libvirt-lxc"),
    Runtime(3, "mesos"),
    Runtime(4, "rkt"),
    Runtime(5, "custom"),
    Runtime(6, "cri"),
    Runtime(7, "containerd"),
    Runtime(8, "cri-o"),
    Runtime(9, "bpm"),
    Runtime(10, "static"),
    Runtime(11, "podman"),
    # Of our own: other readers show a number they do not know as unknown.
    Runtime(1001, "runc"),
    Runtime(1002, "nspawn"),
)

P = CgroupPattern

A_POD = "<pod>"
"""As parent: the component before is a Kubernetes pod, `podUID` or a slice whose name ends so."""

CGROUP_PATTERNS: tuple[CgroupPattern, ...] = (
    P("docker", "docker-", ".scope"),
    P("docker", parent="docker"),
    P("containerd", "cri-containerd-", ".scope"),
    P("containerd", parent="cri-containerd"),
    P("containerd", "nerdctl-", ".scope"),
    P("cri-o", "crio-", ".scope"),
    P("cri-o", "crio-"),
    P("podman", "libpod-", ".scope"),
    P("podman", "libpod-"),
    P("cri", parent=A_POD),
    P("lxc", "lxc.payload.", id_form="name"),
    P("lxc", id_form="name", parent="lxc.payload"),
    P("lxc", id_form="name", parent="lxc"),
    P("libvirt-lxc", "machine-lxc\\x2d", ".scope", "name"),
    P("libvirt-lxc", "", ".libvirt-lxc", "name"),
    P("nspawn", "systemd-nspawn@", ".service", "name"),
    P("", "machine-qemu\\x2d", ".scope", "name"),
    P("nspawn", "machine-", ".scope", "name", parent="machine.slice"),
    P("runc", "runc-", ".scope", "name"),
    P("runc", id_form="name", parent="runc"),
    # Namespaces of containerd itself: "default" holds what ctr and nerdctl start.
    P("containerd", parent="default"),
    P("containerd", parent="k8s.io"),
)
"""Tried in this order on each component."""

POD_NAME_LABEL = "io.kubernetes.pod.name"
POD_NAMESPACE_LABEL = "io.kubernetes.pod.namespace"
POD_UID_LABEL = "io.kubernetes.pod.uid"
SHORT_ID_CHARS = 12
"""Length of `container.id`."""
